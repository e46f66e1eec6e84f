"""Which old sessions are removed, and how, so that nothing is lost that a kept one needs.

Kept are: a session that is being written, the ancestors of every kept fork, the newest ones as many as are asked for,
and each blob that a kept session refers to. A session's folder is first renamed, in one step, to a name that is no
session's, a fork's before its parent's; whatever interrupts a prune leaves whole sessions, and the next one finishes.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lllm.errors import LogError
from lllm.log.base import Status
from lllm.log.blobs import FOLDER, find_references
from lllm.log.file import SEGMENT_PREFIX
from lllm.log.flock import is_held, taking
from lllm.log.listing import Listed, read_traces, to_sort_key
from lllm.log.local import LocalFileLog
from lllm.log.lock import NAME as LOCK

_DOOMED = ".pruned-"
GRACE_S, WAIT_S = 3600.0, 10.0
_LOOK_S = 0.05  # whoever only looks whether a session is written is soon gone
_READ_BYTES = 1 << 20
_OVERLAP = 100  # a reference is shorter
_BLOB = re.compile(r"([0-9a-f]{64})(\.[0-9.]+\.tmp)?")
_EMPTY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What may be removed. Without an age and a size, nothing is.

    Attributes:
        older_than_s: sessions whose last event is older than this.
        max_bytes: the oldest sessions, until all that are left, with their blobs, weigh no more.
        keep: so many of the newest sessions stay in any case.
        status: only sessions that have it.
        grace_s: blobs that were written in so many seconds stay; a guard where locks do not work.
        wait_s: so long it is waited for writers, and for another prune.
    """

    older_than_s: float | None = None
    max_bytes: float | None = None
    keep: int = 0
    status: Status | None = None
    grace_s: float = GRACE_S
    wait_s: float = WAIT_S


@dataclass(slots=True)
class Plan:
    """What a prune would remove.

    Attributes:
        rules: what it follows.
        sessions: the sessions, oldest first, but a fork before its parent.
        spared: sessions that the rules mean and that stay, and why.
        kept: how many stay.
        blobs: how many blobs nobody would refer to any more.
        freed_bytes: what all of it weighs.
        left_bytes: what stays.
    """

    rules: Rules
    sessions: list[Listed] = field(default_factory=list[Listed])
    spared: dict[str, str] = field(default_factory=dict[str, str])
    kept: int = 0
    blobs: int = 0
    freed_bytes: int = 0
    left_bytes: int = 0


class Pruned(NamedTuple):
    """What a prune removed."""

    sessions: list[str]
    blobs: int
    freed_bytes: int


def build_plan(log: LocalFileLog, rules: Rules, now: float | None = None) -> Plan:
    """Return what a prune by these rules would remove. Reads every session's files, and changes nothing.

    Args:
        log: where the sessions are.
        rules: which ones.
        now: seconds since 1970; None for this moment.
    """
    return _Choice(log, rules, time.time() if now is None else now).plan()


class _Choice:
    """Chooses sessions, oldest first, until the rules are kept."""

    def __init__(self, log: LocalFileLog, rules: Rules, now: float) -> None:
        self._log, self._rules, self._now = log, rules, now
        self._found = {listed.info.session: listed for listed in reversed(log.find_sessions())}
        self._children = Counter(listed.parent for listed in self._found.values() if listed.parent)
        blobs = list(_list_blobs(log.folder))
        self._blobs = {path.name: size for path, size, modified in blobs if now - modified > rules.grace_s}
        self._refs = {name: self._read_refs(name) for name in self._found} if self._blobs else {}
        self._uses = Counter(sha for refs in self._refs.values() for sha in refs)
        self._plan = Plan(rules, left_bytes=sum(size for _, size, _ in blobs))
        self._doomed: list[str] = []
        self._is_doomed: set[str] = set()

    def plan(self) -> Plan:
        plan, orphans = self._plan, [sha for sha in self._blobs if not self._uses[sha]]
        plan.left_bytes += sum(listed.size_bytes for listed in self._found.values())
        self._drop_blobs(orphans)
        newest = sorted(self._found.values(), key=lambda listed: to_sort_key(listed.info), reverse=True)
        guarded = {listed.info.session for listed in newest[: self._rules.keep]}
        for listed in sorted(self._found.values(), key=self._ended):
            if listed.info.session not in guarded:
                self._judge(listed)
        plan.sessions = [self._found[name] for name in self._doomed]
        plan.kept = len(self._found) - len(self._doomed)
        return plan

    def _judge(self, listed: Listed) -> None:
        """Doom a session that the rules mean and nothing protects; then its parent, if it was spared for its sake."""
        told: Listed | None = listed
        while told is not None and self._is_meant(told):
            name = told.info.session
            if reason := self._protection(told):
                self._plan.spared[name] = reason
                return
            self._plan.spared.pop(name, None)
            self._doom(told)
            told = self._found.get(told.parent) if told.parent in self._plan.spared else None

    def _is_meant(self, listed: Listed) -> bool:
        rules = self._rules
        if listed.info.session in self._is_doomed or (rules.status and listed.info.status != rules.status):
            return False
        too_old = rules.older_than_s is not None and self._now - self._ended(listed) > rules.older_than_s
        return too_old or (rules.max_bytes is not None and self._plan.left_bytes > rules.max_bytes)

    def _protection(self, listed: Listed) -> str:
        if self._children[listed.info.session]:
            return "a fork that stays shares its events"
        folder = self._log.folder / listed.info.session
        if is_held(folder / LOCK):
            return "it is being written"
        if not listed.info.events and self._now - _modified(folder) < self._rules.grace_s:
            return "it has just begun"
        return ""

    def _doom(self, listed: Listed) -> None:
        name = listed.info.session
        self._doomed.append(name)
        self._is_doomed.add(name)
        self._children[listed.parent] -= 1
        self._plan.freed_bytes += listed.size_bytes
        self._plan.left_bytes -= listed.size_bytes
        refs = self._refs.get(name, _EMPTY)
        self._uses.subtract(refs)
        self._drop_blobs([sha for sha in refs if not self._uses[sha] and sha in self._blobs])

    def _drop_blobs(self, names: Iterable[str]) -> None:
        for name in names:
            self._plan.blobs += 1
            self._plan.freed_bytes += self._blobs[name]
            self._plan.left_bytes -= self._blobs[name]

    def _ended(self, listed: Listed) -> float:
        if listed.ended_ts is not None:
            return listed.ended_ts
        return listed.info.started_ts or _modified(self._log.folder / listed.info.session)

    def _read_refs(self, session: str) -> frozenset[str]:
        files = _event_files(self._log.folder / session)
        return frozenset(sha for path, _ in files for sha in read_references(path, 0))


def run_plan(log: LocalFileLog, plan: Plan) -> Pruned:
    """Remove what a plan says, but for what came to be needed since.

    Args:
        log: the log that the plan is about.
        plan: from ``build_plan``.

    Raises:
        LogError: something cannot be removed; what was not removed is whole.
    """
    try:
        _finish(log.folder)
        gone: list[Listed] = []
        if plan.sessions:
            with _alone(log, plan.rules):
                gone.extend(_rename_all(log, plan))
        _finish(log.folder)
        blobs, blob_bytes = _remove_blobs(log, plan.rules)
    except OSError as error:
        raise LogError(f"something cannot be removed: {error.strerror}", where=str(error.filename)) from error
    return Pruned([listed.info.session for listed in gone], blobs, sum(x.size_bytes for x in gone) + blob_bytes)


@contextmanager
def _alone(log: LocalFileLog, rules: Rules) -> Generator[None]:
    """While the block runs, no fork is made, and no writer stands between a blob and the event that refers to it."""
    with taking(log.folder, rules.wait_s) as is_ours:
        if not is_ours:
            raise LogError(
                "the log cannot be locked",
                where=str(log.folder),
                hint="another prune is at work, or its disk has no locks",
            )
        yield


def _rename_all(log: LocalFileLog, plan: Plan) -> Iterator[Listed]:
    """Make the folders of a plan none of sessions any more, forks before their parents; yield what was in them."""
    doomed = {listed.info.session: listed for listed in plan.sessions}
    needed = Counter(listed.parent for listed in log.find_sessions() if listed.parent)
    for name, listed in doomed.items():
        if not needed[name] and _rename(log.folder, listed):
            needed[listed.parent] -= 1
            yield listed


def _rename(base: Path, listed: Listed) -> bool:
    """Rename a session's folder, unless somebody writes it or did so since; return whether that is done."""
    folder, doomed = base / listed.info.session, base / f"{_DOOMED}{listed.info.session}"
    try:
        with taking(folder / LOCK, _LOOK_S) if (folder / LOCK).exists() else nullcontext(True) as is_ours:
            if not is_ours or read_traces(folder).size_bytes != listed.size_bytes:
                return False
            folder.rename(doomed)
            return True
    except FileNotFoundError:  # somebody else was faster
        return False


def _finish(base: Path) -> None:
    """Remove what was renamed, now or by a prune that was interrupted."""
    for folder in base.glob(f"{_DOOMED}*"):
        if folder.is_symlink():
            folder.unlink()
        else:
            with suppress(FileNotFoundError):  # another prune was faster
                shutil.rmtree(folder)


def _remove_blobs(log: LocalFileLog, rules: Rules) -> tuple[int, int]:
    """Remove the blobs that nobody refers to; return how many they were and what they weighed.

    All sessions are read before the log is locked; what was added since is read once it is.
    """
    before = time.time() - rules.grace_s
    old = {path: size for path, size, modified in _list_blobs(log.folder) if modified < before}
    if not old:
        return 0, 0
    seen: dict[str, int] = {}
    used = _read_new_references(log, seen)
    removed = removed_bytes = 0
    with _alone(log, rules):
        used |= _read_new_references(log, seen)
        for path, size in old.items():
            if path.name not in used:
                path.unlink(missing_ok=True)
                removed, removed_bytes = removed + 1, removed_bytes + size
    return removed, removed_bytes


def _read_new_references(log: LocalFileLog, seen: dict[str, int]) -> set[str]:
    """Return the blobs that all sessions refer to in what was not read yet; ``seen`` is how far each file was."""
    used: set[str] = set()
    for name in log.session_names():
        for path, size in _event_files(log.folder / name):
            start = seen.get(path, 0)
            if size != start:
                used.update(read_references(path, min(start, size)))
                seen[path] = size
    return used


def read_references(path: str, start: int) -> Iterator[str]:
    """Yield the SHA-256 of each blob that a file refers to from byte ``start`` on, sound or damaged, maybe again.

    Bytes are searched, not events: who must not lose a blob is better told of one too many.
    """
    with Path(path).open("rb") as file:
        file.seek(max(0, start - _OVERLAP))
        rest = b""
        while chunk := file.read(_READ_BYTES):
            text = rest + chunk
            yield from find_references(text)
            rest = text[-_OVERLAP:]


def _event_files(folder: Path) -> list[tuple[str, int]]:
    """Return path and size of a session's files, those included that hold what recovery set aside."""
    try:
        with os.scandir(folder) as entries:
            return [(x.path, x.stat().st_size) for x in entries if x.name.startswith(SEGMENT_PREFIX) and x.is_file()]
    except FileNotFoundError:
        return []


def _list_blobs(base: Path) -> Iterator[tuple[Path, int, float]]:
    """Yield each blob, and each draft of one: its path, its size in bytes, and when it was last written or used."""
    for path in (base / FOLDER).glob("??/*"):
        if _BLOB.fullmatch(path.name):
            with suppress(FileNotFoundError):
                stat = path.stat()
                yield path, stat.st_size, stat.st_mtime


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
