"""Say in a few lines what is wrong with a value, so that the model which wrote it can mend it.

One line a fault: ``path: expected X, got Y (value)``. Short, because every character is paid for at every retry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

MAX_FAULTS = 10
MAX_CHARS = 1500
_MAX_VALUE = 60
_MAX_LINE = 300


def render_faults(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return the text for a model of what pydantic reports in ``ValidationError.errors()``. Pure.

    At most 10 faults and 1,500 characters; what is left out is counted.
    """
    lines = [clip(_line(error), _MAX_LINE) for error in errors[:MAX_FAULTS]]
    kept: list[str] = []
    room = MAX_CHARS - 40
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    if more := len(errors) - len(kept):
        kept.append(f"and {more} more faults")
    return "\n".join(kept)


def _line(error: Mapping[str, Any]) -> str:
    where, kind, value = render_path(error["loc"]), str(error["type"]), error.get("input")
    if kind == "missing":
        return f"{where}: expected a value, got nothing: this field is required"
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        return f"{where}: expected no such field, got {render_value(value)}: leave it out"
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    for start in ("Input should be ", "Input should "):
        if message.startswith(start):
            return f"{where}: expected {message.removeprefix(start)}, got {render_value(value)}"
    return f"{where}: {message}; got {render_value(value)}"


def render_path(loc: Sequence[int | str]) -> str:
    """Return ``items[2].name`` for ``("items", 2, "name")``."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{clip(part, 40)}" for part in loc)
    return path.removeprefix(".") or "(the whole value)"


def render_value(value: Any) -> str:
    """Return ``kind (value)`` in JSON's words, in at most 80 characters or so."""
    if isinstance(value, Mapping):
        keys = [clip(str(key), 20) for key in list(cast("Mapping[Any, Any]", value))[:3]]
        return f"object ({', '.join(keys) or 'empty'})"
    if isinstance(value, list | tuple | set | frozenset):
        return f"array ({len(cast('Sequence[Any]', value))} items)"
    kind = _kind(value)
    if isinstance(value, str):
        return f"{kind} ({json.dumps(clip(value, _MAX_VALUE), ensure_ascii=False)})"
    return kind if value is None else f"{kind} ({clip(_plain(value), _MAX_VALUE)})"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "text"))
    return next((name for kind, name in kinds if isinstance(value, kind)), type(value).__name__)


def _plain(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):  # not JSON, or an integer with more digits than Python prints
        return "..."


def clip(text: str, limit: int) -> str:
    """Return at most ``limit`` characters, the last three of them dots where something was cut off."""
    return text if len(text) <= limit else text[: limit - 3] + "..."
