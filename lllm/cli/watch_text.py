"""Functions, cells and services as a person reads them while they run: shortened, and each thing once. Pure."""

from __future__ import annotations

import re
from typing import Any

from lllm.cli.screen import preview
from lllm.export.asked import parse_asked, render_call, tell_step
from lllm.export.cells import CellView, ServiceView, parse_step, parse_value
from lllm.llm.stream import StepEvent
from lllm.models.function import FunctionCall
from lllm.utils import visible

MAX_LINES, MAX_CHARS, MAX_LINE_CHARS = 24, 2400, 500
_NAME_CHARS = 30
_TRACEBACK = re.compile(
    r"^(?:-{20,}\n)?(?:\S+ +)?Traceback \(most recent call last\)|^ *(?:Cell In\[\d+\]|File \S+), line \d+$",
    re.MULTILINE,
)
_RAISED = re.compile(r"(?:\w+\.)*[A-Z]\w*(?:: .*)?")


def fit_line(line: str, width: int) -> str:
    """Return a line that a terminal of so many columns does not wrap, and that holds nothing that it obeys."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - heavy

    shown = visible(line).expandtabs(4)
    return shown if cell_len(shown) <= width else f"{set_cell_size(shown, max(width, 1) - 1).rstrip()}…"


def render_asked(call: FunctionCall) -> str:
    """Return what a model calls: on one line, or its code and other long texts in lines of their own."""
    if not parse_asked(call.raw_arguments).texts:
        return f"{call.name}({preview(call.raw_arguments, MAX_LINE_CHARS)})"
    return _cut(render_call(call.name, call.raw_arguments))


def render_again(call: FunctionCall) -> str:
    """Return on one line which call the next lines are of."""
    texts = parse_asked(call.raw_arguments).texts
    told = f"{call.name}: {' '.join(texts.values())}" if texts else f"{call.name}({call.raw_arguments})"
    return preview(told, MAX_LINE_CHARS)


def render_result(call: FunctionCall, reason: str | None = None) -> str:
    """Return what came of a call: one line of it, or of what was asked for in many lines, its first ones and its last.

    Args:
        call: with its result.
        reason: what the cell that it ran failed of, empty where it did not fail; None where it ran none.
    """
    before, raised = split_error(call.result_str) if reason is None else (_before(call.result_str, reason), reason)
    if not parse_asked(call.raw_arguments).texts:
        return f"  = {preview(raised or call.result_str, MAX_LINE_CHARS)}"
    text = call.result_str if before is None else f"{before}{preview(raised, MAX_LINE_CHARS)}"
    return "  = " + _cut(text.strip("\n")).replace("\n", "\n    ")


def split_error(text: str) -> tuple[str | None, str]:
    """Return what stands before the traceback that a text ends with, and its last line; None and nothing else."""
    found, last = _TRACEBACK.search(text), text.rstrip().rpartition("\n")[2]
    return (text[: found.start()], last) if found and _RAISED.fullmatch(last) else (None, "")


def render_step(event: StepEvent, *, among: bool = False) -> str:
    """Return on one line that a cell or a service's call begins, or what came of it; empty for other steps.

    Args:
        event: of the step.
        among: whether others like it are under way, so that its end says which one ends.
    """
    whose = _name_of(event) if among else ""
    if event.error:
        return f"  {event.name} failed{f' ({whose})' if whose else ''}: {preview(event.error, MAX_LINE_CHARS)}"
    if not event.done:
        told = tell_step({"name": event.name, "about": event.about}, limit_chars=MAX_LINE_CHARS)
        return f"  {told}" if told else ""
    data = {"name": event.name, "value": event.value}
    ended = parse_value(0, data)
    if isinstance(ended, CellView):
        told = preview(ended.in_short(MAX_LINE_CHARS * 4), MAX_LINE_CHARS)
        return f"  cell {ended.status}{f' ({whose})' if whose else ''}: {told}"
    return "" if ended is None else f"  {whose}{' ' * bool(whose)}{tell_step(data, limit_chars=MAX_LINE_CHARS)}"


def find_reason(event: StepEvent) -> str:
    """Return what the cell that has ended failed of; empty where it did not."""
    ended = parse_value(0, {"name": event.name, "value": event.value})
    return ended.reason() if isinstance(ended, CellView) else ""


def _before(text: str, reason: str) -> str | None:
    """Return what a cell wrote before the traceback at the end of what is told of it; None where there is none."""
    found = _TRACEBACK.search(text) if reason else None
    return text[: found.start()] if found else None


def _name_of(event: StepEvent) -> str:
    """Return the first words of what a step is about."""
    data: dict[str, Any] = {"name": event.name, "about": event.about}
    begun = parse_step(0, data)
    if isinstance(begun, ServiceView):
        return preview(tell_step(data).removeprefix("calls "), 2 * _NAME_CHARS)
    return "" if begun is None else preview(begun.code, _NAME_CHARS)


def _cut(text: str) -> str:
    """Return the first lines of a text, how much more there is, and its last line."""
    lines = text[:MAX_CHARS].split("\n")
    shown = "\n".join(lines[:MAX_LINES])
    if len(shown) == len(text):
        return shown
    rest = text[len(shown) :].rstrip("\n")
    last = rest[rest.rfind("\n") :][:MAX_LINE_CHARS] if rest.count("\n") > 1 else ""
    return f"{shown}\n… [{len(text) - len(shown) - len(last)} more characters]{last}"
