"""What is done about a log whose writer died, and how its state is explained to a person.

Only a torn end is ever repaired, and what is cut off is kept in a file beside the log. Damage anywhere else is
explained and left as it is: nobody but its owner can say what a lost event was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lllm.errors import LogCorrupt, LogError
from lllm.log.blobs import FOLDER, BlobStore
from lllm.log.envelope import Event
from lllm.log.file import Tip, WriteOptions, segment_number
from lllm.log.lock import read_synced_seq
from lllm.log.reader import Place, Walk, list_segments


@dataclass(slots=True)
class FsckReport:
    """What is wrong with a session's log, if anything.

    Attributes:
        path: the session's folder.
        ok: nothing is wrong. A session that was never closed is still ok.
        events: how many events can be read, counted from the first.
        closed: whether the last of them closes the session. Lines that were cut off cleanly show only here.
        head: chain hash of the last of them; two logs with the same head hold the same events.
        first_bad: place of the first bad line, ``file:line (byte offset)``; empty when there is none.
        torn_bytes: size of a torn end, which the next writer sets aside.
        missing_blobs: SHA-256 of each blob that is missing or damaged.
        problems: each problem in one line.
        advice: what to do next.
    """

    path: str
    ok: bool = True
    events: int = 0
    closed: bool = False
    head: str = ""
    first_bad: str = ""
    torn_bytes: int = 0
    missing_blobs: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])
    advice: str = "nothing to do"


def recover(folder: Path, options: WriteOptions, found: list[Event] | None = None) -> Tip:
    """Set a torn end aside and return where the log goes on. The caller holds the session's lock.

    The torn bytes are appended to ``<segment>.torn`` and reach the disk before they are cut from the log. What is read
    here, others will rely on; where ``options`` promise anything about a power loss, it is made to survive one first.
    ``found`` is given the events, large texts not filled in.

    Raises:
        LogCorrupt: there is damage that is not a torn end; nothing is changed.
    """
    walk = Walk(folder)
    blobs, synced = BlobStore(folder.parent / FOLDER, options), read_synced_seq(folder)
    for event in walk:
        if options.is_durable and event.seq > synced:
            blobs.sync_event(event)
        if found is not None:
            found.append(event)
    if walk.torn_bytes:
        _set_aside(folder, walk.end, options)
    if options.is_durable:
        for segment in list_segments(folder):
            with segment.open("rb") as file:
                options.sync(file.fileno())
    number = segment_number(walk.end.file) or 1
    last = walk.last
    return Tip(last.seq, last.h, walk.end.offset, number) if last else Tip(segment=number)


def _set_aside(folder: Path, end: Place, options: WriteOptions) -> None:
    segments = list_segments(folder)
    behind = segments[segments.index(end.file) + 1 :]
    with end.file.open("rb") as log, end.file.with_name(f"{end.file.name}.torn").open("ab") as torn:
        log.seek(end.offset)
        torn.write(log.read())
        for segment in behind:
            torn.write(segment.read_bytes())
        torn.flush()
        options.sync(torn.fileno())
    options.sync_folder(folder)
    # Newest first: if we die in between, what is left is again a torn end.
    for segment in reversed(behind):
        segment.unlink()
    with end.file.open("rb+") as log:
        log.truncate(end.offset)
        options.sync(log.fileno())
    options.sync_folder(folder)


def fsck(path: Path | str) -> FsckReport:
    """Return what is wrong with the session in this folder. Reads only, and never raises over what it finds there."""
    folder = Path(path)
    report = FsckReport(str(folder))
    walk = Walk(folder)
    blobs = BlobStore(folder.parent / FOLDER, WriteOptions("none"))
    try:
        if not list_segments(folder):
            _add(report, "there are no event files", "nothing is lost: its process ended before the first event")
        for event in walk:
            report.events, report.head = event.seq, event.h
            report.closed = event.kind == "session.close"
            _check_blobs(report, blobs, event)
    except (LogError, OSError, ValueError) as error:
        _add(report, str(error), _to_advice(error, report.events))
        report.first_bad = str(walk.damage or walk.end)
    else:
        _add_torn_end(report, walk)
        _add_lost_end(report, read_synced_seq(folder))
    return report


def _to_advice(error: Exception, events: int) -> str:
    if isinstance(error, LogCorrupt):
        return (
            f"the first {events} events are intact; to work with them, copy the session's folder and cut the copy "
            "at that byte, or restore the session from a backup"
        )
    return getattr(error, "hint", "") or "make the session's folder readable and try again"


def _add_torn_end(report: FsckReport, walk: Walk) -> None:
    if walk.torn_bytes:
        report.torn_bytes = walk.torn_bytes
        report.first_bad = str(walk.end)
        _add(
            report,
            f"{walk.end}: the last {walk.torn_bytes} bytes are torn, as after a crash in mid-write",
            f"the {report.events} events before them are intact, and can be replayed",
        )


def _add_lost_end(report: FsckReport, synced: int) -> None:
    if report.events < synced:
        _add(
            report,
            f"events {report.events + 1} to {synced} are gone, which were on the disk once",
            f"the {report.events} events before them are intact; restore the session from a backup if there is one",
        )


def _check_blobs(report: FsckReport, blobs: BlobStore, event: Event) -> None:
    for sha, error in blobs.find_bad(event):
        if sha not in report.missing_blobs:
            report.missing_blobs.append(sha)
        _add(report, f"event {event.seq}: {error}", "restore the blob from a backup; its name is its content's SHA-256")


def _add(report: FsckReport, problem: str, advice: str) -> None:
    report.ok = False
    report.problems.append(problem)
    report.advice = advice or report.advice
