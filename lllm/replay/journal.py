"""What takes the place of the log in a replay: it holds each event of today's code against the recorded one."""

from __future__ import annotations

import json
from dataclasses import replace
from threading import RLock
from typing import Any

from lllm.errors import LLLMError, LogError
from lllm.llm.session import ReplayStopped
from lllm.log.base import SessionLog
from lllm.log.envelope import Event
from lllm.log.redact import Redactor
from lllm.machine.commands import Reason
from lllm.replay.diverge import compared, diverged, never_reached, other_order, same
from lllm.replay.rebuilt import to_cancellation
from lllm.replay.recording import Recording, strand_of

_OF_A_CALL = frozenset({"model.request", "function.call", "function.result", "wait"})


class RecordingEnded(LogError):
    """The recorded process died here, or was interrupted; up to here today's code did the same."""


class TapeJournal(SessionLog):
    """Takes the place of the log: each event of today's code must equal the recorded one, which gives it its seq.

    Attributes:
        failure: the first difference, or that the recording ended; every later event raises it again.
    """

    def __init__(self, name: str, recording: Recording, redact: Redactor | None = None) -> None:
        super().__init__(name, redact=redact)
        self.recording = recording
        self.failure: LLLMError | None = None
        self._contracts: dict[str, dict[str, Any]] = {}
        self._lock = RLock()
        self._is_closed = False

    def append(self, kind: str, id: str, data_json: str, *, cause: int = 0) -> int:  # noqa: A002 - the field's name
        """Compare one event with the recording and return the recorded seq.

        Raises:
            ReplayStopped: they differ, or the recorded process died before this event.
            LogError: the session is closed already.
            BaseException: the recorded call was cancelled here; whatever cancelled it is raised.
        """
        if kind == "note":
            return 0
        data: dict[str, Any] = json.loads(self.redact(data_json))
        with self._lock:
            if self.failure is not None:
                raise ReplayStopped(self.failure)
            if self._is_closed:
                raise LogError("the session's log is closed", where=self.name)
            if kind == "contract":
                return self._take_contract(id, data)
            return self._take(kind, id, data, cause)

    def _take(self, kind: str, id_: str, data: dict[str, Any], cause: int) -> int:
        if kind == "session.close" and (missed := self.recording.left_over()) is not None:
            raise self.fail(never_reached(self.name, missed))
        recorded = self.recording.peek(strand_of(id_))
        if recorded is None:
            raise self.misfit(kind, id_, data, cause)
        if kind in _OF_A_CALL or id_.endswith("/x"):
            _cancel_as_recorded(recorded)
        if kind == "model.request" and (recorded.kind, recorded.id) == (kind, id_):
            self._check_contract(recorded, data)
        if recorded is self.recording.closing and self.recording.is_broken_off and not same(kind, recorded.data, data):
            raise self.ended(id_)
        if not _is_one(recorded, kind, id_, data):
            raise self.misfit(kind, id_, data, cause)
        if cause > recorded.seq and self.recording.came_before(recorded, cause):
            raise self.fail(other_order(self.name, recorded, self.recording.events[cause - 1]))
        self.recording.advance(recorded)
        return recorded.seq

    def _take_contract(self, id_: str, data: dict[str, Any]) -> int:
        """Compare a contract, or keep one that was never recorded until the request tells in whose place it stands."""
        recorded = self.recording.contracts.get(id_)
        if recorded is None:
            self._contracts[str(data.get("fingerprint"))] = data
            return 0
        if not same("contract", recorded.data, data):
            raise self.fail(diverged(self.name, recorded, "contract", id_, data))
        self.recording.advance(recorded)
        return recorded.seq

    def _check_contract(self, request: Event, data: dict[str, Any]) -> None:
        """Tell of another contract by what stands in it, not by its fingerprint."""
        wanted, today = request.data.get("contract"), data["contract"]
        recorded, known = self.recording.contract_of(wanted), self.recording.contract_of(today)
        got = self._contracts.get(today) or (known.data if known is not None and today != wanted else None)
        if recorded is None or got is None:
            return
        if not self.recording.is_done(recorded):
            raise self.fail(diverged(self.name, recorded, "contract", recorded.id, got))
        told, today = (compared("contract", side) for side in (recorded.data, got))
        unfolded = replace(request, data=request.data | {"contract": told})
        raise self.fail(diverged(self.name, unfolded, request.kind, request.id, data | {"contract": today}))

    def misfit(self, kind: str, id_: str, data: dict[str, Any], cause: int = 0) -> ReplayStopped:
        """Return what stops the replay at an event that is not the recorded one, and remember it."""
        recorded = self.recording.peek(strand_of(id_))
        recorded = recorded or self.recording.follower(cause, id_)
        is_over = recorded is None or (recorded is self.recording.closing and self.recording.is_broken_off)
        if is_over and not self.recording.is_whole:
            return self.ended(id_)
        skipped = self.recording.skipped_before(recorded) if recorded is not None else None
        return self.fail(diverged(self.name, skipped or recorded or self.recording.closing, kind, id_, data))

    def ended(self, id_: str) -> ReplayStopped:
        """Return what stops the replay where the recorded process died or was interrupted, and remember it."""
        why = "the run was interrupted" if self.recording.is_broken_off else "its process died"
        return self.fail(RecordingEnded(f"the recording ends here: {why}", where=f"session {self.name}, {id_}"))

    def fail(self, error: LLLMError) -> ReplayStopped:
        """Remember the first failure and return what stops the replay with it."""
        self.failure = self.failure or error
        return ReplayStopped(self.failure)

    def barrier(self) -> None:
        """Nothing is written, so nothing is synced."""

    @property
    def needs_barrier(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Accept no further event, as a log does."""
        self._is_closed = True


def _is_one(recorded: Event, kind: str, id_: str, data: dict[str, Any]) -> bool:
    """Whether today's event is the recorded one. At which step of its call a cancellation came is chance."""
    is_chance = kind == "call.close" and data.get("reason") == Reason.CANCELLED
    return recorded.kind == kind and (is_chance or recorded.id == id_) and same(kind, recorded.data, data)


def _cancel_as_recorded(recorded: Event) -> None:
    """Raise what cancelled the recorded call, when that came before the event that today's code has come to."""
    if recorded.kind == "call.close" and recorded.data.get("reason") == Reason.CANCELLED:
        raise to_cancellation(recorded.data.get("by", ""))
