"""How bytes are made to survive a power loss, on each system."""

from __future__ import annotations

import fcntl
import os
import sys
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
