"""An export becomes a file whole, or not at all, and never in place of another file that nobody said to replace."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lllm.errors import ConfigError, LogError


def save_chunks(chunks: Iterable[str], path: Path, *, force: bool = False) -> int:
    """Write text to a file and return its size in bytes. It is written beside the file first, then put in its place.

    Args:
        chunks: the text, in UTF-8 when it is written.
        path: the file; what is no plain file (a pipe, ``/dev/stderr``) is written to as it is.
        force: replace a file that is there.

    Raises:
        ConfigError: there is a file already, or ``path`` is a folder or lies in none.
        LogError: it cannot be written, such as on a full disk; nothing is left behind.
    """
    try:
        if path.is_dir():
            raise ConfigError("this is a folder", where=str(path), hint="name a file with -o")
        if path.exists() and not path.is_file():
            with path.open("wb") as pipe:
                return _write(chunks, pipe.fileno())
        if not force and os.path.lexists(path):
            raise _taken(path)
        return _save(chunks, path.resolve() if force else path, force=force)
    except FileNotFoundError as error:
        raise ConfigError("there is no such folder", where=str(path.parent), hint="make it first") from error
    except OSError as error:
        raise LogError(f"the export cannot be written: {error.strerror}", where=str(path)) from error


def _save(chunks: Iterable[str], path: Path, *, force: bool) -> int:
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        try:
            size_bytes = _write(chunks, file)
        finally:
            os.close(file)
        if force:
            draft.replace(path)
        else:
            _put(draft, path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return size_bytes


def _put(draft: Path, path: Path) -> None:
    """Give the draft its name, unless somebody took that meanwhile."""
    try:
        path.hardlink_to(draft)  # refuses a name that is taken, in one step
    except FileExistsError:
        raise _taken(path) from None
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise _taken(path) from None
        draft.replace(path)


def _write(chunks: Iterable[str], file: int) -> int:
    size_bytes = 0
    with os.fdopen(file, "wb", closefd=False) as stream:
        for chunk in chunks:
            size_bytes += stream.write(chunk.encode("utf-8", "backslashreplace"))
    return size_bytes


def _taken(path: Path) -> ConfigError:
    return ConfigError("there is such a file already", where=str(path), hint="name another with -o, or add --force")
