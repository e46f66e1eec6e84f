"""A session's dialogs and events as lines of a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lllm.cli.screen import Screen, preview
from lllm.export.asked import render_call, render_item
from lllm.export.cells import CellView, ran_unisolated
from lllm.export.facts import dicts_of
from lllm.export.made import has_cells, is_told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lllm.export.cells import Item
    from lllm.export.view import DialogView, Entry, SessionView
    from lllm.log.envelope import Event

MAX_LINES, MAX_CHARS = 12, 1200
_LOOKED_AT_CHARS = 200_000  # of one output of which only the start is shown
_STYLES = {"system": "magenta", "user": "bold", "assistant": "green", "function": "cyan", "handler": "yellow"}


def show_events(screen: Screen, events: list[Event], *, full: bool) -> None:
    """Write one line an event."""
    start = events[0].ts if events else 0.0
    for event in events:
        data = _json(event.data)
        told = data if full else preview(data, 120)
        mark = "[without isolation] " if event.kind == "value" and ran_unisolated(event.data) else ""
        screen.line(f"{event.seq:>5} {event.ts - start:>9.3f} s  {event.kind:<15} {event.id:<12} {mark}{told}")


def show_session(screen: Screen, name: str, view: SessionView, *, full: bool) -> None:
    """Write the session's facts, its dialogs, and how it ended."""
    cost = "unknown" if view.cost_usd is None else f"${view.cost_usd:.4f}"
    screen.line(f"session {name}", "bold")
    screen.line(f"{view.status}, {view.events} events, {view.wall_s:.1f} s, agent type {view.agent_type or 'none'}")
    screen.line(f"{view.prompt_tokens} prompt and {view.completion_tokens} completion tokens, cost {cost}")
    task = view.task if isinstance(view.task, str) else _json(view.task)
    screen.line(f"task: {_cut(task, full=full)}")
    _show_around(screen, view)
    for dialog in view.dialogs:
        _show_dialog(screen, dialog, full=full)
    if view.made:
        screen.line()
        screen.line("cells and services of the code itself", "bold underline")
        _show_block(screen, _made(view.made, full=full, with_code=True))
    for value_name, value in view.values:
        screen.line(f"value {value_name} = {preview(_json(value))}", "dim")
    for shown in view.shown:
        screen.line(f"shown {preview(_json(shown))}", "dim")
    screen.line()
    _show_end(screen, view, full=full)


def _show_around(screen: Screen, view: SessionView) -> None:
    """Write where the session comes from, and which runs it holds."""
    if view.parent:
        screen.line(f"forked from {view.parent} after event {view.parent_seq}")
    for resume in view.resumes:
        screen.line(f"gone on with after a crash, at event {resume['seq']}{_tell_decided(resume)}")
    for run in view.runs:
        screen.line(f"run {run.id} of {run.agent_type or 'nobody'}, {run.status}: {preview(_json(run.task))}")


def _tell_decided(resume: dict[str, Any]) -> str:
    """Return what was done about each thing that was under way when the process died."""
    told = [f"{item.get('name')} ({item.get('id')}): {item.get('done')}" for item in dicts_of(resume, "unfinished")]
    return f"; {', '.join(told)}" if told else ""


def _show_end(screen: Screen, view: SessionView, *, full: bool) -> None:
    if view.status == "ok":
        told = view.result if isinstance(view.result, str) else _json(view.result)
        screen.line(f"result: {_cut(told, full=full)}", "bold")
    elif view.status == "failed":
        entries = (entry for dialog in view.dialogs for entry in dialog.entries)
        is_told = any(entry.is_told and entry.text == view.error for entry in entries)
        screen.line(f"failed: {view.error.partition(':')[0] + ', see above' if is_told else view.error}", "bold red")
    else:
        screen.line("not closed: its process died, or still runs", "yellow")


def _show_dialog(screen: Screen, dialog: DialogView, *, full: bool) -> None:
    origin = f", forked from {dialog.parent} at message {dialog.at}" if dialog.parent else ""
    screen.line()
    screen.line(f"dialog {dialog.id} of {dialog.agent or 'nobody'}{origin}", "bold underline")
    for entry in dialog.entries:
        _show_entry(screen, entry, full=full)


def _show_entry(screen: Screen, entry: Entry, *, full: bool) -> None:
    if entry.who == "end":
        screen.line(f"  {entry.note}", "dim")
        if entry.text:
            why = "see above" if entry.is_told else _cut(entry.text, full=full)
            screen.line(f"  the call failed: {why}", "red")
        return
    mark = " (pruned: not in the dialog)" if entry.pruned else ""
    note = f" ({entry.note})" if entry.note else ""
    style = "red" if entry.who in {"error", "wait"} else _STYLES.get(entry.who, "")
    screen.line(f"[{entry.who}]{note}{mark}", f"dim {style}".strip() if entry.pruned else style)
    _show_block(screen, _told(entry, full=full), "dim" if entry.pruned else "")


def _told(entry: Entry, *, full: bool) -> Iterator[str]:
    """Yield what stands below an entry's title."""
    yield from _made(entry.made, full=full)
    if entry.text and not is_told(entry.text, entry.made):
        title = "the model read: " if has_cells(entry.made) else ""
        yield f"{title}{_cut(entry.text, full=full)}"
    for name, arguments in entry.asked:
        yield f"calls {_cut(render_call(name, arguments), full=full)}"


def _made(made: Iterable[Item], *, full: bool, with_code: bool = False) -> Iterator[str]:
    """Yield cells and service calls, each cell with what came of it; its code stands in the call of its function."""
    for item in made:
        if not isinstance(item, CellView):
            yield render_item(item)
            continue
        if with_code:
            yield render_call("cell", _json({"code": f"{item.code}\n"}))
        yield from map(render_item, item.services)
        if text := item.text(None if full else _LOOKED_AT_CHARS):
            yield _cut(text, full=full)


def _show_block(screen: Screen, blocks: Iterable[str], style: str = "") -> None:
    for block in blocks:
        for line in block.split("\n"):
            screen.line(f"  {line}", style)


def _cut(text: str, *, full: bool) -> str:
    """Return a text, or its start and how much is left out."""
    if full:
        return text
    shown = "\n".join(text[:MAX_CHARS].split("\n")[:MAX_LINES])
    return shown if len(shown) == len(text) else f"{shown} … [{len(text) - len(shown)} more characters; --full]"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
