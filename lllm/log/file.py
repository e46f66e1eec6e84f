"""How events reach the disk: one write for each, rotated files, one sync for all who wait, and no word after an error.

A log whose write failed is poisoned. Retrying could put a second copy behind half a line, and a sync that failed once
may report success the next time while the data is gone, so the only safe answer is to stop.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from lllm.errors import LogError, LogFenced, LogPoisoned
from lllm.log.envelope import GENESIS, IGNORABLE, encode_line
from lllm.log.lock import SessionLock
from lllm.log.sync import sync_file, sync_folder, write_all

Durability = Literal["none", "flush", "barrier", "strict"]
MAX_SEGMENT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How to write, and the seams through which tests make a disk fail.

    Attributes:
        durability: ``none`` and ``flush`` survive a killed process, ``barrier`` a power loss at each barrier,
            ``strict`` one after each event. ``none`` promises nothing and today does what ``flush`` does.
        max_segment_bytes: size at which the next file begins; one event may be larger.
        write: like ``os.write``; may write less than it was given.
        sync: returns when a file's content is on the disk.
        sync_folder: returns when the names in a folder are on the disk.
        clock: seconds since 1970.
    """

    durability: Durability = "barrier"
    max_segment_bytes: int = MAX_SEGMENT_BYTES
    write: Callable[[int, bytes | memoryview], int] = os.write
    sync: Callable[[int], None] = sync_file
    sync_folder: Callable[[Path], None] = sync_folder
    clock: Callable[[], float] = time.time

    @property
    def is_durable(self) -> bool:
        """Whether anything is promised about a power loss."""
        return self.durability in ("barrier", "strict")


class Tip(NamedTuple):
    """Where a session's log ends. One value, replaced in one step: an interrupt never leaves half of it behind."""

    seq: int = 0
    h: str = GENESIS
    size_bytes: int = 0
    segment: int = 1
    fd: int = -1


START = Tip()
# What a segment's name begins with, and that of the file which holds the torn end that was cut from it.
SEGMENT_PREFIX = "events-"
_SEGMENT = re.compile(rf"{SEGMENT_PREFIX}([0-9]{{6,}})\.jsonl")


def segment_name(number: int) -> str:
    """Return the file name of a session's n-th segment, from 1."""
    return f"{SEGMENT_PREFIX}{number:06d}.jsonl"


def segment_number(path: Path) -> int | None:
    """Return which segment of its session a file is, from 1; None where its name is no segment's. Pure."""
    found = _SEGMENT.fullmatch(path.name)
    return int(found[1]) if found else None


class EventFile:
    """The end of one session's log, open for writing. Safe to use from several threads of the process that made it.

    Args:
        folder: the session's folder, whose lock the caller holds.
        options: how to write.
        tip: where the log ends now; its ``fd`` is ignored.
        lock: the session's; asked at each sync whether the caller still holds it, and told how far it came.
    """

    def __init__(
        self,
        folder: Path,
        options: WriteOptions,
        tip: Tip = START,
        lock: SessionLock | None = None,
    ) -> None:
        self.folder = folder
        self._options = options
        self._session_lock = lock
        self._lock = threading.Lock()
        # Taken after _lock where both are needed. Held during a sync, so that those who come meanwhile wait for the
        # next one.
        self._sync_lock = threading.Lock()
        # What an earlier writer left may never have reached the disk: the first sync covers it.
        self._synced_seq = 0
        self._new_names = [folder.parent.parent, folder.parent, folder]
        self._error: Exception | None = None
        self._is_writing = False
        self._pid = os.getpid()
        self._tip = tip._replace(fd=self._open(tip.segment, tip.size_bytes))

    @property
    def needs_sync(self) -> bool:
        """Whether ``sync()`` has anything to do: sync an event, where the log promises that, or tell an error."""
        return self._error is not None or (self._options.is_durable and self._tip.seq > self._synced_seq)

    def append(self, kind: str, id: str, data_json: str, cause: int) -> int:  # noqa: A002 - the field's name
        """Write one event and return its seq.

        Raises:
            LogPoisoned: this or an earlier write failed.
            ValueError: ``data_json`` is not one JSON object on one line; nothing was written.
        """
        with self._lock:
            self._check()
            tip = self._tip
            seq = tip.seq + 1
            line, h = encode_line(tip.h, seq, kind, cause, id, self._options.clock(), data_json, kind in IGNORABLE)
            if tip.size_bytes and tip.size_bytes + len(line) > self._options.max_segment_bytes:
                tip = self._rotate()
            self._is_writing = True
            self._write(tip.fd, line)
            self._tip = Tip(seq, h, tip.size_bytes + len(line), tip.segment, tip.fd)
            self._is_writing = False
        if self._options.durability == "strict":
            self.sync()
        return seq

    def sync(self) -> None:
        """Return when everything appended so far survives a power loss; at once where the log promises no such thing.

        Raises:
            LogFenced: another process took the session over; this one must stop.
            LogPoisoned: this or an earlier write or sync failed.
        """
        if self._error is not None:
            raise self._poisoned()
        wanted = self._tip.seq
        if not self._options.is_durable or self._synced_seq >= wanted:
            return
        with self._sync_lock:
            # Whoever held the lock before us may have synced our events too.
            if self._synced_seq < wanted:
                self._sync_now()

    def close(self) -> None:
        """Sync what the log promises to keep, and close the file. Closing twice is allowed."""
        with self._lock:
            if self._tip.fd < 0:
                return
            try:
                if self._error is None:
                    self._settle()
                    self.sync()
            finally:
                with self._sync_lock:
                    fd, self._tip = self._tip.fd, self._tip._replace(fd=-1)
                    os.close(fd)

    def poison(self, error: Exception) -> LogPoisoned:
        """Let nothing more be written, because of ``error``; return what to raise."""
        self._error = self._error or error
        return self._poisoned()

    def _check(self) -> None:
        if self._error is not None:
            raise self._poisoned()
        if self._tip.fd < 0:
            raise LogError("the session's log is closed", where=str(self.folder))
        if self._pid != os.getpid():
            # A forked child shares the file, and two chains in one file would ruin both.
            raise LogFenced("this process was forked from the one that writes the session", where=str(self.folder))
        self._settle()

    def _settle(self) -> None:
        """Take back what an interrupted append may have left: an append that raised is not in the log."""
        if self._is_writing:
            try:
                os.ftruncate(self._tip.fd, self._tip.size_bytes)
                if self._options.is_durable:
                    # A power loss could otherwise mix what is taken back with what is written in its place.
                    self._options.sync(self._tip.fd)
            except OSError as error:
                raise self.poison(error) from error
            self._is_writing = False

    def _write(self, fd: int, line: bytes) -> None:
        try:
            write_all(self._options.write, fd, line)
        except OSError as error:
            # Half a line is no harm, recovery sets it aside; a clean end is kinder to whoever reads the file.
            with suppress(OSError):
                os.ftruncate(fd, self._tip.size_bytes)
            raise self.poison(error) from error

    def _rotate(self) -> Tip:
        """Begin the next file. The old one is synced first, so that the log never has a hole behind a newer file."""
        old = self._tip
        try:
            with self._sync_lock:
                if self._options.is_durable and self._synced_seq < old.seq:
                    self._sync_now()
                fd = self._open(old.segment + 1, 0)
                self._new_names.append(self.folder)
                self._tip = Tip(old.seq, old.h, 0, old.segment + 1, fd)
                os.close(old.fd)
        except OSError as error:
            raise self.poison(error) from error
        return self._tip

    def _sync_now(self) -> None:
        """Sync the file and the names that led to it. The caller holds the sync lock."""
        if self._error is not None:
            raise self._poisoned()
        tip = self._tip
        try:
            self._options.sync(tip.fd)
            while self._new_names:
                self._options.sync_folder(self._new_names[-1])
                self._new_names.pop()
            if self._session_lock is not None:
                # Asked last: the less time between this answer and the effect, the less a stale writer can do.
                self._session_lock.check()
                self._session_lock.note_synced(tip.seq)
        except LogFenced as error:
            self.poison(error)
            raise
        except OSError as error:
            raise self.poison(error) from error
        self._synced_seq = tip.seq

    def _open(self, segment: int, size_bytes: int) -> int:
        """Open a segment for appending; it must be as long as we think it is."""
        path = self.folder / segment_name(segment)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        found = os.fstat(fd).st_size
        if found != size_bytes:
            os.close(fd)
            raise OSError(f"{path} has {found} bytes, expected {size_bytes}")
        return fd

    def _poisoned(self) -> LogPoisoned:
        error = LogPoisoned(
            f"the log cannot be written any more: {self._error}",
            where=str(self.folder),
            hint="free the disk or fix its rights; what was logged before can be read and replayed",
        )
        error.__cause__ = self._error
        return error
