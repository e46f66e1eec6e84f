"""What the steps of a run are to whoever reads how two runs differ: cells and calls of services, by name. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lllm.log.envelope import Event
from lllm.log.scopes import scope_of, scopes_around, strand_of, to_scope, without_attempts
from lllm.proxies.flow import PROXY
from lllm.replay.facts import data_of
from lllm.sandbox.cell import STEP

_CODE = "the code itself"


class StepName(NamedTuple):
    """What a step, or its value, is called, and the dialog that it was done in; empty outside of any."""

    step: str
    value: str
    dialog: str


class StepNames:
    """The names of the steps of one run that cells, services and functions tell of, by the ids of the steps."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._calls: dict[str, Event] = {}
        self._cells: set[str] = set()
        self.found: dict[str, StepName] = {}
        for event in events:
            if event.kind == "function.call":
                self._calls[without_attempts(to_scope(event.id))] = event
            elif event.kind in {"step", "value"} and event.id not in self.found:  # a value may have no step of its own
                self._add(event)

    def _add(self, event: Event) -> None:
        name, about = event.data.get("name"), data_of(event.data.get("about"))
        place, call, is_in_cell = self._find_place(event.id)
        dialog = strand_of(call.id) if call else ""
        if name == STEP and isinstance(about.get("code"), str):
            self._cells.add(without_attempts(to_scope(event.id, is_step=True)))
            self.found[event.id] = StepName(f"cell of {place}", f"outcome of the cell of {place}", dialog)
        elif name == PROXY and isinstance(about.get("endpoint"), str):
            where = f"{'the cell of ' if is_in_cell else ''}{place}"
            told = about["endpoint"]
            self.found[event.id] = StepName(f"call of {told} in {where}", f"answer of {told} in {where}", dialog)
        elif call is not None:
            self.found[event.id] = StepName(f"step {name} of {place}", f"value {name} of {place}", dialog)

    def _find_place(self, id_: str) -> tuple[str, Event | None, bool]:
        """Return in words what a step was done in, the function's call that it is, and whether a cell did it."""
        is_in_cell = False
        for scope in scopes_around(without_attempts(scope_of(id_))):
            if (call := self._calls.get(scope)) is not None:
                return f"{call.data.get('name')} in dialog {strand_of(call.id)}", call, is_in_cell
            is_in_cell = is_in_cell or scope in self._cells
        return _CODE, None, is_in_cell


def to_names(*runs: Iterable[Event]) -> Mapping[str, StepName]:
    """Return the names of the steps of some runs; where two have a step with one id, as the first of them calls it."""
    found: dict[str, StepName] = {}
    for events in runs:
        for id_, name in StepNames(events).found.items():
            found.setdefault(id_, name)
    return found
