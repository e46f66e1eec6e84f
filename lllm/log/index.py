"""``index.sqlite``: what a listing of many sessions is made from, so that it need not open each of them.

It holds nothing that the sessions' files do not say. It may be deleted at any moment, is made again when it is damaged
or somebody else's, and where it cannot be written, a copy in memory does its work.

A row is *settled* when its session is closed and nobody holds its lock: its files will not change, so they are not
looked at again, unless a new writer leaves a mark (see ``marks``) or the folder is gone. The files of the others are
looked at in each listing, and read when they were written to.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import astuple, replace
from itertools import islice
from pathlib import Path
from typing import Any

from lllm.errors import LogError
from lllm.log.base import SessionInfo
from lllm.log.flock import is_held
from lllm.log.listing import Listed, Wanted, read_traces, to_sort_key
from lllm.log.lock import NAME as LOCK
from lllm.log.marks import INDEX, list_marks, remove_marks

# "lllm" and the version of the tables: a file without them is not ours, or an older lllm's.
_APPLICATION, _VERSION = 0x6C6C6C6D, 1
_BUSY_S = 3.0
_CHUNK = 2000
_WORTH_TELLING = 5000
_TABLES = """
CREATE TABLE sessions (session TEXT PRIMARY KEY, began REAL, status TEXT, settled INTEGER, stamp TEXT, facts TEXT);
CREATE INDEX newest ON sessions (began, session);
CREATE INDEX unsettled ON sessions (session) WHERE NOT settled;
CREATE TABLE rounds (marks INTEGER);
INSERT INTO rounds VALUES (0);
"""
_UPSERT = "INSERT OR REPLACE INTO sessions SELECT ?, ?, ?, ? AND marks = ?, ?, ? FROM rounds"
# What sqlite says of a file that is damaged or not ours; all else it says of the disk, of rights, or of other users.
_DAMAGED = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_NOTADB})

Names = Callable[[], Iterable[str]]
Read = Callable[[Path, int], Listed]
Tell = Callable[[str], None]


class SessionIndex:
    """The index of one log.

    Args:
        base: the log's folder.
        names: returns the names of its sessions, as they are now.
        read: returns the listing of a session's folder whose event files have so many bytes.
        tell: is told in one line what takes long, or was mended.
    """

    def __init__(self, base: Path, names: Names, read: Read, tell: Tell) -> None:
        self.path = base / INDEX
        self._base, self._names, self._read, self._tell = base, names, read, tell

    def find(self, wanted: Wanted) -> list[Listed]:
        """Bring the index up to date and return the sessions that are wanted, newest first."""
        return self._use(lambda db: list(islice(self._select(db, wanted), wanted.limit)))

    def rebuild(self) -> int:
        """Make the index anew from the sessions' files and return how many sessions it holds.

        Raises:
            LogError: it cannot be written.
        """
        try:
            _remove(self.path)
        except OSError as error:
            raise self._to_unwritable(f": {error.strerror}") from error
        count = self._use(lambda db: int(db.execute("SELECT count(*) FROM sessions").fetchone()[0]))
        if not self.path.is_file():  # what stopped it has been told
            raise self._to_unwritable()
        return count

    def _to_unwritable(self, why: str = "") -> LogError:
        hint = "sessions are listed without it, too, which takes longer; or make the log's folder writable"
        return LogError(f"the index cannot be made anew{why}", where=str(self.path), hint=hint)

    def _use(self, use: Callable[[sqlite3.Connection], Any]) -> Any:
        for _ in range(2):
            try:
                return self._use_file(use)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    return self._use_copy(use, error)
                self._tell(f"{self.path}: {error}; made again from the sessions' files")
                with suppress(OSError):
                    _remove(self.path)
        return self._use_copy(use, sqlite3.DatabaseError("it stays damaged"))

    def _use_file(self, use: Callable[[sqlite3.Connection], Any]) -> Any:
        with closing(sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)) as db:
            # A program that is killed does the file no harm; a power loss may, and then it is made again.
            db.execute("PRAGMA synchronous = OFF")
            _prepare(db)
            self._refresh(db)
            return use(db)

    def _use_copy(self, use: Callable[[sqlite3.Connection], Any], error: Exception) -> Any:
        """Do without the file: in memory, from a copy of it where it can at least be read."""
        with closing(self._copy(error)) as db:
            _prepare(db)
            self._refresh(db)
            return use(db)

    def _copy(self, error: Exception) -> sqlite3.Connection:
        db = sqlite3.connect(":memory:", isolation_level=None)
        with suppress(sqlite3.DatabaseError):
            with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", timeout=_BUSY_S, uri=True)) as file:
                file.execute("SELECT marks FROM rounds")  # gives up where the copy below would wait for ever
                file.backup(db)
            if _is_ours(db):
                return db
        db.close()
        self._tell(f"{self.path}: {error}; listing without it, which takes longer")
        return sqlite3.connect(":memory:", isolation_level=None)

    def _refresh(self, db: sqlite3.Connection) -> None:
        self._take_marks(db)
        marks = db.execute("SELECT marks FROM rounds").fetchone()[0]
        names = set(self._names())
        known = {row[0] for row in db.execute("SELECT session FROM sessions")}
        unsettled = db.execute("SELECT session, status, stamp FROM sessions WHERE NOT settled").fetchall()
        changed = [row[0] for row in unsettled if row[0] in names and self._has_changed(*row)]
        todo = sorted((names - known).union(changed))
        if len(todo) >= _WORTH_TELLING:
            self._tell(f"reading {len(todo)} sessions for {self.path}, once")
        self._delete(db, sorted(known - names))
        for start in range(0, len(todo), _CHUNK):
            self._save(db, marks, todo[start : start + _CHUNK])

    def _take_marks(self, db: sqlite3.Connection) -> None:
        """Look again at the sessions that are marked. What another process read before that is no longer believed.

        Twice: before a mark is removed, so that it is never lost, and after, for who read in between.
        """
        marked = list_marks(self._base)
        if marked:
            self._unsettle(db, marked)
            remove_marks(self._base, marked)
            self._unsettle(db, marked)

    def _unsettle(self, db: sqlite3.Connection, sessions: Sequence[str]) -> None:
        with _Change(db):
            told = [(session,) for session in sessions]
            db.executemany("UPDATE sessions SET settled = 0, stamp = '' WHERE session = ?", told)
            db.execute("UPDATE rounds SET marks = marks + 1")

    def _has_changed(self, session: str, status: str, stamp: str) -> bool:
        """Return whether a session must be read again. A damaged one always: the blob it lacks may be there now."""
        try:
            return status != "open" or read_traces(self._base / session).stamp != stamp
        except OSError:
            return True

    def _delete(self, db: sqlite3.Connection, sessions: Sequence[str]) -> None:
        if sessions:
            with _Change(db):
                db.executemany("DELETE FROM sessions WHERE session = ?", [(session,) for session in sessions])

    def _save(self, db: sqlite3.Connection, marks: int, sessions: Sequence[str]) -> None:
        rows = list(self._rows(marks, sessions))
        with _Change(db):
            db.executemany(_UPSERT, rows)

    def _rows(self, marks: int, sessions: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        for session in sessions:
            folder = self._base / session
            # Asked in this order: what a writer or a change adds behind a question is seen in the next listing.
            held = is_held(folder / LOCK)
            try:
                traces = read_traces(folder)
            except OSError:
                if not folder.is_dir():
                    continue
                stamp, size_bytes = "", 0
            else:
                stamp, size_bytes = traces
            listed = self._read(folder, size_bytes)
            is_settled = listed.info.status in ("ok", "failed") and not held
            began = to_sort_key(listed.info)[0]
            yield session, began, listed.info.status, is_settled, marks, stamp, _to_facts(listed)

    def _select(self, db: sqlite3.Connection, wanted: Wanted) -> Iterator[Listed]:
        since = -1e308 if wanted.since_ts is None else wanted.since_ts
        found = db.execute(
            "SELECT session, facts FROM sessions WHERE began >= ? AND (? IS NULL OR status = ?) "
            "ORDER BY began DESC, session DESC",
            (since, wanted.status, wanted.status),
        )
        for session, facts in found:
            listed = self._to_listed(session, facts)
            if wanted.fits(listed):
                yield listed

    def _to_listed(self, session: str, facts: str) -> Listed:
        try:
            info, ended_ts, parent, size_bytes = json.loads(facts)
            return Listed(SessionInfo(session, self._base / session, *info), ended_ts, parent, size_bytes)
        except (ValueError, TypeError) as error:
            raise sqlite3.DatabaseError(f"the row of {session!r:.80} cannot be read") from error


class _Change:
    """One short transaction. It begins as a writer, so that it waits for others instead of failing in the middle."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *rest: object) -> None:
        if self._db.in_transaction:
            self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _to_facts(listed: Listed) -> str:
    """Return a listing as JSON: it keeps any text and any number, which sqlite's own types do not. Pure."""
    info = astuple(replace(listed.info, path=None))[2:]
    return json.dumps([info, listed.ended_ts, listed.parent, listed.size_bytes], separators=(",", ":"))


def _prepare(db: sqlite3.Connection) -> None:
    """Make the tables in an empty file; refuse one that is not ours."""
    if _is_ours(db):
        return
    with _Change(db):
        if _is_ours(db):  # another process was faster
            return
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise sqlite3.DatabaseError("it is no index of this version of lllm")
        for statement in _TABLES.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
        db.execute(f"PRAGMA user_version = {_VERSION}")


def _is_ours(db: sqlite3.Connection) -> bool:
    found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    return found == [_APPLICATION, _VERSION]


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code: int | None = getattr(error, "sqlite_errorcode", None)  # absent where it is our own word
    return code is None or code & 0xFF in _DAMAGED


def _remove(path: Path) -> None:
    for name in (f"{path.name}-journal", f"{path.name}-wal", f"{path.name}-shm", path.name):
        path.with_name(name).unlink(missing_ok=True)
