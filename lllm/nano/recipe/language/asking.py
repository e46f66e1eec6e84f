"""How people ask: frames around what is wanted and what is to be done, and where the text or list of it stands.

It stands in the sentence, before it ("Take [3, 1]. Sort it.") or after it ("Sort this list: [3, 1]"); before and after,
the sentence points at it. One that has no quotes or brackets, and several words, never stands within a sentence.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from lllm.nano.recipe.language.tables import load_table
from lllm.nano.recipe.language.wording import Ways, ask_for, bare, dress, fill, keep, order

_FRAMES: dict[str, list[str]] = load_table("language/frames_around.yaml")
NOUN_FRAMES, VERB_FRAMES, CLAUSE_FRAMES = (_FRAMES[name] for name in ("noun_frames", "verb_frames", "clause_frames"))
BEFORE, AFTER_WORDS = _FRAMES["before"], _FRAMES["after_words"]
AFTER = (": ", ": ", ":\n", "\n", ":\n\n", " - ", " -> ", "\n\n")

LINES_BEFORE = tuple(opening for opening in BEFORE if opening.endswith(("{o}\n", "{o}: ", "{o} - ", "{o} ... ")))

_PLURALS = (
    ("this {k}", "these {k}"),
    ("here is (a|my|the)", "here are (some|my|the)"),
    ("here's (a|my)", "here are (some|my)"),
    ("Here is", "Here are"),
    ("Here it is", "Here they are"),
    (" It's", " They are"),
    ("{k} is {o}", "{k} are {o}"),
)
_CLAUSE = ("how ", "whether ", "if ", "what ", "which ")
_HEADING = ("{s}:", "{s},", "{s} -", "{s}?")


class Subject(NamedTuple):
    """What a question is about.

    Attributes:
        operand: as it stands in the question.
        kinds: what one can call it, such as ``word``.
        here: how a sentence points at one that follows it, such as ``this word``.
        it: how a sentence points at one that stood before it.
        is_bare: nothing around it says where it begins and ends, so that no comma may follow or precede it.
        is_long: bare, and of several words: it stands at the end or on a line of its own.
    """

    operand: str
    kinds: tuple[str, ...]
    here: tuple[str, ...]
    it: tuple[str, ...]
    is_bare: bool = False
    is_long: bool = False


def _to_agree(pattern: str, kind: str) -> str:
    """Put what a text is called into a pattern, in the plural where it is several things."""
    if kind.endswith("s"):
        for one, many in _PLURALS:
            pattern = pattern.replace(one, many)
    return pattern.replace("{k}", kind)


def build_question(random: Random, ways: Ways, subject: Subject, operands: dict[str, str]) -> str:
    """Put an operation on a subject (``{s}`` in the patterns) into words; ``operands`` are the other slots."""
    chance = random.random()
    if not subject.is_long and chance < 0.56:
        return _build_inline(random, ways, subject, operands)
    if chance < 0.82:
        return _build_after(random, ways, subject, operands)
    return _build_before(random, ways, subject, operands)


def build_sentence(random: Random, ways: Ways, subject: str, operands: dict[str, str]) -> str:
    """Put an operation into one sentence, not yet dressed; ``subject`` stands in the place of ``{s}``."""
    if subject != "{s}" and "{s}" not in subject:  # pointed at, it cannot stand as a heading
        ways = Ways(*([one for one in each if not one.startswith(_HEADING)] for each in ways))
    weights = (len(ways.nouns), len(ways.orders), 2 * len(ways.sentences))
    nature = random.choices((0, 1, 2), weights)[0]
    text = fill(random, random.choice(ways[nature]).replace("{s}", subject), **operands)
    if nature == 2:
        return text
    if text.startswith(_CLAUSE):
        return fill(random, random.choice(CLAUSE_FRAMES), x="_").replace(keep("_"), text)
    if random.random() < 0.4:
        return ask_for(random, text) if nature == 0 else order(random, text)
    frame = fill(random, random.choice((NOUN_FRAMES, VERB_FRAMES)[nature]), x="_")
    return frame.replace(keep("_"), text)


def _build_inline(random: Random, ways: Ways, subject: Subject, operands: dict[str, str]) -> str:
    named = "{s}" if random.random() < 0.6 else f"the {random.choice(subject.kinds)} {{s}}"
    operand = bare(subject.operand)
    for _ in range(4):
        sentence = build_sentence(random, ways, named, {**operands, "s": operand})
        question = dress(random, sentence)
        if not subject.is_bare or (f"{operand}," not in question and f", {operand}" not in question):
            return question
    return _build_after(random, ways, subject, operands)


def _build_after(random: Random, ways: Ways, subject: Subject, operands: dict[str, str]) -> str:
    head = dress(random, build_sentence(random, ways, random.choice(subject.here), operands))
    operand = bare(subject.operand)
    if random.random() < 0.3:
        end = head if head[-1] in ".?!" else head + "."
        tail = _to_agree(
            random.choice(AFTER_WORDS[-8:] if subject.is_long else AFTER_WORDS), random.choice(subject.kinds)
        )
        return end + tail.replace("{o}", operand)
    joint = random.choice(AFTER)
    return (head.rstrip(".?!: ") if joint[0] == ":" else head) + joint + operand


def _build_before(random: Random, ways: Ways, subject: Subject, operands: dict[str, str]) -> str:
    opening = random.choice(LINES_BEFORE if subject.is_long else BEFORE)
    opening = _to_agree(opening, random.choice(subject.kinds))
    sentence = build_sentence(random, ways, random.choice(subject.it), operands)
    text = dress(random, sentence) if opening[-2] in ".:" or opening[-1] == "\n" else bare(sentence)
    opening = bare(fill(random, opening.rstrip(), o="{o}")) + opening[len(opening.rstrip()) :]
    if not opening.startswith("{o}") and random.random() < 0.7:
        opening = opening[:1].upper() + opening[1:]
    return opening.replace("{o}", bare(subject.operand)) + text
