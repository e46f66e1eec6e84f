"""A difference as text for a terminal. Users and models wrote what it shows, so nothing in it may steer one."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from lllm.utils import encode_json

# A diff takes time with the square of its lines.
_MAX_LINES = 200
_MAX_CHARS = 400
_FACTS = ("session", "seq", "id", "kind", "pointer", "cause")


def text_diff(expected: Any, got: Any) -> str:
    """Return a unified diff of two values; of long ones, from the first line that differs."""
    left, right = (_lines(value) for value in (expected, got))
    start = next((i for i, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), None)
    start = max(0, (min(len(left), len(right)) if start is None else start) - 3)
    recorded, today = ([_cut(line) for line in side[start : start + _MAX_LINES]] for side in (left, right))
    return "\n".join(difflib.unified_diff(recorded, today, "recorded", "today", lineterm=""))


def _lines(value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
    return text.splitlines()


def _cut(line: str) -> str:
    return line if len(line) <= _MAX_CHARS else f"{line[: _MAX_CHARS - 1]}…"


def render_report(report: Mapping[str, Any]) -> str:
    """Return a divergence report as text for a terminal: no control characters but newlines, no line over 420."""
    facts = [f"{name:>9}: {_short(report.get(name))}" for name in _FACTS]
    diff = str(report.get("diff") or "").splitlines()
    if not diff:
        facts += [f" recorded: {_short(report.get('expected'))}", f"    today: {_short(report.get('got'))}"]
    return "\n".join([*facts, *(printable(line) for line in diff)])


def _short(value: Any) -> str:
    return printable(_cut(value if isinstance(value, str) else encode_json(value)))


def printable(text: str) -> str:
    """Return a text whose control characters, marks of direction and lone surrogates are shown as their codes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
