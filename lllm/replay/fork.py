"""Fork: a new session that shares a recorded one up to an event, and lives from there on. Nothing is copied."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from typing import Any
from uuid import uuid4

from lllm.errors import LogExists, ReplayDiverged
from lllm.llm.stream import Listener
from lllm.log.base import ReplayableLogBase, SessionLog
from lllm.replay.edits import ForkJournal
from lllm.replay.live import LiveReport, LiveTape, open_live
from lllm.replay.overrides import NO_OVERRIDES, Overrides, to_built, to_overridden_header
from lllm.replay.recording import Recording, cut
from lllm.replay.rerun import Run, build_live, prompts_replaced, run_live, run_of
from lllm.replay.unfinished import Decide, find_unfinished, lost, to_decisions, undecided
from lllm.utils import encode_json, safe_name


class ForkedLog:
    """Writes a fork's own events; its log is made when something is done that the recording has not.

    What is said before that, today's words of the past and remarks, waits until then: if nothing new follows, there is
    no fork.

    Args:
        open_log: makes the fork's log, which begins with its header.
        shared: how many events it shares with its parent.
    """

    def __init__(self, open_log: Callable[[], SessionLog], shared: int) -> None:
        self._open_log, self._shared = open_log, shared
        self._log: SessionLog | None = None
        self._waiting: list[tuple[str, str, str, int]] = []
        self.written = 0

    @property
    def name(self) -> str:
        """The fork's name; empty as long as it has no log."""
        return "" if self._log is None else self._log.name

    def begin(self) -> None:
        """Make the log, whose header tells the parent, and write what waits for it."""
        if self._log is None:
            self._log = self._open_log()
            for kind, id_, text, cause in self._waiting:
                self._log.append(kind, id_, text, cause=cause)

    def append(self, kind: str, id_: str, text: str, cause: int) -> int:
        """Write an event that follows all before it, and return its seq in the whole run."""
        self._write(kind, id_, text, cause)
        self.written += 1
        return self._shared + self.written

    def replace(self, kind: str, id_: str, text: str, cause: int) -> None:
        """Write an event that stands in the place of the shared one of its kind and id."""
        self._write(kind, id_, text, cause)

    def _write(self, kind: str, id_: str, text: str, cause: int) -> None:
        if self._log is None:
            self._waiting.append((kind, id_, text, cause))
        else:
            self._log.append(kind, id_, text, cause=cause)

    def barrier(self) -> None:
        """Return when what was written survives a power loss."""
        if self._log is not None:
            self._log.barrier()

    @property
    def needs_barrier(self) -> bool:
        """Whether an event waits for a barrier."""
        return self._log is not None and self._log.needs_barrier

    def close(self) -> None:
        """Let go of the log."""
        if self._log is not None:
            self._log.close()


def fork(  # noqa: PLR0913 - all but four are keyword-only
    log: ReplayableLogBase,
    session: str = "last",
    at: int | str | None = None,
    run: Run | None = None,
    *,
    overrides: Overrides = NO_OVERRIDES,
    name: str = "",
    decide: Decide = undecided,
    listen: Listener | None = None,
    on_open: Callable[[str], None] | None = None,
) -> LiveReport:
    """Go on from an event of a recorded session, in a new session, through today's code.

    What was recorded before the event is served: no model is asked and no function runs. Today's code may say its past
    in other words (prompts, model arguments, what is shown), which the fork's log keeps; it may not do other things.
    From the event on everything is live. Functions that were under way there run again.

    Args:
        log: where the session is, and where the fork will be.
        session: its name, a unique start of it, or ``last``.
        at: the seq or the id of the first event that is not taken over; default: the last model call, or the end of a
            run whose process died.
        run: what the session ran; default: the ``AgentBase`` that its header names.
        overrides: what is different in the fork.
        name: of the fork; default: the session's, with a number.
        decide: says what is done about a function or a step that was under way when the session's process died. Those
            that were under way at the event, and ended later, run again.
        listen: told what calls do while they do it.
        on_open: told the fork's name once there is one.

    Raises:
        ResumeUndecided: ``decide`` returned None; nothing was done.
        ReplayDiverged: today's code does something else before the event; the hint names where a fork could begin.
        ConfigError: an override does not fit.
        LogExists: the name is taken.
    """
    parent = log.resolve(session)
    with ExitStack() as held, ExitStack() as block:
        held.enter_context(log.keeping())  # nobody may prune the parent before the fork's header names it
        whole = Recording(log.read_run(parent))
        recording = cut(whole, at)
        block.enter_context(prompts_replaced({**(whole.header.get("prompts") or {}), **overrides.prompts}))
        unfinished = find_unfinished(recording)
        decisions = to_decisions(lost(unfinished, whole), decide)
        header = _to_header(parent, recording, overrides)

        def open_log() -> SessionLog:
            opened = _open(log, parent, name)
            opened.append("session.open", "", encode_json(header))
            held.close()
            journal.name = opened.name  # what is told from here on is told of the fork
            if on_open is not None:
                on_open(opened.name)
            return opened

        writer = ForkedLog(open_log, len(recording.events))
        journal = ForkJournal(parent, recording, writer, log.redactor)
        code = run or run_of(build_live(to_built(header, overrides)), header)
        live = open_live(journal, LiveTape(journal, decisions, recording.attempts), header, listen)
        try:
            result = run_live(live, code)
        except ReplayDiverged as error:
            raise _earlier(error, parent) from None
    return LiveReport(writer.name, result, recording.replayed, writer.written, tuple(unfinished), live.usage)


def _to_header(parent: str, recording: Recording, overrides: Overrides) -> dict[str, Any]:
    """Return the header of a fork: its parent's, with what is different. Pure but for the run's random id."""
    header, last = recording.header, recording.events[-1]
    return {
        **to_overridden_header(header, overrides),
        "run_id": uuid4().hex,
        "parent": {"session": parent, "seq": last.seq, "chain": last.h},
        "forks": int(header.get("forks", 0)) + 1,
    }


def _open(log: ReplayableLogBase, parent: str, name: str) -> SessionLog:
    if name:
        return log.open_session(safe_name(name))
    base = re.sub(r"-fork[0-9]+$", "", parent)[:100]
    for number in count(1):
        try:
            return log.open_session(f"{base}-fork{number}")
        except LogExists:  # another fork, perhaps one that begins at this moment
            continue
    raise AssertionError("count() ends never")


def _earlier(error: ReplayDiverged, parent: str) -> ReplayDiverged:
    """Return the error with the place where a fork could begin."""
    seq = error.report.get("seq")
    hint = f"fork before the difference: lllm fork {parent}@{seq}" if seq else error.hint
    return ReplayDiverged(error.message, report=error.report, where=error.where, hint=hint)
