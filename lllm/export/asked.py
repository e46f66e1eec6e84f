"""What a model, or a cell, asked for, as text: code stands in lines of its own, as its author wrote it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple, cast

from lllm.export.actions import (
    ActionView,
    ApprovalView,
    parse_begun,
    parse_ended,
    render_action,
    render_answer,
    render_approval,
    render_seen,
    to_line,
)
from lllm.export.cells import CellView, ServiceView, parse_step, parse_value
from lllm.export.facts import to_text

_LONG_CHARS = 60
_ESCAPED = re.compile(r'[\n"\\]')
_FIRST_CHARS = 80


class Asked(NamedTuple):
    """The arguments of a function's call: those that are read as texts, and the others as JSON."""

    texts: dict[str, str]
    rest: str


def parse_asked(raw: str, without: Collection[str] = ()) -> Asked:
    """Return a model's arguments; what is no JSON object stands in ``rest`` as it is.

    A text is read as one when it is long, has several lines, or would be hard to read as JSON.

    Args:
        raw: as the model wrote them.
        without: texts that are shown elsewhere.
    """
    told = load_object(raw)
    if without:
        told = {key: value for key, value in told.items() if value not in without}
    texts = {key: value for key, value in told.items() if isinstance(value, str) and _is_text(value)}
    if not texts and not without:
        return Asked({}, raw)
    rest = {key: value for key, value in told.items() if key not in texts}
    return Asked(texts, json.dumps(rest, ensure_ascii=False) if rest else "")


def load_object(raw: str) -> dict[str, Any]:
    """Return a JSON object; an empty one in place of anything else."""
    try:
        told: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def render_call(name: str, raw: str) -> str:
    """Return a function's call: on one line, or with its long texts indented below it."""
    asked = parse_asked(raw)
    if not asked.texts:
        return f"{name}({asked.rest})"
    return "\n".join([f"{name}({asked.rest})" if asked.rest else name, *_blocks(asked.texts)])


def render_item(service: ServiceView | ActionView | ApprovalView, *, limit_chars: int = _FIRST_CHARS) -> str:
    """Return the call of a service on one line, and the first words of its answer; or what a browser did, or was asked.

    What happened meanwhile in a browser stands in lines below.
    """
    if isinstance(service, ActionView):
        return render_action(service, 2 * limit_chars)
    if isinstance(service, ApprovalView):
        return render_approval(service, 2 * limit_chars)
    asked = f"{to_line(service.endpoint, limit_chars)}({to_line(_to_params(service.params), limit_chars)})"
    return f"{asked} -> {_answer(service, limit_chars)}"


def tell_step(data: dict[str, Any], *, limit_chars: int = _FIRST_CHARS) -> str:
    """Return on one line what one event tells of a cell, a service or a browser; empty where it tells of none."""
    begun, ended = parse_step(0, data), parse_value(0, data)
    if isinstance(begun, CellView):
        return f"runs {to_line(begun.code, limit_chars)}"
    if begun is not None:
        return f"calls {to_line(begun.endpoint, limit_chars)}({to_line(_to_params(begun.params), limit_chars)})"
    if isinstance(ended, CellView):
        mark = "" if ended.is_isolated else ", without isolation"
        return f"cell {ended.status}{mark}: {to_line(ended.in_short(limit_chars * 4), limit_chars)}"
    return _tell_action(data, limit_chars) if ended is None else f"-> {_answer(ended, limit_chars)}"


def _tell_action(data: dict[str, Any], limit_chars: int) -> str:
    begun, ended = parse_begun(0, data), parse_ended(0, data)
    if isinstance(begun, ActionView):
        return f"browser: {to_line(begun.action, limit_chars)}"
    if begun is not None:
        return f"approval: {to_line(f'{begun.asked} {begun.what}', limit_chars)}"
    if ended is None:
        return ""
    told = render_seen(ended, limit_chars) if isinstance(ended, ActionView) else render_answer(ended, limit_chars)
    return f"-> {told}"


def _answer(service: ServiceView, limit_chars: int) -> str:
    if service.status == "open":
        return "no answer is logged"
    if service.status == "failed":
        return f"failed: {to_line(service.error, limit_chars)}"
    return to_line(to_json(service.answer), limit_chars)


def to_json(value: Any, indent: int | None = None) -> str:
    """Return JSON data as text, a text too."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent)
    except RecursionError:  # what could be read and written on one line may be too deep for this
        return "[nested too deeply to be shown]"


def _is_text(value: str) -> bool:
    return len(value) > _LONG_CHARS or _ESCAPED.search(value) is not None


def _blocks(texts: Mapping[str, str]) -> Iterator[str]:
    for key, text in texts.items():
        yield f"  {key}:"
        yield from (f"    {line}" for line in text.rstrip("\n").split("\n"))


def _to_params(params: Any) -> str:
    """Return parameters as Python's keywords are written, which is shorter than JSON; other data as JSON."""
    if not isinstance(params, dict):
        return to_text(params)
    pairs = cast("dict[str, Any]", params).items()
    return ", ".join(f"{key}={to_json(value)}" for key, value in pairs)
