"""A session as a person reads it: its dialogs, entry by entry, made from its events. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lllm.export.cells import CellViews, Item
from lllm.export.facts import dict_of, dicts_of, number_of, text_of, to_number, to_text, usage_of
from lllm.export.spans import to_spans
from lllm.log.envelope import Event

BROKEN = "did not return"
_STATES = {"model.request": "AWAIT_MODEL", "function.call": "AWAIT_FUNCTIONS", "wait": "WAITING"}


@dataclass(slots=True)
class Entry:
    """One thing that happened in a dialog.

    Attributes:
        who: ``system, user, assistant, function, handler, error, wait`` or ``end`` (of a call).
        pruned: a reply that could not be used, or what was said to it; the dialog itself does not hold it.
        calls: functions that the reply asks for, as ``name(arguments)``.
        note: what stands beside it: tokens, whether a function failed, a call's states.
        id: place in the session's structure.
        name: of the function whose result this is.
        arguments: that it was called with, as the model wrote them.
        duration_s: how long the model, or the function, took; None where that was not measured.
        pictures: how many the message holds.
        asked: the functions that the reply asks for, as ``[name, arguments]``.
        made: cells that the function ran, services that it called, and what it did in a browser.
        is_told: of an end: what the call failed of stands with a cell above.
    """

    seq: int
    who: str
    text: str
    pruned: bool = False
    calls: list[str] = field(default_factory=list[str])
    note: str = ""
    id: str = ""
    name: str = ""
    arguments: str = ""
    duration_s: float | None = None
    pictures: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    made: list[Item] = field(default_factory=list[Item])
    is_told: bool = False


@dataclass(slots=True)
class DialogView:
    """One dialog; ``parent`` and ``at`` tell where it was forked off."""

    id: str
    agent: str = ""
    parent: str = ""
    at: int = 0
    entries: list[Entry] = field(default_factory=list[Entry])


@dataclass(slots=True)
class ContractView:
    """What an agent asked its model for: the prompt's text, and the names of the functions it offered."""

    seq: int
    agent: str
    prompt: str
    model: str
    text: str
    functions: list[str]


@dataclass(slots=True)
class RunView:
    """An agent system that was called inside of the session; ``status`` is ``open`` when its end is not logged."""

    id: str
    seq: int
    agent_type: str
    task: Any
    status: str = "open"
    result: Any = None
    error: str = ""


@dataclass(slots=True)
class SessionView:
    """A session.

    Attributes:
        status: ``open`` (its process died, or still runs), ``ok`` or ``failed``.
        result: what the run returned; None unless it ended well.
        error: what it failed of.
        values: what the code asked its session for, by name.
        made: such things that stand in no function's entry: those of the user's code.
        parent: the session that this one was forked from; empty when it was not.
        parent_seq: the last event that both share.
        resumes: what was found each time that the session was gone on with after a crash.
    """

    status: str = "open"
    task: Any = None
    agent_type: str = ""
    result: Any = None
    error: str = ""
    events: int = 0
    wall_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0
    dialogs: list[DialogView] = field(default_factory=list[DialogView])
    values: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    made: list[Item] = field(default_factory=list[Item])
    shown: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    parent: str = ""
    parent_seq: int = 0
    contracts: list[ContractView] = field(default_factory=list[ContractView])
    runs: list[RunView] = field(default_factory=list[RunView])
    resumes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def to_view(events: Sequence[Event]) -> SessionView:
    """Return the view of a session from its events; a session that ends early is shown as far as it goes."""
    view = SessionView(events=len(events))
    if events:
        view.wall_s = events[-1].ts - events[0].ts
    cells = CellViews()
    dialogs = _Dialogs(events, cells)
    for event in events:
        if cells.add(event):
            continue
        if event.kind in _SESSION:
            _SESSION[event.kind](view, event)
        elif event.kind in _DIALOG:
            dialogs.add(event)
            _count(view, event)
    dialogs.end()
    view.dialogs, view.made = list(dialogs.found.values()), cells.rest()
    return view


def _opened(view: SessionView, event: Event) -> None:
    view.task, view.agent_type = event.data.get("task"), text_of(event.data, "agent_type")
    parent = dict_of(event.data, "parent")
    view.parent, view.parent_seq = text_of(parent, "session"), int(number_of(parent, "seq") or 0)


def _closed(view: SessionView, event: Event) -> None:
    view.status = str(event.data.get("status", "open"))
    view.result, view.error = event.data.get("result"), text_of(event.data, "error")


def _resumed(view: SessionView, event: Event) -> None:
    view.status, view.error = "open", ""  # what ended before goes on
    view.resumes.append({"seq": event.seq, **event.data})


def _valued(view: SessionView, event: Event) -> None:
    error = text_of(event.data, "error")
    value = f"raised {error}" if error else event.data.get("value")
    view.values.append((text_of(event.data, "name"), value))


def _shown(view: SessionView, event: Event) -> None:
    view.shown.append({"type": "note", **event.data})


def _contracted(view: SessionView, event: Event) -> None:
    prompt = dict_of(event.data, "prompt")
    names = [text_of(function, "name") for function in dicts_of(event.data, "functions")]
    agent, model = text_of(event.data, "agent"), text_of(event.data, "model")
    told = ContractView(event.seq, agent, text_of(prompt, "path"), model, text_of(prompt, "source"), names)
    view.contracts.append(told)


def _run_opened(view: SessionView, event: Event) -> None:
    view.runs.append(RunView(event.id, event.seq, text_of(event.data, "agent_type"), event.data.get("task")))


def _run_closed(view: SessionView, event: Event) -> None:
    for run in reversed(view.runs):
        if run.id == event.id:
            run.status, run.error = text_of(event.data, "status"), text_of(event.data, "error")
            run.result = event.data.get("result")
            return


_SESSION: dict[str, Callable[[SessionView, Event], None]] = {
    "session.open": _opened,
    "session.close": _closed,
    "session.resume": _resumed,
    "value": _valued,
    "frontend": _shown,
    "note": _shown,
    "contract": _contracted,
    "run.open": _run_opened,
    "run.close": _run_closed,
}


def pruned_steps(events: Iterable[Event]) -> set[str]:
    """Return the steps whose reply is not in the dialog: a handler answered it, or the call ended with it."""
    return {step for step in map(pruned_step, events) if step}


def pruned_step(event: Event) -> str:
    """Return the step whose reply is known, by this event, not to be in the dialog; empty when it tells of none."""
    if event.kind == "message" and "branch" in event.data:
        return event.id.removesuffix("/x")
    return event.id if event.kind == "call.close" and event.data.get("reason") == "model_behavior" else ""


class _Dialogs:
    """The dialogs of a session, event by event."""

    def __init__(self, events: Sequence[Event], cells: CellViews) -> None:
        self._cells = cells
        self.found: dict[str, DialogView] = {}
        self._pruned = pruned_steps(events)
        self._durations = {
            span.end_seq: span.end - span.start
            for span in to_spans(events)
            if span.kind in {"model", "function"} and span.end is not None
        }
        self._states: dict[str, list[str]] = {}
        self._called: dict[str, Event] = {}
        self._begun: dict[str, list[Event]] = {}  # those of a dialog's call that is under way

    def add(self, event: Event) -> None:
        id_ = event.id.partition("/")[0]
        dialog = self.found.setdefault(id_, DialogView(id_))
        states = self._states.setdefault(id_, [])
        _follow(states, event)
        if event.kind == "dialog.open":
            dialog.agent, dialog.parent = text_of(event.data, "agent"), text_of(event.data, "parent")
            dialog.at = int(number_of(event.data, "at") or 0)
        elif event.kind == "function.call":
            self._called[event.id] = event
            self._begun.setdefault(id_, []).append(event)
        elif event.kind in _ENTRIES:
            begun = self._begun.pop(id_, []) if event.kind == "call.close" else []
            broken = list(self._find_broken(begun))
            entry = _ENTRIES[event.kind](event)
            entry.id, entry.duration_s = event.id, self._durations.get(event.seq)
            entry.is_told = entry.text in {item.error for one in broken for item in one.made if item.error}
            dialog.entries += [*broken, self._complete(entry, event, states)]

    def end(self) -> None:
        """Take the end of the log: what has not returned by now never did."""
        for entry in self._find_broken(self._called.values()):
            self.found[entry.id.partition("/")[0]].entries.append(entry)

    def _find_broken(self, called: Iterable[Event]) -> Iterator[Entry]:
        """Yield those functions that made something, such as a cell, and never returned."""
        for event in called:
            if made := self._cells.take(event.id):
                name, raw = text_of(event.data, "name"), text_of(event.data, "arguments")
                entry = Entry(event.seq, "function", "", note=BROKEN, id=event.id, name=name, arguments=raw)
                entry.made = made
                yield entry

    def _complete(self, entry: Entry, event: Event, states: list[str]) -> Entry:
        """Add what other events tell of an entry."""
        if entry.who == "assistant":
            entry.pruned = event.id in self._pruned
        elif entry.who == "function" and event.id in self._called:
            called = self._called.pop(event.id).data
            entry.name, entry.arguments = text_of(called, "name"), text_of(called, "arguments")
            entry.made = self._cells.take(event.id)
        elif entry.who == "end":
            entry.note = " > ".join(["READY", *states])
            states.clear()
        return entry


def _follow(states: list[str], event: Event) -> None:
    """Keep the states of the machine that a call runs through."""
    state = _STATES.get(event.kind)
    if event.kind == "call.close":
        state = "DONE" if event.data.get("outcome") == "done" else "FAILED"
    if state is not None and (not states or states[-1] != state or event.kind == "model.request"):
        states.append(state)


def _message(event: Event) -> Entry:
    message = dict_of(event.data, "message")
    is_handler = "branch" in event.data or message.get("creator") == "interrupt"
    who = "handler" if is_handler else text_of(message, "role")
    text, pictures = _told(message)
    return Entry(event.seq, who, text, "branch" in event.data, pictures=pictures)


def _told(message: dict[str, Any]) -> tuple[str, int]:
    """Return a message's text, with a note of its pictures, and how many these are."""
    text, pictures = text_of(message, "content"), len(dicts_of(message, "images"))
    note = f"[{pictures} picture{'s' * (pictures > 1)}]" if pictures else ""
    return "\n".join(filter(None, (text, note))), pictures


def _reply(event: Event) -> Entry:
    message = dict_of(event.data, "message")
    asked = [(text_of(call, "name"), text_of(call, "arguments")) for call in dicts_of(message, "calls")]
    calls = [f"{name}({arguments})" for name, arguments in asked]
    usage = usage_of(event.data)
    text = text_of(message, "content") or text_of(message, "refusal")
    note = f"{text_of(event.data, 'model')} {usage.prompt}+{usage.completion} tokens".strip()
    return Entry(event.seq, "assistant", text, calls=calls, note=note, asked=asked)


def _result(event: Event) -> Entry:
    data = event.data
    note = "failed" if "error" in data else "" if data.get("ran", True) else "not run again"
    if data.get("unknown") is True:
        note = "unknown: it may have run"
    text, pictures = _told(dict_of(data, "message"))
    return Entry(event.seq, "function", text, note=note, name=text_of(data, "name"), pictures=pictures)


def _error(event: Event) -> Entry:
    return Entry(event.seq, "error", f"{text_of(event.data, 'type')}: {text_of(event.data, 'message')}")


def _wait(event: Event) -> Entry:
    return Entry(event.seq, "wait", f"{to_text(event.data.get('seconds'))} s before the next try")


def _end(event: Event) -> Entry:
    is_failed = event.data.get("outcome") == "failed"
    return Entry(event.seq, "end", (text_of(event.data, "error") or text_of(event.data, "reason")) if is_failed else "")


_ENTRIES: dict[str, Callable[[Event], Entry]] = {
    "message": _message,
    "model.reply": _reply,
    "function.result": _result,
    "model.error": _error,
    "wait": _wait,
    "call.close": _end,
}
_DIALOG = frozenset({"dialog.open", "model.request", "function.call", *_ENTRIES})


def _count(view: SessionView, event: Event) -> None:
    if event.kind == "model.reply":
        usage = usage_of(event.data)
        view.prompt_tokens += usage.prompt
        view.completion_tokens += usage.completion
        cost = to_number(event.data.get("cost_usd"))
        view.cost_usd = None if cost is None or view.cost_usd is None else view.cost_usd + cost
