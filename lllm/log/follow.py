"""How a session is read while somebody writes it: line by line, verified, until it is closed or its writer is gone.

The files only grow, with one exception: an append that was interrupted is taken back, and so is the torn end that a
dead writer left. A reader may have seen the former, so what it read last is compared before it reads on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from lllm.errors import LogError
from lllm.log.blobs import FOLDER, BlobStore
from lllm.log.envelope import Event, decode_line, is_whole
from lllm.log.file import WriteOptions, segment_name
from lllm.log.flock import is_held
from lllm.log.lineage import Placing, parent_of, read_shared
from lllm.log.local import LocalFileLog
from lllm.log.lock import NAME as LOCK
from lllm.log.reader import Walk

PAUSE_S = 0.1
# So many pauses in a row without a writer and without news: it is gone.
_QUIET_PAUSES = 2
_READ_BYTES = 1 << 20


def follow(
    log: LocalFileLog,
    session: str,
    *,
    from_seq: int = 1,
    stop: Callable[[], bool] = lambda: False,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """Yield the events of a run as they are written, verified, large texts filled in.

    It ends when the session is closed, when no living process writes it, or when ``stop`` says so; whether it was
    closed, the last event tells. Of a fork, the events that it shares with its parents come first. An event that stands
    in the place of an earlier one has that one's seq, and comes after it.

    Args:
        log: where the session is.
        session: its name.
        from_seq: the first event that is yielded; those before it are verified, too.
        stop: asked about ten times a second.
        wait: sleeps for so many seconds.

    Raises:
        SessionNotFound: no such session.
        LogCorrupt: it is damaged; every event before the damage has been yielded.
    """
    with closing(Follower(log, session)) as follower:
        for event in follower.read_on(stop, wait):
            if event.seq >= from_seq:
                yield event


class Follower:
    """A place in a session's files, from which it is read on.

    Args:
        log: where the session is.
        session: its name.

    Attributes:
        last: the event read last, as it is stored; None before the first.

    Raises:
        SessionNotFound: no such session.
    """

    def __init__(self, log: LocalFileLog, session: str) -> None:
        self.last: Event | None = None
        self._before_last: Event | None = None
        self._log, self._session = log, session
        self._folder = log.session_path(session)
        self._blobs = BlobStore(log.folder / FOLDER, WriteOptions("none"))
        self._tail = _Tail(self._folder)
        self._placing = Placing()

    @property
    def is_written(self) -> bool:
        """Whether a living process writes the session."""
        return is_held(self._folder / LOCK)

    @property
    def is_closed(self) -> bool:
        """Whether the event read last closes the session."""
        return self.last is not None and self.last.kind == "session.close"

    def read(self) -> Iterator[Event]:
        """Yield what is there and was not read yet."""
        if self._tail.is_last_gone():
            self._tail.step_back()
            if self.last is not None:
                self._placing.take_back(self.last.seq)
            self.last, self._before_last = self._before_last, None
        for line in self._tail.lines():
            event = self._decode(line)
            if event is None:
                return
            self._tail.accept(line)
            self.last, self._before_last = event, self.last
            self._blobs.load_event(event)
            if event.seq == 1:
                parent = parent_of(event)
                shared = read_shared(self._log.read_session, self._session, parent) if parent else []
                self._placing = Placing(shared)
                yield from shared
            placed, _ = self._placing.place(event)
            yield placed

    def read_on(self, stop: Callable[[], bool], wait: Callable[[float], None]) -> Iterator[Event]:
        """Yield what is there and what is added, as ``follow`` says."""
        quiet = 0
        while not stop():
            # Asked before reading: what a writer adds before it lets go of the lock is read below.
            is_written, before = self.is_written, self.last
            yield from self.read()
            quiet = 0 if is_written or self.last is not before else quiet + 1
            if (self.is_closed and not is_written) or quiet == _QUIET_PAUSES:
                return
            wait(PAUSE_S)

    def close(self) -> None:
        """Let go of the files."""
        self._tail.close()

    def _decode(self, line: bytes) -> Event | None:
        """Return the event of a line, or None where the line is torn, or the one before it was taken back."""
        try:
            return decode_line(line, self.last)
        except LogError as error:
            if self._tail.is_last_gone():
                return None
            if not is_whole(line):
                _check_torn(self._folder)
                return None
            raise type(error)(error.message, where=self._tail.where, hint=error.hint) from error


class _Line(NamedTuple):
    """A line that was read: where it begins, and its bytes."""

    segment: int
    offset: int
    line: bytes


class _Tail:
    """The whole lines of a session's files, in their order, for as long as more are added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd = -1
        self._segment, self._offset = 1, 0
        self._last: _Line | None = None

    @property
    def where(self) -> str:
        """The place of the line that comes next."""
        return f"{self._folder / segment_name(self._segment)} (byte {self._offset})"

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that are whole now, without their newlines. Each must be accepted before the next."""
        while self._open():
            # Asked before reading: a writer begins the next file when it has written the last line of this one.
            has_next = (self._folder / segment_name(self._segment + 1)).exists()
            yield from self._lines_here()
            has_rest = os.pread(self._fd, 1, self._offset) != b""
            if has_next and has_rest:
                _check_torn(self._folder)
            if has_rest or not has_next:
                return
            self.close()
            self._segment, self._offset = self._segment + 1, 0

    def accept(self, line: bytes) -> None:
        """Go on behind this line."""
        self._last = _Line(self._segment, self._offset, line)
        self._offset += len(line) + 1

    def is_last_gone(self) -> bool:
        """Return whether the line accepted last stands in its file no more."""
        last = self._last
        if last is None or last.segment != self._segment or self._fd < 0:
            return False
        return os.pread(self._fd, len(last.line) + 1, last.offset) != last.line + b"\n"

    def step_back(self) -> None:
        """Go on where the line accepted last began."""
        if self._last is not None:
            self._offset, self._last = self._last.offset, None

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _lines_here(self) -> Iterator[bytes]:
        rest = b""
        while chunk := os.pread(self._fd, _READ_BYTES, self._offset + len(rest)):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def _open(self) -> bool:
        if self._fd < 0:
            path = self._folder / segment_name(self._segment)
            try:
                self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:  # its process makes it in a moment, or never
                return False
            except OSError as error:
                raise LogError(f"the log cannot be read: {error.strerror}", where=str(path)) from error
        return True


def _check_torn(folder: Path) -> None:
    """Make sure that bytes which are no line are a torn end, as a dead writer leaves it and the next one sets aside.

    Raises:
        LogCorrupt: they are damage; the error has the place.
    """
    for _ in Walk(folder):
        pass
