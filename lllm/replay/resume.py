"""Resume: go on with a session whose process died, in its own log, without doing twice what may have happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lllm.errors import LogError
from lllm.llm.opening import versions
from lllm.llm.stream import Listener
from lllm.log.base import ReplayableLogBase, SessionLog
from lllm.replay.live import LiveJournal, LiveReport, LiveTape, open_live
from lllm.replay.recording import Recording
from lllm.replay.rerun import Run, build_live, run_live, run_of
from lllm.replay.unfinished import Decide, Decision, Unfinished, find_unfinished, to_decisions, undecided
from lllm.utils import encode_json


class ResumedLog:
    """Appends to a session's own log; the first event says who goes on."""

    def __init__(self, log: SessionLog, told: dict[str, Any]) -> None:
        self._log, self._told = log, told
        self.written = 0

    def begin(self) -> None:
        """Write who goes on, and with what decisions."""
        if not self.written:
            self._log.append("session.resume", f"resume/{self._told['resumed']}", encode_json(self._told))
            self.written = 1

    def append(self, kind: str, id_: str, text: str, cause: int) -> int:
        """Write an event and return its seq."""
        self.begin()
        self.written += 1
        return self._log.append(kind, id_, text, cause=cause)

    def barrier(self) -> None:
        """Return when what was written survives a power loss."""
        self._log.barrier()

    @property
    def needs_barrier(self) -> bool:
        """Whether an event waits for a barrier."""
        return self._log.needs_barrier

    def close(self) -> None:
        """Let go of the log."""
        self._log.close()


def resume(
    log: ReplayableLogBase,
    session: str = "last",
    run: Run | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    decide: Decide = undecided,
    listen: Listener | None = None,
) -> LiveReport:
    """Go on with a session whose process died, through today's code, in its own log.

    What has a result in the log is served from it. An open model call is asked again. A function or a step that was
    under way runs again only if it was declared ``repeatable`` or ``idempotent``; about any other ``decide`` is asked
    before anything is done.

    Args:
        log: where the session is.
        session: its name, a unique start of it, or ``last``.
        run: what the session ran; default: the ``AgentBase`` that its header names, built from the recorded config.
        config: in place of the recorded one, such as when that held secrets, which no log keeps.
        decide: says what is done about something that may have happened.
        listen: told what calls do while they do it.

    Raises:
        ResumeUndecided: ``decide`` returned None; nothing was done.
        LogError: the session came to an end of its own, so there is nothing to go on with; or the log cannot be
            written again.
        LogFenced: its process is alive.
        ReplayDiverged: today's code does not do what was recorded; nothing that comes after was done.
    """
    name = log.resolve(session)
    reopened, events = log.reopen_run(name)
    try:
        recording = Recording(events)
        _check_open(name, recording)
        unfinished = find_unfinished(recording)
        decisions = to_decisions(unfinished, decide)
        built = recording.header if config is None else {**recording.header, "config": config}
        code = run or run_of(build_live(built), recording.header)
    except BaseException:
        reopened.close()
        raise
    attempt = recording.attempts
    told = {**versions(), "resumed": attempt, "after": recording.events[-1].seq}
    writer = ResumedLog(reopened, told | {"unfinished": _told(unfinished, decisions)})
    journal = LiveJournal(name, recording, writer, reopened.redact)
    live = open_live(journal, LiveTape(journal, decisions, attempt), recording.header, listen)
    result = run_live(live, code)
    return LiveReport(name, result, recording.replayed, writer.written, tuple(unfinished), live.usage)


def _check_open(name: str, recording: Recording) -> None:
    closing = recording.closing
    if closing is None:
        return
    last = recording.last_step
    at = f"@{last.seq}" if last is not None else ""
    raise LogError(
        f"session {name} came to its end: {closing.data.get('status')}, so there is nothing to go on with",
        where=f"session {name}, seq {closing.seq}",
        hint=f"do its last step anew in a session of its own: lllm fork {name}{at}",
    )


def _told(unfinished: Sequence[Unfinished], decisions: Mapping[str, Decision]) -> list[dict[str, Any]]:
    """Return what a log keeps of how the session went on."""
    return [
        {"id": item.id, "kind": item.kind, "name": item.name, "done": _done(item, decisions)} for item in unfinished
    ]


def _done(item: Unfinished, decisions: Mapping[str, Decision]) -> str:
    decision = decisions.get(item.id)
    return decision.kind if decision is not None else item.policy
