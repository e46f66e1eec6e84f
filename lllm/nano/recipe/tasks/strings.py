"""Questions about a string: its length, letters and words, and what can be made of it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from lllm.nano.recipe.language.asking import Subject, build_question
from lllm.nano.recipe.language.tables import load_ways
from lllm.nano.recipe.language.wording import Ways, bare, quoted
from lllm.nano.recipe.language.words import (
    build_palindrome,
    build_phrase,
    build_plain_word,
    build_text,
    build_word,
    to_literal,
)
from lllm.nano.recipe.tasks.task import Make, Task

_WAYS = load_ways("tasks/ways/strings.yaml")
Text = Callable[[Random], str]

NUMBER_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NAMED = (  # in the plural, in the singular with its article, the character
    ("spaces", "a space", " "),
    ("blanks", "a blank", " "),
    ("underscores", "an underscore", "_"),
    ("hyphens", "a hyphen", "-"),
    ("dashes", "a dash", "-"),
    ("commas", "a comma", ","),
    ("dots", "a dot", "."),
    ("slashes", "a slash", "/"),
    ("colons", "a colon", ":"),
)


def build_task(random: Random) -> Task:
    """Make a question about a string."""
    make = random.choices([make for _, _, make in FAMILIES], [weight for _, weight, _ in FAMILIES])[0]
    return make(random)


def to_subject(random: Random, text: str) -> Subject:
    """Choose how a string stands in a question: in quotes of some kind, or without where it is clear where it ends."""
    is_phrase = " " in text
    kinds = ("phrase", "string", "text", "sentence") if is_phrase else ("string", "text", "code", "character sequence")
    if text.isalpha():
        kinds = ("word", "word", "word", "string", "text", "term", "name")
    named = random.choice(kinds)
    here = (f"this {named}", f"the following {named}", f"the {named} below", f"the {named} given here", "this")
    it = ("it", "it", "this", "that", f"this {named}", f"that {named}", f"the {named}")
    if is_phrase and text[-1].isalnum() and random.random() < 0.25:
        return Subject(text, (named,), here, it, is_bare=True, is_long=True)
    if text.isalnum() and random.random() < 0.4:
        return Subject(text, (named,), here, it, is_bare=True)
    operand = bare(quoted(random, text))
    return Subject(operand, (named,), here, it, is_bare=operand == text)


def to_count(random: Random, count: int, noun: str) -> str:
    """Say how many: ``3 letters``, ``three letters``, ``letter`` for one."""
    if count == 1:
        return noun
    digits = str(count) if count >= len(NUMBER_WORDS) or random.random() < 0.6 else NUMBER_WORDS[count]
    return f"{digits} {noun}s"


def _simple(family: str, wording: Ways, build: Text, printed: str) -> Make:
    """Make the maker of questions whose code needs no more than the string ``s``."""

    def make(random: Random) -> Task:
        return _to_task(random, family, wording, build(random), printed)

    return make


def _to_task(random: Random, family: str, wording: Ways, text: str, printed: str, **operands: str) -> Task:
    question = build_question(random, wording, to_subject(random, text), operands)
    return Task("strings", family, question, f"s = {to_literal(text)}\nprint({printed})")


def _build_alphabetic(random: Random) -> str:
    text = build_word(random)
    while not text.isalpha():
        text = build_word(random)
    return text


def _build_with_capitals(random: Random) -> str:
    text = build_text(random)
    if random.random() < 0.25:
        return text
    return random.choice((text.upper(), text.title(), "".join(random.choice((a, a.upper())) for a in text)))


def _build_mostly_phrase(random: Random) -> str:
    return build_phrase(random) if random.random() < 0.85 else build_word(random)


def _build_maybe_palindrome(random: Random) -> str:
    return build_palindrome(random) if random.random() < 0.5 else build_word(random)


def _choose_letter(random: Random, text: str) -> str:
    """Choose a letter of the text, or now and then one that it lacks."""
    letters = [letter for letter in text if letter.isalpha()]
    return random.choice(letters) if letters and random.random() < 0.85 else random.choice(_LETTERS)


def _to_letter(random: Random, letter: str) -> str:
    """Write a letter without quotes, or with, as about one in three does."""
    return letter if random.random() < 0.65 else bare(quoted(random, letter))


def _make_count(random: Random) -> Task:
    text = build_text(random)
    letter = _choose_letter(random, text).lower()
    shown = letter.upper() if random.random() < 0.15 else letter
    operands = {"x": _to_letter(random, shown)}
    printed = f"s.lower().count({to_literal(letter)})"
    return _to_task(random, "count-letter", _WAYS["count_letter"], text, printed, **operands)


def _make_replace(random: Random) -> Task:
    chance = random.random()
    if chance < 0.15:
        return _make_replace_named(random)
    text = build_text(random)
    if chance < 0.72:
        old, new = _choose_letter(random, text), random.choice(_LETTERS if random.random() < 0.8 else "0123456789*-_xX")
        shown = (_to_letter(random, old), _to_letter(random, new))
    elif chance < 0.88 and " " in text:
        old, new = random.choice(text.strip("!").split()).strip(",.!'"), build_plain_word(random)
        shown = _to_pair(random, old, new)
    else:
        start = random.randrange(max(len(text) - 2, 1))
        old = text[start : start + random.randint(2, 4)].strip() or text[0]
        new = "".join(random.choices(_LETTERS, k=random.randint(1, 4)))
        shown = _to_pair(random, old, new)
    printed = f"s.replace({to_literal(old)}, {to_literal(new)})"
    return _to_task(random, "replace", _WAYS["replace"], text, printed, x=shown[0], y=shown[1])


def _to_pair(random: Random, old: str, new: str) -> tuple[str, str]:
    """Write two texts alike: both in quotes of the same kind, or both without."""
    if old.isalnum() and random.random() < 0.4:
        return old, new
    left, right = random.choice(("''", '""', "“”", "``")) if "'" not in old else '""'
    return f"{left}{old}{right}", f"{left}{new}{right}"


def _make_replace_named(random: Random) -> Task:
    olds, _, mark = random.choice(_NAMED) if random.random() < 0.5 else _NAMED[0]
    news, new, other = random.choice([named for named in _NAMED if named[2] != mark])
    pieces = [build_plain_word(random)[:9] for _ in range(random.randint(2, 3))]
    text = mark.join(pieces)
    operands = {"x": olds, "y": news if random.random() < 0.6 else new}
    printed = f"s.replace({to_literal(mark)}, {to_literal(other)})"
    return _to_task(random, "replace-named", _WAYS["replace_named"], text, printed, **operands)


def _make_remove(random: Random) -> Task:
    text = build_text(random)
    letter = _choose_letter(random, text)
    printed = f"s.replace({to_literal(letter)}, '')"
    return _to_task(random, "remove-letter", _WAYS["remove"], text, printed, x=_to_letter(random, letter))


def _make_first(random: Random) -> Task:
    text, count, shown = _build_part(random)
    return _to_task(random, "first-characters", _WAYS["first"], text, f"s[:{count}]", n=shown)


def _make_last(random: Random) -> Task:
    text, count, shown = _build_part(random)
    return _to_task(random, "last-characters", _WAYS["last"], text, f"s[-{count}:]", n=shown)


def _build_part(random: Random) -> tuple[str, int, str]:
    text = build_text(random)
    count = random.randint(1, min(len(text), 12)) if random.random() < 0.7 else random.randint(2, min(len(text), 4))
    noun = random.choice(("letter", "character", "character") if text.isalpha() else ("character", "character", "char"))
    return text, count, to_count(random, count, noun)


def _make_repeat(random: Random) -> Task:
    text = build_text(random)[:16].rstrip()
    count = random.choice((2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 12))
    shown = to_count(random, count, "time")
    if count == 2 and random.random() < 0.6:
        shown = "twice"
    return _to_task(random, "repeat", _WAYS["repeat"], text, f"s * {count}", n=shown)


FAMILIES: tuple[tuple[str, float, Make], ...] = (
    ("length", 0.8, _simple("length", _WAYS["length"], build_text, "len(s)")),
    ("letters", 0.5, _simple("letters", _WAYS["letters"], _build_alphabetic, "len(s)")),
    ("reversed", 1.2, _simple("reversed", _WAYS["reversed"], build_text, "s[::-1]")),
    ("upper", 0.9, _simple("upper", _WAYS["upper"], build_text, "s.upper()")),
    ("lower", 0.9, _simple("lower", _WAYS["lower"], _build_with_capitals, "s.lower()")),
    ("title", 0.8, _simple("title", _WAYS["title"], _build_mostly_phrase, "s.title()")),
    ("count-letter", 1.3, _make_count),
    ("word-count", 0.8, _simple("word-count", _WAYS["word_count"], _build_mostly_phrase, "len(s.split())")),
    ("vowels", 0.9, _simple("vowels", _WAYS["vowels"], build_text, "sum(c in 'aeiou' for c in s.lower())")),
    (
        "palindrome",
        0.9,
        _simple("palindrome", _WAYS["palindrome"], _build_maybe_palindrome, "s.lower() == s.lower()[::-1]"),
    ),
    ("replace", 1.4, _make_replace),
    ("remove-letter", 1.0, _make_remove),
    ("first-characters", 1.0, _make_first),
    ("last-characters", 1.0, _make_last),
    ("letters-sorted", 0.9, _simple("letters-sorted", _WAYS["sorted"], build_word, "''.join(sorted(s))")),
    ("without-spaces", 0.8, _simple("without-spaces", _WAYS["no_spaces"], build_phrase, "s.replace(' ', '')")),
    ("repeat", 0.9, _make_repeat),
)
