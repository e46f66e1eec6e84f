"""How bytes are made to survive a power loss, on each system."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path


def sync_file(fd: int) -> None:
    """Return when the file's content is on the disk.

    Darwin has no ``fdatasync``, and its ``fsync`` leaves data in the drive's cache (its manual page fsync(2)).
    """
    if sys.platform == "darwin":
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(fd)


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk: a new file is not, until its folder is."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(folder: Path, sync: Callable[[Path], None]) -> None:
    """Make a folder and those above it, and ``sync`` each folder that got a new name, also if somebody made it now."""
    missing: list[Path] = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        sync(new.parent)


def write_all(write: Callable[[int, bytes | memoryview], int], fd: int, content: bytes) -> None:
    """Write all of ``content``, with as many calls of ``write`` as it takes."""
    written = write(fd, content)
    while written < len(content):
        written += write(fd, memoryview(content)[written:])
