"""Plain values as Python source, laid out as ruff's formatter does at any line length from 88 on.

A container that does not fit on its line is written one item a line with a comma at the end, which the formatter keeps
as it is (docs.astral.sh/ruff/formatter/black, "Magic trailing comma", read 2026-11-21). Only texts, numbers, truth
values, None, and lists, tuples and mappings of them can be written; anything else is refused.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, cast

WIDTH = 88
INDENT = "    "
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_BRACKETS: dict[type, str] = {list: "[]", tuple: "()", dict: "{}"}
_LEFT_TO_RIGHT = {"L", "EN", "ES", "ET", "CS", "ON", "WS"}


@dataclass(frozen=True, slots=True)
class Word:
    """A name that stands in the source as it is: one of Python's types."""

    text: str


def render_text(text: str) -> str:
    """Return a text as a literal: what is unseen, combines, or turns the direction of writing is escaped. Pure."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_render_sign(sign, quote) for sign in text) + quote


def _render_sign(sign: str, quote: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if sign == quote:
        return f"\\{quote}"
    if " " <= sign <= "~" or _is_plain(sign):
        return sign
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain(sign: str) -> bool:
    """Tell whether a sign beyond ASCII is seen, stands alone, and is written from left to right."""
    seen = unicodedata.category(sign)[0] in "LNPS" and ord(sign) < 0x10000
    return seen and unicodedata.bidirectional(sign) in _LEFT_TO_RIGHT


def _width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


def render_value(value: Any, before: str, after: str = ",") -> list[str]:
    """Return the lines of a value. Pure.

    Args:
        value: texts, finite numbers, truth values, None, :class:`Word`, and lists, tuples and mappings of them.
        before: what stands before it on its first line, indent included.
        after: what follows it.

    Raises:
        TypeError: the value holds anything else.
    """
    flat = before + _flat(value) + after
    kind: Any = type(cast("object", value))
    if kind not in _BRACKETS or not value or _width(flat) <= WIDTH:
        return [flat]
    inner = before[: len(before) - len(before.lstrip())] + INDENT
    opened, closed = _BRACKETS[kind]
    lines = [before + opened]
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            lines += render_value(item, f"{inner}{render_text(key)}: ")
    else:
        for item in cast("list[Any]", value):
            lines += render_value(item, inner)
    return [*lines, inner[: -len(INDENT)] + closed + after]


def _flat(value: Any) -> str:
    if isinstance(value, Word):
        return value.text
    if isinstance(value, str):
        return render_text(value)
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, dict):
        rows = cast("dict[str, Any]", value).items()
        return "{" + ", ".join(f"{render_text(key)}: {_flat(item)}" for key, item in rows) + "}"
    if isinstance(value, tuple):
        items = [_flat(item) for item in cast("tuple[Any, ...]", value)]
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    if isinstance(value, list):
        return f"[{', '.join(_flat(item) for item in cast('list[Any]', value))}]"
    raise TypeError(f"{type(value).__name__} has no place in a module")
