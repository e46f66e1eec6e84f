"""What the files of a sandbox take beside the bytes that a file system of its own would count: asked by the warden.

In tier A each file takes memory of the kernel, also an empty one, and a file system in memory allows millions. In tier
B the files lie on the host's disk, and nothing but this counts them.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

MOST_FILES = 20_000
_IN_MEMORY = ("box", "tmp", "dev/shm")
_VANISHED = (errno.ENOENT, errno.ENOTDIR)


def find_count_excess(pids: Sequence[int]) -> str:
    """Return how a sandbox of tier A has too many files in memory, in words for the model; empty when it has not.

    Args:
        pids: its processes, from the first one, which still has the host's folders.
    """
    for pid in reversed(pids[1:]):
        with suppress(OSError):
            mounts = [os.statvfs(f"/proc/{pid}/root/{name}") for name in _IN_MEMORY]
            count = sum(mount.f_files - mount.f_ffree for mount in mounts)
            return f"it made more than {MOST_FILES:,} files" if count > MOST_FILES else ""
    return ""


def find_disk_excess(folder: Path, pids: Iterable[int], limit_bytes: int, most_files: int = MOST_FILES) -> str:
    """Return how a sandbox's files are over the limit, in words for the model; empty when they are within it.

    Args:
        folder: all that it may write to.
        pids: its processes. They may hold files that were removed, which no folder shows any more.
        limit_bytes: of all its files together.
        most_files: files and folders, whatever is in them.
    """
    try:
        sizes = list(islice(_sizes_below(folder), most_files + 1))
        device = folder.stat().st_dev
    except FileNotFoundError:
        return ""  # its sandbox has ended
    except OSError as error:
        return f"a folder that it made cannot be counted: {error.strerror}"
    if len(sizes) > most_files:
        return f"it made more than {most_files:,} files"
    size = sum(sizes) + sum(_removed_sizes(folder, device, pids))
    return f"its files took {size >> 20} MiB, and may take {limit_bytes >> 20}" if size > limit_bytes else ""


def _sizes_below(folder: Path) -> Iterator[int]:
    """Yield what each file takes; OSError at a folder that hides what is in it, by its mode or by its depth."""
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    yield entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError as error:
            if error.errno not in _VANISHED:
                raise


def _removed_sizes(folder: Path, device: int, pids: Iterable[int]) -> Iterator[int]:
    """Yield what files take that were removed and are still open, or mapped."""
    seen = set[int]()
    for pid in pids:
        for number in _listed(f"/proc/{pid}/fd"):
            with suppress(OSError):
                facts = os.stat(f"/proc/{pid}/fd/{number}")  # noqa: PTH116 - some hundred, ten times a second
                if facts.st_nlink == 0 and facts.st_dev == device and stat.S_ISREG(facts.st_mode):
                    if facts.st_ino not in seen:
                        yield facts.st_blocks * 512
                    seen.add(facts.st_ino)
        with suppress(OSError):
            yield from _mapped_sizes(Path(f"/proc/{pid}/maps").read_bytes(), os.fsencode(folder))


def _mapped_sizes(maps: bytes, folder: bytes) -> Iterator[int]:
    """Yield the length of each mapping of a removed file; one that is open as well counts twice. Pure."""
    for line in maps.splitlines():
        if line.endswith(b"(deleted)") and folder in line:
            start, _, end = line.split(b" ", 1)[0].partition(b"-")
            yield int(end, 16) - int(start, 16)


def _listed(folder: str) -> list[str]:
    with suppress(OSError):
        return os.listdir(folder)  # noqa: PTH208 - numbers are wanted, not paths
    return []
