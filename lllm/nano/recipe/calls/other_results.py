"""What a function may answer, and calls of it that fail: what is wrong with them, and what the function says then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from lllm.nano.recipe.language.names import invent
from lllm.nano.recipe.language.phrase import capital
from lllm.parsing.faults import render_faults

_SLOT = re.compile(r"\{(\w+)\}")
_SKIES = ("sunny", "cloudy", "light rain", "heavy rain", "snow", "windy", "clear", "fog", "thunderstorms", "overcast")
_FAILED = (
    "Error: TimeoutError: no answer within 30 s",
    "Error: ConnectionError: connection refused",
    "Error: the service is starting; call again",
    "Error: HTTPError: 503 Service Unavailable",
    "Error: RateLimited: too many calls; try again",
    "Error: temporarily unavailable",
)
_UNITS = ("km", " km", " euros", "%", " kg", " pieces", " min")
_OTHER_NAMES = ("value", "input", "x", "arg", "data", "query", "argument", "text", "q")


class WrongArguments(NamedTuple):
    """A call that fails.

    Attributes:
        arguments: that it has.
        error: what the function answers.
    """

    arguments: dict[str, Any]
    error: str


def build_other_result(random: Random, patterns: tuple[str, ...], arguments: Mapping[str, Any]) -> str:
    """Return what a function answers: in one of ``patterns``; a sum and a product are true."""
    numbers = [value for value in arguments.values() if not isinstance(value, str)]
    true = {"sum": sum(numbers), "product": numbers[0] * numbers[-1] if numbers else 0}

    def replace(slot: re.Match[str]) -> str:
        name = slot[1]
        return str(round(true[name], 6)) if name in true else _MAKERS[name](random)

    return _SLOT.sub(replace, random.choice(patterns))


def build_wrong_arguments(random: Random, arguments: Mapping[str, Any]) -> WrongArguments:
    """Return a call with a slip in its arguments, or (1 in 3) a right one whose function fails for no fault of it."""
    if not arguments or random.random() < 0.33:
        return WrongArguments(dict(arguments), random.choice(_FAILED))
    name = random.choice(list(arguments))
    value = arguments[name]
    chance = random.random()
    if chance < 0.45:
        other = random.choice([text for text in (*_OTHER_NAMES, name[:-1], f"{name}_value") if text not in ("", name)])
        wrong = {other if key == name else key: held for key, held in arguments.items()}
        return _refused(wrong, _missing(name), _unexpected(other, value))
    if chance < 0.6:
        return _refused({key: held for key, held in arguments.items() if key != name}, _missing(name))
    if chance < 0.75 or isinstance(value, str):
        other = random.choice([text for text in _OTHER_NAMES if text not in arguments])
        return _refused({**arguments, other: value}, _unexpected(other, value))
    text = f"{value}{random.choice(_UNITS)}"
    what = "number, unable to parse string as a number"
    fault = {"type": "float_parsing", "loc": (name,), "msg": f"Input should be a valid {what}", "input": text}
    return _refused({**arguments, name: text}, fault)


def _refused(arguments: dict[str, Any], *faults: dict[str, Any]) -> WrongArguments:
    return WrongArguments(arguments, f"Error: {render_faults(faults)}")


def _missing(name: str) -> dict[str, Any]:
    return {"type": "missing", "loc": (name,), "msg": "Field required"}


def _unexpected(name: str, value: Any) -> dict[str, Any]:
    return {"type": "extra_forbidden", "loc": (name,), "msg": "Extra inputs are not permitted", "input": value}


def _date(random: Random) -> str:
    return f"20{random.randint(10, 60)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"


_MAKERS: dict[str, Callable[[Random], str]] = {
    "money": lambda random: f"{random.randrange(10 ** random.randint(3, 6)) / 100:.2f}",
    "number": lambda random: str(round(random.uniform(-50, 10 ** random.randint(1, 6)), random.randint(0, 4))),
    "price": lambda random: f"{random.uniform(0.4, 3):.{random.choice((2, 2, 3, 4))}f}",
    "whole": lambda random: str(random.randrange(10 ** random.randint(1, 8))),
    "small": lambda random: str(random.randint(0, 40)),
    "count": lambda random: str(random.randint(0, 400)),
    "degrees": lambda random: str(random.randint(-25, 41)),
    "minutes": lambda random: str(random.randint(1, 240)),
    "distance": lambda random: str(random.randint(2, 9000)),
    "sky": lambda random: random.choice(_SKIES),
    "word": invent,
    "city": lambda random: capital(invent(random)),
    "person": lambda random: capital(invent(random)),
    "code": lambda random: f"{random.choice('ABCDEFGHKMPRST')}-{random.randrange(10 ** random.randint(2, 6))}",
    "time": lambda random: f"{random.randrange(24):02d}:{random.randrange(60):02d}",
    "date": _date,
    "roads": lambda random: (
        f"{random.choice('ABENM')}{random.randint(1, 99)}, {random.choice('ABENM')}{random.randint(1, 99)}"
    ),
    "url": lambda random: f"https://{invent(random)}.example.com",
}
