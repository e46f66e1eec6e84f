"""How a session's files are read: verified line by line, up to the first damage, which is then named.

A writer that died leaves a torn end: bad bytes with nothing sound behind them. That is expected, and reading just stops
there. Bad bytes with a sound line behind them are damage, and are refused with their place; unless they show that a
power loss kept a later sector of the file and not the one before it, and no barrier covered them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lllm.errors import LogCorrupt, LogError
from lllm.log.envelope import Event, decode_line, is_whole, peek_line
from lllm.log.file import SEGMENT_PREFIX, segment_name, segment_number
from lllm.log.lock import read_synced_seq

SECTOR_BYTES = 512
_LINE_START = b'{"v":'
_FSCK = "`lllm log fsck` explains what is left"


@dataclass(frozen=True, slots=True)
class Place:
    """A line in a session's files: its file, its number from 1, and the byte at which it begins."""

    file: Path
    line: int
    offset: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line} (byte {self.offset})"


def list_segments(folder: Path) -> list[Path]:
    """Return a session's event files, oldest first; empty when there are none."""
    found = [path for path in folder.glob(f"{SEGMENT_PREFIX}*") if segment_number(path) is not None]
    return sorted(found, key=lambda path: (len(path.name), path.name))


class Walk:
    """One verified pass over a session's events, blobs not filled in.

    Attributes:
        last: the last sound event so far; None before the first.
        end: where the sound part ends, once the pass is over: the place behind the last sound line.
        torn_bytes: how many bytes of a torn end follow it.
        damage: the place of the line that was refused; None when none was.

    Raises:
        LogCorrupt: from the iterator, at damage that is not a torn end.
        LogError: from the iterator, at an event of a newer lllm.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._place = Place(folder / segment_name(1), 1, 0)
        self.last: Event | None = None
        self.torn_bytes = 0
        self.damage: Place | None = None

    @property
    def end(self) -> Place:
        """The place behind the last sound line."""
        return self._place

    def __iter__(self) -> Iterator[Event]:
        # Listed once: a writer may go on meanwhile, and what it adds later is not ours to judge.
        segments = list_segments(self._folder)
        for number, segment in enumerate(segments):
            with segment.open("rb") as file:
                yield from self._read(segment, file)
                if self.torn_bytes:
                    self._check_behind(segments[number + 1 :])
                    return

    def _read(self, segment: Path, file: BinaryIO) -> Iterator[Event]:
        offset = 0
        self._place = Place(segment, 1, 0)
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                self.torn_bytes = len(line)
                return
            try:
                event = decode_line(line, self.last)
            except LogError as error:
                if not is_whole(line[:-1]):
                    unsynced = self._is_unsynced(line)
                    self._check_rest([line], unsynced=unsynced)
                    self._check_rest(file, unsynced=unsynced)
                    return
                raise self._refuse(error) from error
            self.last = event
            offset += len(line)
            self._place = Place(segment, number + 1, offset)
            yield event

    def _is_unsynced(self, line: bytes) -> bool:
        """Return whether a bad line lacks a sector that no barrier covered: a power loss may keep those behind it."""
        seq = self.last.seq if self.last else 0
        return _lacks_sector(line, self._place.offset) and seq >= read_synced_seq(self._folder)

    def _check_rest(self, lines: Iterable[bytes], *, unsynced: bool = False) -> None:
        """Make sure that the bad line, and what follows it, holds no sound one, or that none of it was synced."""
        for line in lines:
            self.torn_bytes += len(line)
            if not unsynced and _holds_sound_line(line.removesuffix(b"\n")):
                raise self._refuse(LogCorrupt("the line is damaged, and sound ones follow it"))

    def _check_behind(self, segments: list[Path]) -> None:
        for segment in segments:
            with segment.open("rb") as file:
                self._check_rest(file)

    def _refuse(self, error: LogError) -> LogError:
        self.damage = self._place
        return type(error)(error.message, where=str(self._place), hint=error.hint or _FSCK)


def _lacks_sector(line: bytes, offset: int) -> bool:
    """Return whether a sector that a line lies in was never written, or only up to the line's begin. Pure.

    Such a sector ends in NULs, which no line holds. No single flipped bit makes two of them, nor one behind a newline.
    """
    if b"\0" not in line:
        return False
    seen, first_end = b"\n" + line, 1 + SECTOR_BYTES - offset % SECTOR_BYTES
    ends = range(first_end, len(seen) + 1, SECTOR_BYTES)
    return any(seen[end - 2 : end] in (b"\0\0", b"\n\0") for end in ends)


def _holds_sound_line(line: bytes) -> bool:
    """Return whether a line is sound or, where a newline was lost, ends in one that is. Pure."""
    start = line.rfind(_LINE_START)
    while start >= 0:
        if is_whole(line[start:]):
            return True
        start = line.rfind(_LINE_START, 0, start)
    return False


def read_ends(folder: Path) -> tuple[Event | None, Event | None]:
    """Return the first and the last event of a session without reading what is between. Blobs are not filled in.

    The last event's own checksum is verified, its chain is not: that would need the whole walk.

    Raises:
        LogError: the first or the last whole line is damaged.
    """
    first = last = None
    segments = list_segments(folder)
    for segment in segments[:1]:
        with segment.open("rb") as file:
            line = file.readline()
        first = decode_line(line, None) if line.endswith(b"\n") else None
    for segment in reversed(segments):
        line = _last_line(segment)
        if line:
            last = first if first is not None and line == first.raw else peek_line(line)
            break
    return first, last


def _last_line(path: Path, window: int = 65536) -> bytes:
    """Return the last line that has its newline; empty when there is none."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        while True:
            start = max(0, size - window)
            file.seek(start)
            tail = file.read(size - start)
            lines = tail[: tail.rfind(b"\n") + 1].split(b"\n")
            if start == 0 or len(lines) > 2:
                return lines[-2] if len(lines) > 1 else b""
            window *= 4
