"""Strict replay: run today's code over a recorded session, offline, and stop at the first difference."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from lllm.errors import ConfigError, ReplayDiverged
from lllm.llm.current import replaying
from lllm.llm.opening import versions
from lllm.llm.session import Session
from lllm.log.base import ReplayableLogBase
from lllm.log.envelope import Event
from lllm.log.local import LocalFileLog
from lllm.replay.journal import RecordingEnded, StopReached, TapeJournal
from lllm.replay.offline import build_offline, run_replayed
from lllm.replay.recording import Recording, find_place
from lllm.replay.rerun import Run, agent_type_of, kept, kept_later, prompts_replaced, run_of
from lllm.replay.second import SecondLog
from lllm.replay.tape import Tape

_Status = Literal["same", "differs", "ended", "stopped"]
_STATUS: Mapping[type, _Status] = {ReplayDiverged: "differs", RecordingEnded: "ended", StopReached: "stopped"}


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """How a replay went.

    Attributes:
        status: ``same``; ``differs``; ``ended``: the recorded process died or was interrupted, and up to there nothing
            differs; or ``stopped``: so it is up to the event at which the replay was to stop.
        replayed: events that agree, or that a replay passes over: notes, and what functions did inside.
        events: events of the recording.
        result: what the run returned; None unless it came to its end.
        error: what the run raised, as it did when it was recorded; empty when it returned.
        difference: the divergence report, see :class:`~lllm.errors.ReplayDiverged`; empty when there is none.
        remarks: versions that differ from the recording's. They explain a difference; they are none themselves.
        steps: model calls of the recording, each try counted.
        dialogs: dialogs of the recording, forks included.
        stopped_at: seq of the event at which the replay stopped because it was asked to; 0 when it was not.
        copy: folder of the second log; empty without one.
    """

    session: str
    status: _Status
    replayed: int
    events: int
    result: Any = None
    error: str = ""
    difference: Mapping[str, Any] = field(default_factory=dict[str, Any])
    remarks: tuple[str, ...] = ()
    steps: int = 0
    dialogs: int = 0
    stopped_at: int = 0
    copy: str = ""


def replay(
    log: ReplayableLogBase,
    session: str = "last",
    run: Run | None = None,
    *,
    until: int | str | None = None,
    on_stop: Callable[[Event], bool] | None = None,
    copy_to: Path | None = None,
) -> ReplayReport:
    """Replay a session against today's code and prompts. Nothing is sent and nothing is written.

    Args:
        log: where the session is.
        session: its name, a unique start of it, or ``last``.
        run: what the session ran; default: the ``AgentBase`` that its header names, built from the recorded config.
            It may be async.
        until: seq or id of the first event that is not replayed, such as the step ``1/s2``; default: all are.
        on_stop: called where the replay stops there, in the thread and on the stack of today's code, for a debugger;
            it returns whether to go on to the end after all.
        copy_to: a new folder, for a log of what today's code said, in the order and with the times of the recording.

    Raises:
        SessionNotFound: no such session.
        LogCorrupt: it is damaged.
        NotRegisteredError: the header's agent type is not registered any more.
        ConfigError: the session was not made by an AgentBase, and ``run`` is missing.
        LogError: there is no event ``until``.
    """
    name = log.resolve(session)
    recording = Recording(log.read_run(name))
    stop_seq = None if until is None else find_place(recording, until)
    second = None if copy_to is None else _second(log, copy_to)
    journal = TapeJournal(name, recording, log.redactor, stop_seq, on_stop, second and second.take)
    result, error = run_offline(journal, run)
    copy = second.save(name) if second is not None and journal.failure is None else None
    failure = journal.failure
    return ReplayReport(
        session=name,
        status=_STATUS.get(type(failure), "same"),
        replayed=recording.replayed,
        events=len(recording.events),
        result=None if failure else result,
        error="" if failure else error,
        difference=journal.difference,
        remarks=_remarks(recording.header),
        steps=recording.count("model.request"),
        dialogs=recording.count("dialog.open"),
        stopped_at=failure.seq if isinstance(failure, StopReached) else 0,
        copy="" if copy is None else str(copy),
    )


def _second(log: ReplayableLogBase, folder: Path) -> SecondLog:
    if not isinstance(log, LocalFileLog):
        raise ConfigError("only a log on disk can be copied", hint="keep sessions in a LocalFileLog")
    return SecondLog(log, folder)


def run_offline(journal: TapeJournal, run: Run | None = None) -> tuple[Any, str]:
    """Run today's code over a recording; return its result, and the error that it ended in as ``Name: text``."""
    recording, header = journal.recording, journal.recording.header
    tape = Tape(journal)
    replayed = Session(
        journal, seed=header.get("seed", 0), tape=tape, name=str(header.get("session") or journal.name), run_id="replay"
    )
    with replaying(tape), prompts_replaced(header.get("prompts") or {}):
        code = _recorded_run(header) if run is None else partial(_keeping_result, run, recording)
        return run_replayed(replayed, code)


def _recorded_run(header: Mapping[str, Any]) -> Run:
    """Return what the header says was run, built so that it can reach nothing."""
    return run_of(build_offline(agent_type_of(header), header.get("config") or {}), header)


def _keeping_result(run: Run, recording: Recording, session: Session) -> Any:
    """Run the caller's function; what it returns counts as the session's result if the recorded session had one."""
    result = run(session)
    closed = recording.closing.data if recording.closing else {}
    if session.result is not None or (closed.get("result") is None and "result_type" not in closed):
        return result
    return kept_later(session, result) if inspect.isawaitable(result) else kept(session, result)


def _remarks(header: Mapping[str, Any]) -> tuple[str, ...]:
    told = versions().items()
    return tuple(f"{key} was {header[key]}, is {now}" for key, now in told if header.get(key) != now)
