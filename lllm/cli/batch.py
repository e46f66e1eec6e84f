"""``lllm run --tasks``: many tasks at once, and the rest of them when it is run again.

What has been done is read from the log, not from the results: a session that ended well is a task done. So a run may be
killed at any moment; results that were not written yet are taken from the log by the next one.
"""

from __future__ import annotations

import fcntl
import json
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from queue import Empty
from types import FrameType
from typing import Any

from lllm.cli import exits
from lllm.cli.asked import Asked
from lllm.cli.crew import LoopCrew, Outcome, Started, ThreadCrew, build_crew
from lllm.cli.players import tell_players
from lllm.cli.progress import PlainProgress, Progress, Tally, render_outcome, start_progress
from lllm.cli.project import discover, find_place, load_system, load_values
from lllm.cli.results import ResultFile
from lllm.cli.screen import Screen
from lllm.cli.tasks import Plan, load_tasks, plan
from lllm.cli.work import Work
from lllm.errors import LLLMError, LogError, LogFenced
from lllm.llm.base import AgentBase, AsyncAgentBase, type_name
from lllm.log.base import ReplayableLogBase
from lllm.log.local import LocalFileLog
from lllm.utils import PrintSystem, safe_name

GRACE_S = 10.0
"""How long Ctrl-C waits for tasks that are under way; a second one does not wait."""


def run_batch(screen: Screen, asked: Asked) -> int:
    """Run what is left of a file of tasks; return the exit code."""
    assert asked.tasks is not None
    path = Path(asked.tasks)
    place = find_place(asked.config)
    config = load_values(place, asked.settings)
    discover(place, config.values)
    system: AgentBase | AsyncAgentBase = load_system(
        config, asked.words[0] if asked.words else None, PrintSystem(silent=True)
    )
    batch = safe_name(asked.session or path.stem, 32)[:48]
    works = load_tasks(path, batch, type_name(type(system)))
    with _alone(system.log_base, batch):
        planned = plan(works, system.log_base)
        _tell_killed(screen, planned)
        if planned.todo:
            tell_players(screen, config.values)
        sink = _Sink(screen, asked.out)
        try:
            sink.catch_up(planned, system.log_base)
            run = _Run(screen, sink, planned)
            run.perform(build_crew(system, planned.todo, asked.concurrency))
        finally:
            sink.close()
    return run.conclude(batch)


def _tell_killed(screen: Screen, planned: Plan) -> None:
    """Tell of tasks that begin anew though some of what they did may have taken effect."""
    if planned.killed:
        told = f"{len(planned.killed)} of the tasks were killed in the middle, and begin anew in sessions of their own"
        screen.say(f"{told}; to go on with one instead: lllm resume {planned.killed[0]}")


class _Sink:
    """Where results go: a file, else stdout, a line each; in JSON mode they wait for the one document."""

    def __init__(self, screen: Screen, out: str | None) -> None:
        self._screen = screen
        self._file = ResultFile(Path(out)) if out is not None else None
        self._stdout = sys.stdout  # what it is before anything redirects it
        self.rows: list[dict[str, Any]] = []

    def put(self, row: dict[str, Any]) -> None:
        """Keep one result."""
        self.rows.append({key: row[key] for key in row if key != "result"} if self._file else row)
        if self._file is not None:
            self._file.append(row)
        elif not self._screen.as_json:
            self._stdout.write(json.dumps(row) + "\n")
            self._stdout.flush()

    def catch_up(self, planned: Plan, log: ReplayableLogBase) -> None:
        """Write the results of earlier runs that the file lacks, as after a crash between a task and its line."""
        if self._file is None:
            return
        written = self._file.sessions()
        for work in planned.done:
            if work.session not in written:
                self._file.append(_row_from_log(log, work))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class _Run:
    """One run over what is left, as the main thread sees it."""

    def __init__(self, screen: Screen, sink: _Sink, planned: Plan) -> None:
        self._screen, self._sink, self._planned = screen, sink, planned
        self._tally = Tally(len(planned.todo))
        self._interrupted_at: float | None = None
        self._interrupts = 0
        self._progress: Progress = PlainProgress(screen)

    def perform(self, crew: ThreadCrew | LoopCrew) -> None:
        """Run the crew to its end, or until an interrupt's grace is over."""
        self._progress = start_progress(self._screen, self._tally.total)
        # What user code prints is no result.
        with self._interruptible(crew), redirect_stdout(sys.stderr):
            try:
                crew.start()
                self._follow(crew)
            except BaseException:
                crew.stop()
                raise
            finally:
                self._progress.stop()

    def _follow(self, crew: ThreadCrew | LoopCrew) -> None:
        """Take the crew's reports until each of its workers has said that it is done."""
        since, n_working = time.monotonic(), crew.size
        while n_working and not self._is_grace_over():
            try:
                report = crew.reports.get(timeout=0.2)
            except Empty:
                self._progress.show(self._tally)
                continue
            self._tally.wall_s = time.monotonic() - since
            match report:
                case None:
                    n_working -= 1
                case Started():
                    self._tally.running += 1
                    self._progress.show(self._tally)
                case Outcome():
                    self._ended(report)

    def _ended(self, outcome: Outcome) -> None:
        self._tally.running -= 1
        self._tally.ok += outcome.error is None
        self._tally.failed += outcome.error is not None
        self._tally.tokens += outcome.usage.get("total_tokens", 0)
        self._sink.put(outcome.to_row())
        self._progress.show(self._tally, render_outcome(*_told(outcome)), failed=outcome.error is not None)

    @contextmanager
    def _interruptible(self, crew: ThreadCrew | LoopCrew) -> Generator[None]:
        """Let Ctrl-C stop the crew in place of breaking into whatever the main thread does."""

        def interrupt(_signal: int, _frame: FrameType | None) -> None:
            self._interrupts += 1
            self._interrupted_at = self._interrupted_at or time.monotonic()
            crew.stop()

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _is_grace_over(self) -> bool:
        at = self._interrupted_at
        return at is not None and (self._interrupts > 1 or time.monotonic() - at > GRACE_S)

    def conclude(self, batch: str) -> int:
        """Tell how it went and return the exit code."""
        tally, n_done = self._tally, len(self._planned.done)
        is_stopped = self._interrupted_at is not None
        n_left = tally.total - tally.ok
        told = f"{n_done} done before, {tally.finished} run, {tally.failed} failed"
        if is_stopped:
            told += f", {tally.total - tally.finished} not finished"
        self._screen.say(told, "bold")
        if n_left:
            self._screen.say(f"run the same command again to do the {n_left} that are left")
        code = exits.INTERRUPTED if is_stopped else exits.FAILED if tally.failed else exits.OK
        if self._screen.as_json:
            counts = {"done_before": n_done, "run": tally.finished, "failed": tally.failed, "left": n_left}
            total = {"batch": batch, **counts, "tokens": tally.tokens, "interrupted": is_stopped}
            self._screen.json({**total, "tasks": self._sink.rows})
        return code


def _told(outcome: Outcome) -> tuple[str, str, float, str]:
    failed = outcome.error is not None
    told = outcome.error["message"] if outcome.error else ""
    return outcome.work.id, "failed" if failed else "ok", outcome.wall_s, told


def _row_from_log(log: ReplayableLogBase, work: Work) -> dict[str, Any]:
    """Return the result's line of a session that ended well."""
    assert work.session is not None
    row: dict[str, Any] = {"id": work.id, "session": work.session, "status": "ok", "result": None}
    try:
        for event in log.read_session(work.session):
            if event.kind == "session.close":
                row["result"] = event.data.get("result")
    except LLLMError as error:
        row["remark"] = f"the result is in the log, which cannot be read: {error.message}"
    return row


@contextmanager
def _alone(log: ReplayableLogBase, batch: str) -> Generator[None]:
    """Keep two processes from doing one batch at the same time, which would do each task twice.

    Raises:
        LogFenced: another process is at it.
        LogError: the log's folder cannot be written.
    """
    if not isinstance(log, LocalFileLog):
        yield
        return
    try:
        log.folder.mkdir(parents=True, exist_ok=True)
        opened = (log.folder / f"{batch}.batch-lock").open("ab")
    except OSError as error:
        hint = "set log_dir to a folder that you may write"
        raise LogError(f"the log cannot be written: {error.strerror}", where=str(log.folder), hint=hint) from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            hint = "wait until it ends, or give this run another --session"
            raise LogFenced(f"another process runs the batch {batch!r}", where=file.name, hint=hint) from error
        yield
