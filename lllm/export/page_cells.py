"""What the page shows of items (cells, service calls, a browser), beside the events, one JSON object a line. Pure.

What of an output may be seen, and how, is decided here and not by the page's script: it gets texts that are safe to
read, and is told which pictures of the event are pictures. A browser's stand in the event alone: they are large.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any, NamedTuple, cast

from lllm.export.actions import ActionView, ApprovalView
from lllm.export.asked import render_item
from lllm.export.cells import CellView, Item, Place, Places, finish
from lllm.export.facts import text_of
from lllm.log.envelope import Event
from lllm.sandbox.shown.mime import is_base64
from lllm.sandbox.shown.pictures import PICTURES, parse_picture
from lllm.utils import encode_json

# Pictures of which only the first bytes are looked at, and the place where these stand.
_BEGINNINGS = {"image/gif": (0, b"GIF8"), "image/webp": (8, b"WEBP")}
_HEAD_CHARS = 64  # as base64: whole groups of four


class Shown(NamedTuple):
    """An item that has ended.

    Attributes:
        line: JSON data: ``kind, status``; of a cell ``code, count, parts``; of a call ``told, params, cutoff_date,
            error``, its answer being in the event; of an approval ``asked, what, by, error``; of an action ``action,
            url, title, notes, error, picture`` (width and height, or null) and ``path`` (places in the picture), its
            tree and picture being in the event.
        item: itself.
        place: what it was made in.
    """

    line: str
    item: Item
    place: Place

    @property
    def is_bad(self) -> bool:
        """Whether it failed, or was refused."""
        return self.item.status not in {"ok", "granted"}


class PageCells:
    """The items of a run, event by event."""

    def __init__(self) -> None:
        self._places = Places()
        self._open: dict[str, Item] = {}

    def add(self, event: Event) -> Shown | None:
        """Take the next event; return the item that it ends, if it ends one."""
        if event.kind != "value":
            if (item := self._places.add(event)) is not None:
                self._open[event.id] = item
            return None
        if (item := self._open.pop(event.id, None)) is None:
            return None
        finish(item, event.data)
        place = self._places.find(event.id)
        return Shown(encode_json(_to_facts(item)), item, place)

    def find(self, event: Event) -> Place | None:
        """Return what the item that this event began was made in; None when it began none."""
        return self._places.find(event.id) if event.kind == "step" and event.id in self._open else None


def judge_pictures(message: dict[str, Any]) -> list[int]:
    """Return of each picture in a message 1 when its bytes are what it says that they are, else 0."""
    images = message.get("images")
    return [int(_is_picture(image)) for image in cast("list[Any]", images)] if isinstance(images, list) else []


def _is_picture(image: Any) -> bool:
    if not isinstance(image, dict):
        return False
    told = cast("dict[str, Any]", image)
    mime, text = text_of(told, "media_type"), text_of(told, "base64")
    if mime in PICTURES:
        return parse_picture(mime, text) is not None
    at, begin = _BEGINNINGS.get(mime, (0, b""))
    packed = text.replace("\n", "").replace("\r", "")
    return bool(begin) and is_base64(text) and b64decode(packed[:_HEAD_CHARS]).startswith(begin, at)


def _to_facts(item: Item) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": item.kind, "status": item.status}
    if isinstance(item, CellView):
        return facts | {"code": item.code, "count": item.execution_count, "parts": _to_parts(item)}
    if isinstance(item, ApprovalView):
        return facts | {"asked": item.asked, "what": item.what, "by": item.by, "error": item.error}
    if isinstance(item, ActionView):
        size = [item.picture.width, item.picture.height] if item.picture else None
        told = {"action": item.action, "url": item.url, "title": item.title, "notes": item.notes}
        return facts | told | {"error": item.error, "picture": size, "path": item.path}
    told = {"told": render_item(item), "params": item.params, "cutoff_date": item.cutoff_date}
    return facts | told | {"error": item.error}


def _to_parts(cell: CellView) -> list[dict[str, Any]]:
    """Return what there is to read of a cell: each part's kind and text, of a picture also its type and bytes."""
    parts: list[dict[str, Any]] = []
    for _, part in cell.parts():
        told: dict[str, Any] = {"kind": part.kind, "text": part.text}
        if part.picture is not None:
            told |= {"mime": part.mime, "base64": part.picture.base64}
        parts.append(told)
    return parts
