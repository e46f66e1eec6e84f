"""One line of a listing: what a session's first and last event tell, and what its files weigh.

Nothing between the two ends is read, so that a listing costs the same for long sessions as for short ones.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from lllm.errors import LogError
from lllm.log.base import SessionInfo, Status, to_session_info
from lllm.log.blobs import BlobStore
from lllm.log.envelope import Event
from lllm.log.file import SEGMENT_PREFIX
from lllm.log.lineage import parent_of
from lllm.log.reader import read_ends

# With fewer sessions, opening each one is quick, and nothing can be out of date.
INDEXED_FROM = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """A session in a listing.

    Attributes:
        info: what ``describe_session`` returns.
        ended_ts: when the last event was written, in seconds since 1970; None when it cannot be read.
        parent: the session that this one was forked from; empty when it is no fork.
        size_bytes: its event files; large texts, which sessions share, are not counted.
    """

    info: SessionInfo
    ended_ts: float | None
    parent: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which sessions a listing shows.

    Attributes:
        limit: how many at most, from the newest; None for all.
        status: only those that have it.
        since_ts: only those that began then or later, in seconds since 1970.
        text: only those whose task holds it, in small or capital letters.
    """

    limit: int | None = None
    status: Status | None = None
    since_ts: float | None = None
    text: str = ""

    def fits(self, listed: Listed) -> bool:
        """Return whether a session is wanted, the limit aside. Pure."""
        info = listed.info
        return (
            (self.status is None or info.status == self.status)
            and (self.since_ts is None or to_sort_key(info)[0] >= self.since_ts)
            and self.text.casefold() in info.task.casefold()
        )


EVERY = Wanted()


class Traces(NamedTuple):
    """What a session's files look like from outside: they were not written to while ``stamp`` is the same."""

    stamp: str
    size_bytes: int


def warn(text: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(f"{text}\n")


def to_sort_key(info: SessionInfo) -> tuple[float, str]:
    """Return what sessions are sorted by, the newest last. Pure."""
    return info.started_ts or 0.0, info.session


def select(found: Iterable[Listed], wanted: Wanted) -> list[Listed]:
    """Return those that are wanted, newest first. Pure."""
    ordered = sorted(found, key=lambda listed: to_sort_key(listed.info), reverse=True)
    return list(islice((listed for listed in ordered if wanted.fits(listed)), wanted.limit))


def read_traces(folder: Path) -> Traces:
    """Look at a session's files without opening them.

    Raises:
        OSError: the folder cannot be listed; it may be gone.
    """
    size_bytes = newest_ns = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(SEGMENT_PREFIX):
                stat = entry.stat()
                size_bytes += stat.st_size
                newest_ns = max(newest_ns, stat.st_mtime_ns)
    return Traces(f"{folder.stat().st_mtime_ns} {newest_ns} {size_bytes}", size_bytes)


def read_listed(folder: Path, blobs: BlobStore, size_bytes: int | None = None) -> Listed:
    """Return what a listing tells of the session in a folder. Damage is told, never raised."""
    first = last = None
    is_damaged, parent = False, ""
    try:
        size_bytes = read_traces(folder).size_bytes if size_bytes is None else size_bytes
        first, last = read_ends(folder)
        for event in (first, last if last is not first else None):
            if event is not None:
                blobs.load_event(event)
        parent = _to_parent_name(first)
    except (LogError, OSError):
        is_damaged = True
    info = to_session_info(folder.name, folder, (first, last), damaged=is_damaged)
    info = replace(info, started_ts=_to_ts(first))
    return Listed(info, _to_ts(last), parent, size_bytes or 0)


def _to_parent_name(first: Event | None) -> str:
    parent = parent_of(first)
    return parent.session if parent else ""


def _to_ts(event: Event | None) -> float | None:
    """Return when an event was written. A hostile line may name a time that no clock ever showed."""
    try:
        ts = float(event.ts) if event is not None else math.nan
    except OverflowError:
        return None
    return ts if math.isfinite(ts) else None
