"""How people put things: patterns, frames around a noun phrase or an order, greetings, casing, typos, number formats.

What must reach the model letter by letter (operands) is kept: :func:`keep` marks it, :func:`dress` touches only what
stands outside such marks and takes the marks away. All that comes from a slot of :func:`fill`, from :func:`to_listed`,
:func:`to_number` and :func:`quoted` is marked already; so a question that has operands is always dressed last.

A pattern is text with alternatives in parentheses, ``(find|work out|) the sum of {a} and {b}``; they may be nested. It
begins in lower case, and ends with the punctuation that a careful writer would set.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from lllm.nano.recipe.language.frames import CLOSINGS, NOUN_FRAMES, OPENINGS, ORDER_FRAMES, STORIES, TAILS

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARKS = re.compile(f"[{_OPEN}{_CLOSE}]")
_KEPT = re.compile(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})")
_INNERMOST = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")
_BLANKS = re.compile(r" {2,}")
_LONG_WORD = re.compile(r"[a-z]{5,}")
_QUOTES = ("''", "''", "''", '""', '""', '""', "\u201c\u201d", "\u201c\u201d", "\u2018\u2019", "``", "\u00ab\u00bb")
_PLAIN_WORD = re.compile(r"\w(?:[\w-]*\w)?")


class Ways(NamedTuple):
    """Ways to ask for one thing: patterns of three natures; each has the same slots.

    Attributes:
        nouns: noun phrases, ``the sum of {a} and {b}``: put into a frame such as "What is ...?".
        orders: imperatives, ``add {a} and {b}``: put into a frame such as "Could you ...?".
        sentences: whole as they are, ``what do I get when I add {a} to {b}?``.
    """

    nouns: Sequence[str]
    orders: Sequence[str]
    sentences: Sequence[str]


def say(random: Random, ways: Ways, **slots: str) -> str:
    """Return a dressed question in one of the ``ways``, with ``slots`` filled in and untouched."""
    return dress(random, ask(random, ways, **slots))


def ask(random: Random, ways: Ways, **slots: str) -> str:
    """Return a question in one of the ``ways`` that is yet to be dressed."""
    sizes = (len(ways.nouns) and 30, len(ways.orders) and 26, len(ways.sentences) and 44)
    nature = random.choices((0, 1, 2), sizes)[0]
    text = fill(random, random.choice(ways[nature]), **slots)
    if nature == 0:
        return ask_for(random, text)
    return order(random, text) if nature == 1 else text


def fill(random: Random, pattern: str, **slots: str) -> str:
    """Return one text of ``pattern``: an alternative chosen for each group, each ``{name}`` replaced and kept."""
    while "(" in pattern:
        pattern = _INNERMOST.sub(lambda group: random.choice(group[1].split("|")), pattern)
    pattern = _BLANKS.sub(" ", pattern).strip().replace(" ,", ",").replace(" ?", "?")
    return _SLOT.sub(lambda slot: keep(slots[slot[1]]), pattern)


def keep(text: str) -> str:
    """Return ``text`` with marks that say: not a letter of this may change."""
    return f"{_OPEN}{bare(text)}{_CLOSE}"


def bare(text: str) -> str:
    """Return ``text`` without the marks of :func:`keep`."""
    return _MARKS.sub("", text)


def ask_for(random: Random, noun_phrase: str) -> str:
    """Return a sentence that asks for ``noun_phrase`` ("the sum of 3 and 4")."""
    return fill(random, random.choice(NOUN_FRAMES), x="\0").replace(keep("\0"), noun_phrase)


def order(random: Random, imperative: str) -> str:
    """Return a sentence that asks somebody to do ``imperative`` ("add 3 and 4")."""
    return fill(random, random.choice(ORDER_FRAMES), x="\0").replace(keep("\0"), imperative)


def dress(random: Random, sentence: str) -> str:
    """Return ``sentence`` as somebody may type it: with a greeting, thanks, other casing, a typo; marks are taken away.

    A sentence without marks is taken for wording from end to end.
    """
    text = sentence
    if random.random() < 0.10:
        text = _after(fill(random, random.choice(STORIES)) + " ", text)
    if random.random() < 0.22:
        text = _after(fill(random, random.choice(OPENINGS)) + " ", text)
    if random.random() < 0.18:
        text = _with_tail(random, text)
    if random.random() < 0.07:
        # After an operand a bare "thanks" could be taken for a part of it.
        joint = random.choice((". ", ", ", "\n", "! ", " - ")) if text.endswith(_CLOSE) else " "
        text = text + joint + fill(random, random.choice(CLOSINGS))
    parts = _KEPT.split(text)  # wording, kept, wording, ...
    parts[::2] = _styled(random, parts[::2])
    return bare("".join(parts)).strip()


def _after(opening: str, text: str) -> str:
    """Put ``opening`` before; only after a full stop does the sentence begin anew."""
    return opening + (_capitalised(text) if opening.rstrip()[-1] in ".!?" else text)


def _with_tail(random: Random, text: str) -> str:
    """Put a tail such as ", please" before the last punctuation."""
    tail = fill(random, random.choice(TAILS))
    end = text[-1] if text[-1] in "?.!" else ""
    body = text.removesuffix(end) if end else text
    # After an operand a bare " please" could be taken for a part of it.
    if tail[0].isalpha():
        tail = ", " + tail if body.endswith(_CLOSE) or random.random() < 0.5 else " " + tail
    elif tail[0] == "-":
        tail = " " + tail
    return body + tail + end


def _styled(random: Random, parts: list[str]) -> list[str]:
    """Return the parts between the operands in the style of one writer."""
    style = random.random()
    if random.random() < 0.06:
        parts = _with_typo(random, parts)
    if style < 0.52:
        return [_capitalised(parts[0]), *parts[1:]]
    if style < 0.54:
        return [part.upper() for part in parts]
    if style < 0.62:
        return parts
    parts = [part.lower() for part in parts]
    if random.random() < 0.35:
        parts = [part.replace("'", "").replace("\u2019", "") for part in parts]
    if random.random() < 0.6:  # no punctuation at the end
        parts[-1] = parts[-1].rstrip("?.! ") if parts[-1].strip() else parts[-1]
    return parts


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _with_typo(random: Random, parts: list[str]) -> list[str]:
    """Return ``parts`` with two letters swapped, one lost or one doubled in a word of five letters or more."""
    words = [(at, found.start(), found.end()) for at, part in enumerate(parts) for found in _LONG_WORD.finditer(part)]
    if not words:
        return parts
    at, start, end = random.choice(words)
    spot = random.randrange(start + 1, end - 1)
    part = parts[at]
    here = random.choice((part[spot + 1] + part[spot], part[spot + 1], part[spot] * 2 + part[spot + 1]))
    return [*parts[:at], part[:spot] + here + part[spot + 2 :], *parts[at + 1 :]]


def quoted(random: Random, text: str) -> str:
    """Return ``text`` in quotes of some kind, kept; a single word may stand without."""
    if random.random() < 0.3 and _PLAIN_WORD.fullmatch(text):
        return keep(text)
    pairs = [pair for pair in _QUOTES if pair[0] not in text and pair[1] not in text]
    pair = random.choice(pairs)
    return keep(pair[0] + text + pair[1])


def to_listed(random: Random, items: Sequence[str]) -> str:
    """Return ``items`` (as they stand in the question, none empty) in one kept text: commas, blanks, brackets ..."""
    items = [bare(item) for item in items]
    plain = not any("," in item or " " in item for item in items)
    shape = random.random()
    if shape < 0.28:
        return keep(", ".join(items))
    if shape < 0.52 and len(items) > 1:
        return keep(_with_and(random, items))
    if shape < 0.68:
        opening, closing = random.choice(("[]", "[]", "[]", "[]", "[]", "()", "{}"))
        return keep(opening + random.choice((", ", ", ", ",")).join(items) + closing)
    if shape < 0.90:
        return keep(random.choice((",", " ", " ") if plain else ("; ", " / ")).join(items))
    return keep(random.choice(("; ", "; ", ";", " | ", " / ", "\n", "\n")).join(items))


def _with_and(random: Random, items: Sequence[str]) -> str:
    if len(items) <= 4 and random.random() < 0.15:
        return " and ".join(items)
    last = random.choice((" and ", " and ", " and ", ", and ", ", and ", " & "))
    return ", ".join(items[:-1]) + last + items[-1]


def to_number(random: Random, value: float | str) -> tuple[str, str]:
    """Return ``value`` as it stands in the question (kept) and in the code.

    A text is taken as it is (``12.50``). Thousands may stand with commas, a negative number may begin with a word.
    """
    code = value if isinstance(value, str) else repr(value)
    text = code.lstrip("-")
    if len(text.partition(".")[0]) > 3 and random.random() < 0.3:
        whole, point, places = text.partition(".")
        text = f"{int(whole):,}{point}{places}"
    if code.startswith("-"):
        text = random.choice(("-", "-", "-", "-", "-", "-", "\u2212", "negative ", "minus ")) + text
    return keep(text), code
