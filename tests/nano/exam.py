"""The exam of the tiny model: questions whose wordings are nobody's who made what it learns from.

The wordings of each operation are dealt into two parts. Whoever trains may look at the ``tuning`` part; the ``final``
one is for the figure that is reported. An answer is what plain Python of this folder makes of the operands: the code
that the model is taught is not run.
"""

from __future__ import annotations

from itertools import cycle
from random import Random
from typing import Literal, NamedTuple

import exam_arithmetic
import exam_dates
import exam_lists
import exam_outside
import exam_statistics
import exam_strings
import exam_units
from exam_operands import Operation

Part = Literal["tuning", "final"]
SIZES: dict[Part, int] = {"tuning": 200, "final": 500}
PLACES: dict[Part, int] = {"tuning": 0, "final": 1}
OUTSIDE_SHARE = 0.06
ROOMS = (exam_arithmetic, exam_units, exam_statistics, exam_lists, exam_strings, exam_dates)
OPERATIONS = tuple(operation for room in (*ROOMS, exam_outside) for operation in room.OPERATIONS)


class Question(NamedTuple):
    """One question of the exam.

    Attributes:
        kind: such as ``arithmetic``.
        operation: such as ``percent``; each belongs to one kind.
        wording_id: such as ``arithmetic/percent/3``.
        text: what the model is asked.
        expected: the answer, as ``print`` would show it.
    """

    kind: str
    operation: str
    wording_id: str
    text: str
    expected: str


def wordings_of(operation: Operation, part: Part) -> list[tuple[str, str]]:
    """Return the ids and texts of a part's wordings."""
    return [
        (f"{operation.kind}/{operation.name}/{place}", wording)
        for place, wording in enumerate(operation.wordings)
        if place % 2 == PLACES[part]
    ]


def build_exam(seed: int, count: int | None = None, part: Part = "final") -> list[Question]:
    """Return questions in mixed order: kinds alike in number, 6 in 100 outside. Pure: same seed, same exam.

    Args:
        seed: of all chance.
        count: how many; default: 200 to tune by, 500 in the end.
        part: whose wordings.
    """
    random = Random(seed)
    count = SIZES[part] if count is None else count
    outside = round(count * OUTSIDE_SHARE)
    dealt = {room: deal(random, room.OPERATIONS, part) for room in (*ROOMS, exam_outside)}
    rooms = [room for room, _ in zip(cycle(ROOMS), range(count - outside), strict=False)] + [exam_outside] * outside
    made = [next(dealt[room]) for room in rooms]
    random.shuffle(made)
    return made


def deal(random: Random, operations: tuple[Operation, ...], part: Part):
    """Yield questions without end: each operation in turn, and each of its wordings before one comes again."""
    order = random.sample(operations, len(operations))
    hands = {operation.name: shuffled(random, wordings_of(operation, part)) for operation in order}
    for operation in cycle(order):
        wording_id, wording = next(hands[operation.name])
        fields, expected = operation.make(random, wording)
        yield Question(operation.kind, operation.name, wording_id, wording.format(**fields), expected)


def shuffled(random: Random, items: list[tuple[str, str]]):
    """Yield all items in a random order, then again."""
    while True:
        yield from random.sample(items, len(items))
