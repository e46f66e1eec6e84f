"""Read a config file as text: what can be wrong before its format matters."""

from __future__ import annotations

from pathlib import Path

from lllm.errors import ConfigError

MAX_BYTES = 1_000_000  # a config is written by hand


def load_text(path: Path) -> str:
    """Return a file's text without a byte order mark.

    Raises:
        ConfigError: the file cannot be read, is too large, or is not UTF-8; names the place.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the file: {error.strerror or error}", where=str(path)) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"the file is larger than {MAX_BYTES} bytes", where=str(path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        raise ConfigError(
            f"the file is not UTF-8: byte 0x{data[error.start]:02x}",
            where=f"{path}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}",
            hint="save it as UTF-8",
        ) from None


def inside(root: Path, path: Path) -> bool:
    """Tell whether ``path`` is ``root`` or below it, once every symbolic link is followed."""
    return path.resolve().is_relative_to(root.resolve())
