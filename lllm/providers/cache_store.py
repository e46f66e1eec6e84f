"""Replies on disk: one sqlite file, bounded, shared by threads and processes.

What goes wrong here costs a kept reply, never a call. A file that is damaged, of another version or somebody else's is
set aside, and a new one begun; where none can be used, nothing is kept; either is told once, as a warning.

Reading happens in the calling thread: no writer ever stops a reader (sqlite's WAL). Writing happens in a thread of its
own, so that no event loop waits for another process. Until it is done, what is to be written is read from memory. A
program that is killed does the file no harm; a power loss may, which the checksums find, and then the reply is gone.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import warnings
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

# "lllc" and the version of the tables: a file without them is not ours, or an older lllm's.
_APPLICATION, _VERSION = 0x6C6C6C63, 1
_READ_S, _WRITE_S = 0.05, 5.0  # how long to wait for a lock: a miss costs less than a stopped event loop
_JOURNAL_PAGES = 256
_TABLES = (
    "CREATE TABLE replies (key BLOB PRIMARY KEY, used INTEGER, size INTEGER, sum INTEGER, body TEXT)",
    "CREATE INDEX oldest ON replies (used)",
)
_NEXT = "(SELECT ifnull(max(used), 0) + 1 FROM replies)"
# What sqlite says of a file that is damaged or not ours; all else it says of the disk, of rights, or of other users.
_DAMAGED = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_NOTADB})
_NOTHING: Any = object()
_MOST_USED = 64


class ReplyStore:
    """Texts by key.

    Args:
        path: the file; its folder is made when needed.
        max_bytes: how large it may grow; what was not used for longest goes first.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path, self.max_bytes = path, max_bytes
        self._files: list[sqlite3.Connection] = []  # who reads, and who writes
        self._told: set[str] = set()
        self._used: dict[bytes, None] = {}
        weakref.finalize(self, _close, self._files, self._used)
        self.begin()

    def begin(self) -> None:
        """Be as if new: at first, and in a process that was forked off."""
        self._used.clear()
        self.is_open = False
        self._mark = 0  # which file it is, whatever its name becomes
        self._unwritten: dict[bytes, str | None] = {}
        self._lock = threading.Lock()  # of the reading connection
        self._thread: ThreadPoolExecutor | None = None

    def open(self) -> None:
        """Open the file, once; when that cannot be, do without until the store was closed."""
        if self.is_open:
            return
        with self._lock:
            if not self.is_open:
                self._connect()
                self.is_open = True

    def load(self, key: bytes) -> str | None:
        """Return the text of a key, or None."""
        waiting = self._unwritten.get(key, _NOTHING)
        if waiting is not _NOTHING:
            return waiting
        try:
            with self._lock:
                if not self._files:
                    return None
                found = self._files[0].execute("SELECT sum, body FROM replies WHERE key = ?", (key,)).fetchall()
        except sqlite3.Error as error:
            if _is_damage(error):
                self._submit(self._mend, error, self._mark)
            return None
        if not found or found[0][0] != _to_sum(key, found[0][1]):
            return None
        return found[0][1]

    def save(self, key: bytes, text: str) -> None:
        """Have a text written. One that would take more than a quarter of ``max_bytes`` is not."""
        if len(text) <= self.max_bytes // 4:
            self._write(key, text)

    def remove(self, key: bytes) -> None:
        """Have a text removed; from now on it is not found any more."""
        self._write(key, None)

    def touch(self, key: bytes) -> None:
        """Take note that a text was used; that is written now and then, since it costs more than to read one."""
        self._used.pop(key, None)  # the newest stands last
        self._used[key] = None
        if len(self._used) >= _MOST_USED:
            self._submit(self._change, _nothing)

    def close(self) -> None:
        """Write what is to be written, and close the file; it is opened again when needed."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown()
        with self._lock:
            self.is_open = False
            _close(self._files, self._used)

    def pause(self) -> None:
        """Close, and stay closed until :meth:`resume`: sqlite must not be open where a process is forked."""
        while True:
            self.close()
            self._lock.acquire()
            if not self._files:
                return
            self._lock.release()  # another thread was faster

    def resume(self) -> None:
        """Let it be opened again."""
        self._lock.release()

    # --- writing, in a thread of its own ---------------------------------------------------------------------------

    def _write(self, key: bytes, text: str | None) -> None:
        self._unwritten[key] = text
        self._submit(self._write_one, key, text)

    def _submit(self, work: Callable[..., None], *args: Any) -> None:
        with self._lock:
            if not self._files:
                self._unwritten.clear()
                return
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "lllm-cache")
            with suppress(RuntimeError):  # the interpreter ends, and nobody will ask again
                self._thread.submit(work, *args)

    def _write_one(self, key: bytes, text: str | None) -> None:
        self._change(lambda db: _put(db, key, text, self.max_bytes))
        if self._unwritten.get(key, _NOTHING) is text:
            del self._unwritten[key]

    def _change(self, change: Callable[[sqlite3.Connection], object]) -> None:
        try:
            if self._files:
                db = self._files[1]
                with _Change(db):
                    _touch(db, self._used)
                    change(db)
                _shrink(db, self.max_bytes)
        except sqlite3.Error as error:
            if _is_damage(error):
                self._mend(error, self._mark)
            else:
                self._tell(f"{error}; what it costs is that some replies are not kept")

    def _mend(self, error: Exception, mark: int) -> None:
        """Set a damaged file aside and begin anew, unless another thread or process did so meanwhile."""
        with self._lock:
            if mark != self._mark:
                return
            _drop(self._files)
            self._set_aside(error)
            self._connect()

    # --- opening ---------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        for _ in range(2):
            try:
                _make_file(self.path)
                self._mark = _inode(self.path)
                for wait_s in (_READ_S, _WRITE_S):
                    self._files.append(_open(self.path, wait_s))
            except (OSError, sqlite3.Error) as error:
                _drop(self._files)
                if not (isinstance(error, sqlite3.Error) and _is_damage(error)):
                    self._tell(f"{error}; nothing is kept")
                    return
                self._set_aside(error)
            else:
                return
        self._tell("it stays damaged; nothing is kept")

    def _set_aside(self, error: Exception) -> None:
        if _inode(self.path) != self._mark:
            return
        number = next(number for number in range(1, 1 << 30) if not self.path.with_name(_aside(number, "")).exists())
        with suppress(OSError):  # then the next try to open it will tell
            for end in ("-wal", "-shm", ""):
                with suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + end).rename(self.path.with_name(_aside(number, end)))
        self._tell(f"{error}; it is set aside as {_aside(number, '')}, and a new one begun")

    def _tell(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            with suppress(RuntimeWarning):  # where warnings are errors, they are not the caller's
                warnings.warn(f"the reply cache {self.path}: {what}", RuntimeWarning, stacklevel=2)


class _Change:
    """One short transaction. It begins as a writer, so that it waits for others instead of failing in the middle."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *rest: object) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:  # a full disk may be noticed at its end
                self._db.execute("ROLLBACK")


def _nothing(_db: sqlite3.Connection) -> None:
    """Change nothing but what every change does."""


def _touch(db: sqlite3.Connection, used: dict[bytes, None]) -> None:
    for key in list(used):
        used.pop(key, None)
        db.execute(f"UPDATE replies SET used = {_NEXT} WHERE key = ?", (key,))  # noqa: S608 - a constant


def _put(db: sqlite3.Connection, key: bytes, text: str | None, max_bytes: int) -> None:
    db.execute("DELETE FROM replies WHERE key = ?", (key,))
    if text is not None:
        size = len(text) + 128
        _make_room(db, size, max_bytes)
        row = (key, size, _to_sum(key, text), text)
        db.execute(f"INSERT INTO replies SELECT ?, {_NEXT}, ?, ?, ?", row)


def _make_room(db: sqlite3.Connection, size: int, max_bytes: int) -> None:
    """Remove what was not used for longest, a tenth more than needed: pages that became free are written to again."""
    over = _pages(db, "page_count") - _pages(db, "freelist_count") + size - max_bytes
    if over <= 0:
        return
    over += max_bytes // 10
    oldest: list[tuple[bytes]] = []
    for key, freed in db.execute("SELECT key, size FROM replies ORDER BY used"):
        if over <= 0:
            break
        oldest.append((key,))
        over -= freed
    db.executemany("DELETE FROM replies WHERE key = ?", oldest)


def _shrink(db: sqlite3.Connection, max_bytes: int) -> None:
    """Give pages back to the disk, where the file has become larger than it may be."""
    if _pages(db, "page_count") > max_bytes:
        db.executescript("PRAGMA incremental_vacuum")  # execute would do its first step alone: one page
        db.execute("PRAGMA wal_checkpoint").fetchall()


def _pages(db: sqlite3.Connection, name: str) -> int:
    return _pragma(db, name) * _pragma(db, "page_size")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def _to_sum(key: bytes, text: Any) -> int:
    return crc32(text.encode(), crc32(key)) if isinstance(text, str) else -1


def _make_file(path: Path) -> None:
    """Make the file for its owner alone; what sqlite puts beside it gets the same rights."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):  # one that is there is not opened: closing it would drop the locks of sqlite
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _open(path: Path, wait_s: float) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_WRITE_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(db)
        db.execute("PRAGMA synchronous = OFF")
        db.execute(f"PRAGMA wal_autocheckpoint = {_JOURNAL_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {_JOURNAL_PAGES << 12}")
        db.execute(f"PRAGMA busy_timeout = {int(wait_s * 1000)}")
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    """Make the tables in an empty file; refuse one that is not ours."""
    if not _is_ours(db):
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        with _Change(db):
            if not _is_ours(db):  # another process may have been faster
                _make_tables(db)
    db.execute("PRAGMA journal_mode = WAL").fetchall()


def _make_tables(db: sqlite3.Connection) -> None:
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise sqlite3.DatabaseError("it is no cache of this version of lllm")
    for statement in _TABLES:
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {_APPLICATION}")
    db.execute(f"PRAGMA user_version = {_VERSION}")


def _is_ours(db: sqlite3.Connection) -> bool:
    return [_pragma(db, name) for name in ("application_id", "user_version")] == [_APPLICATION, _VERSION]


def _is_damage(error: sqlite3.Error) -> bool:
    code: int | None = getattr(error, "sqlite_errorcode", None)  # absent where it is our own word, or Python's
    if code is None:
        return type(error) is sqlite3.DatabaseError
    return code & 0xFF in _DAMAGED or code == sqlite3.SQLITE_READONLY_DBMOVED


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _aside(number: int, end: str) -> str:
    return f"aside-{number}.sqlite{end}"


def _drop(files: list[sqlite3.Connection]) -> None:
    while files:
        with suppress(sqlite3.Error):
            files.pop().close()


def _close(files: list[sqlite3.Connection], used: dict[bytes, None]) -> None:
    with suppress(sqlite3.Error):
        if files and used:
            with _Change(files[1]):
                _touch(files[1], used)
    _drop(files)
