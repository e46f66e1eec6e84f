"""The cells that a session ran, the services that it called and what it did in a browser, as a person reads them. Pure.

All are steps of the session. Where a model's function made them, its call's scope is around theirs; a call that a cell
made has the scope of the cell around it, too, and a question has that of the action that led to it. A log may come from
anywhere, so nothing in it is believed: the outputs of a cell are made anew from what the log holds, as those of a
kernel are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from lllm.errors import SandboxUnavailable
from lllm.export.actions import ActionView, ApprovalView, finish_action, parse_begun
from lllm.export.facts import dict_of, dicts_of, text_of
from lllm.log.envelope import Event
from lllm.log.scopes import scope_of, scopes_around, to_scope, without_attempts
from lllm.proxies.flow import PROXY
from lllm.sandbox.cell import STEP
from lllm.sandbox.shown.display import BACKGROUND, NOTHING, STATE_LOST, Part, strip_colours, to_parts, to_safe
from lllm.sandbox.shown.outputs import build_outputs, to_count

LIMIT_CHARS = 50_000
"""Of one text in an export; the event itself has all of it."""

OPEN = "[No end of this cell is logged.]"
_UNISOLATED = "none"
NOT_ISOLATED = "[This cell ran without isolation: its sandbox was turned off.]"
HINT = "hint: lllm doctor tells which sandbox works on a machine, and what mends one that does not"
_SHORT_CHARS = 2000
_LIMIT_BYTES, _LIMIT_OUTPUTS = 64 << 20, 10_000


@dataclass(slots=True)
class ServiceView:
    """One call of a service.

    Attributes:
        seq: of the event that began it.
        status: ``open`` when neither an answer nor an error is logged.
        answer: JSON data.
        error: what came in place of an answer.
        cutoff_date: the first day that was not visible; empty without one.
    """

    seq: int
    endpoint: str
    params: Any = None
    cutoff_date: str = ""
    status: Literal["open", "ok", "failed"] = "open"
    answer: Any = None
    error: str = ""
    kind: Literal["service"] = "service"


@dataclass(slots=True)
class CellView:
    """One cell.

    Attributes:
        seq: of the event that began it.
        status: that of its result; ``open`` when none is logged, ``failed`` when it could not be run at all.
        outputs: valid ones of a notebook (nbformat 4.5), whatever the log holds.
        error: what it failed of, where no output tells it.
        hint: what to do about the error; empty when there is nothing to say.
        tier: how its kernel was isolated: ``A``, ``B``, ``remote`` or ``none``; empty where no result is logged.
        notes: what is to be known before its outputs.
        services: what it called.
    """

    seq: int
    code: str
    status: str = "open"
    execution_count: int | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    error: str = ""
    hint: str = ""
    tier: str = ""
    notes: list[str] = field(default_factory=list[str])
    services: list[ServiceView] = field(default_factory=list[ServiceView])
    kind: Literal["cell"] = "cell"

    @property
    def is_isolated(self) -> bool:
        """Whether anything shut its kernel in; also where no result is logged that could tell."""
        return self.tier != _UNISOLATED

    def parts(self, limit_chars: int | None = LIMIT_CHARS) -> Iterator[tuple[int, Part]]:
        """Yield what there is to read of it, and the output that each part is of; -1 where it is of none."""
        if not self.is_isolated:
            yield -1, Part("note", NOT_ISOLATED)
        yield from self._shown(limit_chars)
        if self.hint:
            yield -1, Part("note", self.hint)

    def text(self, limit_chars: int | None = LIMIT_CHARS) -> str:
        """Return all that there is to read, safe for a terminal; of pictures their notes."""
        return _join(self.parts(limit_chars))

    def told(self, limit_chars: int | None = None) -> str:
        """Return what the cell itself tells: as ``text``, without what is said of its sandbox."""
        return _join(self._shown(limit_chars))

    def reason(self) -> str:
        """Return what it failed of, as the last line of its traceback tells it; empty where it did not fail."""
        if self.status == "ok":
            return ""
        errors = [output for output in self.outputs if output["output_type"] == "error"]
        if self.error or not errors:
            return to_safe(self.error)
        name, last = errors[-1]["ename"], "\n".join(errors[-1]["traceback"]).rstrip().rpartition("\n")[2]
        # The last line, unless it is a later one of a message that has many.
        return to_safe(last if name and strip_colours(last).startswith(name) else f"{name}: {errors[-1]['evalue']}")

    def in_short(self, limit_chars: int) -> str:
        """Return what is worth a line: what it failed of, else what it told."""
        return self.reason() or self.told(limit_chars) or NOTHING

    def _shown(self, limit_chars: int | None) -> Iterator[tuple[int, Part]]:
        for note in self.notes:
            yield -1, Part("note", to_safe(note))
        for number, output in enumerate(self.outputs):
            for part in to_parts([output], limit_chars):
                yield number, part
        if self.error:
            yield -1, Part("error", to_safe(self.error))
        if self.status == "open":
            yield -1, Part("note", OPEN)


Item = CellView | ServiceView | ActionView | ApprovalView


class Place(NamedTuple):
    """Ids of the function's call, and of the cell or the action, that a step was made in; empty where there is none."""

    call: str
    cell: str


class Places:
    """Tells, event by event, which steps are items, and what they were made in."""

    def __init__(self) -> None:
        self._calls: dict[str, str] = {}
        self._cells: dict[str, str] = {}

    def add(self, event: Event) -> Item | None:
        """Take the next event; return the item that it begins, if it begins one."""
        if event.kind == "function.call":
            self._calls[without_attempts(to_scope(event.id))] = event.id
        if event.kind != "step":
            return None
        item = parse_step(event.seq, event.data) or parse_begun(event.seq, event.data)
        if isinstance(item, CellView | ActionView):
            self._cells[without_attempts(to_scope(event.id, is_step=True))] = event.id
        return item

    def find(self, id_: str) -> Place:
        """Return what a step was made in."""
        cell = ""
        for scope in scopes_around(without_attempts(scope_of(id_))):
            if scope in self._calls:
                return Place(self._calls[scope], cell)
            cell = cell or self._cells.get(scope, "")
        return Place("", cell)


class CellViews:
    """The items of a session, event by event."""

    def __init__(self) -> None:
        self._places = Places()
        self._open: dict[str, Item] = {}
        self._holders: dict[str, CellView | ActionView] = {}
        self._found: dict[str, list[Item]] = {}

    def add(self, event: Event) -> bool:
        """Take the next event; return whether it tells of an item."""
        if event.kind == "value":
            return self._end(event)
        if (item := self._places.add(event)) is None:
            return False
        place = self._places.find(event.id)
        self._open[event.id] = item
        if isinstance(item, CellView | ActionView):
            self._holders[event.id] = item
        if not _hold(self._holders.get(place.cell), item):
            self._found.setdefault(place.call, []).append(item)
        return True

    def take(self, call: str) -> list[Item]:
        """Return what a function's call made, once."""
        return self._found.pop(call, [])

    def rest(self) -> list[Item]:
        """Return what nobody has taken: what the user's code made itself, or a function that never ended."""
        return sorted((item for items in self._found.values() for item in items), key=lambda item: item.seq)

    def _end(self, event: Event) -> bool:
        if (item := self._open.pop(event.id, None)) is None:
            return False
        finish(item, event.data)
        return True


def _hold(holder: CellView | ActionView | None, item: Item) -> bool:
    """Put a call into the cell that made it, or a question into the action that led to it; return whether it is one."""
    if isinstance(holder, CellView) and isinstance(item, ServiceView):
        holder.services.append(item)
    elif isinstance(holder, ActionView) and isinstance(item, ApprovalView):
        holder.approvals.append(item)
    else:
        return False
    return True


def parse_step(seq: int, data: dict[str, Any]) -> CellView | ServiceView | None:
    """Return the cell or the call that a step's event begins; None where the step is another one of the same name."""
    about, name = dict_of(data, "about"), text_of(data, "name")
    if name == STEP and isinstance(about.get("code"), str):
        return CellView(seq, about["code"])
    if name == PROXY and isinstance(about.get("endpoint"), str):
        return ServiceView(seq, about["endpoint"], about.get("params"), text_of(about, "cutoff_date"))
    return None


def parse_value(seq: int, data: dict[str, Any]) -> CellView | ServiceView | None:
    """Return the cell or the call that an event ends, as far as it alone tells; None where it ends none."""
    value, name = dict_of(data, "value"), text_of(data, "name")
    item: CellView | ServiceView | None = None
    if name == STEP and isinstance(dict_of(value, "result").get("outputs"), list):
        item = CellView(seq, "")
    elif name == PROXY and ("data" in value or "error" in value):
        item = ServiceView(seq, "")
    if item is not None:
        finish(item, data)
    return item


def ran_unisolated(data: dict[str, Any]) -> bool:
    """Return whether an event ends a cell that nothing shut in."""
    is_cell = text_of(data, "name") == STEP
    return is_cell and dict_of(dict_of(data, "value"), "result").get("tier") == _UNISOLATED


def finish(item: Item, data: dict[str, Any]) -> None:
    """Write into an item what came of it, as its event tells it."""
    if isinstance(item, CellView):
        _finish_cell(item, data)
    elif isinstance(item, ServiceView):
        _finish_service(item, data)
    else:
        finish_action(item, data)


def _finish_cell(cell: CellView, data: dict[str, Any]) -> None:
    if "error" in data:
        cell.status, cell.error = "failed", text_of(data, "error")
        cell.hint = HINT if cell.error.startswith(f"{SandboxUnavailable.__name__}:") else ""
        return
    value = dict_of(dict_of(data, "value"), "result")
    cell.tier = to_safe(text_of(value, "tier")[:40])
    cell.status = to_safe(text_of(value, "status")[:40]) or "open"
    cell.execution_count = to_count(value.get("execution_count")) or None
    cell.outputs = [output for told in dicts_of(value, "outputs")[:_LIMIT_OUTPUTS] for output in _to_outputs(told)]
    if value.get("state_lost") is True:
        cell.notes.append(STATE_LOST)
    if background := text_of(value, "background").strip():
        cell.notes.append(f"{BACKGROUND}\n{background[:_SHORT_CHARS]}")
    if cell.status != "ok" and not _has_error(cell, text_of(value, "ename")):
        told = ": ".join(filter(None, (text_of(value, "ename"), text_of(value, "evalue"))))
        cell.error = told[:_SHORT_CHARS] or cell.status


def _to_outputs(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an output made anew, with what the log says that was left out of it; none where it cannot be one."""
    for output in build_outputs([{"msg_type": told.get("output_type"), "content": told}], _LIMIT_BYTES):
        if left_out := dict_of(dict_of(dict_of(told, "metadata"), "lllm"), "left_out"):
            about = output.setdefault("metadata", {})
            about["lllm"] = {"left_out": left_out | dict_of(dict_of(about, "lllm"), "left_out")}
        yield output


def _join(parts: Iterable[tuple[int, Part]]) -> str:
    return "\n".join(part.text.rstrip("\n") for _, part in parts)


def _has_error(cell: CellView, name: str) -> bool:
    return any(told["output_type"] == "error" and told["ename"] == name for told in cell.outputs)


def _finish_service(service: ServiceView, data: dict[str, Any]) -> None:
    value = dict_of(data, "value")
    if "error" not in data and "error" not in value:
        service.status, service.answer = "ok", value.get("data")
        return
    message = text_of(dict_of(value, "error"), "message")
    service.status, service.error = "failed", message or text_of(data, "error") or text_of(value, "error")
