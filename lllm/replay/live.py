"""A recording that goes on: what it holds is served, and what comes after is done for real and written.

Each strand of a recording ends where its process died, or where a fork begins. Up to there today's code is held to what
was recorded, as in a strict replay; behind it everything is live. So nothing that has a result is done again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from lllm.const import NO_COST, CompletionCost
from lllm.errors import OutcomeUnknown
from lllm.llm.build import build_session_limits
from lllm.llm.effects import (
    MISSING,
    AskModel,
    Effect,
    Effects,
    Job,
    ListTools,
    NextResult,
    Parse,
    Sleep,
    StartFunctions,
    Sync,
)
from lllm.llm.mcp_offers import offer_id
from lllm.llm.session import Session
from lllm.llm.stream import Listener
from lllm.log.redact import Redactor
from lllm.log.scopes import strand_of
from lllm.models.function import FunctionCall, fail
from lllm.models.mcp import MCP
from lllm.replay.journal import TapeJournal
from lllm.replay.recording import Recording
from lllm.replay.tape import Tape, TapeEffects
from lllm.replay.unfinished import Decision, Unfinished, was_started

UNKNOWN = (
    "the process died while this was under way, and nobody knows whether it took effect. "
    "Look before you do it again, or say that it is unknown."
)


class Writer(Protocol):
    """Where what is new is written. Seqs count from the beginning of the whole run."""

    def begin(self) -> None:
        """Write who goes on, before anything is done that the recording has not; at the second call, do nothing."""
        ...

    def append(self, kind: str, id_: str, text: str, cause: int) -> int:
        """Write an event and return its seq."""
        ...

    def barrier(self) -> None:
        """Return when what was written survives a power loss."""
        ...

    @property
    def needs_barrier(self) -> bool:
        """Whether a barrier would have something to do."""
        ...

    def close(self) -> None:
        """Let go of the log."""
        ...


@dataclass(frozen=True, slots=True)
class LiveReport:
    """What came of going on with a recording.

    Attributes:
        session: where the run is logged.
        result: what the run returned.
        served: events that came from the recording.
        written: events that are new.
        unfinished: what was under way where the recording ended.
        usage: tokens of the whole run, the recorded ones included.
    """

    session: str
    result: Any
    served: int
    written: int
    unfinished: Sequence[Unfinished] = field(default_factory=tuple[Unfinished, ...])
    usage: CompletionCost = NO_COST


class LiveJournal(TapeJournal):
    """Holds today's events against the recorded ones as long as there are any, and writes what comes after them."""

    def __init__(self, name: str, recording: Recording, writer: Writer, redact: Redactor) -> None:
        super().__init__(name, recording, redact)
        self._writer = writer
        self.is_live = False  # whether anything was done that the recording has not

    def _take_note(self, id_: str, text: str, cause: int) -> int:
        known = self.recording.find("note", id_)
        return known.seq if known is not None else self._writer.append("note", id_, text, cause)

    def _beyond(self, kind: str, id_: str, text: str, cause: int) -> int:
        """Write an event that comes after the recording, if today's code has done all that was recorded before it."""
        if self.recording.follower(cause, id_) is not None:
            return super()._beyond(kind, id_, text, cause)
        self.go_live()
        if kind == "model.request":
            self._write_contracts()
        return self._writer.append(kind, id_, text, cause)

    def go_live(self) -> None:
        """Take note, in the log first, that from here on something is done that the recording has not."""
        with self._lock:
            self.is_live = True
            self._writer.begin()

    def _write_contracts(self) -> None:
        """Write the contracts that were first needed after the recording."""
        while self._contracts:
            _, (id_, text, cause) = self._contracts.popitem()
            self._writer.append("contract", id_, text, cause)

    def barrier(self) -> None:
        """Return when what was written survives a power loss."""
        self._writer.barrier()

    @property
    def needs_barrier(self) -> bool:
        """Whether an event that was written waits for a barrier."""
        return self._writer.needs_barrier

    def close(self) -> None:
        """Let go of the log."""
        super().close()
        self._writer.close()


class LiveTape(Tape):
    """Serves what was recorded, and lets the session do the rest.

    Args:
        journal: of the session.
        decisions: what is done about functions and steps that may have happened, by id; those that are not named
            happen again.
        attempt: how often a function that was under way was begun before.
    """

    offline = False

    journal: LiveJournal

    def __init__(self, journal: LiveJournal, decisions: Mapping[str, Decision], attempt: int) -> None:
        super().__init__(journal)
        self.decisions = decisions
        self._attempt = attempt

    def effects(self, live: Callable[[], Effects], listen: Listener | None = None) -> Effects:
        """Return what serves the effects of one call, and has ``live`` perform those that were not recorded."""
        return LiveTapeEffects(self, live(), listen)

    def value(self, id: str, name: str, about: Mapping[str, Any] | None = None) -> Any:  # noqa: A002 - as above
        """Return a recorded value, or what was decided; MISSING when it is to be made now."""
        if self.journal.recording.peek(strand_of(id)) is not None:
            return super().value(id, name, about)
        decision = self.decisions.get(id)
        if self.journal.recording.find("step", id) is not None:
            self.go_on()
        if decision is None or decision.kind == "again":
            return MISSING
        if decision.kind == "tell":
            raise OutcomeUnknown(UNKNOWN, where=f"session {self.journal.name}, {id}")
        return decision.answer

    def first_free(self, prefix: str, first: int) -> int:
        """Return the lowest number that nothing recorded under ``prefix`` has."""
        return max(first, self.journal.recording.numbers.get(prefix, first))

    def attempt(self, id: str) -> int:  # noqa: A002 - the envelope's own word
        """Return how often the step was begun before."""
        return self._attempt if self.journal.recording.find("step", id) is not None else 0

    def is_spent(self, dialog_id: str) -> bool | None:
        """Return what was found when it was recorded; None after the recording's end."""
        is_over = self.journal.recording.peek(dialog_id) is None
        return None if is_over else super().is_spent(dialog_id)

    def go_on(self) -> None:
        """Have the log say who goes on, and with what decisions, before anything is done again."""
        self.journal.go_live()
        if self.journal.needs_barrier:
            self.journal.barrier()

    def begun_before(self, job: Job) -> Job:
        """Return a job that runs again, which must not use the ids of its first run twice."""
        return replace(job, attempt=self._attempt)


class LiveTapeEffects(TapeEffects):
    """Performs the effects of one call: from the recording as long as it has them, then for real."""

    def __init__(self, tape: LiveTape, live: Effects, listen: Listener | None) -> None:
        super().__init__(tape.journal, listen)
        self._tape, self._live = tape, live
        self._decided: deque[tuple[int, FunctionCall]] = deque()

    def perform(self, effect: Effect) -> Any:
        """Perform one effect, blocking."""
        rest = self._take(effect)
        if rest is None:
            return self._decided.popleft() if self._is_decided(effect) else super().perform(effect)
        return self._live.perform(rest)

    async def aperform(self, effect: Effect) -> Any:
        """Async twin of :meth:`perform`."""
        rest = self._take(effect)
        if rest is None:
            return self._decided.popleft() if self._is_decided(effect) else await super().aperform(effect)
        return await self._live.aperform(rest)

    def _take(self, effect: Effect) -> Effect | None:
        """Take an effect: return what of it must be done for real; None when all of it is recorded or decided."""
        match effect:
            case AskModel(id_) | ListTools(id_):
                return self._to_ask(id_, effect)
            case StartFunctions(jobs):
                return self._to_start(jobs)
            case NextResult():
                return None if self._peek() is not None or self._decided else effect
            case Sleep() | Parse():
                return None if self._peek() is not None else effect
            case Sync():
                return effect

    def _to_ask(self, id_: str, effect: AskModel | ListTools) -> Effect | None:
        """Return a question to a model or a server that has no recorded answer."""
        self._id = id_
        if self._peek() is not None or (isinstance(effect, ListTools) and self._is_offered(effect.server)):
            return None
        self._tape.journal.go_live()
        if isinstance(effect, AskModel):
            return effect
        return replace(effect, soon=tuple(server for server in effect.soon if not self._is_offered(server)))

    def _is_offered(self, server: MCP) -> bool:
        return bool(self._journal.recording.offer(offer_id(server)))

    def _is_decided(self, effect: Effect) -> bool:
        return isinstance(effect, NextResult) and self._peek() is None

    def _to_start(self, jobs: tuple[Job, ...]) -> Effect | None:
        """Return the start of those functions that have no result, and that nothing else was decided about."""
        recording = self._journal.recording
        super().perform(StartFunctions(jobs))
        first = recording.find("function.call", jobs[0].id)
        was_begun = first is not None and was_started(recording, first)
        todo: list[Job] = []
        for job in jobs:
            if recording.find("function.result", job.id) is not None:
                continue
            decision = self._tape.decisions.get(job.id)
            if decision is None or decision.kind == "again":
                todo.append(self._tape.begun_before(job) if was_begun else job)
            else:
                self._decided.append((job.ordinal, _answered(job, decision)))
        if todo:
            self._tape.go_on()
        return StartFunctions(tuple(todo)) if todo else None


def _answered(job: Job, decision: Decision) -> FunctionCall:
    if decision.kind == "answer":
        return job.function.finish(job.call, decision.answer)
    return fail(job.call, OutcomeUnknown(UNKNOWN))


def open_live(
    journal: LiveJournal, tape: LiveTape, header: Mapping[str, Any], listen: Listener | None = None
) -> Session:
    """Return the session of a recording that goes on: with its seed, its name and its limits.

    ``listen`` is told what is done, not what is served.
    """
    session = Session(
        journal,
        limits=build_session_limits(header.get("config") or {}),
        seed=header.get("seed", 0),
        tape=tape,
        name=str(header.get("session") or journal.name),
        run_id=str(header.get("run_id") or ""),
    )
    session.about = header
    if listen is not None:
        session.listen = lambda event: listen(event) if journal.is_live else None
    return session
