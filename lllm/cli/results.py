"""The file that a batch's results are appended to: JSON lines, of which a crash can tear only the last."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lllm.errors import LogError
from lllm.utils import encode_json

_CHUNK_BYTES = 1 << 16


class ResultFile:
    """A JSONL file open for appending. A torn last line, as a crash leaves it, is dropped when it is opened.

    Raises:
        LogError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):  # what was written could not be read back
                raise OSError(errno.EINVAL, "it is no plain file")  # noqa: TRY301 - one place refuses
            self._drop_torn_line()
        except OSError as error:
            raise self._refused(error) from error

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one line, by one call of the system."""
        line = encode_json(row).encode("ascii") + b"\n"
        try:
            size = os.fstat(self._fd).st_size
            if os.write(self._fd, line) < len(line):
                os.ftruncate(self._fd, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - one place refuses
        except OSError as error:
            raise self._refused(error) from error

    def sessions(self) -> set[str]:
        """Return the sessions whose good result is in the file."""
        found: set[str] = set()
        for line in self._path.read_bytes().splitlines():
            try:
                row = json.loads(line)
                if row["status"] == "ok":
                    found.add(row["session"])
            except (ValueError, TypeError, KeyError):
                continue  # a line of somebody else's
        return found

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _drop_torn_line(self) -> None:
        end = size = os.fstat(self._fd).st_size
        while end:
            start = max(0, end - _CHUNK_BYTES)
            at = os.pread(self._fd, end - start, start).rfind(b"\n")
            if at >= 0:
                end = start + at + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._fd, end)

    def _refused(self, error: OSError) -> LogError:
        hint = "every finished task is in the log: make room, and run the same command again"
        return LogError(f"results cannot be written: {error.strerror}", where=str(self._path), hint=hint)
