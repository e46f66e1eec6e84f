"""Somebody else's text in Markdown: in a fence that it cannot close, or in a code span of one line. Pure."""

from __future__ import annotations

import re

from lllm.export.facts import to_visible

_TICKS = re.compile(r"`+")


def fence(text: str, info: str = "text") -> str:
    """Return a text in a fence that is longer than any run of backticks in it."""
    text = to_visible(text)
    ticks = "`" * max(3, *(len(run) + 1 for run in _TICKS.findall(text)), 3)
    return f"{ticks}{info}\n{text}\n{ticks}\n"


def code(text: str, limit: int = 200) -> str:
    """Return the start of a text as a code span, on one line."""
    text = " ".join(to_visible(text[: limit * 4]).split())
    text = text if len(text) <= limit else f"{text[:limit]}…"
    ticks = "`" * max(1, *(len(run) + 1 for run in _TICKS.findall(text)), 1)
    pad = " " if "`" in text[:1] + text[-1:] else ""
    return f"{ticks}{pad}{text or '(nothing)'}{pad}{ticks}"
