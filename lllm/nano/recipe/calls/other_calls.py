"""Calls of functions that people write themselves: what is asked, what is called with what, and what it may answer.

A function has many names, and so has each parameter; one in ten is called what nobody has heard, and only its
parameters say what it takes. A call has the arguments that its question gives, in the order of the parameters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from lllm.nano.recipe.calls.callee import Callee, load_callees
from lllm.nano.recipe.calls.callee_values import MAKERS
from lllm.nano.recipe.calls.new_callees import build_callee, build_named
from lllm.nano.recipe.calls.other_results import build_other_result
from lllm.nano.recipe.calls.ways_of_fuel import FUEL
from lllm.nano.recipe.language.phrase import capital
from lllm.nano.recipe.language.wording import ask_for, bare, dress, fill, order

CALLEES: tuple[Callee, ...] = (*FUEL, *load_callees("numbers"), *load_callees("world"), *load_callees("deeds"))
UNASKED: dict[str, str] = {
    "api_docs(endpoints)": "api|endpoint|docs",
    "write_file(path, text)": "write|file|save",
    "send_email(to, subject, body)": "mail|send|write|letter|message",
    "query_database(sql)": "database|sql|query|table|select",
    "summarize(text)": "summar|short|gist|plot|review|explain",
    "draw(prompt)": "draw|picture|paint|logo|image|sketch|map|plot",
    "ask_human(question)": "human|person|ask",
    "run_workflow(steps)": "workflow|steps",
    "ping()": "ping|test",
    "save_result(value)": "save|store|keep|result",
    "think(thought)": "think",
    "log_event(kind, detail)": "log|event",
}
"""Functions that are offered and that nobody here asks for, with what a question would have in it that they fit."""
INVENTED = 0.1
_GENERAL = (
    "ask_human",
    "query_database",
    "think",
    "search",
    "web_search",
    "search_web",
    "find",
    "look_up",
    "google",
    "search_docs",
)
_WEIGHTS = tuple(callee.weight for callee in CALLEES)
_SLOT = re.compile(r"\{(\w+)\}")
_OF_CODE = re.compile(r"\b(python|code)\b", re.IGNORECASE)
_RAW = "{text_raw}"
_WHOLE = 2
"""Which of the ways are whole sentences."""
_EXTRA = 0.5
"""Share of the questions that give optional arguments, where the function has some."""
_BY_NAME = 0.04
"""Share of the questions that name the function's parameters."""
_TYPO_CHARS = 4
_NEAR = {name: callee.near for callee in CALLEES for name in callee.names.split()}


class Chosen(NamedTuple):
    """A function under one of its names.

    Attributes:
        callee: what it is.
        name: what it is called.
        parameters: what each of its slots is called, in the order of the parameters.
    """

    callee: Callee
    name: str
    parameters: dict[str, str]

    @property
    def function(self) -> str:
        """The function as it is listed: ``name(parameter, parameter)``."""
        return f"{self.name}({', '.join(self.parameters.values())})"


class OtherCall(NamedTuple):
    """A question that one offered function answers.

    Attributes:
        function: as it is listed.
        name: of the function.
        arguments: of the call, as JSON: only those that the question gives.
        question: what the user says.
        result: what such a function may answer.
        computes: whether code could tell it as well.
    """

    function: str
    name: str
    arguments: dict[str, Any]
    question: str
    result: str
    computes: bool = False


def build_other_call(random: Random) -> OtherCall:
    """Return a question and the call that answers it."""
    return ask_call(random, choose(random))


def choose(random: Random) -> Chosen:
    """Return a function under one of its names."""
    is_new = random.random() < INVENTED
    callee = build_callee(random) if is_new else random.choices(CALLEES, _WEIGHTS)[0]
    has_all = random.random() < 0.5
    takes = [taken for taken in callee.takes if not taken.optional or (has_all and random.random() < 0.9)]
    parameters: dict[str, str] = {}
    for taken in takes:
        free = [name for name in taken.names.split() if name not in parameters.values()]
        # Half of all have the usual name, the first.
        parameters[taken.slot] = free[0] if random.random() < 0.3 else random.choice(free)
    return Chosen(callee, random.choice(callee.names.split()), parameters)


def ask_call(random: Random, chosen: Chosen, *, further: bool = False) -> OtherCall:
    """Return a question for a function.

    Args:
        random: where all chance comes from.
        chosen: the function.
        further: the user asks once more, after a question with no optional arguments: in few words, if that can be.
    """
    values = _draw_values(random, chosen)
    if further and chosen.callee.further:
        pattern = random.choice(chosen.callee.further)
        sentence = fill(random, pattern, **{"f": chosen.name, **{slot: text for slot, (text, _) in values.items()}})
        question, given = bare(capital(sentence)), set(_SLOT.findall(pattern))
    else:
        question, given = _ask(random, chosen, values)
    arguments = {name: values[slot][1] for slot, name in chosen.parameters.items() if slot in given}
    result = build_other_result(random, chosen.callee.results, arguments)
    required = sum(not taken.optional for taken in chosen.callee.takes)
    computes = chosen.callee.computes or len(arguments) > required
    return OtherCall(chosen.function, chosen.name, arguments, question, result, computes)


def fits(question: str, listed: str, *, outside: bool = False) -> bool:
    """Return whether a function as it is listed might answer a question; a doubt is a yes.

    Args:
        question: what the user says.
        listed: the function.
        outside: the question is none of numbers and texts, so that a search or a person might answer it.
    """
    name = listed.partition("(")[0]
    asked = question.lower()
    if (outside and name in _GENERAL) or name.lower() in asked:
        return True
    near = _NEAR.get(name) or UNASKED.get(listed)
    return bool(near and _to_near(near).search(asked))


def _draw_values(random: Random, chosen: Chosen) -> dict[str, tuple[str, Any]]:
    """Return how the value of each slot stands in a question, and what it is; no two are the same text."""
    taken = [taken for taken in chosen.callee.takes if taken.slot in chosen.parameters]
    while True:
        values = {one.slot: MAKERS[one.kind](random) for one in taken}
        texts = [value.lower() for _, value in values.values() if isinstance(value, str)]
        if len(set(texts)) == len(texts):
            return values


def _ask(random: Random, chosen: Chosen, values: dict[str, tuple[str, Any]]) -> tuple[str, set[str]]:
    """Return a dressed question, and the slots that it has."""
    slots = {"f": chosen.name, **{slot: text for slot, (text, _) in values.items()}}
    if "text" in values:
        slots["text_raw"] = values["text"][1]
    extras = [extra for extra in chosen.callee.extras if set(_SLOT.findall(extra)) <= set(values)]
    pattern, text = _sentence(random, chosen, slots)
    given = {slot.removesuffix("_raw") for slot in _SLOT.findall(pattern)}
    if _RAW in pattern:  # a text without quotes: what stands behind it would be taken for a part of it
        return bare(text if random.random() < 0.4 else capital(text)), given
    if extras and random.random() < _EXTRA:
        extra = random.choice(extras)
        text = _with_extra(random, text, extra, slots)
        given |= set(_SLOT.findall(extra))
    question = dress(random, text)
    return (bare(capital(text)) if _asks_for_code(question, text) else question), given


def _asks_for_code(question: str, text: str) -> bool:
    """Return whether what was put around a text asks for code, which is not for this function."""
    return bool(_OF_CODE.search(question) and not _OF_CODE.search(text))


def _sentence(random: Random, chosen: Chosen, slots: dict[str, str]) -> tuple[str, str]:
    """Return a pattern and the sentence that was made of it."""
    ways = chosen.callee.ways
    if chosen.parameters and random.random() < _BY_NAME:
        required = [taken.slot for taken in chosen.callee.takes if not taken.optional]
        pattern = build_named(random, {slot: chosen.parameters[slot] for slot in required})
        return pattern, fill(random, pattern, **slots)
    shares = (len(ways.nouns) and 22, len(ways.orders) and 30, 48)
    nature = random.choices((0, 1, 2), shares)[0]
    pattern = random.choice(ways[nature])
    text = fill(random, pattern, **slots)
    framed = (ask_for, order)[nature](random, text) if nature != _WHOLE else text
    return pattern, text if _asks_for_code(framed, text) else framed


def _with_extra(random: Random, text: str, extra: str, slots: dict[str, str]) -> str:
    """Put what is said of optional arguments behind a sentence, or before it."""
    said = fill(random, extra, **slots)
    if said.endswith("."):
        return f"{capital(said)} {capital(text)}" if random.random() < 0.6 else f"{_ended(text)} {capital(said)}"
    end = text[-1] if text[-1] in "?.!" else ""
    return f"{text.removesuffix(end) if end else text}{random.choice((' ', ' ', ', '))}{said}{end}"


def _ended(text: str) -> str:
    return text if text[-1] in "?.!" else f"{text}."


@lru_cache(maxsize=256)
def _to_near(near: str) -> re.Pattern[str]:
    """Return what finds one of the words of a callee's ``near``, with typos."""
    return re.compile("|".join(dict.fromkeys(way for part in near.split("|") for way in _with_typos(part))))


def _with_typos(part: str) -> list[str]:
    """Return a word with the typos that ``dress`` makes; a pattern that is more than a word as it is."""
    if not part.isalpha() or len(part) < _TYPO_CHARS:
        return [part]
    spots = range(1, len(part))
    swapped = [part[: at - 1] + part[at] + part[at - 1] + part[at + 1 :] for at in spots]
    lost = [part[:at] + part[at + 1 :] for at in spots]
    doubled = [part[:at] + part[at - 1] + part[at:] for at in spots]
    return [part, *swapped, *lost, *doubled]
