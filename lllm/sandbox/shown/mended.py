"""JSON data of a sandbox, made fit for a notebook: what nobody could store or read again is mended or refused. Pure."""

from __future__ import annotations

import math
import re
from typing import Any, cast

DEPTH = 32
"""How deep lists and objects may be nested."""

ITEM_BYTES = 32
"""What each item counts beside its text, about what it takes in memory: ``[[],[],[]]`` is far more than it looks."""

_LONE = re.compile("[\ud800-\udfff]")
_LONGEST_INT_BITS = 1024


def dict_of(value: Any) -> dict[str, Any]:
    """Return an object of JSON data; an empty one in place of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """Return a list of JSON data; an empty one in place of anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def to_utf8(text: str) -> bytes:
    """Return a text's bytes; halves of a sign (lone surrogates), which no file can hold, become U+FFFD."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _LONE.sub("\ufffd", text).encode("utf-8")


def mend_text(text: str) -> str:
    """Return a text that every file can hold."""
    return _LONE.sub("\ufffd", text)


def mend_json(value: Any, limit_bytes: int) -> tuple[Any, int]:
    """Return a copy that is plain JSON data, and how many bytes it counts, in time linear in its size.

    What JSON has no word for (NaN, infinity, an integer of more than 1024 bits) becomes null.

    Raises:
        ValueError: it is nested too deep, counts more than ``limit_bytes``, or is no JSON data; the text says which.
    """
    mender = _Mender(limit_bytes)
    mended = mender.mend(value, 0)
    return mended, mender.spent_bytes


class _Mender:
    """Walks one value, and stops where it becomes too much."""

    def __init__(self, limit_bytes: int) -> None:
        self.spent_bytes = 0
        self._limit_bytes = limit_bytes

    def mend(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value)
        self._spend(ITEM_BYTES)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return value if value.bit_length() <= _LONGEST_INT_BITS else None
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if depth >= DEPTH:
            raise ValueError(f"nested deeper than {DEPTH}")
        if isinstance(value, list):
            return [self.mend(item, depth + 1) for item in cast("list[Any]", value)]
        if isinstance(value, dict):
            pairs = cast("dict[Any, Any]", value).items()
            return {self._key(key): self.mend(item, depth + 1) for key, item in pairs}
        raise ValueError("no JSON data")

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise ValueError("no JSON data")  # noqa: TRY004 - one kind of error for whatever is wrong with a value
        return self._text(key)

    def _text(self, text: str) -> str:
        self._spend(ITEM_BYTES + len(text))
        content = to_utf8(text)
        self._spend(len(content) - len(text))
        return content.decode("utf-8")

    def _spend(self, size_bytes: int) -> None:
        self.spent_bytes += size_bytes
        if self.spent_bytes > self._limit_bytes:
            raise ValueError(f"more than {self._limit_bytes} bytes")
