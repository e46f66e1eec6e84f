"""How a batch shows where it is: a live display on a terminal, a line for each finished task elsewhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Protocol

from lllm.cli.screen import Screen, preview, wants_colour
from lllm.utils import visible


@dataclass(slots=True)
class Tally:
    """Counts of a batch.

    Attributes:
        total: tasks to do now; those that were done before are not among them.
        wall_s: seconds since the start.
    """

    total: int
    ok: int = 0
    failed: int = 0
    running: int = 0
    tokens: int = 0
    wall_s: float = 0.0

    @property
    def finished(self) -> int:
        """Tasks that ended, well or not."""
        return self.ok + self.failed

    @property
    def eta_s(self) -> float | None:
        """Seconds that the rest will take at the pace so far; None before the first has ended."""
        return self.wall_s / self.finished * (self.total - self.finished) if self.finished else None


class Progress(Protocol):
    """Whatever shows a batch."""

    def show(self, tally: Tally, line: str = "", *, failed: bool = False) -> None:
        """Show the counts, and a line about the task that has just ended."""
        ...

    def stop(self) -> None:
        """Leave the display."""
        ...


class PlainProgress:
    """One line on stderr for each task that ended."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def show(self, tally: Tally, line: str = "", *, failed: bool = False) -> None:
        """Write the line."""
        if line:
            self._screen.say(f"[{tally.finished}/{tally.total}] {line}", "red" if failed else "")

    def stop(self) -> None:
        """There is nothing to leave."""


class LiveProgress:
    """A bar with counts, tokens, pace and time left, and above it a line for each task that failed."""

    def __init__(self, screen: Screen, total: int) -> None:
        from rich import progress  # noqa: PLC0415 - heavy
        from rich.text import Text  # noqa: PLC0415 - as above

        self._text = Text
        self._bar = progress.Progress(
            progress.BarColumn(),
            progress.TextColumn("{task.description}", markup=False),
            console=screen.console(sys.stderr),
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=True,
        )
        self._task: Any = self._bar.add_task("starting", total=total)
        self._bar.start()

    def show(self, tally: Tally, line: str = "", *, failed: bool = False) -> None:
        """Move the bar."""
        if failed and line:
            self._bar.console.print(self._text(visible(line), style="red"), soft_wrap=True)
        self._bar.update(self._task, completed=tally.finished, description=render_tally(tally))

    def stop(self) -> None:
        """Leave the bar as it is last."""
        self._bar.stop()


def start_progress(screen: Screen, total: int) -> Progress:
    """Show what fits stderr, until ``stop``."""
    live = total > 0 and not screen.as_json and sys.stderr.isatty() and wants_colour(sys.stderr)
    return LiveProgress(screen, total) if live else PlainProgress(screen)


def render_tally(tally: Tally) -> str:
    """Return the counts in one line. Pure."""
    pace_hz = tally.finished / tally.wall_s if tally.wall_s else 0.0
    pace = f"{pace_hz:.{0 if pace_hz >= 10 else 2}f} tasks/s" if pace_hz else ""
    left = f"{_duration(tally.eta_s)} left" if tally.eta_s else ""
    parts = [f"{tally.finished}/{tally.total}", f"{tally.failed} failed", f"{tally.running} running"]
    return "  ".join(part for part in [*parts, f"{tally.tokens} tokens", pace, left] if part)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def render_outcome(id_: str, status: str, wall_s: float, told: str) -> str:
    """Return a line about a task that ended. Pure."""
    return f"{status} {id_} ({wall_s:.1f} s): {preview(told)}" if told else f"{status} {id_} ({wall_s:.1f} s)"
