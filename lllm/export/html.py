"""A run as one HTML page that needs nothing else: no network, no other file, no framework.

Everything that a model, a function or a user wrote is JSON in a data block, from which the page's script makes text
nodes. The page's policy lets only that script run, by its hash, and lets nothing be fetched.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files

from lllm.export.formats import Choice
from lllm.export.page_index import PageIndex
from lllm.export.page_texts import PageTexts
from lllm.export.record import RunRecord
from lllm.utils import encode_json

# A browser's text node may be cut, and its strings have a longest length: events stand in blocks of this size.
_BLOCK_CHARS = 8_000_000
SCRIPTS = ("page_cells.js", "page_film.js", "page.js")
"""The parts of the page's one script, in their order."""


def render(record: RunRecord, choice: Choice) -> Iterator[str]:
    """Yield the page, event by event."""
    del choice
    style, script = _load("page.css"), "".join(map(_load, SCRIPTS))
    before, _, after = _load("page.html").partition("<!-- data -->")
    facts = {"title": html.escape(record.name), "policy": _to_policy(script, style), "style": style}
    yield _fill(before, facts)
    index = PageIndex()
    yield from _blocks(record, index)
    yield _to_block("index", encode_json(index.to_dict(record.name, record.damage)))
    yield _fill(after, {"script": script})


def _blocks(record: RunRecord, index: PageIndex) -> Iterator[str]:
    """Yield the events as data blocks, and what is shown of cells and of a browser."""
    texts = PageTexts()
    events: list[str] = []
    cells: list[str] = []
    chars = 0
    for line in record.lines():
        shown = index.add(line.event)
        events.append(texts.share(line.text))
        if shown:
            cells.append(texts.share(shown))
        chars += len(line.text) + len(shown)
        if chars > _BLOCK_CHARS:
            yield from _to_blocks(events, cells, texts.take())
            events, cells, chars = [], [], 0
    yield from _to_blocks(events, cells, texts.take())


def _to_blocks(events: list[str], cells: list[str], texts: list[str]) -> Iterator[str]:
    for name, lines in (("events", events), ("cells", cells), ("texts", texts)):
        if lines or name == "events":
            yield _to_block(name, "\n".join(lines))


def _to_block(name: str, ascii_json: str) -> str:
    """Return a data block. Without ``<``, nothing in it can end it or begin a comment."""
    safe = ascii_json.replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<script type="application/json" data-name="{name}">\n{safe}\n</script>\n'


def _to_policy(script: str, style: str) -> str:
    """Return the page's Content-Security-Policy: its own script and style by their hashes, pictures from data."""
    told = f"script-src {_hash(script)}; style-src {_hash(style)}"
    return f"default-src 'none'; {told}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _fill(text: str, facts: dict[str, str]) -> str:
    for name, value in facts.items():
        text = text.replace(f"<!-- {name} -->", value)
    return text


def _load(name: str) -> str:
    return files("lllm.export").joinpath(name).read_text("utf-8").replace("\r\n", "\n")
