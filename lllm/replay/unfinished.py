"""What was under way when a session's process died, and what is done about each of it. Pure.

A model call is asked again: it costs money, and does nothing else. A function or a step that was declared repeatable,
or that has a key by which whoever it calls knows it again, runs again. Of any other nobody knows whether it took
effect, and only the user can say what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lllm.errors import ResumeUndecided
from lllm.log.envelope import Event
from lllm.log.scopes import is_within, scope_of, to_scope, without_attempts
from lllm.replay.recording import Recording, cut


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Something whose intent is in the log, and whose result is not.

    Attributes:
        seq: of the event that tells the intent.
        id: of the call or the step.
        kind: what it is.
        name: of the model's agent, the function or the step.
        arguments: of a function, as the model wrote them; empty for others.
        begun_ts: when the intent was logged, in seconds since 1970.
        policy: ``again``: it is done again, which was declared to be harmless. ``unknown``: it may have happened.
            ``start``: it had not begun.
        inside: what it had done itself through the session, one line each; a result may be among it.
    """

    seq: int
    id: str
    kind: Literal["model", "function", "step"]
    name: str
    arguments: str
    begun_ts: float
    policy: Literal["again", "unknown", "start"]
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done about something that may have happened.

    Attributes:
        kind: ``again``: do it, perhaps for the second time. ``tell``: the model is told, as the function's result, that
            nobody knows; of a step, OutcomeUnknown is raised. ``answer``: take ``answer`` for what it returned.
        answer: plain JSON data.
    """

    kind: Literal["again", "tell", "answer"]
    answer: Any = None


AGAIN = Decision("again")
TELL = Decision("tell")
Decide = Callable[[Unfinished], Decision | None]


def undecided(unknown: Unfinished) -> Decision | None:
    """Decide nothing: whoever calls :func:`resume` is told by ResumeUndecided."""
    del unknown


def find_unfinished(recording: Recording) -> list[Unfinished]:
    """Return what was under way at a recording's end, in the log's order; what ran inside of others is told there."""
    open_ = [event for event in recording.events if _is_open(recording, event) and not recording.is_nested(event)]
    return [_to_unfinished(recording, event) for event in open_]


def lost(unfinished: Iterable[Unfinished], whole: Recording) -> list[Unfinished]:
    """Return what never ended, of what was under way at an event of a whole recording."""
    ends = ("function.result", "value")
    return [item for item in unfinished if not any(whole.find(kind, item.id) for kind in ends)]


def find_undecided(whole: Recording, at: int | str | None = None) -> list[Unfinished]:
    """Return what somebody must decide about who goes on from event ``at``; default: where a resume or a fork begins.

    Raises:
        EventNotFound: there is no such event.
    """
    return [item for item in lost(find_unfinished(cut(whole, at)), whole) if item.policy == "unknown"]


def _is_open(recording: Recording, event: Event) -> bool:
    if event.kind == "model.request":
        return not (recording.find("model.reply", event.id) or recording.find("model.error", event.id))
    if event.kind == "function.call":
        return recording.find("function.result", event.id) is None
    return event.kind == "step" and recording.find("value", event.id) is None


def _to_unfinished(recording: Recording, event: Event) -> Unfinished:
    data = event.data
    if event.kind == "model.request":
        contract = recording.contract_of(data.get("contract"))
        name = str(contract.data.get("agent", "")) if contract else ""
        return Unfinished(event.seq, event.id, "model", name, "", event.ts, "again")
    is_function = event.kind == "function.call"
    policy: Literal["again", "unknown", "start"] = "unknown"
    if is_function and not was_started(recording, event):
        policy = "start"
    elif data.get("repeatable") or "idempotency_key" in data:
        policy = "again"
    kind: Literal["function", "step"] = "function" if is_function else "step"
    inside = tuple(_lines_inside(recording, event))
    arguments = str(data.get("arguments", ""))
    return Unfinished(event.seq, event.id, kind, str(data.get("name")), arguments, event.ts, policy, inside)


def was_started(recording: Recording, call: Event) -> bool:
    """Whether a function may have begun: its round starts when the intents of all its calls are in the log."""
    step_id = call.id.rpartition("/")[0]
    reply = recording.find("model.reply", step_id)
    asked = len(reply.data["message"].get("calls", ())) if reply else 0
    ids = (f"{step_id}/f{ordinal}" for ordinal in range(asked))
    return all(recording.find("function.call", id_) or recording.find("function.result", id_) for id_ in ids)


def _lines_inside(recording: Recording, event: Event) -> Iterable[str]:
    scope = to_scope(event.id, is_step=event.kind == "step")
    kinds = ("model.request", "model.reply", "function.call", "function.result", "value")
    for other in recording.events[event.seq :]:
        if other.kind in kinds and is_within(without_attempts(scope_of(other.id)), scope):
            name = other.data.get("name", "")
            yield f"{other.kind} {other.id} {name}".rstrip()


def to_decisions(unfinished: Iterable[Unfinished], decide: Decide) -> dict[str, Decision]:
    """Return what is done about each that may have happened, by id.

    Raises:
        ResumeUndecided: ``decide`` returned None for some.
    """
    unknown = [item for item in unfinished if item.policy == "unknown"]
    decided: Mapping[str, Decision | None] = {item.id: decide(item) for item in unknown}
    left = [item for item in unknown if decided[item.id] is None]
    if left:
        named = ", ".join(f"{item.kind} {item.name} ({item.id})" for item in left)
        raise ResumeUndecided(
            f"the process died while these were under way, and nobody knows whether they took effect: {named}",
            unknown=left,
            hint="look whether they did, then say of each: do it again, tell the model, or what its result is",
        )
    return {id_: decision for id_, decision in decided.items() if decision is not None}
