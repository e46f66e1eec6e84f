"""A session as a person reads it: its dialogs, entry by entry, made from its events. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lllm.log.envelope import Event

_STATES = {"model.request": "AWAIT_MODEL", "function.call": "AWAIT_FUNCTIONS", "wait": "WAITING"}


@dataclass(slots=True)
class Entry:
    """One thing that happened in a dialog.

    Attributes:
        who: ``system, user, assistant, function, handler, error, wait`` or ``end`` (of a call).
        pruned: a reply that could not be used, or what was said to it; the dialog itself does not hold it.
        calls: functions that the reply asks for, as ``name(arguments)``.
        note: what stands beside it: tokens, a function's name, a call's states.
    """

    seq: int
    who: str
    text: str
    pruned: bool = False
    calls: list[str] = field(default_factory=list[str])
    note: str = ""


@dataclass(slots=True)
class DialogView:
    """One dialog; ``parent`` and ``at`` tell where it was forked off."""

    id: str
    agent: str = ""
    parent: str = ""
    at: int = 0
    entries: list[Entry] = field(default_factory=list[Entry])


@dataclass(slots=True)
class SessionView:
    """A session.

    Attributes:
        status: ``open`` (its process died, or still runs), ``ok`` or ``failed``.
        result: what the run returned; None unless it ended well.
        error: what it failed of.
        values: what the code asked its session for, by name.
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
    shown: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def to_view(events: Sequence[Event]) -> SessionView:
    """Return the view of a session from its events; a session that ends early is shown as far as it goes."""
    view = SessionView(events=len(events))
    if events:
        view.wall_s = events[-1].ts - events[0].ts
    pruned = _pruned_steps(events)
    dialogs: dict[str, DialogView] = {}
    states: dict[str, list[str]] = {}
    for event in events:
        if event.kind in _SESSION:
            _SESSION[event.kind](view, event)
            continue
        if event.kind == "contract":
            continue
        id_ = event.id.partition("/")[0]
        if id_ not in dialogs:
            dialogs[id_] = DialogView(id_)
            view.dialogs.append(dialogs[id_])
        _follow(states.setdefault(id_, []), event)
        _add(dialogs[id_], event, pruned, states[id_])
        _count(view, event)
    return view


def _opened(view: SessionView, event: Event) -> None:
    view.task, view.agent_type = event.data.get("task"), str(event.data.get("agent_type") or "")


def _closed(view: SessionView, event: Event) -> None:
    view.status = str(event.data.get("status", "open"))
    view.result, view.error = event.data.get("result"), str(event.data.get("error", ""))


def _valued(view: SessionView, event: Event) -> None:
    view.values.append((event.data.get("name", ""), event.data.get("value")))


def _shown(view: SessionView, event: Event) -> None:
    view.shown.append({"type": "note", **event.data})


_SESSION: dict[str, Callable[[SessionView, Event], None]] = {
    "session.open": _opened,
    "session.close": _closed,
    "value": _valued,
    "frontend": _shown,
    "note": _shown,
}


def _pruned_steps(events: Iterable[Event]) -> set[str]:
    """Return the steps whose reply is not in the dialog: a handler answered it, or the call ended with it."""
    answered = {event.id.removesuffix("/x") for event in events if event.kind == "message" and "branch" in event.data}
    return answered | {e.id for e in events if e.kind == "call.close" and e.data.get("reason") == "model_behavior"}


def _follow(states: list[str], event: Event) -> None:
    """Keep the states of the machine that a call runs through."""
    state = _STATES.get(event.kind)
    if event.kind == "call.close":
        state = "DONE" if event.data.get("outcome") == "done" else "FAILED"
    if state is not None and (not states or states[-1] != state or event.kind == "model.request"):
        states.append(state)


def _add(dialog: DialogView, event: Event, pruned: set[str], states: list[str]) -> None:
    data = event.data
    message: dict[str, Any] = data.get("message") or {}
    match event.kind:
        case "dialog.open":
            dialog.agent, dialog.parent = data.get("agent", ""), data.get("parent", "")
            dialog.at = data.get("at", 0)
        case "message":
            is_handler = "branch" in data or message.get("creator") == "interrupt"
            who = "handler" if is_handler else message["role"]
            dialog.entries.append(Entry(event.seq, who, _content(message), "branch" in data))
        case "model.reply":
            dialog.entries.append(_reply(event, is_pruned=event.id in pruned))
        case "function.result":
            note = "failed" if "error" in data else "" if data.get("ran", True) else "not run again"
            dialog.entries.append(Entry(event.seq, "function", message["content"], note=note))
        case "model.error":
            dialog.entries.append(Entry(event.seq, "error", f"{data['type']}: {data['message']}"))
        case "wait":
            dialog.entries.append(Entry(event.seq, "wait", f"{data['seconds']} s before the next try"))
        case "call.close":
            dialog.entries.append(_end(event, states))
            states.clear()
        case _:
            pass


def _content(message: dict[str, Any]) -> str:
    images = len(message.get("images", ()))
    return message["content"] + (f"\n[{images} pictures]" if images else "")


def _reply(event: Event, *, is_pruned: bool) -> Entry:
    message = event.data["message"]
    calls = [f"{call['name']}({call['arguments']})" for call in message.get("calls", ())]
    prompt_tokens, completion_tokens = event.data["usage"][:2]
    text = message["content"] or message.get("refusal", "")
    note = f"{event.data.get('model', '')} {prompt_tokens}+{completion_tokens} tokens".strip()
    return Entry(event.seq, "assistant", text, is_pruned, calls, note)


def _end(event: Event, states: list[str]) -> Entry:
    data = event.data
    text = data.get("error") or data.get("reason", "") if data.get("outcome") == "failed" else ""
    return Entry(event.seq, "end", text, note=" > ".join(["READY", *states]))


def _count(view: SessionView, event: Event) -> None:
    if event.kind == "model.reply":
        view.prompt_tokens += event.data["usage"][0]
        view.completion_tokens += event.data["usage"][1]
        cost = event.data.get("cost_usd")
        view.cost_usd = None if cost is None or view.cost_usd is None else view.cost_usd + cost
