"""Outputs of a cell in a page or a transcript, where nothing that a model's code wrote becomes markup. Pure.

HTML and SVG are shown as their source: both can hold scripts and load from anywhere. Pictures are shown when they hold
pixels alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lllm.sandbox.shown.display import Part, to_parts

_TICKS = re.compile(r"`+")


def render_html(outputs: Sequence[Mapping[str, Any]], limit_chars: int | None = None) -> str:
    """Return outputs of a notebook as HTML without scripts, links and styles; each text cut to so many characters.

    Each part is a ``pre`` or an ``img`` of the class ``out-text``, ``out-error``, ``out-source``, ``out-picture`` or
    ``out-note``.
    """
    return "".join(map(_to_html, to_parts(outputs, limit_chars)))


def render_markdown(outputs: Sequence[Mapping[str, Any]], limit_chars: int | None = None) -> str:
    """Return outputs of a notebook as Markdown: fences that nothing in them can close; of pictures their notes."""
    return "\n".join(_fence(part.text) for part in to_parts(outputs, limit_chars) if part.text)


def _to_html(part: Part) -> str:
    if part.picture is not None:
        size = f'width="{part.picture.width}" height="{part.picture.height}"'
        source = f"data:{part.picture.mime};base64,{part.picture.base64}"
        return f'<img class="out-picture" {size} alt="{html.escape(part.text)}" src="{source}">\n'
    return f'<pre class="out-{part.kind}">{html.escape(part.text)}</pre>\n' if part.text else ""


def _fence(text: str) -> str:
    ticks = "`" * max(3, *(len(run) + 1 for run in _TICKS.findall(text)), 3)
    return f"{ticks}text\n{text}\n{ticks}\n"
