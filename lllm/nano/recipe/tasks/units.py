"""Questions of units: lengths, weights, volumes, times and temperatures, each way.

The code is ``print(round(<number> * <factor>, 4))``, or ``/``, or the formula of a temperature.
"""

from __future__ import annotations

from functools import partial
from random import Random

from lllm.nano.recipe.language.operands import draw_decimal, draw_whole, to_operand, with_rounding
from lllm.nano.recipe.language.wording import Ways, ask, bare, dress, keep, to_number
from lllm.nano.recipe.tasks import ways_of_units as ways_of
from lllm.nano.recipe.tasks.task import Make, Task


def build_task(random: Random) -> Task:
    """Return a task of units."""
    return random.choices(_MAKERS, _SIZES)[0](random)


def _make_amount(family: str, source: str, target: str, code: str, random: Random) -> Task:
    """Make a task that turns an amount of ``source`` into ``target``; ``code`` has the slot {n}."""
    number = draw_decimal(random, 3, 2) if random.random() < 0.3 else draw_whole(random, 5)
    text = bare(to_operand(random, number))
    source_name, target_name = random.choice(ways_of.NAMES[source]), random.choice(ways_of.NAMES[target])
    named = ways_of.SINGULAR.get(source_name, source_name.removesuffix("s")) if number == "1" else source_name
    # A short form may touch its number: 5km.
    blank = "" if len(named) <= 2 and text[-1].isdigit() and random.random() < 0.4 else " "
    texts = {"x": keep(f"{text}{blank}{named}"), "n": keep(text), "u": keep(source_name), "v": keep(target_name)}
    chosen = random.random()
    ways = ways_of.BOTH if chosen < 0.52 else ways_of.AMOUNTS if chosen < 0.85 else _to_ways(source)
    return _finish(random, family, ask(random, ways, **texts), code.format(n=number))


def _make_temperature(family: str, source: str, target: str, code: str, random: Random) -> Task:
    number = draw_decimal(random, 3, 2) if random.random() < 0.3 else draw_whole(random, 3)
    if source != "kelvin" and random.random() < 0.18:
        number = "-" + number
    text = bare(to_number(random, number)[0])
    degrees, targets = ways_of.DEGREES[source][0], ways_of.DEGREES[target][1]
    unit = random.choice(ways_of.DEGREES[source][1])
    texts = {"x": keep(text + random.choice(degrees)), "n": keep(text), "u": keep(unit)}
    ways = ways_of.BOTH if random.random() < 0.75 else _to_ways(source)
    return _finish(random, family, ask(random, ways, v=keep(random.choice(targets)), **texts), code.format(n=number))


def _to_ways(source: str) -> Ways:
    return Ways((), (), ways_of.STORIES[source])


def _finish(random: Random, family: str, sentence: str, expression: str) -> Task:
    places = 4
    if random.random() < 0.08:
        sentence, places = with_rounding(random, sentence)
    return Task("units", family, dress(random, sentence), f"print(round({expression}, {places}))")


def _build_families() -> tuple[tuple[str, float, Make], ...]:
    """Return a family for each direction of each pair."""
    families: list[tuple[str, float, Make]] = []
    for large, small, factor in ways_of.PAIRS:
        for source, target, code in ((large, small, f"{{n}} * {factor}"), (small, large, f"{{n}} / {factor}")):
            family = f"{source}-to-{target}"
            families.append((family, 2, partial(_make_amount, family, source, target, code)))
    for source, target, code in ways_of.SCALES:
        family = f"{source}-to-{target}"
        families.append((family, 3.5, partial(_make_temperature, family, source, target, code)))
    return tuple(families)


FAMILIES: tuple[tuple[str, float, Make], ...] = _build_families()
_MAKERS = tuple(make for _, _, make in FAMILIES)
_SIZES = tuple(weight for _, weight, _ in FAMILIES)
