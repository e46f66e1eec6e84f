"""How the index learns what a listing cannot see: that a session which had ended has a writer again.

A listing takes a closed session as it was. So a new writer leaves an empty file of the session's name, once it holds
the session's lock; whoever lists next reads the session again and removes the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

INDEX = "index.sqlite"
MARKS = ".changed"


def mark_changed(base: Path, session: str) -> None:
    """Tell the index of a log, where there is one, that somebody writes this session. Never fails."""
    # An index that is made after this question looks at the lock, which the caller holds by now.
    if (base / INDEX).exists():
        with suppress(OSError):
            (base / MARKS).mkdir(exist_ok=True)
            (base / MARKS / session).touch()


def list_marks(base: Path) -> list[str]:
    """Return the sessions that are marked."""
    try:
        return os.listdir(base / MARKS)  # noqa: PTH208 - names are wanted, not paths
    except OSError:
        return []


def remove_marks(base: Path, sessions: Iterable[str]) -> None:
    """Remove the marks of these sessions, as far as that is allowed."""
    for session in sessions:
        with suppress(OSError):
            (base / MARKS / session).unlink()
