"""How locks of the system are taken, waited for and looked at. It lets go of each when the process that holds it dies.

Who writes holds an exclusive lock. Who only looks holds a shared one for an instant, and a writer that meets it can
tell the two apart: it waits the one out, and gives up at the other.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_TRIES, _PAUSE_S = 1000, 0.001


def take(fd: int) -> None:
    """Lock an open file for writing, at once or not at all.

    Raises:
        BlockingIOError: another writer holds it.
        OSError: this file system has no locks.
    """
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)  # refused where a writer holds it
        fcntl.flock(fd, fcntl.LOCK_UN)
        time.sleep(_PAUSE_S)
    raise BlockingIOError


def is_held(path: Path) -> bool:
    """Return whether a writer holds this lock file. One that cannot be asked may be held, so that is True, too."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


@contextmanager
def sharing(folder: Path) -> Generator[None]:
    """While the block runs, keep out whoever wants the folder for itself; wait until such a one is done.

    Where locks do not work, the block just runs.
    """
    with _opened(folder) as fd:
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_SH)
        yield


@contextmanager
def taking(path: Path, wait_s: float = 0.0) -> Generator[bool]:
    """While the block runs, hold a folder or a lock file alone; yield whether that worked in time."""
    end = time.monotonic() + wait_s
    with _opened(path) as fd:
        while not (is_ours := _try(fd)) and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        yield is_ours


def _try(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Generator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
