"""Functions that people write in their first agents: what they are called, what they take, how one asks for them."""

from __future__ import annotations

from typing import Any, NamedTuple

from lllm.nano.recipe.language.tables import load_table, to_ways
from lllm.nano.recipe.language.wording import Ways


class Taken(NamedTuple):
    """A parameter.

    Attributes:
        slot: where its value stands in a pattern of words.
        kind: of its values, a key of ``callee_values.MAKERS``.
        names: that it may have, with blanks between.
        optional: a question may leave it out, and a function may lack it.
    """

    slot: str
    kind: str
    names: str
    optional: bool = False


class Callee(NamedTuple):
    """A function, by its many names.

    Attributes:
        names: with blanks between; the usual one is there several times.
        takes: its parameters, in their order.
        near: a regular expression of the words (in small letters) that a question it could answer has in it.
        ways: to ask for it; each has the slots of all parameters that are not optional.
        results: patterns of what it answers.
        extras: what is said of the optional parameters: behind a question, or (with a full stop) as a sentence.
        further: ways to ask for it once more, right after it was asked for.
        weight: how often it is asked, among all.
        computes: whether code could tell its answer as well.
    """

    names: str
    takes: tuple[Taken, ...]
    near: str
    ways: Ways
    results: tuple[str, ...]
    extras: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    weight: float = 1.0
    computes: bool = False


def load_callees(name: str) -> tuple[Callee, ...]:
    """Return the functions of a table in the folder ``callees``."""
    return tuple(_to_callee(told) for told in load_table(f"calls/callees/{name}.yaml"))


def _to_callee(told: dict[str, Any]) -> Callee:
    given: dict[str, Any] = told | {name: tuple(told.get(name, ())) for name in ("results", "extras", "further")}
    given |= {"takes": tuple(Taken(**each) for each in told["takes"]), "ways": to_ways(told["ways"])}
    return Callee(**given)
