"""Logs that keep nothing on disk: ``NoLog`` for runs that nobody will read, ``MemoryLog`` for tests and replay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from lllm.errors import LogError, LogExists, LogFenced, SessionNotFound
from lllm.log.base import ReplayableLogBase, SessionLog
from lllm.log.envelope import GENESIS, IGNORABLE, KINDS, Event, decode_line, encode_line
from lllm.log.redact import Redactor


class UnsyncedSession(SessionLog):
    """What both logs share: a count of events, and barriers that have nothing to do."""

    def __init__(self, name: str, redactor: Redactor) -> None:
        super().__init__(name, None, redactor)
        self._lock = threading.Lock()
        self._seq = 0
        self.is_closed = False

    def append(self, kind: str, id: str, data_json: str, *, cause: int = 0) -> int:  # noqa: A002 - the field's name
        """Count one event, keep it where this log keeps any, and return its seq."""
        if kind not in KINDS:
            raise ValueError(f"no kind of event is called {kind!r}")
        with self._lock:
            if self.is_closed:
                raise LogError("the session's log is closed", where=self.name)
            self._keep(self._seq + 1, kind, id, data_json, cause)
            self._seq += 1
            return self._seq

    def barrier(self) -> None:
        """Return at once."""

    @property
    def needs_barrier(self) -> bool:
        """Always False: there is nothing that a power loss would spare."""
        return False

    def close(self) -> None:
        """Accept no further event."""
        self.is_closed = True

    def _keep(self, seq: int, kind: str, id: str, data_json: str, cause: int) -> None:  # noqa: A002
        """Keep nothing."""


class MemorySession(UnsyncedSession):
    """A session whose lines are a list."""

    def __init__(self, name: str, redactor: Redactor, clock: Callable[[], float]) -> None:
        super().__init__(name, redactor)
        self._lines: list[bytes] = []
        self._last_hash = GENESIS
        self._clock = clock

    def events(self) -> Iterator[Event]:
        """Yield what was appended so far, oldest first, exactly as a file would give it back: anew at each reading."""
        last = None
        for line in tuple(self._lines):
            last = decode_line(line, last)
            yield last

    def _keep(self, seq: int, kind: str, id: str, data_json: str, cause: int) -> None:  # noqa: A002
        clean, is_ignorable = self.redact(data_json), kind in IGNORABLE
        line, self._last_hash = encode_line(self._last_hash, seq, kind, cause, id, self._clock(), clean, is_ignorable)
        self._lines.append(line)


class NoLog(ReplayableLogBase):
    """A log that keeps nothing: no session can be listed, read or replayed, and any name may be used again."""

    def __init__(self) -> None:
        self.redactor = Redactor()

    def open_session(self, session: str) -> SessionLog:
        """Begin a session whose events are only counted."""
        return UnsyncedSession(session, self.redactor)

    def read_session(self, session: str) -> Iterator[Event]:
        """Refuse: nothing was kept."""
        raise SessionNotFound(f"no session {session!r:.80}", hint="this run keeps no log; set log_type: localfile")

    def session_names(self) -> list[str]:
        """Return no names."""
        return []


class MemoryLog(ReplayableLogBase):
    """A log in memory.

    Args:
        redactor: takes secrets out of every event; by default one that knows the built-in key shapes.
        clock: seconds since 1970.
    """

    def __init__(self, redactor: Redactor | None = None, clock: Callable[[], float] = time.time) -> None:
        self.redactor = redactor or Redactor()
        self._clock = clock
        self._sessions: dict[str, MemorySession] = {}

    def open_session(self, session: str) -> MemorySession:
        """Begin a new session."""
        if session in self._sessions:
            raise LogExists(f"the session {session!r:.80} is there already", hint="choose another session_name")
        log = self._sessions[session] = MemorySession(session, self.redactor, self._clock)
        return log

    def reopen_session(self, session: str) -> MemorySession:
        """Go on with a session whose log was closed."""
        log = self._find(session)
        if not log.is_closed:
            raise LogFenced("its writer is alive", where=session)
        log.is_closed = False
        return log

    def read_session(self, session: str) -> Iterator[Event]:
        """Yield a session's events so far."""
        return self._find(session).events()

    def session_names(self) -> list[str]:
        """Return the names of all sessions."""
        return list(self._sessions)

    def _find(self, session: str) -> MemorySession:
        if session not in self._sessions:
            raise SessionNotFound(f"no session {session!r:.80}", where="memory")
        return self._sessions[session]
