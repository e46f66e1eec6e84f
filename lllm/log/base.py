"""What a log is to the rest of lllm: two small protocols, one for a session being written and one for the store.

Who keeps events elsewhere implements three methods of ``ReplayableLogBase`` and four of ``SessionLog``; listing,
naming and the collections follow from those.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from lllm.errors import LogCorrupt, LogError, SessionNotFound
from lllm.log.envelope import Event, header_of
from lllm.log.lineage import read_run
from lllm.log.redact import Redactor
from lllm.utils import safe_name

Status = Literal["open", "ok", "failed", "damaged"]
PREVIEW_CHARS = 120


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One line of a listing.

    Attributes:
        session: its name.
        path: its folder; None where the store has none.
        started_ts: seconds since 1970; None when the first event cannot be read.
        status: ``open`` also means that the process died before it could close the session.
        task: start of the task, on one line.
        agent_type: which agent ran; empty when unknown.
        events: how many; None where counting would cost a walk.
    """

    session: str
    path: Path | None
    started_ts: float | None
    status: Status
    task: str
    agent_type: str
    events: int | None


class SessionLog(ABC):
    """The log of one session while it is written.

    Attributes:
        name: the session's name.
        path: its folder; None where the store has none.
        redact: takes secrets out of JSON text. Implementations call it on every ``data_json`` before they keep it.
    """

    def __init__(self, name: str, path: Path | None = None, redact: Redactor | None = None) -> None:
        self.name = name
        self.path = path
        self.redact = redact or Redactor()

    @abstractmethod
    def append(self, kind: str, id: str, data_json: str, *, cause: int = 0) -> int:  # noqa: A002 - the field's name
        """Add one event and return its seq, 1 for the first. Safe to call from several threads.

        Args:
            kind: a key of ``KINDS``.
            id: place in the session's structure.
            data_json: one JSON object, as ``encode_json`` writes it.
            cause: seq of the event before this one in the same thread or task, or of the one that it answers.

        Raises:
            LogPoisoned: an earlier write failed; nothing may be sent any more.
        """

    @abstractmethod
    def barrier(self) -> None:
        """Return when every event appended so far survives a power loss. Blocks; waiting threads share one sync.

        Raises:
            LogPoisoned: that cannot be promised.
        """

    @property
    @abstractmethod
    def needs_barrier(self) -> bool:
        """Whether ``barrier()`` would have something to do. False where the log promises no such thing."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the session. Closing twice is allowed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class ReplayableLogBase(ABC):
    """A store of sessions. Subclasses give ``open_session``, ``read_session`` and ``session_names``."""

    @cached_property
    def redactor(self) -> Redactor:
        """What takes secrets out of events; a replay uses it too. By default one that knows the built-in key shapes."""
        return Redactor()

    @abstractmethod
    def open_session(self, session: str) -> SessionLog:
        """Begin a new session.

        Raises:
            LogExists: the session is there already.
            ConfigError: the name cannot be used.
        """

    def keeping(self) -> AbstractContextManager[None]:
        """While the block runs, let nobody prune sessions and blobs: for whoever is about to refer to one."""
        return nullcontext()

    def reopen_session(self, session: str) -> SessionLog:
        """Go on with a session whose writer ended or died; a torn end is set aside.

        Raises:
            SessionNotFound: no such session.
            LogFenced: its writer is alive.
            LogCorrupt: it is damaged; nothing is changed.
            LogError: this store cannot do it.
        """
        raise LogError(
            "this log cannot go on with a session", where=session, hint="keep the sessions in a LocalFileLog"
        )

    def reopen_run(self, session: str) -> tuple[SessionLog, list[Event]]:
        """Go on with a session, as :meth:`reopen_session` does, and return all events of its run."""
        opened = self.reopen_session(session)
        try:
            return opened, list(self.read_run(session))
        except BaseException:
            opened.close()
            raise

    @abstractmethod
    def read_session(self, session: str) -> Iterator[Event]:
        """Yield the events of a session in order, verified, large texts filled in.

        Raises:
            SessionNotFound: no such session.
            LogCorrupt: the session is damaged; every event before the damage has been yielded.
        """

    @abstractmethod
    def session_names(self) -> Iterable[str]:
        """Return the names of all sessions, in any order."""

    def read_run(self, session: str) -> Iterator[Event]:
        """Yield all events of a run: of a fork, those that it shares with its parents, too. Seqs have no gap.

        Args:
            session: its name, a unique start of it, or ``last``.

        Raises:
            SessionNotFound: the session, or a parent of it, is not there.
            LogCorrupt: one is damaged, or a parent is not what it was when the fork was made.
        """
        return read_run(self.read_session, self.resolve(session))

    def read_header(self, session: str) -> dict[str, Any]:
        """Return the header of a session, of a fork its own: the data of its first event, nothing behind it is read.

        Args:
            session: its name.

        Returns:
            What ``Session.open`` was told, and versions, seed and run id; empty where the session has no header.

        Raises:
            SessionNotFound: no such session.
            LogCorrupt: its first event is damaged.
        """
        return header_of(next(iter(self.read_session(session)), None))

    def describe_session(self, session: str) -> SessionInfo:
        """Return one line about a session. Walks it; a store that can do better overrides this."""
        first = last = None
        damaged = False
        try:
            for event in self.read_session(session):
                first, last = first or event, event
        except LogCorrupt:
            damaged = True
        return to_session_info(session, None, (first, last), damaged=damaged)

    def list_sessions(self) -> list[SessionInfo]:
        """Return all sessions, newest first."""
        found = [self.describe_session(name) for name in self.session_names()]
        return sorted(found, key=lambda info: (info.started_ts or 0.0, info.session), reverse=True)

    def resolve(self, name: str) -> str:
        """Return the session that a person means: an exact name, else a prefix that only one has, else ``last``.

        A name that a session was opened with and that had to be made safe, such as ``My run``, is an exact one, too.

        Raises:
            SessionNotFound: none fits, or several do; the hint names what is near.
        """
        names = sorted(self.session_names())
        for known in (name, safe_name(name)):
            if known in names:
                return known
        if name == "last" and names:
            return self.list_sessions()[0].session
        starts = [known for known in names if name and known.startswith(name)]
        if len(starts) == 1:
            return starts[0]
        raise _not_found(name, starts, names)


def to_session_info(
    session: str, path: Path | None, ends: tuple[Event | None, Event | None], *, damaged: bool = False
) -> SessionInfo:
    """Return the listing of a session from its first and its last event. Pure."""
    first, last = ends
    opened = header_of(first)
    status: Status = "open"
    if damaged:
        status = "damaged"
    elif last is not None and last.kind == "session.close":
        status = "ok" if last.data.get("status") == "ok" else "failed"
    return SessionInfo(
        session=session,
        path=path,
        started_ts=first.ts if first else None,
        status=status,
        task=" ".join(str(opened.get("task") or "")[: PREVIEW_CHARS * 4].split())[:PREVIEW_CHARS],
        agent_type=str(opened.get("agent_type") or ""),
        events=last.seq if last else 0,
    )


def _not_found(name: str, starts: list[str], names: list[str]) -> SessionNotFound:
    shown = name if len(name) <= PREVIEW_CHARS else f"{name[:PREVIEW_CHARS]}..."
    if starts:
        listed = ", ".join(starts[:5]) + (", ..." if len(starts) > 5 else "")
        return SessionNotFound(f"{len(starts)} sessions begin with {shown!r}", hint=f"which one: {listed}?")
    if not names:
        return SessionNotFound(f"no session {shown!r}: the log is empty", hint="run a task first")
    from difflib import get_close_matches  # noqa: PLC0415 - only an error needs it

    near = get_close_matches(shown, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else "`lllm log list` shows all sessions"
    return SessionNotFound(f"no session {shown!r}", hint=hint)
