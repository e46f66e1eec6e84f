"""What the page needs to know of every event before it reads any: where it belongs, when it was, and how it went. Pure.

The page holds the events as lines and parses those that are looked at; this index is the rest. Rows count from 0.
"""

from __future__ import annotations

from typing import Any

from lllm.export.cells import Place
from lllm.export.facts import dict_of, number_of, text_of, to_number, usage_of
from lllm.export.page_cells import PageCells, Shown, judge_pictures
from lllm.export.page_film import PageFilm
from lllm.export.spans import Timeline
from lllm.export.view import pruned_step
from lllm.log.envelope import Event

PRUNED, PROBLEM = 1, 2
_IN_DIALOG = frozenset(
    {
        "dialog.open",
        "message",
        "model.request",
        "model.reply",
        "model.error",
        "function.call",
        "function.result",
        "wait",
        "call.close",
    }
)


class PageIndex:
    """The index of a run, event by event. Its columns have one item an event."""

    def __init__(self) -> None:
        self._timeline = Timeline()
        self._kinds: dict[str, int] = {}
        self._dialogs: dict[str, int] = {}
        self._told_dialogs: list[list[Any]] = []
        self._kind_column: list[int] = []
        self._dialog_column: list[int] = []
        self._time_column: list[float] = []
        self._flag_column: list[int] = []
        self._owner_column: list[int] = []
        self._rows: dict[tuple[str, str], int] = {}
        self._cells = PageCells()
        self._begun: dict[str, int] = {}
        self._shown: list[tuple[int, str, Place]] = []
        self._film = PageFilm()
        self._pictures: dict[int, list[int]] = {}
        self._within: dict[str, list[int]] = {}
        self._start: float | None = None
        self._ends: dict[str, int] = {}
        self._counts = {"model.reply": 0, "model.error": 0, "function.call": 0, "message": 0}
        self._tokens = [0, 0, 0]
        self._cost: float | None = 0.0
        self._facts: dict[str, Any] = {"status": "open", "agent_type": "", "parent": None}

    def add(self, event: Event) -> str:
        """Take the next event; return a line about the item that it ends, if it ends one."""
        row = len(self._kind_column)
        if self._start is None:
            self._start = event.ts
        self._timeline.add(event)
        self._kind_column.append(self._kinds.setdefault(event.kind, len(self._kinds)))
        self._time_column.append(self._to_ms(event.ts))
        self._flag_column.append(0)
        self._owner_column.append(-1)
        self._dialog_column.append(self._to_dialog(event) if event.kind in _IN_DIALOG else -1)
        self._pair(event, row)
        self._judge(event, row)
        self._count(event, row)
        if judged := judge_pictures(dict_of(event.data, "message")):
            self._pictures[row] = judged
        return self._place(event, row)

    def to_dict(self, session: str, damage: str) -> dict[str, Any]:
        """Return the index as plain JSON data."""
        return {
            "session": session,
            "damage": damage,
            **self._facts,
            "start": self._start or 0.0,
            "wall_ms": self._to_ms(self._timeline.last_ts),
            "tokens": self._tokens,
            "cost_usd": self._cost,
            "counts": self._counts,
            "ends": self._ends,
            "kinds": list(self._kinds),
            "dialogs": self._told_dialogs,
            "cells": self._told_cells(),
            "film": self._film.to_list(),
            "pictures": self._pictures,
            "columns": {
                "kind": self._kind_column,
                "dialog": self._dialog_column,
                "ms": self._time_column,
                "flags": self._flag_column,
                "owner": self._owner_column,
            },
            **self._told_spans(),
        }

    def _to_ms(self, ts: float) -> float:
        return round((ts - (self._start or 0.0)) * 1000, 2) if self._kind_column or self._start is not None else 0.0

    def _to_dialog(self, event: Event) -> int:
        id_ = event.id.partition("/")[0]
        if id_ not in self._dialogs:
            self._dialogs[id_] = len(self._told_dialogs)
            self._told_dialogs.append([id_, "", "", 0])
        if event.kind == "dialog.open":
            told = [text_of(event.data, "agent"), text_of(event.data, "parent"), int(number_of(event.data, "at") or 0)]
            self._told_dialogs[self._dialogs[id_]] = [id_, *told]
        return self._dialogs[id_]

    def _pair(self, event: Event, row: int) -> None:
        """Tell of an event which other one it is shown with: a function with the reply that asked for it."""
        owner = None
        if event.kind in {"function.call", "function.result"}:
            owner = self._rows.get(("model.reply", event.id.rpartition("/f")[0]))
        elif event.kind in {"model.reply", "model.error"}:
            self._rows["model.reply", event.id] = row
            self._own(("model.request", event.id), row)
        elif event.kind == "value":
            self._own(("step", event.id), row)
        if owner is not None:
            self._owner_column[row] = owner
        elif event.kind in {"model.request", "step"}:
            self._rows[event.kind, event.id] = row

    def _own(self, key: tuple[str, str], row: int) -> None:
        if (before := self._rows.pop(key, None)) is not None:
            self._owner_column[before] = row

    def _place(self, event: Event, row: int) -> str:
        """Show an item with the reply whose function made it, and what a cell or an action held with that, too."""
        shown = self._cells.add(event)
        if (place := shown.place if shown else self._cells.find(event)) is None:
            return ""
        owner = self._rows.get(("model.reply", place.call.rpartition("/f")[0]), -1)
        begun = self._begun.pop(event.id, row)
        rows = [row, begun]
        if shown is None:
            self._begun[event.id] = row
        elif owner < 0:
            owner = row
            rows = [*rows[1:], *self._within.pop(event.id, [])]
        if place.cell and not place.call:
            self._within.setdefault(place.cell, []).extend((row, *rows))
        for one in rows:
            self._owner_column[one] = owner if one != owner else -1
        if shown is None:
            return ""
        self._note(event.id, shown, row, begun)
        if any(self._flag_column[one] & PROBLEM for one in (row, *rows)):
            self._flag_column[owner] |= PROBLEM
        return shown.line

    def _note(self, id_: str, shown: Shown, row: int, begun: int) -> None:
        if shown.is_bad:
            self._flag_column[row] |= PROBLEM
        self._film.add(shown, id_, begun, len(self._shown))
        self._shown.append((row, id_, shown.place))

    def _told_cells(self) -> list[tuple[int, str, str]]:
        """Return of each item its row, its id and that of what it is shown in, which is what has ended, too."""
        ended = {id_ for _, id_, _ in self._shown}
        return [(row, id_, place.cell if place.cell in ended else place.call) for row, id_, place in self._shown]

    def _judge(self, event: Event, row: int) -> None:
        """Mark what went wrong, and replies that did not enter the dialog, which later events tell."""
        data = event.data
        if event.kind == "message" and "branch" in data:
            self._flag_column[row] |= PRUNED
        if (step := pruned_step(event)) and ("model.reply", step) in self._rows:
            self._flag_column[self._rows["model.reply", step]] |= PRUNED | PROBLEM
        is_bad = event.kind == "model.error" or data.get("unknown") is True or data.get("outcome") == "failed"
        is_bad = is_bad or (
            event.kind in {"function.result", "value", "session.close", "run.close"} and "error" in data
        )
        if is_bad:
            self._flag_column[row] |= PROBLEM
            if self._owner_column[row] >= 0:
                self._flag_column[self._owner_column[row]] |= PROBLEM

    def _count(self, event: Event, row: int) -> None:
        if event.kind in self._counts:
            self._counts[event.kind] += 1
        if event.kind == "session.open":
            self._ends["open"] = row
            self._facts["agent_type"] = text_of(event.data, "agent_type")
            if parent := dict_of(event.data, "parent"):
                self._facts["parent"] = [text_of(parent, "session"), int(number_of(parent, "seq") or 0)]
        elif event.kind == "session.close":
            self._ends["close"] = row
            self._facts["status"] = "ok" if event.data.get("status") == "ok" else "failed"
        elif event.kind == "session.resume":
            self._ends.pop("close", None)
            self._facts["status"] = "open"
        elif event.kind == "model.reply":
            self._tokens = [sum(pair) for pair in zip(self._tokens, usage_of(event.data), strict=False)]
            cost = to_number(event.data.get("cost_usd"))
            self._cost = None if cost is None or self._cost is None else self._cost + cost

    def _told_spans(self) -> dict[str, Any]:
        """Return each span as ``[kind, name, start, end, parent, row, end row, status]``; times in ms, open ends -1."""
        names: dict[str, int] = {}
        first = self._timeline.spans[0].seq if self._timeline.spans else 1
        told = [
            [
                span.kind,
                names.setdefault(span.name[:120], len(names)),
                self._to_ms(span.start),
                -1 if span.end is None else self._to_ms(span.end),
                span.parent,
                span.seq - first,
                span.end_seq - first if span.end_seq else -1,
                span.status,
            ]
            for span in self._timeline.spans
        ]
        return {"spans": told, "span_names": list(names)}
