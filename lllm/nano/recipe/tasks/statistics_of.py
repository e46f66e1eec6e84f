"""Questions of the statistics of a list of 2 to 12 numbers.

The code names the list ``xs`` in its first line; what may have many places is rounded to 4, or as the question asks.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import NamedTuple

from lllm.nano.recipe.language.asking import Subject, build_question
from lllm.nano.recipe.language.operands import draw_decimal, draw_whole, with_rounding
from lllm.nano.recipe.language.wording import Ways, bare, to_listed
from lllm.nano.recipe.tasks import ways_of_statistics as ways_of
from lllm.nano.recipe.tasks.task import Make, Task


class _Statistic(NamedTuple):
    """A statistic: ``before`` is a line of code that must come before the ``expression``.

    Attributes:
        is_long: that its value may have many places even for whole numbers.
        least: of how many numbers; the sum of two is arithmetic.
    """

    family: str
    ways: Ways
    expression: str
    before: str = ""
    is_long: bool = False
    least: int = 2


def build_task(random: Random) -> Task:
    """Return a task of the statistics of a list."""
    return random.choices(_MAKERS, _SIZES)[0](random)


def _make(statistic: _Statistic, random: Random) -> Task:
    numbers = _draw_numbers(random, statistic.least)
    listed = to_listed(random, numbers)
    subject = Subject(operand=listed, kinds=ways_of.KINDS, here=ways_of.HERE, it=ways_of.IT)
    question = build_question(random, statistic.ways, subject, {})
    # Which of the numbers it is, or how many, has no more places than they have.
    has_places = statistic.is_long or any("." in number for number in numbers)
    is_rounded = has_places and statistic.family not in {"largest", "smallest", "count"}
    places = 4
    if is_rounded and random.random() < 0.08:
        sentence, places = with_rounding(random, question)
        question = bare(sentence)
    shown = f"round({statistic.expression}, {places})" if is_rounded else statistic.expression
    lines = (f"xs = [{', '.join(numbers)}]", *([statistic.before] if statistic.before else []), f"print({shown})")
    return Task("statistics", statistic.family, question, "\n".join(lines))


def _draw_numbers(random: Random, least: int) -> list[str]:
    """Return 2 to 12 numbers of one sort: how large, with or without places, some negative or all as they come."""
    count = random.choices(range(least, 13), [max(2, 9 - abs(each - 5)) for each in range(least, 13)])[0]
    digits = random.choices((1, 2, 3, 4), (26, 42, 20, 12))[0]
    decimals = random.choices((0.0, 0.3, 1.0), (72, 8, 20))[0]
    negatives = random.choices((0.0, 0.3), (86, 14))[0]
    return [_draw_item(random, digits, decimals, negatives) for _ in range(count)]


def _draw_item(random: Random, digits: int, decimals: float, negatives: float) -> str:
    number = draw_decimal(random, min(digits, 3), 2) if random.random() < decimals else draw_whole(random, digits)
    return "-" + number if random.random() < negatives and float(number) else number


_STATISTICS = (
    (6, _Statistic("total", ways_of.SUM, "sum(xs)", least=3)),
    (9, _Statistic("mean", ways_of.MEAN, "sum(xs) / len(xs)", is_long=True)),
    (7, _Statistic("median", ways_of.MEDIAN, "median(xs)", "from statistics import median", is_long=True)),
    (6, _Statistic("largest", ways_of.LARGEST, "max(xs)")),
    (6, _Statistic("smallest", ways_of.SMALLEST, "min(xs)")),
    (6, _Statistic("range", ways_of.RANGE, "max(xs) - min(xs)")),
    (4, _Statistic("count", ways_of.COUNT, "len(xs)")),
    (6, _Statistic("deviation", ways_of.DEVIATION, "pstdev(xs)", "from statistics import pstdev", is_long=True)),
)
FAMILIES: tuple[tuple[str, float, Make], ...] = tuple(
    (statistic.family, weight, partial(_make, statistic)) for weight, statistic in _STATISTICS
)
_MAKERS = tuple(make for _, _, make in FAMILIES)
_SIZES = tuple(weight for _, weight, _ in FAMILIES)
