"""Find blocks in a model's text: ``<tag>..</tag>``, fenced blocks, and balanced brackets.

A reply is hostile input, so each search is one pass: nothing here starts again from an earlier place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

# A line that is only a fence. The possessive quantifiers never give back, so a match costs the line's length once.
_FENCE = re.compile(r"^[ \t]*+(`{3,}+)([^`\n]*+)$", re.MULTILINE)
_OPENERS = re.compile(r"[{\[]")
# What counts inside of brackets: a run of JSON strings, each ending with its line at the latest, or one bracket.
_INSIDE = re.compile(r'(?:"(?:[^"\\\n]++|\\.)*+"?)++|[{}\[\]]')
_OPENER = {"}": "{", "]": "["}

# More than this is no answer but an attack or a model in a loop; the rest of such a reply is not looked at.
_MOST_FENCES = 200_000
_MOST_BRACKETS = 500_000
_DEEPEST = 1000


def find_xml_blocks(text: str, tag: str) -> list[str]:
    """Return what stands in each ``<tag>..</tag>``, in order, without the white space around it.

    A block ends at the first closing tag; a block that is not closed is not returned.
    """
    opening, closing = f"<{tag}>", f"</{tag}>"
    found: list[str] = []
    start = text.find(opening)
    while start >= 0:
        start += len(opening)
        end = text.find(closing, start)
        if end < 0:
            break
        found.append(text[start:end].strip())
        start = text.find(opening, end + len(closing))
    return found


def find_md_blocks(text: str, tag: str) -> list[str]:
    """Return what stands in each fenced block that names ``tag``, in order, without its last line break.

    The name is the first word behind the fence, in any case. A block that is not closed is not returned.
    """
    wanted = tag.lower()
    return [body for info, body in fenced_blocks(text) if info == wanted]


def fenced_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield ``(name in lower case, body)`` of each closed fenced block.

    A block closes at a bare fence that is at least as long as the one that opened it, as CommonMark 0.31.2 §4.5 says.
    """
    fence, info, start = "", "", 0
    for match in islice(_FENCE.finditer(text), _MOST_FENCES):
        words = match[2].split(maxsplit=1)
        if not fence:
            fence, info, start = match[1], words[0].lower() if words else "", match.end() + 1
        elif not words and len(match[1]) >= len(fence):
            yield info, text[start : match.start()].removesuffix("\n").removesuffix("\r")
            fence = ""


def balanced_blocks(text: str) -> Iterator[str]:
    """Yield the outermost ``{..}`` and ``[..]`` of a text, in order.

    Quotes count inside of brackets only, since prose has quotes of its own. A bracket that is never closed does not
    hide the blocks behind it.
    """
    stack: list[tuple[str, int]] = []
    closed: list[tuple[int, int]] = []
    at = 0
    for _ in range(_MOST_BRACKETS):
        match = (_INSIDE if stack else _OPENERS).search(text, at)
        if match is None or len(stack) > _DEEPEST:
            break
        mark, at = match[0], match.end()
        if mark in "{[":
            stack.append((mark, match.start()))
        elif stack[-1][0] == _OPENER.get(mark):
            start = stack.pop()[1]
            while closed and closed[-1][0] > start:
                closed.pop()
            closed.append((start, at))
            if not stack:
                yield text[start:at]
                closed.clear()
    for start, end in closed:
        yield text[start:end]
