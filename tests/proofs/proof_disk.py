"""A disk that loses power. What it may leave is drawn at random from all that the promises of a disk allow.

The files in a real folder stand for the page cache. The disk looks at them whenever the log writes or syncs, and keeps
every state since the last sync that covered it. A crash image then takes, for each sector of each file and for each name
in each folder on its own, any of those states: writes are dropped, reordered and torn, sizes run ahead of or behind the
content, holes read as zeros, renames happen by halves.

What is assumed: a sector (512 bytes) is written whole or not at all, and a sync that returned did what it says.
"""

from __future__ import annotations

import os
import random
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lllm.log.file import WriteOptions

SECTOR, PAGE = 512, 4096
FOLDER = -1
INTERRUPT = "interrupt"


@dataclass(frozen=True)
class Past:
    """What the disk certainly holds of one file or folder, and every state that it may hold besides."""

    sure: object
    later: tuple[object, ...] = ()


@dataclass(frozen=True)
class Moment:
    """All that decides what a crash at one moment may leave, and what the log had promised by then.

    Attributes:
        lines: for each session, the lines of the events whose append had returned.
        covered: for each session, how many of those a barrier had covered.
        last: for each session, the line that was being written, or was written last.
    """

    files: dict[int, Past]
    folders: dict[Path, Past]
    lines: dict[str, tuple[bytes, ...]]
    covered: dict[str, int]
    last: dict[str, bytes]


@dataclass
class Disk:
    """The seams of a log's ``WriteOptions``, over a real folder.

    Args:
        root: the folder; what is in it now is safe.

    Attributes:
        moments: one for each thing that the log asked for, before it was done and after.
        lines, covered: kept by whoever drives the log; see ``Moment``.
        session: whose event is being written; kept likewise.
        fail: told of each request by its number from 0 and its name; may raise, or return how many bytes to write, or
            INTERRUPT to strike when all is written and whoever asked does not know it yet.
    """

    root: Path
    lines: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    covered: dict[str, int] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    last: dict[str, bytes] = field(default_factory=dict)
    session: str = ""
    requests: int = 0
    fail: object = None

    def __post_init__(self):
        self._files: dict[int, Past] = {}
        self._folders: dict[Path, Past] = {}
        self._look()
        self._files = {inode: Past(_newest(past)) for inode, past in self._files.items()}
        self._folders = {path: Past(_newest(past)) for path, past in self._folders.items()}

    def options(self, durability, **rest):
        return WriteOptions(durability, write=self.write, sync=self.sync, sync_folder=self.sync_folder, **rest)

    def write(self, fd, data):
        if bytes(data[:5]) == b'{"v":':
            self.last[self.session] = bytes(data)
        self.remember()
        most = self._ask("write")
        done = os.write(fd, data[:most] if isinstance(most, int) else data)
        self.remember()
        if most == INTERRUPT:
            raise KeyboardInterrupt
        return done

    def sync(self, fd):
        self.remember()
        self._ask("sync")
        inode = os.fstat(fd).st_ino
        self._files[inode] = Past(_newest(self._files[inode]))

    def sync_folder(self, folder):
        self.remember()
        self._ask("sync_folder")
        self._folders[folder] = Past(_newest(self._folders[folder]))

    def remember(self):
        """Look, and keep what a crash here may leave."""
        self._look()
        accounts = self.lines.copy(), self.covered.copy(), self.last.copy()
        moment = Moment(self._files.copy(), self._folders.copy(), *accounts)
        if not self.moments or moment != self.moments[-1]:
            self.moments.append(moment)

    def _ask(self, name):
        number, self.requests = self.requests, self.requests + 1
        return self.fail(number, name) if self.fail else None

    def _look(self):
        stack = [self.root]
        while stack:
            folder = stack.pop()
            names = {}
            with os.scandir(folder) as entries:
                for entry in entries:
                    names[entry.name] = self._look_at(entry, stack)
            _add(self._folders, folder, names, {})

    def _look_at(self, entry, stack):
        if entry.is_dir():
            stack.append(Path(entry.path))
            return FOLDER
        _add(self._files, entry.inode(), Path(entry.path).read_bytes(), b"")
        return entry.inode()


def _add(pasts, key, state, empty):
    past = pasts.get(key) or Past(empty)
    if state != _newest(past):
        pasts[key] = Past(past.sure, (*past.later, state))
    else:
        pasts[key] = past


def _newest(past):
    return past.later[-1] if past.later else past.sure


class Drive:
    """A log on a simulated disk, and the account of what it has promised so far. Has the methods that a script needs."""

    def __init__(self, disk, log):
        self.disk, self.log, self.opened = disk, log, {}

    def open(self, session):
        self.disk.lines.setdefault(session, ())
        self.disk.covered.setdefault(session, 0)
        self.opened[session] = self.log.open_session(session)

    def reopen(self, session):
        self.opened[session] = self.log.reopen_session(session)

    def append(self, session, data_json):
        """Append one event; one that is interrupted is not in the log."""
        self.disk.session = session
        with suppress(KeyboardInterrupt):
            self.opened[session].append("message", "1/m0", data_json)
            self.disk.lines[session] += (self.disk.last[session],)
            if self.log._options.durability == "strict":
                self._cover(session)

    def barrier(self, session):
        self.opened[session].barrier()
        self._cover(session)

    def kill(self):
        """End as a killed process does: the system closes its files, and what it wrote stays in the page cache."""
        for opened in self.opened.values():
            os.close(opened._file._tip.fd)
            opened._lock.release()
        self.opened.clear()
        self.disk.remember()

    def close(self, session):
        self.opened.pop(session).close()
        self._cover(session)

    def _cover(self, session):
        if self.log._options.is_durable:
            self.disk.covered[session] = len(self.disk.lines[session])
        self.disk.remember()


def save_image(moment: Moment, root: Path, target: Path, chance: random.Random) -> None:
    """Write one thing that a crash at ``moment`` may leave of ``root`` to the empty folder ``target``."""
    grain = chance.choice((SECTOR, SECTOR, PAGE))
    eager = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
    stack = [(root, target)]
    while stack:
        source, copy = stack.pop()
        for name, inode in _draw_names(moment.folders[source], chance, eager).items():
            if inode == FOLDER:
                (copy / name).mkdir()
                stack.append((source / name, copy / name))
            else:
                (copy / name).write_bytes(_draw_content(moment.files[inode], chance, grain, eager))


def _draw_names(past, chance, eager):
    if not past.later:
        return past.sure
    states = (past.sure, *past.later)
    drawn = {name: _draw(states, chance, eager).get(name) for name in {name for state in states for name in state}}
    return {name: inode for name, inode in drawn.items() if inode is not None}


def _draw(states, chance, eager):
    """Return one of the states, the newest with a chance of ``eager``."""
    return states[-1] if chance.random() < eager else chance.choice(states)


def _draw_content(past, chance, grain, eager):
    if not past.later:
        return past.sure
    states = (past.sure, *past.later)
    size = len(_draw(states, chance, eager))
    if chance.random() < 0.2:
        size = chance.randint(min(map(len, states)), max(map(len, states)))
    parts = []
    for start in range(0, size, grain):
        part = _draw(states, chance, eager)[start : start + grain]
        parts.append(part.ljust(min(grain, size - start), b"\0"))
    return b"".join(parts)[:size]
