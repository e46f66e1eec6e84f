"""What a docstring says: its text, and a description of each parameter. Google, NumPy and Sphinx forms."""

from __future__ import annotations

import re

_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns?|Raises|Yields|Examples?|Notes?)\s*:?\s*$", re.IGNORECASE)
_GOOGLE = re.compile(r"^(\s+)\*{0,2}(\w+)\s*(?:\(.*?\))?\s*:\s*(.*)$")
_SPHINX = re.compile(r"^\s*:param\s+(?:[^:]*\s)?(\w+)\s*:\s*(.*)$")
_SPHINX_FIELD = re.compile(r"^:[a-z]+(?:\s[^:]*)?:(?:\s|$)")


def parse_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Return a docstring's text before its first section, and what it says of each parameter.

    Google, NumPy and Sphinx forms. Pure.
    """
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if _SECTION.match(line) or _SPHINX_FIELD.match(line)), len(lines))
    summary = " ".join(" ".join(lines[:first]).split())
    return summary, {name: " ".join(words) for name, words in _described(lines[first:]).items()}


def _described(lines: list[str]) -> dict[str, list[str]]:
    """Read parameter lines; a line indented deeper than its parameter's goes on with it."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    depth, numpy, inside = 0, False, False
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if section := _SECTION.match(line):
            inside = section[1].lower() in {"args", "arguments", "parameters"}
            numpy = number + 1 < len(lines) and lines[number + 1].strip().startswith("---")
            current = None
        elif sphinx := _SPHINX.match(line):
            current = found[sphinx[1]] = [sphinx[2]]
            depth = indent
        elif not line.strip() or line.strip().startswith("---"):
            continue
        elif inside and numpy and indent == 0:
            current, depth = [], 0
            found |= {name.strip(): current for name in line.partition(":")[0].split(",")}
        elif inside and not numpy and (item := _GOOGLE.match(line)) and (current is None or indent <= depth):
            current = found[item[2]] = [item[3]]
            depth = indent
        elif current is not None and indent > depth:
            current.append(line.strip())
    return found
