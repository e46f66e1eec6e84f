"""The cells that a kernel holds the effects of, as the log tells them. Pure.

A kernel knows what its cells did. They are known by their steps, whether those were made just now, were served from the
log, or stand in the recording of a run that goes on; so they can be run again where no kernel has run them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lllm.sandbox.cell import CellResult
from lllm.sandbox.shown.mended import dict_of

Step = tuple[str, Mapping[str, Any], Any]
"""A step of a session: its id, what it was about, and its value, or the error that it raised."""


@dataclass(frozen=True, slots=True)
class PastCell:
    """A cell.

    Attributes:
        code: of the cell.
        timeout_s: seconds that it might take; None took the policy's.
        result: what it came to; None where nobody knows.
        id: of the cell in a notebook; empty where it is in none, or not known.
        step: id of its step in the recording; empty where it is in none.
    """

    code: str
    timeout_s: float | None = None
    result: CellResult | None = None
    id: str = ""
    step: str = ""

    def comes_to(self, now: CellResult) -> bool:
        """Whether it ended as it does now; then it left what it left."""
        return self.result is not None and (now.status, now.ename) == (self.result.status, self.result.ename)

    def shows(self, now: CellResult) -> bool:
        """Whether it showed what it shows now, whatever its number."""
        return self.result is not None and _seen(now) == _seen(self.result)


class Past:
    """The cells that were run since the kernel was new, in their order."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self.cells: list[PastCell] = []
        for step, about, value in _in_order(steps):
            self.note(about, value, step=step)

    def note(self, about: Mapping[str, Any], value: Any, id_: str = "", step: str = "") -> None:
        """Take one step of a session, as it stands in the log.

        Args:
            about: ``code`` and ``timeout_s`` of a cell, or what else was done: ``open`` and ``restart`` begin anew.
            value: ``result``, of a cell; ``fresh``: the kernel was new, and what was before is lost; ``alive``: the
                kernel lives on; ``number``: see :func:`to_number`. Anything else where nobody knows what it came to.
            id_: of the cell in a notebook.
            step: id of the step in the recording.
        """
        told = dict_of(value)
        if "open" in about or "restart" in about or told.get("fresh", False):
            self.cells.clear()
        if "code" in about:
            result = CellResult.from_dict(told["result"]) if "result" in told else None
            self.cells.append(PastCell(about["code"], about.get("timeout_s"), result, id_, step))
        if not told.get("alive", True):
            self.cells.clear()

    def name_cells(self, known: Iterable[PastCell]) -> None:
        """Give cells the ids of those among ``known``, in the same order, that have the same code."""
        left = deque(known)
        for number, cell in enumerate(self.cells):
            if left and left[0].code == cell.code:
                self.cells[number] = replace(cell, id=left.popleft().id)


def to_number(value: Any) -> int:
    """Return the number of a cell among those of its kernel's life, from 1; 0 where a log tells none."""
    number = dict_of(value).get("number")
    return number if type(number) is int else 0


def _in_order(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield steps as they were done: two that ran one right after the other may be logged in the other order.

    What has no number, such as a restart, stays where it is.
    """
    numbered: list[Step] = []
    for step in steps:
        if to_number(step[2]):
            numbered.append(step)
            continue
        yield from sorted(numbered, key=_number_of)
        numbered.clear()
        yield step
    yield from sorted(numbered, key=_number_of)


def _number_of(step: Step) -> int:
    return to_number(step[2])


def _seen(result: CellResult) -> tuple[Any, ...]:
    return tuple({**output, "execution_count": None} for output in result.outputs)
