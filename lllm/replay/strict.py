"""Strict replay: run today's code over a recorded session, offline, and stop at the first difference."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from lllm.const import VERSION
from lllm.errors import ConfigError, ReplayDiverged
from lllm.llm.session import Session, replaying
from lllm.log.base import ReplayableLogBase
from lllm.machine.draw import table_hash
from lllm.replay.journal import TapeJournal
from lllm.replay.offline import build_offline, run_replayed
from lllm.replay.recording import Recording
from lllm.replay.tape import Tape


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """How a replay went.

    Attributes:
        status: ``same``; ``differs``; or ``ended``: the recorded process died or was interrupted, and up to there
            nothing differs.
        replayed: events that agree, or that a replay passes over: notes, and what functions did inside.
        events: events of the recording.
        result: what the run returned; None unless it came to its end.
        error: what the run raised, as it did when it was recorded; empty when it returned.
        difference: the divergence report, see :class:`~lllm.errors.ReplayDiverged`; empty when there is none.
        remarks: versions that differ from the recording's. They explain a difference; they are none themselves.
        steps: model calls of the recording, each try counted.
        dialogs: dialogs of the recording, forks included.
    """

    session: str
    status: Literal["same", "differs", "ended"]
    replayed: int
    events: int
    result: Any = None
    error: str = ""
    difference: Mapping[str, Any] = field(default_factory=dict[str, Any])
    remarks: tuple[str, ...] = ()
    steps: int = 0
    dialogs: int = 0


def replay(log: ReplayableLogBase, session: str = "last", run: Callable[[Session], Any] | None = None) -> ReplayReport:
    """Replay a session against today's code and prompts. Nothing is sent and nothing is written.

    Args:
        log: where the session is.
        session: its name, a unique start of it, or ``last``.
        run: what the session ran; default: the ``AgentBase`` that its header names, built from the recorded config.
            It may be async.

    Raises:
        SessionNotFound: no such session.
        LogCorrupt: it is damaged.
        NotRegisteredError: the header's agent type is not registered any more.
        ConfigError: the session was not made by an AgentBase, and ``run`` is missing.
    """
    name = log.resolve(session)
    recording = Recording(log.read_run(name))
    header = recording.header
    journal = TapeJournal(name, recording, log.redactor)
    tape = Tape(journal)
    replayed = Session(journal, seed=header.get("seed", 0), tape=tape, name=str(header.get("session") or name))
    with replaying(tape):
        code = _recorded_run(header) if run is None else partial(_keeping_result, run, recording)
        result, error = run_replayed(replayed, code)
    failure = journal.failure
    return ReplayReport(
        session=name,
        status="differs" if isinstance(failure, ReplayDiverged) else "ended" if failure else "same",
        replayed=recording.replayed,
        events=len(recording.events),
        result=None if failure else result,
        error="" if failure else error,
        difference=failure.report if isinstance(failure, ReplayDiverged) else {},
        remarks=_remarks(header),
        steps=recording.count("model.request"),
        dialogs=recording.count("dialog.open"),
    )


def _recorded_run(header: Mapping[str, Any]) -> Callable[[Session], Any]:
    """Return what the header says was run: an agent system, a task, and its arguments."""
    kind = header.get("agent_type")
    if not kind:
        raise ConfigError(
            "this session was not made by an AgentBase, so there is no code to run it through",
            hint="from Python: lllm.replay.replay(log, session, run=your_function)",
        )
    system = build_offline(str(kind), header.get("config") or {})

    def run(session: Session) -> Any:
        result = system.call(header.get("task"), **(header.get("kwargs") or {}))
        return _awaited(session, result) if inspect.isawaitable(result) else _kept(session, result)

    return run


async def _awaited(session: Session, result: Any) -> Any:
    return _kept(session, await result)


def _kept(session: Session, result: Any) -> Any:
    session.result = result
    return result


def _keeping_result(run: Callable[[Session], Any], recording: Recording, session: Session) -> Any:
    """Run the caller's function; what it returns counts as the session's result if the recorded session had one."""
    result = run(session)
    closed = recording.closing.data if recording.closing else {}
    if session.result is not None or (closed.get("result") is None and "result_type" not in closed):
        return result
    return _awaited(session, result) if inspect.isawaitable(result) else _kept(session, result)


def _remarks(header: Mapping[str, Any]) -> tuple[str, ...]:
    today = {"lllm": VERSION, "python": platform.python_version(), "machine": table_hash()}
    return tuple(f"{key} was {header[key]}, is {now}" for key, now in today.items() if header.get(key) != now)
