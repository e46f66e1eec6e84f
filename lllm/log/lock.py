"""Who may write a session: the process that holds its lock, for as long as nobody took it over."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from lllm.errors import LogError, LogFenced

NAME = "lock"


class SessionLock:
    """The lock of one session's folder, held from construction to ``release``.

    The system lets go of it when the process dies. Every holder writes an epoch that is one higher than the last, so
    that a writer on a file system whose locks do not work still finds out at its next barrier.

    Raises:
        LogFenced: another writer, in this process or another, holds it.
        LogError: the lock file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise LogError(f"the session cannot be locked: {error.strerror}", where=str(self._path)) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.epoch = _to_epoch(os.pread(self._fd, 32, 0)) + 1
            os.pwrite(self._fd, b"%d\n" % self.epoch, 0)
        except BaseException as error:
            os.close(self._fd)
            if isinstance(error, BlockingIOError):
                raise self._fenced() from error
            if isinstance(error, OSError):
                raise LogError(f"the session cannot be locked: {error.strerror}", where=str(self._path)) from error
            raise

    def check(self) -> None:
        """Make sure that nobody took the session over.

        Raises:
            LogFenced: the lock file is gone, or names another epoch.
        """
        try:
            held = _to_epoch(self._path.read_bytes()) == self.epoch
        except OSError:
            held = False
        if not held:
            raise self._fenced()

    def release(self) -> None:
        """Let another writer in. Releasing twice is allowed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _fenced(self) -> LogFenced:
        return LogFenced(
            "another process writes this session",
            where=str(self._path.parent),
            hint="wait until it ends, or choose another session_name",
        )


def _to_epoch(text: bytes) -> int:
    first = text.split(b"\n", 1)[0]
    return int(first) if first.isdigit() else 0
