"""Questions about a list of numbers or words: its order, its items, how many there are of a kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from lllm.nano.recipe.language.asking import Subject, build_question
from lllm.nano.recipe.language.tables import load_ways
from lllm.nano.recipe.language.wording import Ways, bare, quoted, to_listed
from lllm.nano.recipe.language.words import build_plain_word, build_word, to_literal
from lllm.nano.recipe.tasks.task import Make, Task

_WAYS = load_ways("tasks/ways/lists.yaml")
Item = int | float | str
Build = Callable[[Random], list[Item]]

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_PAIRS = ("''", "''", '""', '""', "“”", "``")
_SEPARATORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("-", ("a dash", "a hyphen", "dashes", "hyphens", "a minus sign")),
    (",", ("a comma", "commas")),
    (", ", ("a comma and a space", "a comma followed by a space")),
    (" ", ("a space", "spaces", "a blank", "a single space")),
    ("", ("nothing", "an empty string")),
    ("_", ("an underscore", "underscores")),
    ("/", ("a slash", "slashes", "a forward slash")),
    ("+", ("a plus sign", "plus signs", "a plus")),
    (";", ("a semicolon", "semicolons")),
    (":", ("a colon", "colons")),
    ("|", ("a pipe", "a vertical bar", "pipes")),
    (".", ("a dot", "dots", "a period", "a full stop")),
    ("*", ("an asterisk", "a star", "stars")),
    ("&", ("an ampersand", "ampersands")),
)
_QUOTED_SEPARATORS = (" and ", " or ", "->", " - ", " -> ", "--", "...", " + ", "=", "#", "~", " & ", "::", " / ", "<>")


def build_task(random: Random) -> Task:
    """Make a question about a list."""
    make = random.choices([make for _, _, make in FAMILIES], [weight for _, weight, _ in FAMILIES])[0]
    return make(random)


def to_code(items: Sequence[Item]) -> str:
    """Write a list as Python has it, words in single quotes."""
    return f"[{', '.join(to_literal(item) if isinstance(item, str) else repr(item) for item in items)}]"


def to_subject(random: Random, items: Sequence[Item]) -> Subject:
    """Choose how a list stands in a question."""
    is_words = isinstance(items[0], str)
    pair = random.choice(_PAIRS) if is_words and random.random() < 0.3 else ""
    operand = bare(to_listed(random, [pair[:1] + str(item) + pair[1:] for item in items]))
    kinds = ("words", "words", "items", "list", "strings") if is_words else ("numbers", "numbers", "values", "list")
    named = random.choice(kinds)
    this, that = ("this", "that") if named == "list" else ("these", "those")
    here = (f"{this} {named}", f"the following {named}", f"the {named} below", f"the {named} given here", this)
    it = ("it" if named == "list" else "them", f"{this} {named}", f"the {named}", f"{that} {named}")
    is_bare = is_words and not pair and operand[0] not in "[({"
    is_long = "\n" in operand or (is_bare and "," not in operand and ";" not in operand and " and " not in operand)
    return Subject(operand, (named,), here, it, is_bare, is_long)


def _simple(family: str, wording: Ways, build: Build, printed: str) -> Make:
    """Make the maker of questions whose code needs no more than the list ``xs``."""

    def make(random: Random) -> Task:
        return _to_task(random, family, wording, build(random), printed)

    return make


def _to_task(random: Random, family: str, wording: Ways, items: list[Item], printed: str, **operands: str) -> Task:
    names = ("words", "word") if isinstance(items[0], str) else ("numbers", "number")
    subject = to_subject(random, items)
    question = build_question(random, wording, subject, {"k": names[0], "i": names[1], **operands})
    return Task("lists", family, question, f"xs = {to_code(items)}\nprint({printed})")


def _build_size(random: Random) -> int:
    return random.choice((2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 7, 7, 8, 9, 10))


def _build_integers(random: Random) -> list[Item]:
    top = random.choice((9, 20, 100, 100, 1000, 9999))
    low = -top if random.random() < 0.12 else 0
    return [random.randint(low, top) for _ in range(_build_size(random))]


def _build_numbers(random: Random) -> list[Item]:
    if random.random() < 0.78:
        return _build_integers(random)
    places, top = random.choice((1, 1, 2)), random.choice((10, 100, 1000))
    low = -top if random.random() < 0.1 else 0
    numbers = [round(random.uniform(low, top), places) for _ in range(_build_size(random))]
    return [int(number) if random.random() < 0.1 else number for number in numbers]


def _build_distinct_numbers(random: Random) -> list[Item]:
    numbers = list(dict.fromkeys(_build_numbers(random)))
    while len(numbers) < 3:
        numbers = list(dict.fromkeys(_build_numbers(random)))
    return numbers


def _build_words(random: Random) -> list[Item]:
    build = build_plain_word if random.random() < 0.6 else build_word
    return [build(random)[:16] for _ in range(min(_build_size(random), 8))]


def _build_items(random: Random) -> list[Item]:
    return _build_words(random) if random.random() < 0.5 else _build_numbers(random)


def _build_repeating(random: Random) -> list[Item]:
    """Make a list in which some items come more than once."""
    pool = list(dict.fromkeys(_build_items(random)))[: random.randint(2, 5)]
    items = random.choices(pool, k=random.randint(3, 10))
    return items if random.random() < 0.8 else [*items[:8], pool[0], pool[0]]


def _make_sort(random: Random) -> Task:
    words = random.random() < 0.45
    wording = _WAYS["alphabetical"] if words else _WAYS["ascending"]
    items = _build_words(random) if words else _build_numbers(random)
    return _to_task(random, "sorted", wording, items, "sorted(xs)")


def _make_descending(random: Random) -> Task:
    words = random.random() < 0.35
    wording = _WAYS["reverse_alphabetical"] if words else _WAYS["descending"]
    items = _build_words(random) if words else _build_numbers(random)
    return _to_task(random, "sorted-descending", wording, items, "sorted(xs, reverse=True)")


def _make_count(random: Random) -> Task:
    items = _build_repeating(random)
    item = random.choice(items) if random.random() < 0.9 else _build_items(random)[0]
    if isinstance(item, str):
        shown = bare(quoted(random, item)) if random.random() < 0.6 else item
        return _to_task(random, "count-item", _WAYS["count_item"], items, f"xs.count({to_literal(item)})", x=shown)
    shown = random.choice((str(item), str(item), str(item), f"the number {item}"))
    return _to_task(random, "count-item", _WAYS["count_item"], items, f"xs.count({item!r})", x=shown)


def _make_greater(random: Random) -> Task:
    items, limit = _build_with_limit(random)
    return _to_task(random, "count-greater", _WAYS["greater"], items, f"sum(x > {limit} for x in xs)", x=limit)


def _make_less(random: Random) -> Task:
    items, limit = _build_with_limit(random)
    return _to_task(random, "count-less", _WAYS["less"], items, f"sum(x < {limit} for x in xs)", x=limit)


def _build_with_limit(random: Random) -> tuple[list[Item], str]:
    items = _build_numbers(random)
    numbers = [item for item in items if not isinstance(item, str)]
    limit = random.choice(numbers) if random.random() < 0.2 else round(random.uniform(min(numbers), max(numbers)), 1)
    return items, repr(int(limit) if random.random() < 0.85 else limit)


def _make_nth(random: Random) -> Task:
    items = _build_items(random)
    place = random.randint(1, len(items))
    printed = f"xs[{place - 1}]"
    if random.random() < 0.15:
        return _to_task(random, "nth", _WAYS["position"], items, printed, x=str(place))
    ending = _ENDINGS.get(place, "th")
    shown = _ORDINALS[place - 1] if random.random() < 0.6 else f"{place}{ending}"
    return _to_task(random, "nth", _WAYS["nth"], items, printed, n=shown)


def _make_first(random: Random) -> Task:
    shown = random.choice(("first", "first", "first", "very first", "1st"))
    return _to_task(random, "first", _WAYS["nth"], _build_items(random), "xs[0]", n=shown)


def _make_last(random: Random) -> Task:
    shown = random.choice(("last", "last", "last", "very last", "final"))
    return _to_task(random, "last", _WAYS["nth"], _build_items(random), "xs[-1]", n=shown)


def _make_join(random: Random) -> Task:
    separator, names = random.choice(_SEPARATORS)
    shown = random.choice(names)
    if random.random() < 0.4:
        if random.random() < 0.4:
            separator = random.choice(_QUOTED_SEPARATORS)
        shown = random.choice(("'{}'", '"{}"', "`{}`", "“{}”")).format(separator)
    elif separator in "-/+*&|_;:" and separator and random.random() < 0.2:
        shown = separator
    return _to_task(random, "join", _WAYS["join"], _build_words(random), f"{to_literal(separator)}.join(xs)", x=shown)


FAMILIES: tuple[tuple[str, float, Make], ...] = (
    ("sorted", 1.6, _make_sort),
    ("sorted-descending", 1.3, _make_descending),
    ("reversed", 1.1, _simple("reversed", _WAYS["reverse"], _build_items, "xs[::-1]")),
    ("unique", 1.1, _simple("unique", _WAYS["unique"], _build_repeating, "list(dict.fromkeys(xs))")),
    ("count-item", 1.2, _make_count),
    ("count-greater", 1.0, _make_greater),
    ("count-less", 1.0, _make_less),
    ("count-even", 0.7, _simple("count-even", _WAYS["even"], _build_integers, "sum(x % 2 == 0 for x in xs)")),
    ("count-odd", 0.7, _simple("count-odd", _WAYS["odd"], _build_integers, "sum(x % 2 == 1 for x in xs)")),
    ("first", 0.6, _make_first),
    ("last", 0.6, _make_last),
    ("nth", 1.2, _make_nth),
    (
        "second-largest",
        0.8,
        _simple("second-largest", _WAYS["second_largest"], _build_distinct_numbers, "sorted(xs)[-2]"),
    ),
    ("join", 1.2, _make_join),
    ("longest", 0.8, _simple("longest", _WAYS["longest"], _build_words, "max(xs, key=len)")),
    ("shortest", 0.8, _simple("shortest", _WAYS["shortest"], _build_words, "min(xs, key=len)")),
)
