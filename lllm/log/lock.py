"""Who may write a session: the process that holds its lock, for as long as nobody took it over."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from lllm.errors import LogError, LogFenced
from lllm.log.flock import take

NAME = "lock"

# `epoch mark`, and in the second line the seq up to which everything was on the disk once.
_SIZE_BYTES = 128


class SessionLock:
    """The lock of one session's folder, held from construction to ``release``.

    The system lets go of it when the process dies. Every holder writes an epoch that is one higher than the last, so
    that a writer on a file system whose locks do not work still finds out at its next barrier. A mark made by chance
    stands beside it: after a power loss the file may be empty or old, and the epoch begins again.

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
            take(self._fd)
            epoch, self._synced_seq = _parse(os.pread(self._fd, _SIZE_BYTES, 0))
            self.epoch = epoch + 1
            self._mark = b"%d %s\n" % (self.epoch, os.urandom(8).hex().encode("ascii"))
            self._write()
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
            LogFenced: the lock file is gone, or names another holder.
        """
        try:
            held = self._path.read_bytes().startswith(self._mark)
        except OSError:
            held = False
        if not held:
            raise self._fenced()

    def note_synced(self, seq: int) -> None:
        """Remember that the events up to ``seq`` are on the disk. To lose that in a power loss does no harm."""
        self._synced_seq = seq
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        os.pwrite(self._fd, b"%b%d\n" % (self._mark, self._synced_seq), 0)

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


def read_synced_seq(folder: Path) -> int:
    """Return the seq up to which a session's events were on the disk once; 0 when nobody knows."""
    try:
        with (folder / NAME).open("rb") as file:
            return _parse(file.read(_SIZE_BYTES))[1]
    except (OSError, ValueError):  # no such file, or a name that no file can have
        return 0


def _parse(text: bytes) -> tuple[int, int]:
    """Return epoch and synced seq of a lock file; 0 for what is not there or cannot be read."""
    holder, _, rest = text.partition(b"\n")
    synced, end, _ = rest.partition(b"\n")
    return _to_number(holder.partition(b" ")[0]), _to_number(synced) if end else 0


def _to_number(text: bytes) -> int:
    return int(text) if text.isdigit() else 0
