"""What the page shows of cells and service calls, beside the events themselves, one JSON object a line. Pure.

What of an output may be seen, and how, is decided here and not by the page's script: it gets texts that are safe to
read, and is told which pictures of the event are pictures.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lllm.export.asked import render_service
from lllm.export.cells import CellView, Item, Place, Places, finish
from lllm.log.envelope import Event
from lllm.utils import encode_json


class Shown(NamedTuple):
    """A cell or a service call that has ended.

    Attributes:
        line: JSON data: ``kind, status``; of a cell ``code, count, parts``; of a call ``told, params, cutoff_date,
            error``, its answer being in the event.
        is_bad: whether it failed.
        place: what it was made in.
    """

    line: str
    is_bad: bool
    place: Place


class PageCells:
    """The cells and service calls of a run, event by event."""

    def __init__(self) -> None:
        self._places = Places()
        self._open: dict[str, Item] = {}

    def add(self, event: Event) -> Shown | None:
        """Take the next event; return the cell or the call that it ends, if it ends one."""
        if event.kind != "value":
            if (item := self._places.add(event)) is not None:
                self._open[event.id] = item
            return None
        if (item := self._open.pop(event.id, None)) is None:
            return None
        finish(item, event.data)
        place = self._places.find(event.id)
        return Shown(encode_json(_to_facts(item)), item.status != "ok", place)

    def find(self, event: Event) -> Place | None:
        """Return what the cell or the call that this event began was made in; None when it began none."""
        return self._places.find(event.id) if event.kind == "step" and event.id in self._open else None


def _to_facts(item: Item) -> dict[str, Any]:
    facts = {"kind": item.kind, "status": item.status}
    if isinstance(item, CellView):
        return facts | {"code": item.code, "count": item.execution_count, "parts": _to_parts(item)}
    told = {"told": render_service(item), "params": item.params, "cutoff_date": item.cutoff_date}
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
