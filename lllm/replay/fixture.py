"""A recorded session as a fixture of tests: a folder that holds one run and nothing else.

Such a folder is a log like any other. It holds the session, of a fork also the sessions that it shares events with, and
those blobs that they refer to. So it can be moved, renamed, kept in a repository and deleted as a whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from lllm.config.secret import REDACTED
from lllm.errors import ConfigError, LogError, LogExists, SessionNotFound
from lllm.log.blobs import FOLDER, find_references
from lllm.log.lineage import to_parent
from lllm.log.local import LocalFileLog, check_name
from lllm.log.reader import Walk, list_segments
from lllm.replay.facts import data_of

SESSIONS = "sessions"
"""The folder beside a test, of the recordings that it replays."""


def find_fixture(path: Path) -> tuple[LocalFileLog, str]:
    """Return the log and the session of a folder: of a fixture, or of one session among others in its log.

    Raises:
        SessionNotFound: there is no such folder, or no session in it.
        ConfigError: it holds several runs.
    """
    path = path.absolute()
    if list_segments(path):
        return _open_log(path.parent, path.name), path.name
    names = LocalFileLog(check_name(path.name, "fixture"), {"log_dir": str(path.parent)}).session_names()
    log = _open_log(path, names[0] if names else "")
    shared = {parent.session for name in names if (parent := to_parent(log.read_header(name)))}
    runs = sorted(set(names) - shared)
    if not runs:
        raise SessionNotFound("there is no recorded session here", where=str(path))
    if len(runs) > 1:
        told = f"{len(runs)} runs are here, where one is expected: {', '.join(runs[:5])}"
        raise ConfigError(told, where=str(path), hint="name the folder of one of them")
    return log, runs[0]


def _open_log(folder: Path, session: str) -> LocalFileLog:
    """Return the log of a folder, which takes the same secrets out of events as the one that was recorded with."""
    place = {"log_dir": str(folder.parent)}
    log = LocalFileLog(check_name(folder.name, "fixture"), place)
    told = data_of(log.read_header(session).get("config")).get("log_redact") if session else None
    if not isinstance(told, list):
        return log if told is None else LocalFileLog(folder.name, {**place, "redact": told})
    # A pattern that fits its own text was itself taken out; what stands in its place is no pattern.
    patterns = [pattern for pattern in cast("list[Any]", told) if REDACTED not in str(pattern)]
    return LocalFileLog(folder.name, {**place, "redact": patterns})


def save_fixture(log: LocalFileLog, session: str, target: Path, *, replace: bool = False) -> int:
    """Copy a run into a folder of its own, which is there whole or not at all. Returns how many events it has.

    Args:
        log: where the run is.
        session: its name.
        target: the folder.
        replace: whether what is there already gives way; else it is an error.

    Raises:
        LogExists: the folder is there already.
        LogCorrupt: the run is damaged.
        LogError: the folder cannot be written.
    """
    events = sum(1 for _ in log.read_run(session))  # whole, and every blob is there; else it raises
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}.{uuid4().hex[:8]}")
        draft.mkdir()
        try:
            for name in _lineage(log, session):
                _copy_session(log, name, draft)
            _publish(draft, target, replace=replace)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise LogError(f"the recording cannot be written: {error.strerror}", where=str(target)) from error
    return events


def _lineage(log: LocalFileLog, session: str) -> Iterator[str]:
    """Yield a session and those that it shares events with, nearest first; that this ends, reading it has shown."""
    while True:
        yield session
        parent = to_parent(log.read_header(session))
        if parent is None:
            return
        session = parent.session


def _copy_session(log: LocalFileLog, session: str, draft: Path) -> None:
    source, folder = log.session_path(session), draft / session
    folder.mkdir()
    for segment in list_segments(source):
        shutil.copyfile(segment, folder / segment.name)
    for event in Walk(folder):
        for sha in find_references(event.raw):
            blob = Path(FOLDER, sha[:2], sha)
            (draft / blob.parent).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.parent / blob, draft / blob)


def _publish(draft: Path, target: Path, *, replace: bool) -> None:
    """Give the draft its name. What had it before is set aside, and deleted once the new one stands."""
    aside = target.with_name(f"{draft.name}.old")
    if replace and target.is_dir():
        target.rename(aside)
    try:
        _rename(draft, target)
    except BaseException:
        if aside.is_dir() and not target.exists():
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _rename(draft: Path, target: Path) -> None:
    if target.exists():  # else an empty folder would be taken
        raise LogExists("there is a recording already", where=str(target), hint="choose another name, or delete it")
    draft.rename(target)
