"""Short messages that are put into one of a few classes, asked for as ``Agent.classify`` asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from lllm.llm.classify import BINARY, classifier_prompt
from lllm.nano.recipe.around.label_words import (
    ABOUT,
    CAPITAL,
    DEFAULT,
    DIGITS,
    EVEN,
    HOLDERS,
    KIND,
    KIND_LABELS,
    LARGER,
    MARKED,
    NEGATIVE,
    PAIRS,
    SEVERAL,
    SMALLER,
    TOPICS,
)
from lllm.nano.recipe.around.outside import build_outside
from lllm.nano.recipe.language.phrase import capital, fill
from lllm.nano.recipe.tasks import arithmetic, dates, lists, strings, units

_MAKERS: dict[str, Callable[[Random], str]] = {
    "arithmetic": lambda random: arithmetic.build_task(random).question,
    "units": lambda random: units.build_task(random).question,
    "dates": lambda random: dates.build_task(random).question,
    "lists": lambda random: lists.build_task(random).question,
    "strings": lambda random: strings.build_task(random).question,
    "other": build_outside,
}
_KINDS = ("arithmetic", "units", "dates", "lists", "strings", "chat")
_NUMBER_WORDS = re.compile(
    r"\b(zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|half|double|dozen|first|second)",
    re.IGNORECASE,
)
# Outside of the skill and yet about numbers, dates or words: a person would hesitate.
_NEAR = re.compile(
    r"[0-9]|number|integral|derivative|prime|factor|circle|volume|triangle|convert|calculat|comput|equation|solution|"
    r"price|cost|rate|interest|when|date|day|time|year|born|birth|age|old|week|long|far|high|tall|big|large|many|much|"
    r"word|spell|letter|rhyme|gram|synonym|list|name|translate|random|dice|coin|distance|temperature|count|x\b|how",
    re.IGNORECASE,
)
_MOST_CHARS = 160


class Labelled(NamedTuple):
    """A message, and the class that it belongs to.

    Attributes:
        text: what somebody said.
        question: that is put after it.
        classes: the words to choose from, two to six.
        label: the right one of them.
    """

    text: str
    question: str
    classes: tuple[str, ...]
    label: str

    @property
    def asked(self) -> str:
        """The last message of the dialog, as a classification words it."""
        return classifier_prompt(self.classes)(question=self.question)


def build_labelled(random: Random) -> Labelled:
    """Return a message, a question about it, the classes and the right one."""
    return random.choices([make for make, _ in _TOPICS], [weight for _, weight in _TOPICS])[0](random)


def _kind(random: Random) -> Labelled:
    """Which kind of task is it, under names of one's own."""
    kinds = random.sample(_KINDS, random.randint(2, len(_KINDS)))
    style = random.choice((str.lower, str.lower, str.lower, str.title, str.upper))
    classes = tuple(style(random.choice(KIND_LABELS[kind])) for kind in kinds)
    at = random.randrange(len(kinds))
    return Labelled(_message(random, kinds[at]), _question(random, KIND, default=0.35), classes, classes[at])


def _about(random: Random) -> Labelled:
    """Is it about dates, or units, or lists ... or not."""
    kind = random.choice(_KINDS[:-1])
    is_so = random.random() < 0.5
    shown = kind if is_so else random.choice([name for name in _KINDS if name != kind])
    slots = {"topic": TOPICS[kind]}
    return _yes_no(random, _message(random, shown), _cased(random, fill(random, random.choice(ABOUT), slots)), is_so)


def _digits(random: Random) -> Labelled:
    """Does it contain a number."""
    is_so = random.random() < 0.5
    while True:
        text = _message(random, random.choice(_KINDS[:-1]) if is_so else "other")
        if bool(re.search(r"[0-9]", text)) == is_so and (is_so or not _NUMBER_WORDS.search(text)):
            return _yes_no(random, text, _question(random, DIGITS), is_so)


def _even(random: Random) -> Labelled:
    number = random.randrange(10 ** random.randint(1, 5))
    return _either(random, _held(random, number), EVEN, number % 2 == 0, PAIRS["even"])


def _negative(random: Random) -> Labelled:
    number = random.randrange(1, 10 ** random.randint(1, 4)) * random.choice((1, -1))
    return _either(random, _held(random, number), NEGATIVE, number < 0, PAIRS["negative"])


def _larger(random: Random) -> Labelled:
    size = 10 ** random.randint(1, 4)
    number, other = random.sample(range(size), 2)
    is_larger_asked = random.random() < 0.5
    question = fill(random, random.choice(LARGER if is_larger_asked else SMALLER), {"n": str(other)})
    return _yes_no(random, _held(random, number), _cased(random, question), (number > other) == is_larger_asked)


def _capitals(random: Random) -> Labelled:
    text = _message(random, "other")
    is_so = random.random() < 0.5
    shown = text.upper() if is_so else random.choice((text.lower(), capital(text.lower())))
    return _either(random, shown, CAPITAL, is_so, PAIRS["capitals"])


def _marked(random: Random) -> Labelled:
    text = _message(random, "other").replace("?", "").rstrip(" .!")
    is_so = random.random() < 0.5
    return _either(
        random, f"{text}?" if is_so else text + random.choice(("", ".", "!")), MARKED, is_so, PAIRS["marked"]
    )


def _several(random: Random) -> Labelled:
    text = _message(random, "other").rstrip(" ?.!")
    is_so = random.random() < 0.5 and " " in text
    return _either(random, text if is_so else max(text.split(), key=len), SEVERAL, is_so, PAIRS["several"])


_TOPICS: tuple[tuple[Callable[[Random], Labelled], float], ...] = (
    (_kind, 0.36),
    (_about, 0.2),
    (_digits, 0.1),
    (_even, 0.08),
    (_larger, 0.06),
    (_negative, 0.05),
    (_capitals, 0.05),
    (_marked, 0.06),
    (_several, 0.04),
)


def _message(random: Random, kind: str) -> str:
    while True:
        text = (_build_chat if kind == "chat" else _MAKERS[kind])(random)
        if len(text) <= _MOST_CHARS:
            return text


def _build_chat(random: Random) -> str:
    while True:
        text = build_outside(random)
        if not _NEAR.search(text):
            return text


def _held(random: Random, number: int) -> str:
    return fill(random, random.choice(HOLDERS), {"n": str(number)})


def _question(random: Random, skeletons: Sequence[str], default: float = 0.0) -> str:
    return DEFAULT if random.random() < default else _cased(random, fill(random, random.choice(skeletons), {}))


def _cased(random: Random, question: str) -> str:
    return question if random.random() < 0.15 else capital(question)


def _yes_no(random: Random, text: str, question: str, is_so: bool) -> Labelled:
    pair = (
        BINARY
        if random.random() < 0.7
        else random.choice((("yes", "no"), ("true", "false"), ("True", "False"), ("Y", "N")))
    )
    return _ordered(random, text, question, pair, is_so)


def _either(
    random: Random, text: str, skeletons: Sequence[str], is_so: bool, pairs: Sequence[tuple[str, str]]
) -> Labelled:
    """Ask with Yes and No, or with two words that say themselves what is asked."""
    if random.random() < 0.6:
        return _yes_no(random, text, _question(random, skeletons), is_so)
    return _ordered(random, text, _question(random, KIND[:6], default=0.7), random.choice(pairs), is_so)


def _ordered(random: Random, text: str, question: str, pair: tuple[str, str], is_so: bool) -> Labelled:
    classes = pair if random.random() < 0.75 else (pair[1], pair[0])
    return Labelled(text, question, classes, pair[0] if is_so else pair[1])
