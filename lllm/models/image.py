"""A picture, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a message: base64 text and its media type, or the address where a server finds it."""

    base64: str = ""
    media_type: str = "image/png"
    url: str = ""
