"""The log on disk: a folder for each session under ``<log_dir>/<base_name>``, JSON lines in it, blobs beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from lllm.config.project import DEFAULT_LOG_DIR
from lllm.errors import ConfigError, LogCorrupt, LogError, LogExists, LogFenced, SessionNotFound
from lllm.log.base import ReplayableLogBase, SessionInfo, SessionLog
from lllm.log.blobs import FOLDER, BlobStore, is_walk_needed
from lllm.log.envelope import KINDS, Event
from lllm.log.file import MAX_SEGMENT_BYTES, START, Durability, EventFile, Tip, WriteOptions, segment_name
from lllm.log.flock import sharing
from lllm.log.lineage import read_run
from lllm.log.listing import EVERY, INDEXED_FROM, Listed, Wanted, read_listed, select, warn
from lllm.log.lock import NAME as LOCK
from lllm.log.lock import SessionLock
from lllm.log.marks import INDEX, mark_changed
from lllm.log.reader import Walk
from lllm.log.recovery import recover
from lllm.log.redact import KEY_SHAPES, Redactor
from lllm.log.sync import make_folder

if TYPE_CHECKING:
    from lllm.log.index import SessionIndex

DEFAULT_DIR = DEFAULT_LOG_DIR
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class LocalFileLog(ReplayableLogBase):
    """Sessions as folders of plain JSON lines. Making one touches no disk.

    Args:
        base_name: folder under ``log_dir`` that holds this log's sessions; one path component.
        config: ``log_dir`` (default ``.lllm/logs``; a relative one counts from the working directory), ``durability``
            (``none``, ``flush``, ``barrier``, ``strict``; default ``barrier``), ``redact`` (regular expressions on top
            of the built-in key shapes; ``False`` for neither), ``max_segment_bytes`` (default 64 MiB). Other keys are
            left to others.
        options: how to write; by default made from ``config``. Tests pass one whose disk fails.

    Attributes:
        redactor: takes secrets out of every event; ``redactor.add(secret)`` makes one known.

    Raises:
        ConfigError: a name or a value cannot be used.
    """

    def __init__(
        self, base_name: str, config: Mapping[str, Any] | None = None, options: WriteOptions | None = None
    ) -> None:
        config = config or {}
        if "\0" in str(config.get("log_dir")):
            raise ConfigError(f"log_dir is {config['log_dir']!r:.80}", hint="a path holds no NUL")
        # Made absolute now, so that a later chdir does not move the log.
        self.folder = Path(config.get("log_dir") or DEFAULT_DIR).expanduser().absolute() / check_name(base_name, "log")
        self.redactor = to_redactor(config.get("redact"))
        self._options = options or _to_options(config)
        self._blobs = BlobStore(self.folder / FOLDER, self._options)

    def twin(self, folder: Path, clock: Callable[[], float]) -> LocalFileLog:
        """Return a log that writes as this one does: in another folder, by another clock."""
        options = replace(self._options, clock=clock)
        twin = LocalFileLog(folder.name, {"log_dir": str(folder.parent)}, options)
        twin.redactor = self.redactor
        return twin

    def open_session(self, session: str) -> SessionLog:
        """Begin a new session in a new folder.

        Raises:
            LogExists: the folder is there already.
            LogError: the folder cannot be made.
        """
        folder = self._path(session)
        try:
            # Once in a log's life, and whatever this writer promises: the next one here may promise more.
            make_folder(self.folder, self._options.sync_folder)
            folder.mkdir()
        except OSError as error:
            if not (isinstance(error, FileExistsError) and folder.is_dir()):
                raise _cannot_make(error, folder) from error
            raise _exists(session, folder) from error
        try:
            return self._write(session, lambda _: START)
        except LogFenced as error:  # somebody went on with it as soon as its folder was there: it is theirs
            raise _exists(session, folder) from error
        except BaseException:  # a full disk, or Ctrl-C: leave no session behind that never began
            with suppress(OSError):
                for name in (LOCK, segment_name(1)):
                    (folder / name).unlink(missing_ok=True)
                folder.rmdir()
            raise

    def keeping(self) -> AbstractContextManager[None]:
        """While the block runs, keep out whoever wants the log's folder for itself, as prune does."""
        return sharing(self.folder)

    def reopen_session(self, session: str) -> SessionLog:
        """Go on with a session whose writer ended or died: lock it, set a torn end aside, continue its seq and chain.

        Raises:
            SessionNotFound: no such session.
            LogFenced: its writer is alive.
            LogCorrupt: it is damaged; nothing is changed.
        """
        self._check_exists(session)
        return self._write(session, lambda folder: recover(folder, self._options))

    def reopen_run(self, session: str) -> tuple[SessionLog, list[Event]]:
        """Go on with a session, and return what it holds: read once, while the torn end was looked for."""
        self._check_exists(session)
        own: list[Event] = []
        opened = self._write(session, lambda folder: recover(folder, self._options, own))

        def read(name: str) -> Iterator[Event]:
            return (self._with_blobs(name, event) for event in own) if name == session else self.read_session(name)

        try:
            return opened, list(read_run(read, session))
        except BaseException:
            opened.close()
            raise

    def read_session(self, session: str) -> Iterator[Event]:
        """Yield a session's events, verified, large texts filled in; a torn end is left out."""
        self._check_exists(session)
        return self._read(session)

    def session_names(self) -> list[str]:
        """Return the names of the session folders; empty when nothing was logged yet."""
        try:
            with os.scandir(self.folder) as entries:
                return [entry.name for entry in entries if _is_session_name(entry.name) and entry.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def describe_session(self, session: str) -> SessionInfo:
        """Return one line about a session from its first and its last event, without a walk."""
        return read_listed(self._check_exists(session), self._blobs).info

    def list_sessions(self) -> list[SessionInfo]:
        """Return all sessions, newest first."""
        return [listed.info for listed in self.find_sessions()]

    def find_sessions(self, wanted: Wanted = EVERY, tell: Callable[[str], None] = warn) -> list[Listed]:
        """Return the sessions that are wanted, newest first.

        Of a log with many sessions, an index is kept in ``index.sqlite``; see ``lllm.log.index``.

        Args:
            wanted: which ones, and how many.
            tell: is told in one line what takes long, or was mended. By default it is written to stderr.
        """
        if (self.folder / INDEX).exists() or len(names := self.session_names()) >= INDEXED_FROM:
            return self._index(tell).find(wanted)
        folders = [self.folder / name for name in names]
        return select((read_listed(folder, self._blobs) for folder in folders if folder.is_dir()), wanted)

    def rebuild_index(self, tell: Callable[[str], None] = warn) -> int:
        """Make ``index.sqlite`` anew from the sessions' files and return how many sessions it holds.

        Raises:
            SessionNotFound: nothing was logged yet.
            LogError: the index cannot be written.
        """
        if not self.folder.is_dir():
            raise SessionNotFound("there is no log", where=str(self.folder), hint="run a task first")
        return self._index(tell).rebuild()

    def resolve(self, name: str) -> str:
        """Return the session that a person means: an exact name, else a prefix that only one has, else ``last``.

        A name that a session was opened with and that had to be made safe, such as ``My run``, is an exact one, too.

        Raises:
            SessionNotFound: none fits, or several do; the hint names what is near.
        """
        if _is_session_name(name) and (self.folder / name).is_dir():
            return name
        newest = self.find_sessions(Wanted(limit=1)) if name == "last" else []
        return newest[0].info.session if newest else super().resolve(name)

    def session_path(self, session: str) -> Path:
        """Return the folder of a session.

        Raises:
            SessionNotFound: no such session.
        """
        return self._check_exists(session)

    def _index(self, tell: Callable[[str], None]) -> SessionIndex:
        from lllm.log.index import SessionIndex  # noqa: PLC0415 - only who lists needs sqlite

        def read(folder: Path, size_bytes: int) -> Listed:
            return read_listed(folder, self._blobs, size_bytes)

        return SessionIndex(self.folder, self.session_names, read, tell)

    def _read(self, session: str) -> Iterator[Event]:
        try:
            for event in Walk(self._path(session)):
                yield self._with_blobs(session, event)
        except OSError as error:
            raise LogError(f"the log cannot be read: {error.strerror}", where=str(error.filename)) from error

    def _with_blobs(self, session: str, event: Event) -> Event:
        try:
            return self._blobs.load_event(event)
        except LogCorrupt as error:
            message = f"event {event.seq} of session {session}: {error.message}"
            raise LogCorrupt(message, where=error.where, hint=error.hint) from error

    def _write(self, session: str, find_tip: Callable[[Path], Tip]) -> SessionLog:
        folder = self._path(session)
        lock = SessionLock(folder)
        mark_changed(self.folder, session)
        try:
            file = EventFile(folder, self._options, find_tip(folder), lock)
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError):
                raise LogError(f"the session cannot be written: {error}", where=str(folder)) from error
            raise
        return LocalSession(session, file, lock, self._blobs, self.redactor)

    def _path(self, session: str) -> Path:
        if not _is_session_name(session):
            check_name(session, "session")
            raise ConfigError(f"the name {session!r} is kept for the log itself", hint="choose another session_name")
        return self.folder / session

    def _check_exists(self, session: str) -> Path:
        folder = self._path(session)
        if not folder.is_dir():
            raise SessionNotFound(
                f"no session {session!r}", where=str(self.folder), hint="`lllm log list` shows all sessions"
            )
        return folder


class LocalSession(SessionLog):
    """One session's folder, open for writing."""

    def __init__(self, name: str, file: EventFile, lock: SessionLock, blobs: BlobStore, redactor: Redactor) -> None:
        super().__init__(name, file.folder, redactor)
        self._file, self._lock, self._blobs = file, lock, blobs

    @property
    def epoch(self) -> int:
        """How many writers this session has had, this one included."""
        return self._lock.epoch

    def append(self, kind: str, id: str, data_json: str, *, cause: int = 0) -> int:  # noqa: A002 - the field's name
        """Redact, store large texts aside, and write one event; return its seq."""
        if kind not in KINDS:
            raise ValueError(f"no kind of event is called {kind!r}")
        data_json = self.redact(data_json)
        if not is_walk_needed(data_json):
            return self._file.append(kind, id, data_json, cause)
        try:
            # Between a blob and the event that refers to it, no prune may look for blobs that nobody refers to.
            with sharing(self._blobs.folder.parent):
                return self._file.append(kind, id, self._blobs.save_large(data_json), cause)
        except OSError as error:
            raise self._file.poison(error) from error

    def barrier(self) -> None:
        """Return when everything appended so far survives a power loss, if this log promises that."""
        self._file.sync()

    @property
    def needs_barrier(self) -> bool:
        """Whether an event waits for a barrier that this log promises."""
        return self._file.needs_sync

    def close(self) -> None:
        """Sync what the log promises to keep, close the file and let another writer in."""
        try:
            self._file.close()
        finally:
            self._lock.release()


def _cannot_make(error: OSError, folder: Path) -> LogError:
    return LogError(
        f"the log's folder cannot be made: {error.strerror}",
        where=str(folder),
        hint="set log_dir to a folder that you may write, or log_type: none",
    )


def _exists(session: str, folder: Path) -> LogExists:
    return LogExists(
        f"the session {session!r} is there already",
        where=str(folder),
        hint="choose another session_name, or delete its folder",
    )


def check_name(name: str, what: str) -> str:
    """Return ``name`` if it is one safe path component: letters, digits and ``._-``, at most 128.

    Raises:
        ConfigError: it is not; ``what`` says whose name it is.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name[:60]!a} cannot name a {what}",
            hint="use letters, digits, '.', '_' and '-', at most 128 of them, not beginning with '.' or '-'",
        )
    return name


def _is_session_name(name: str) -> bool:
    return name not in (FOLDER, INDEX) and _NAME.fullmatch(name) is not None


def to_redactor(patterns: Any) -> Redactor:
    """Return the redactor that a config asks for: None, False or a list of regular expressions. Pure."""
    if patterns is False:
        return Redactor(shapes={})
    if isinstance(patterns, str) or not isinstance(patterns, Sequence | None):
        raise ConfigError(f"redact is {patterns!r:.80}", hint="give a list of regular expressions, or false")
    known = cast("Sequence[Any]", patterns or ())
    return Redactor([str(pattern) for pattern in known], shapes=KEY_SHAPES)


def _to_options(config: Mapping[str, Any]) -> WriteOptions:
    durability, size = config.get("durability") or "barrier", config.get("max_segment_bytes") or MAX_SEGMENT_BYTES
    if durability not in get_args(Durability):
        raise ConfigError(f"durability is {durability!r:.80}", hint=f"use one of: {', '.join(get_args(Durability))}")
    if type(size) is not int or size < 1:
        raise ConfigError(f"max_segment_bytes is {size!r:.80}", hint="give a number of bytes above 0")
    return WriteOptions(durability, size)
