"""Which pictures may be shown: those whose bytes are what their MIME type says, and of a sane size. Pure."""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from lllm.sandbox.shown.mime import is_base64, to_joined

PICTURES = ("image/png", "image/jpeg")

_MOST_PIXELS = 64_000_000  # a few bytes can claim to be more pixels than whoever shows them has memory
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_FILL = re.compile(b"\xff+")
_MOST_SEGMENTS = 1000  # before the first frame; honest files have a few dozen
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be shown.

    Attributes:
        mime: its type, ``image/png`` or ``image/jpeg``.
        width: in pixels.
        height: in pixels.
        size_bytes: of its file.
        base64: the file.
    """

    mime: str
    width: int
    height: int
    size_bytes: int
    base64: str

    def to_note(self) -> str:
        """Return what stands for it where only text can stand."""
        return f"[{self.mime}, {self.width}x{self.height}, {to_size(self.size_bytes)}]"


def parse_picture(mime: str, value: Any) -> Picture | None:
    """Return a picture from what a notebook holds under its MIME type; None when it is none that may be shown."""
    text = to_joined(value)
    if mime not in PICTURES or text is None or not is_base64(text):
        return None
    content = b64decode(text)
    width, height = _png_size(content) if mime == "image/png" else _jpeg_size(content)
    if width < 1 or height < 1 or width * height > _MOST_PIXELS:
        return None
    return Picture(mime, width, height, len(content), text.replace("\n", "").replace("\r", ""))


def to_size(size_bytes: int) -> str:
    """Return a size as people read it."""
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    return f"{size_bytes / 1000:.0f} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1_000_000:.1f} MB"


def _png_size(content: bytes) -> tuple[int, int]:
    """Return width and height (W3C PNG, 5.2 and 11.2.1, read 2026-11); zeros where the file is no PNG."""
    if not content.startswith(_PNG) or content[12:16] != b"IHDR" or len(content) < 24:
        return 0, 0
    return struct.unpack_from(">II", content, 16)


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Return width and height from the first frame header (ITU T.81, annex B); zeros where the file is no JPEG."""
    at = 2 if content.startswith(_JPEG) else len(content)
    for _ in range(_MOST_SEGMENTS):
        fill = _FILL.match(content, at)
        if fill is None or fill.end() + 8 > len(content):
            break
        at = fill.end()
        marker = content[at]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 4)
            return width, height
        at += 1 if marker in _JPEG_BARE else 1 + max(2, struct.unpack_from(">H", content, at + 1)[0])
    return 0, 0
