"""A recorded session, laid out as a replay needs it: one strand of events for each thing that ran in order.

Dialogs that ran at the same time interleave in the log in an order that nobody promised. Within a dialog, the order is
the program's. So a replay holds today's code to the order of each strand. Between strands it holds it to what ran one
after the other in one thread or task, which each event's ``cause`` tells, and lets the rest interleave as it likes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from threading import Lock
from typing import Any

from lllm.errors import EventNotFound, LogCorrupt, LogError
from lllm.log.envelope import Event
from lllm.log.scopes import (
    is_in_step,
    is_within,
    scope_of,
    scope_of_work,
    scopes_around,
    strand_of,
    to_scope,
    without_attempts,
)
from lllm.utils import encode_json

# A contract stands where it was first needed, and two dialogs may need it first; the others are for readers.
_FREE = frozenset({"note", "contract", "offer", "session.resume"})
# What comes from outside, at any moment: Ctrl-C, and what it or a time-out makes of a task.
_BREAKS = ("KeyboardInterrupt:", "CancelledError:")
# What a header must hold where it holds it at all.
_SHAPES = {"config": dict, "prompts": dict, "kwargs": dict, "forks": int, "agent_type": str, "chat": str}


def _prefix_of(id_: str) -> str:
    """Return an id without the number at its end; of one that has none, a prefix that nobody draws under."""
    prefix = id_.rstrip("0123456789")
    return prefix if len(prefix) < len(id_) else f"{id_}\0"


def _number_of(id_: str, prefix: str) -> int:
    number = id_[len(prefix) :]
    return int(number) if number.isdecimal() else 0


class Recording:
    """Events of one session by strand, and how far each strand has been replayed.

    Attributes:
        events: all of them, in the log's order.
        contracts: the contract events, by id.
        closing: the session.close event; None when the session's process died.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = tuple(events)
        if not self.events:
            raise LogCorrupt("the session has no events: its process ended before the first", hint="run the task again")
        if self.events[0].kind != "session.open":
            raise LogCorrupt("the session does not begin with session.open", hint="lllm log fsck explains what is left")
        check_header(self.events[0].data)
        self.contracts: dict[str, Event] = {}
        self.closing: Event | None = None
        self._strands: dict[str, list[Event]] = {}
        self._followers: dict[int, list[Event]] = {}
        self._drawn: dict[tuple[int, str], list[Event]] = {}
        self._done = {self.events[0].seq}
        self._first_undone = 1
        self._claimed: set[str] = set()
        self._lock = Lock()
        self._at: dict[str, int] = {}
        self._nested: set[int] = set()
        self._asked = frozenset(e.data.get("contract") for e in self.events if e.kind == "model.request")
        self._functions = frozenset(without_attempts(to_scope(e.id)) for e in self.events if e.kind == "function.call")
        for event in self.events[1:]:
            self._place(event)
        for (_, prefix), drawn in self._drawn.items():
            if len(drawn) > 1:  # numbers tell who drew first; an event may have been logged after that of a later one
                drawn.sort(key=lambda event: _number_of(event.id, prefix))

    def _place(self, event: Event) -> None:
        is_nested = self._is_nested(event)
        if is_nested:
            self._nested.add(event.seq)
        # Two threads may both have found that a contract is not logged yet: the second one says nothing new.
        is_first = event.kind == "contract" and self.contracts.setdefault(event.id, event) is event
        # Under its parent's contract nothing may have been asked that the fork did not say anew.
        is_first = is_first and event.data.get("fingerprint") in self._asked
        if is_nested or (event.kind in _FREE and not is_first):
            self._done.add(event.seq)
        if is_nested or event.kind in _FREE:
            return
        if event.kind == "session.close":
            self.closing = event
        self._strands.setdefault(strand_of(event.id), []).append(event)
        self._followers.setdefault(event.cause, []).append(event)
        self._drawn.setdefault((event.cause, _prefix_of(event.id)), []).append(event)

    def _is_nested(self, event: Event) -> bool:
        """Whether it happened inside a function or a step: their results are served, so they never run again."""
        if event.kind in _FREE:
            return event.cause in self._nested
        scope = without_attempts(scope_of(event.id))
        return is_in_step(scope) or any(around in self._functions for around in scopes_around(scope))

    @property
    def header(self) -> dict[str, Any]:
        """The data of the session.open event."""
        return self.events[0].data

    @cached_property
    def is_whole(self) -> bool:
        """Whether the run came to an end of its own; otherwise its process died, or somebody broke it off."""
        return self.closing is not None and not self.is_broken_off

    @cached_property
    def is_broken_off(self) -> bool:
        """Whether an interrupt ended the run that came between two events, so that the log cannot tell where.

        One that came into a call or a step is in the log, and a replay raises it there.
        """
        error = "" if self.closing is None else str(self.closing.data.get("error", ""))
        kind = f"{error.partition(':')[0]}:"
        told = (str(e.data.get(key)) for e in self.events if e is not self.closing for key in ("by", "error"))
        return kind in _BREAKS and not any(text.startswith(kind) for text in told)

    @property
    def replayed(self) -> int:
        """How many events have been matched, or need not be."""
        return len(self._done)

    @cached_property
    def _places(self) -> dict[tuple[str, str], Event]:
        return {(event.kind, event.id): event for event in self.events}

    def find(self, kind: str, id_: str) -> Event | None:
        """Return the recorded event of this kind and id, or None."""
        return self._places.get((kind, id_))

    def steps(self, name: str) -> list[tuple[str, Mapping[str, Any], Any]]:
        """Return the steps of a name that ended: id, what each was about, and its value, or the error as an Exception.

        Those inside functions and other steps are among them, but not those given up with the function or step around
        them, whose process died: that begins anew, and has its steps again.
        """
        found: list[tuple[str, Mapping[str, Any], Any]] = []
        for event in self.events:
            if event.kind != "value" or event.data.get("name") != name or self._is_given_up(event):
                continue
            step = self.find("step", event.id)
            about: Mapping[str, Any] = {} if step is None else step.data.get("about", {})
            error = event.data.get("error")
            found.append((event.id, about, event.data.get("value") if error is None else LogError(error)))
        return found

    def _is_given_up(self, event: Event) -> bool:
        """Whether a function or step around an event did not end in the process that began it."""
        for scope in scopes_around(scope_of(event.id)):
            work = scope_of_work(scope)
            if work not in self._ends:
                continue  # a scope of the user's own
            end = self._ends[work]
            if end is None or any(event.seq < resumed < end for resumed in self._resumed):
                return True
        return False

    @cached_property
    def _ends(self) -> dict[str, int | None]:
        """The seq at which each function and step ended, by its scope; None where it did not."""
        ends: dict[str, int | None] = {}
        for event in self.events:
            if event.kind in ("function.call", "step"):
                ends.setdefault(to_scope(event.id, is_step=event.kind == "step"))
            elif event.kind in ("function.result", "value"):
                ends[to_scope(event.id, is_step=event.kind == "value")] = event.seq
        return ends

    @cached_property
    def _resumed(self) -> tuple[int, ...]:
        return tuple(event.seq for event in self.events if event.kind == "session.resume")

    def offer(self, id_: str) -> str:
        """Return what a server offered, as JSON; empty when nobody asked it."""
        event = self.find("offer", id_)
        return "" if event is None else encode_json(event.data)

    @property
    def attempts(self) -> int:
        """How often the run went on where it had stopped, as a fork or after a crash, today's time included."""
        return 1 + self.count("session.resume") + int(self.header.get("forks", 0))

    @property
    def last_step(self) -> Event | None:
        """The last model call that did not happen inside a function or a step; None when there is none."""
        calls = (e for e in reversed(self.events) if e.kind == "model.request" and e.seq not in self._nested)
        return next(calls, None)

    def is_nested(self, event: Event) -> bool:
        """Whether it happened inside a function or a step, whose results are served."""
        return event.seq in self._nested

    def count(self, kind: str) -> int:
        """Return how many events of a kind there are."""
        return sum(event.kind == kind for event in self.events)

    def taken_s(self, event: Event) -> float:
        """Return the seconds between an event and the one before it in its thread or task; 0 without one."""
        return max(0.0, event.ts - self.events[event.cause - 1].ts) if event.cause else 0.0

    def is_done(self, event: Event) -> bool:
        """Whether an event has been matched, or need not be."""
        return event.seq in self._done

    @property
    def first_undone(self) -> int:
        """Seq of the first event, in the log's order, that is not matched yet; one behind the last when all are.

        Contracts do not count: today's code may have others, in a fork or a check, and nobody waits for one.
        """
        seq = self._first_undone  # counted here: several threads ask, and none may step over what is not done
        while seq in self._done or seq in self._contract_seqs:
            seq += 1
        self._first_undone = seq
        return seq

    @cached_property
    def _contract_seqs(self) -> frozenset[int]:
        return frozenset(event.seq for event in self.events if event.kind == "contract")

    def peek(self, strand: str) -> Event | None:
        """Return the strand's next event, or None at its end."""
        events, at = self._strands.get(strand, ()), self._at.get(strand, 0)
        return events[at] if at < len(events) else None

    def advance(self, event: Event) -> None:
        """Go on: ``event`` has been matched."""
        self._done.add(event.seq)
        if event.kind not in _FREE:
            strand = strand_of(event.id)
            self._at[strand] = self._at.get(strand, 0) + 1

    def follower(self, cause: int, id_: str) -> Event | None:
        """Return what came after event ``cause`` in its thread or task, in the same scope, and is not matched yet."""
        waiting = (e for e in self._followers.get(cause, ()) if e.seq not in self._done)
        return next((e for e in waiting if scope_of(e.id) == scope_of(id_)), None) if cause else None

    def claim(self, prefix: str, cause: int) -> int | None:
        """Return the number under ``prefix`` that was drawn right after event ``cause`` in its thread, each once.

        Of several tasks that began after one event, each gets another, in the order in which they were drawn. What
        begins a scope may come in a pool's thread that did other work before, so it is found by its scope alone.
        """
        with self._lock:
            for event in (*self._drawn.get((cause, prefix), ()), *self._beginnings.get(prefix, ())):
                if event.seq not in self._done and event.id not in self._claimed:
                    self._claimed.add(event.id)
                    return int(event.id[len(prefix) :])
        return None

    @cached_property
    def _beginnings(self) -> dict[str, list[Event]]:
        """The events that begin a scope of the user's, by the prefix of their ids."""
        found: dict[str, list[Event]] = {}
        for event in self.events[1:]:
            scope = scope_of(event.id)
            before = scope_of(self.events[event.cause - 1].id) if event.cause else ""
            if scope and not is_within(before, scope):
                found.setdefault(_prefix_of(event.id), []).append(event)
        return found

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The first free number under each prefix that the recording has ids of."""
        free: dict[str, int] = {}
        for event in self.events:
            head = _prefix_of(event.id)
            if number := event.id[len(head) :]:
                free[head] = max(free.get(head, 0), int(number) + 1)
        return free

    def next_after(self, cause: int) -> Event | None:
        """Return what came after event ``cause`` in its thread or task, in any scope, and is not matched yet."""
        return next((e for e in self._followers.get(cause, ()) if e.seq not in self._done), None) if cause else None

    def came_before(self, event: Event, later: int) -> bool:
        """Return whether ``event`` came before event ``later`` in one and the same thread or task."""
        return event.seq in self._ancestors(later, event.seq)

    def skipped_before(self, event: Event) -> Event | None:
        """Return the first event that came before ``event`` in its thread or task and that today's code passed over."""
        missed = [seq for seq in self._ancestors(event.cause) if seq not in self._done]
        return self.events[min(missed) - 1] if missed else None

    def _ancestors(self, seq: int, floor: int = 1) -> list[int]:
        found: list[int] = []
        while floor <= seq <= len(self.events):
            found.append(seq)
            seq = min(seq - 1, self.events[seq - 1].cause)
        return found

    @cached_property
    def _fingerprints(self) -> dict[Any, Event]:
        return {event.data.get("fingerprint"): event for event in reversed(self.contracts.values())}

    def contract_of(self, fingerprint: Any) -> Event | None:
        """Return the recorded contract of a fingerprint, the first of several; None when there is none."""
        return self._fingerprints.get(fingerprint)

    def left_over(self) -> Event | None:
        """Return the first event, in the log's order, that today's code never came to; session.close is not meant."""
        found = [event for strand in self._strands if (event := self.peek(strand)) is not None]
        return min((e for e in found if e.kind != "session.close"), key=lambda e: e.seq, default=None)


def check_header(header: Mapping[str, Any]) -> None:
    """Hold what a header says to its types: a log may come from anywhere. Pure.

    Raises:
        LogCorrupt: something is not what lllm writes.
    """
    for key, shape in _SHAPES.items():
        if not isinstance(header.get(key), shape | None):
            raise LogCorrupt(f"the session's {key} is {header[key]!a:.80}", hint="lllm did not write this header")


def cut(recording: Recording, at: int | str | None) -> Recording:
    """Return what comes before event ``at``, none of it replayed yet; see :func:`find_place`. Pure."""
    return Recording(recording.events[: find_place(recording, at) - 1])


def find_place(recording: Recording, at: int | str | None) -> int:
    """Return the seq at which a fork begins to live, or a replay stops. Pure.

    Args:
        recording: the session.
        at: the seq; an event's id, such as the step ``1/s2``; None is the last model call, or the end of a run
            that was killed.

    Raises:
        EventNotFound: there is no such event.
    """
    # Behind the last event there is only something to do when the run did not come to its end.
    end = len(recording.events) + (recording.closing is None)
    if at is None:
        last = recording.last_step
        # A run that never ended goes on from where it died: what was under way there is asked about.
        return last.seq if last is not None and recording.closing is not None else end
    if isinstance(at, str) and not re.fullmatch(r"[0-9]+", at):
        found = next((event for event in recording.events if at and event.id == at), None)  # "" is the header's
        if found is None:
            raise EventNotFound(
                f"the session has no event {at!r:.60}", hint="lllm log show --events tells each seq and id"
            )
        return found.seq
    seq = int(at)
    if not 2 <= seq <= end:
        raise EventNotFound(f"the session has no event {seq} to stop before", hint=f"choose one from 2 to {end}")
    return seq
