"""What takes the place of the log in a replay: it holds each event of today's code against the recorded one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from threading import Condition, RLock, active_count
from threading import enumerate as running_threads
from typing import Any

from lllm.errors import LLLMError, LogError, ReplayDiverged
from lllm.llm.jobs import THREADS
from lllm.llm.place import ReplayStopped
from lllm.log.base import SessionLog
from lllm.log.envelope import Event, stored_data
from lllm.log.redact import Redactor
from lllm.log.scopes import strand_of
from lllm.machine.commands import Reason
from lllm.replay.diverge import compared, diverged, never_reached, other_order, same
from lllm.replay.rebuilt import to_cancellation
from lllm.replay.recording import Recording
from lllm.replay.turns import runs_loop

_OF_A_CALL = frozenset({"model.request", "function.call", "function.result", "wait"})
_NO_STOP = 1 << 62
# How much later than when it was recorded a time-out of the user's may end a call or a step.
_GRACE_S = 0.5
# How long other threads may take for what they did at once when it was recorded: those that today's code began, on a
# machine however busy; and those that were there before it, most of which have nothing to do with it.
_OTHERS_S = 30.0
_STRANGERS_S = 2.0
_LOOK_S = 0.25  # a thread that ends tells nobody

OnMatch = Callable[[Event, str], None]


class RecordingEnded(LogError):
    """The recorded process died here, or was interrupted; up to here today's code did the same."""


class StopReached(LogError):
    """The replay was asked to go no further; up to here today's code did the same.

    Attributes:
        seq: of the recorded event at which it stopped.
    """

    def __init__(self, message: str, *, seq: int, where: str = "") -> None:
        super().__init__(message, where=where)
        self.seq = seq


class TapeJournal(SessionLog):
    """Takes the place of the log: each event of today's code must equal the recorded one, which gives it its seq.

    Args:
        name: the session's name.
        recording: what was recorded.
        redact: takes secrets out of today's events, as it took them out of the recorded ones.
        stop_seq: events from this one on are not replayed; None replays all.
        on_stop: told of the recorded event at which the replay stops, in the thread and at the place of today's code;
            it returns whether to go on after all.
        on_match: told of each recorded event, and of the text of today's event that is the same.

    Attributes:
        failure: the first difference, or that the recording ended; every later event raises it again.
    """

    def __init__(
        self,
        name: str,
        recording: Recording,
        redact: Redactor | None = None,
        stop_seq: int | None = None,
        on_stop: Callable[[Event], bool] | None = None,
        on_match: OnMatch | None = None,
    ) -> None:
        super().__init__(name, redact=redact)
        self.recording = recording
        self.failure: LLLMError | None = None
        self._stop_seq = _NO_STOP if stop_seq is None else stop_seq
        self._on_stop, self._on_match = on_stop, on_match
        # Contracts of today that were never recorded, by fingerprint, until a request tells in whose place one stands.
        self._contracts: dict[str, tuple[str, str, int]] = {}
        self._lock = Condition(RLock())
        self._strangers = frozenset(running_threads())
        self._is_closed = False

    def append(self, kind: str, id: str, data_json: str, *, cause: int = 0) -> int:  # noqa: A002 - the field's name
        """Compare one event with the recording and return the recorded seq.

        Raises:
            ReplayStopped: they differ, or the recorded process died before this event.
            LogError: the session is closed already.
            BaseException: the recorded call was cancelled here; whatever cancelled it is raised.
        """
        with self._lock:
            if self.failure is not None:
                raise self._stopping(kind, data_json, self.failure)
            if self._is_closed:
                raise LogError("the session's log is closed", where=self.name)
            if kind == "note":
                return self._take_note(id, self.redact(data_json), cause)
            if kind == "offer" and (known := self.recording.find(kind, id)) is not None:
                return known.seq
            if kind == "contract":
                return self._take_contract(id, self.redact(data_json), cause)
            return self._take(kind, id, data_json, cause)

    def _take(self, kind: str, id_: str, data_json: str, cause: int) -> int:
        if kind == "session.close" and (missed := self.recording.left_over()) is not None:
            raise self.fail(never_reached(self.name, missed, str(json.loads(data_json).get("error", ""))))
        recorded = self.recording.peek(strand_of(id_))
        if recorded is None:
            self._await_others(cause, id_)
            return self._beyond(kind, id_, self.redact(data_json), cause)
        # The text first: to redact it or to parse it costs more than all the rest. What is equal was redacted then.
        is_equal = stored_data(recorded) == data_json
        text = data_json if is_equal else self.redact(data_json)
        if recorded.seq >= self._stop_seq:
            self._stop(recorded)
        if kind in _OF_A_CALL or id_.endswith("/x"):
            self._cancel_as_recorded(recorded)
        if not self._is_one(recorded, kind, id_, text, is_equal=is_equal):
            self._changed(recorded, kind, id_, text, cause)
        elif self._on_match is not None:
            self._on_match(recorded, text)
        if cause > recorded.seq and self.recording.came_before(recorded, cause):
            raise self.fail(other_order(self.name, recorded, self.recording.events[cause - 1]))
        self._advance(recorded)
        return recorded.seq

    def _cancel_as_recorded(self, recorded: Event) -> None:
        """Raise what cancelled the recorded call, when that came before the event that today's code has come to."""
        if recorded.kind == "call.close" and recorded.data.get("reason") == Reason.CANCELLED:
            raise self.timed(to_cancellation(recorded.data.get("by", "")), recorded)

    def timed(self, error: BaseException, event: Event) -> BaseException:
        """Return an error that knows when it was raised, by the event that told of it; see ``await_cause``."""
        error.after_s = self.recording.taken_s(event) + _GRACE_S  # pyright: ignore[reportAttributeAccessIssue]
        return error

    def _await_others(self, cause: int, id_: str) -> None:
        """Let other threads that were begun in the same place do what they did before the recording's end."""
        if not self.recording.is_whole:
            self._wait_until(lambda: self.recording.follower(cause, id_) is None)

    def _wait_until(self, reached: Callable[[], bool]) -> None:
        """Wait while other threads may still bring it about; the lock is held, and let go meanwhile."""
        looks = 0
        while looks * _LOOK_S < self._patience_s() and not self._lock.wait_for(reached, _LOOK_S):
            looks += 1

    def _patience_s(self) -> float:
        """How long to wait for the threads that are there now; 0 when none of them could come."""
        if not _may_come():
            return 0.0
        return _STRANGERS_S if self._strangers.issuperset(running_threads()) else _OTHERS_S

    def _is_one(self, recorded: Event, kind: str, id_: str, text: str, *, is_equal: bool) -> bool:
        """Whether today's event is the recorded one. At which step of its call a cancellation came is chance."""
        if recorded.kind != kind:
            return False
        if recorded.id != id_ and (kind != "call.close" or json.loads(text).get("reason") != Reason.CANCELLED):
            return False
        if kind == "model.request" and self._has_new_contract(text):
            return False
        return is_equal or same(kind, recorded.data, json.loads(text))

    # --- what a kind of replay decides for itself ------------------------------------------------------------------

    def _take_note(self, id_: str, text: str, cause: int) -> int:
        """Pass over a remark."""
        del id_, text, cause
        return 0

    def _beyond(self, kind: str, id_: str, text: str, cause: int) -> int:
        """Decide what becomes of an event whose strand has no further recorded one."""
        raise self.misfit(kind, id_, json.loads(text), cause)

    def _changed(self, recorded: Event, kind: str, id_: str, text: str, cause: int) -> None:
        """Decide what becomes of an event that is not the recorded one: to return is to let it stand in its place."""
        raise self.fail(self.to_difference(recorded, kind, id_, text, cause))

    def _contract_changed(self, recorded: Event, text: str) -> None:
        """Decide what becomes of a contract that says something else than the recorded one of its id."""
        raise self.fail(diverged(self.name, recorded, "contract", recorded.id, json.loads(text)))

    # --- contracts -------------------------------------------------------------------------------------------------

    def _take_contract(self, id_: str, text: str, cause: int) -> int:
        """Compare a contract, or keep one that was never recorded until the request tells in whose place it stands."""
        recorded = self.recording.contracts.get(id_)
        if recorded is None:
            self._contracts[str(json.loads(text).get("fingerprint"))] = id_, text, cause
            return 0
        if recorded.seq >= self._stop_seq:
            return 0
        if stored_data(recorded) != text and not same("contract", recorded.data, json.loads(text)):
            self._contract_changed(recorded, text)
        elif self._on_match is not None:
            self._on_match(recorded, text)
        self._advance(recorded)
        return recorded.seq

    def _stopping(self, kind: str, text: str, failure: LLLMError) -> BaseException:
        """Return what ends today's code. A task that was cancelled ends as one, or asyncio complains at length."""
        if kind == "call.close" and runs_loop() and json.loads(text).get("reason") == Reason.CANCELLED:
            return to_cancellation("CancelledError")
        return ReplayStopped(failure)

    def _advance(self, recorded: Event) -> None:
        self.recording.advance(recorded)
        self._lock.notify_all()

    def _has_new_contract(self, text: str) -> bool:
        """Whether a request is made under a contract that says its recorded one's words, of another prompt or agent."""
        return bool(self._contracts) and json.loads(text)["contract"] in self._contracts

    def _contract_difference(self, request: Event, data: dict[str, Any]) -> ReplayDiverged | None:
        """Return what tells of another contract by what stands in it, not by its fingerprint; None for the same."""
        wanted, today = request.data.get("contract"), data["contract"]
        recorded, known = self.recording.contract_of(wanted), self.recording.contract_of(today)
        pending = self._contracts.get(today)
        got = json.loads(pending[1]) if pending else known.data if known is not None and today != wanted else None
        if recorded is None or got is None:
            return None
        if not self.recording.is_done(recorded):
            return diverged(self.name, recorded, "contract", recorded.id, got)
        told, today = (compared("contract", side) for side in (recorded.data, got))
        unfolded = replace(request, data=request.data | {"contract": told})
        return diverged(self.name, unfolded, request.kind, request.id, data | {"contract": today})

    # --- ends ------------------------------------------------------------------------------------------------------

    def to_difference(self, recorded: Event, kind: str, id_: str, text: str, cause: int) -> LLLMError:
        """Return the error that tells how today's event differs from ``recorded``, which stands in its place."""
        data = json.loads(text)
        if kind == "model.request" and (recorded.kind, recorded.id) == (kind, id_):
            told = self._contract_difference(recorded, data)
            if told is not None:
                return told
        if recorded is self.recording.closing and self.recording.is_broken_off:
            return self._to_ended(id_)
        return self._to_misfit(kind, id_, data, cause)

    def _to_misfit(self, kind: str, id_: str, data: dict[str, Any], cause: int) -> LLLMError:
        recorded = self.recording.peek(strand_of(id_))
        recorded = recorded or self.recording.follower(cause, id_)
        is_over = recorded is None or (recorded is self.recording.closing and self.recording.is_broken_off)
        if is_over and not self.recording.is_whole:
            return self._to_ended(id_)
        recorded = recorded or self.recording.next_after(cause)
        skipped = self.recording.skipped_before(recorded) if recorded is not None else None
        return diverged(self.name, skipped or recorded or self.recording.closing, kind, id_, data)

    def _to_ended(self, id_: str) -> LLLMError:
        why = "the run was interrupted" if self.recording.is_broken_off else "its process died"
        return RecordingEnded(f"the recording ends here: {why}", where=f"session {self.name}, {id_}")

    def misfit(self, kind: str, id_: str, data: dict[str, Any], cause: int = 0) -> ReplayStopped:
        """Return what stops the replay at an event that is not the recorded one, and remember it."""
        return self.fail(self._to_misfit(kind, id_, data, cause))

    def ended(self, id_: str) -> ReplayStopped:
        """Return what stops the replay where the recorded process died or was interrupted, and remember it.

        Not before other threads have done what they did before the recording's end: they are compared, too.
        """
        last = len(self.recording.events)
        with self._lock:
            self._wait_until(lambda: self.failure is not None or self.recording.first_undone > last)
        return self.fail(self._to_ended(id_))

    def _stop(self, recorded: Event) -> None:
        """Stop here, unless whoever asked for it wants to go on."""
        if self._on_stop is not None and self._on_stop(recorded):
            self._stop_seq = _NO_STOP
            return
        where = f"session {self.name}, seq {recorded.seq}"
        raise self.fail(StopReached(f"stopped before {recorded.kind} {recorded.id}", seq=recorded.seq, where=where))

    def fail(self, error: LLLMError) -> ReplayStopped:
        """Remember the first failure and return what stops the replay with it."""
        self.failure = self.failure or error
        return ReplayStopped(self.failure)

    @property
    def difference(self) -> dict[str, Any]:
        """The divergence report; empty when nothing differs."""
        return self.failure.report if isinstance(self.failure, ReplayDiverged) else {}

    def barrier(self) -> None:
        """Nothing is written, so nothing is synced."""

    @property
    def needs_barrier(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Accept no further event, as a log does."""
        self._is_closed = True


def _may_come() -> bool:
    """Whether another thread could do something while this one waits for it. What a loop's tasks do, its loop must do.

    A thread that waits for a function to run does nothing by itself; of any other, nobody knows what it is about to do.
    """
    return active_count() > 1 + THREADS.idle and not runs_loop()
