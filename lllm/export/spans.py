"""How long everything took: model calls, functions, waits, steps and runs, each within what asked for it. Pure.

Ids come from the run's structure alone, so that a session has the same spans whenever it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from lllm.export.facts import text_of
from lllm.log.envelope import Event
from lllm.log.scopes import scope_of, scopes_around, to_scope, without_attempts

SpanKind = Literal["session", "run", "call", "model", "function", "wait", "step"]
SpanStatus = Literal["open", "ok", "failed", "unknown"]

_ENDS_WAIT = frozenset({"model.request", "call.close"})


@dataclass(slots=True)
class Span:
    """Something that took time.

    Attributes:
        id: unique in its session, from structure: ``1/s0``, ``1/s0/f0``, ``1/call/0``; empty for the session itself.
        name: of the model, the function, the agent, the step, or the agent type.
        start: seconds since 1970.
        parent: position of the enclosing span in the list; -1 for the session itself.
        seq: of the event that began it.
        end: seconds since 1970; None when its end is not in the log.
        end_seq: of the event that ended it; 0 when there is none.
        status: ``unknown`` is a function of which nobody knows whether it ran.
        note: what it failed of.
        facts: the data of the events that began and ended it.
    """

    id: str
    kind: SpanKind
    name: str
    start: float
    parent: int
    seq: int
    end: float | None = None
    end_seq: int = 0
    status: SpanStatus = "open"
    note: str = ""
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


class Timeline:
    """The spans of a run, event by event.

    Attributes:
        spans: in the order in which they began; the session itself is the first.
        last_ts: seconds since 1970 of the last event.
    """

    def __init__(self, *, with_facts: bool = False) -> None:
        self.spans: list[Span] = []
        self.last_ts = 0.0
        self._with_facts = with_facts
        self._scopes: dict[str, int] = {}
        self._open: dict[tuple[str, str], int] = {}
        self._ids: dict[str, int] = {}
        self._agents: dict[str, str] = {}
        self._models: dict[str, str] = {}
        self._calls: dict[str, int] = {}
        self._waits: dict[str, int] = {}

    def add(self, event: Event) -> None:
        """Take the next event."""
        if not self.spans:
            told = text_of(event.data, "agent_type") if event.kind == "session.open" else ""
            self.spans.append(Span("", "session", told, event.ts, -1, event.seq))
            self._keep(self.spans[0], event)
        self.last_ts = max(self.last_ts, event.ts)
        if (act := self._ACTS.get(event.kind)) is not None:
            dialog = event.id.partition("/")[0]
            if dialog in self._waits and event.kind in _ENDS_WAIT:
                self._end_wait(dialog, event)
            act(self, event, dialog)

    def _begin(self, kind: SpanKind, id_: str, name: str, event: Event, parent: int) -> int:
        count = self._ids[id_] = self._ids.get(id_, -1) + 1  # one that was asked again after a crash has its id too
        span = Span(f"{id_}#{count}" if count else id_, kind, name, event.ts, parent, event.seq)
        self._keep(span, event)
        self.spans.append(span)
        return len(self.spans) - 1

    def _end(self, position: int | None, event: Event, status: SpanStatus, note: str = "") -> None:
        if position is None:
            return
        span = self.spans[position]
        span.end, span.end_seq, span.status, span.note = max(event.ts, span.start), event.seq, status, note[:500]
        self._keep(span, event)

    def _keep(self, span: Span, event: Event) -> None:
        if self._with_facts:
            span.facts[event.kind] = event.data

    def _owner(self, id_: str) -> int:
        """Return the span in whose scope a dialog or a strand stands: the innermost one that has a scope of its own."""
        around = scopes_around(without_attempts(scope_of(id_)))
        return next((self._scopes[scope] for scope in around if scope in self._scopes), 0)

    def _call(self, dialog: str, event: Event) -> int:
        """Return the call under way on a dialog; the first event of a call begins it."""
        if dialog not in self._calls:
            owner, name = self._owner(dialog), self._agents.get(dialog, "")
            ordinal = self._ids[f"{dialog}/call"] = self._ids.get(f"{dialog}/call", -1) + 1
            self._calls[dialog] = self._begin("call", f"{dialog}/call/{ordinal}", name, event, owner)
        return self._calls[dialog]

    # --- one event each -----------------------------------------------------------------------------------------

    def _dialog(self, event: Event, dialog: str) -> None:
        self._agents[dialog] = text_of(event.data, "agent")

    def _contract(self, event: Event, dialog: str) -> None:
        del dialog
        self._models[text_of(event.data, "fingerprint")] = text_of(event.data, "model")

    def _asked(self, event: Event, dialog: str) -> None:
        name = self._models.get(text_of(event.data, "contract"), "")
        self._open["model", event.id] = self._begin("model", event.id, name, event, self._call(dialog, event))

    def _replied(self, event: Event, dialog: str) -> None:
        del dialog
        self._end(self._open.pop(("model", event.id), None), event, "ok")

    def _erred(self, event: Event, dialog: str) -> None:
        del dialog
        note = f"{text_of(event.data, 'type')}: {text_of(event.data, 'message')}"
        self._end(self._open.pop(("model", event.id), None), event, "failed", note)

    def _function(self, event: Event, dialog: str) -> None:
        at = self._begin("function", event.id, text_of(event.data, "name"), event, self._call(dialog, event))
        self._open["function", event.id] = self._scopes[without_attempts(to_scope(event.id))] = at

    def _returned(self, event: Event, dialog: str) -> None:
        del dialog
        status: SpanStatus = "failed" if "error" in event.data else "ok"
        if event.data.get("unknown") is True:
            status = "unknown"
        self._end(self._open.pop(("function", event.id), None), event, status, text_of(event.data, "error"))

    def _wait(self, event: Event, dialog: str) -> None:
        at = self._begin("wait", f"{event.id}/wait", "wait", event, self._call(dialog, event))
        self._waits[dialog] = at

    def _end_wait(self, dialog: str, event: Event) -> None:
        """End a wait with what follows it: that is how long it took, whatever it was meant to take."""
        self._end(self._waits.pop(dialog), event, "ok")

    def _ended(self, event: Event, dialog: str) -> None:
        at = self._call(dialog, event)
        failed = event.data.get("outcome") == "failed"
        note = text_of(event.data, "error") or text_of(event.data, "by") or text_of(event.data, "reason")
        self._end(at, event, "failed" if failed else "ok", note if failed else "")
        del self._calls[dialog]

    def _step(self, event: Event, dialog: str) -> None:
        del dialog
        at = self._begin("step", event.id, text_of(event.data, "name"), event, self._owner(event.id))
        scope = to_scope(event.id, is_step=True)
        self._open["step", event.id] = self._scopes[without_attempts(scope)] = at

    def _valued(self, event: Event, dialog: str) -> None:
        del dialog
        error = text_of(event.data, "error")
        self._end(self._open.pop(("step", event.id), None), event, "failed" if error else "ok", error)

    def _run_opened(self, event: Event, dialog: str) -> None:
        del dialog
        at = self._begin("run", event.id, text_of(event.data, "agent_type"), event, self._owner(event.id))
        self._open["run", event.id] = self._scopes[without_attempts(event.id)] = at

    def _run_closed(self, event: Event, dialog: str) -> None:
        del dialog
        status: SpanStatus = "ok" if event.data.get("status") == "ok" else "failed"
        self._end(self._open.pop(("run", event.id), None), event, status, text_of(event.data, "error"))

    def _closed(self, event: Event, dialog: str) -> None:
        del dialog
        status: SpanStatus = "ok" if event.data.get("status") == "ok" else "failed"
        self._end(0, event, status, text_of(event.data, "error"))

    _ACTS: ClassVar[dict[str, Callable[[Timeline, Event, str], None]]] = {
        "dialog.open": _dialog,
        "contract": _contract,
        "model.request": _asked,
        "model.reply": _replied,
        "model.error": _erred,
        "function.call": _function,
        "function.result": _returned,
        "wait": _wait,
        "call.close": _ended,
        "step": _step,
        "value": _valued,
        "run.open": _run_opened,
        "run.close": _run_closed,
        "session.close": _closed,
    }


def to_spans(events: Iterable[Event], *, with_facts: bool = False) -> list[Span]:
    """Return the spans of a run, in the order in which they began."""
    timeline = Timeline(with_facts=with_facts)
    for event in events:
        timeline.add(event)
    return timeline.spans
