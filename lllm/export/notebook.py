"""A run as a Jupyter notebook: messages as text, functions that were given code as cells with that code.

The format is nbformat 4.5 (https://nbformat.readthedocs.io/en/latest/format_description.html, read 2026-11). Cells have
ids from the run's events, so that the same session gives the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lllm.export.actions import ActionView
from lllm.export.asked import load_object
from lllm.export.cells import CellView, Item
from lllm.export.facts import dict_of, dicts_of, text_of, to_text, to_visible
from lllm.export.fences import code, fence
from lllm.export.formats import Choice
from lllm.export.made import answered_in, has_cells, is_told, tell_asked, tell_other, tell_read
from lllm.export.markdown import tell_facts
from lllm.export.outputs import to_outputs
from lllm.export.record import RunRecord
from lllm.export.view import DialogView, Entry, SessionView, to_view
from lllm.log.envelope import Event

Cell = dict[str, Any]

RASTERS = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def render(record: RunRecord, choice: Choice) -> Iterator[str]:
    """Yield the notebook's JSON."""
    del choice
    events = {event.seq: event for event in record.events()}
    view = to_view(list(events.values()))
    notebook = {
        "cells": [_head(record, view), *_dialogs(view, events), *_made("code", view.made), _end(view)],
        "metadata": _METADATA | {"lllm": {"session": record.name}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    yield json.dumps(notebook, indent=1) + "\n"


def _head(record: RunRecord, view: SessionView) -> Cell:
    damage = f"**Not the whole run:** {code(record.damage, 400)}\n\n" if record.damage else ""
    fork = f"Forked from {code(view.parent)} after event {view.parent_seq}.\n\n" if view.parent else ""
    told = f"# Session {code(record.name)}\n\n{damage}{fork}{tell_facts(view)}\n\n{fence(to_text(view.task))}"
    return _markdown("head", told)


def _end(view: SessionView) -> Cell:
    if view.status == "failed":
        return _markdown("end", f"## Failed\n\n{fence(view.error)}")
    if view.status == "ok":
        return _markdown("end", f"## Result\n\n{fence(to_text(view.result))}")
    return _markdown("end", "## Not closed\n\nIts process died, or it still runs.")


def _dialogs(view: SessionView, events: dict[int, Event]) -> Iterator[Cell]:
    for number, dialog in enumerate(view.dialogs):
        yield _markdown(f"dialog-{number}", _title(dialog))
        answered = answered_in(dialog)
        for entry in dialog.entries:
            yield from _entry(entry, events[entry.seq], answered)


def _title(dialog: DialogView) -> str:
    fork = f", forked from {code(dialog.parent)} at message {dialog.at}" if dialog.parent else ""
    return f"## Dialog {code(dialog.id)} of {code(dialog.agent or 'nobody')}{fork}"


def _entry(entry: Entry, event: Event, answered: frozenset[str]) -> Iterator[Cell]:
    mark = " (pruned: not in the dialog)" if entry.pruned else ""
    id_ = f"event-{entry.seq}"
    if entry.who == "function" and has_cells(entry.made):
        yield from _made(id_, entry.made)
        if entry.text and not is_told(entry.text, entry.made):
            yield _markdown(f"{id_}-read", tell_read(entry.text))
    elif entry.who == "function":
        yield _function(id_, entry, event)
        yield from _made(id_, entry.made)
        yield from _returned(id_, entry, event)
    elif entry.who == "end":
        why = ", of what stands above." if entry.is_told else f":\n\n{fence(entry.text)}"
        yield _markdown(id_, f"The call failed{why}" if entry.text else f"*{entry.note}*")
    else:
        note = f" {code(entry.note)}" if entry.note else ""
        told = f"**#{entry.seq}** {code(entry.who)}{note}{mark}\n\n"
        told += fence(entry.text) + "\n" if entry.text else ""
        told += "".join(tell_asked(entry, answered))
        yield _with_pictures(_markdown(id_, told), dicts_of(dict_of(event.data, "message"), "images"))


def _function(id_: str, entry: Entry, event: Event) -> Cell:
    """Return a function's call and its result: as code where it was given code, else as it is."""
    about = {"lllm": {"seq": entry.seq, "function": to_visible(entry.name), "note": entry.note}}
    if (source := _code_of(entry.arguments)) is not None:
        is_bad = "error" in event.data
        output = {"output_type": "stream", "name": "stderr" if is_bad else "stdout", "text": _lines(entry.text)}
        return {
            "cell_type": "code",
            "id": id_,
            "metadata": about,
            "execution_count": None,
            "source": _lines(source),
            "outputs": [output] if entry.text else [],
        }
    note = f" [{entry.note}]" if entry.note else ""
    told = f"#{entry.seq} {entry.name}({entry.arguments}){note}\n{entry.text}"
    return {"cell_type": "raw", "id": id_, "metadata": about, "source": _lines(told)}


def _made(id_: str, made: list[Item]) -> Iterator[Cell]:
    """Yield cells with what came of them, and after each the services that it called; a browser with its pictures."""
    for item in made:
        if isinstance(item, CellView):
            about = {"lllm": {"seq": item.seq, "status": item.status}}
            yield {
                "cell_type": "code",
                "id": f"{id_}-{item.seq}",
                "metadata": about,
                "execution_count": item.execution_count,
                "source": _lines(item.code),
                "outputs": list(to_outputs(item)),
            }
        for other in item.services if isinstance(item, CellView) else [item]:
            cell = _markdown(f"{id_}-{other.seq}", tell_other(other))
            picture = other.picture if isinstance(other, ActionView) else None
            yield _with_pictures(cell, [{"media_type": picture.mime, "base64": picture.base64}] if picture else [])


def _returned(id_: str, entry: Entry, event: Event) -> Iterator[Cell]:
    """Yield the pictures that a function returned, without those that stand with what its browser did."""
    shown = {item.picture.base64 for item in entry.made if isinstance(item, ActionView) and item.picture}
    images = dicts_of(dict_of(event.data, "message"), "images")
    others = [image for image in images if text_of(image, "base64") not in shown]
    if any(is_raster(text_of(image, "media_type"), text_of(image, "base64")) for image in others):
        yield _with_pictures(_markdown(f"{id_}-pictures", "What it returned:\n"), others)


def _code_of(arguments: str) -> str | None:
    """Return the text of the argument ``code``; None where there is none."""
    source = load_object(arguments).get("code")
    return source if isinstance(source, str) else None


def _markdown(id_: str, text: str) -> Cell:
    return {"cell_type": "markdown", "id": id_, "metadata": {}, "source": _lines(text)}


def _with_pictures(cell: Cell, images: list[dict[str, Any]]) -> Cell:
    """Add the pictures that are raster images; nothing else is shown as one."""
    shown = [image for image in images if is_raster(text_of(image, "media_type"), text_of(image, "base64"))]
    if shown:
        cell["attachments"] = {
            f"picture-{number}": {image["media_type"]: image["base64"]} for number, image in enumerate(shown)
        }
        links = [f"![picture {number}](attachment:picture-{number})\n" for number in range(len(shown))]
        cell["source"] = [*cell["source"], "\n", *links]
    return cell


def is_raster(media_type: str, base64: str) -> bool:
    """Return whether a picture may be shown: of a kind that holds pixels alone, and in base64."""
    return media_type in RASTERS and _BASE64.fullmatch(base64) is not None


def _lines(text: str) -> list[str]:
    return to_visible(text).splitlines(keepends=True)
