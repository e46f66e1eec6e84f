"""The exam's questions about lists."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from exam_operands import WORDS, Made, Operation, listed, ordinal, words

SEPARATORS = {
    "-": ("a dash", "a hyphen", "'-'", '"-"'),
    "/": ("a slash", "'/'", '"/"'),
    "+": ("a plus sign", "'+'"),
    "_": ("an underscore", "'_'", '"_"'),
    ":": ("a colon", "':'"),
    "|": ("'|'", '"|"'),
}
NTH = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh"}
WORDINGS = {
    "sort": (
        "Sort {xs} in ascending order.",
        "Put these numbers in order from smallest to largest: {xs}",
        "sort ascending: {xs}",
        "Can you order {xs} from low to high?",
        "What does {xs} look like sorted in ascending order?",
        "I want {xs} sorted, smallest first.",
        "arrange {xs} in increasing order",
        "Please sort this list from smallest to biggest: {xs}",
    ),
    "sort-words": (
        "Sort {xs} alphabetically.",
        "Put these words in alphabetical order: {xs}",
        "alphabetical order of {xs}",
        "Arrange {xs} from A to Z.",
        "My guests are {xs}. List them alphabetically.",
        "Can you alphabetize {xs}?",
        "sort the words {xs} in alphabetical order",
        "I'd like {xs} in alphabetical order please",
    ),
    "descending": (
        "Sort {xs} in descending order.",
        "Put these numbers in order from largest to smallest: {xs}",
        "sort descending: {xs}",
        "Can you order {xs} from high to low?",
        "I want {xs} sorted with the biggest first.",
        "arrange {xs} in decreasing order",
        "Rank {xs} from highest to lowest.",
        "Please sort this list, largest number first: {xs}",
    ),
    "reverse": (
        "Reverse the list {xs}.",
        "What is {xs} in reverse order?",
        "Turn this list around: {xs}",
        "reverse the order of {xs}",
        "Write {xs} backwards, last item first.",
        "Give me the list {xs} in reversed order.",
        "flip the order of these items: {xs}",
        "Please list {xs} from the last to the first.",
    ),
    "unique": (
        "Remove the duplicates from {xs}.",
        "List {xs} without duplicates.",
        "drop repeated items from {xs}",
        "What remains of {xs} when duplicates are removed?",
        "Give me the unique items of {xs} in their order.",
        "Keep only the first of each repeated item: {xs}",
        "dedupe this list: {xs}",
        "Please take all duplicates out of {xs}",
    ),
    "count-item": (
        "How often does {x} occur in {xs}?",
        "How many times does {x} appear in {xs}?",
        "Count how often {x} is in this list: {xs}",
        "In {xs}, how many times is there {x}?",
        "number of times {x} shows up in {xs}",
        "How many {x} are in the list {xs}?",
        "count {x} in {xs}",
        "I have {xs}. How many of them are {x}?",
    ),
    "greater": (
        "How many of {xs} are greater than {n}?",
        "How many numbers in {xs} are larger than {n}?",
        "Count the numbers above {n} in {xs}.",
        "In {xs}, how many are bigger than {n}?",
        "how many values over {n}: {xs}",
        "Of the scores {xs}, how many are higher than {n}?",
    ),
    "less": (
        "How many of {xs} are less than {n}?",
        "How many numbers in {xs} are smaller than {n}?",
        "Count the numbers below {n} in {xs}.",
        "In {xs}, how many are lower than {n}?",
        "how many values under {n}: {xs}",
        "Of the prices {xs}, how many are less than {n}?",
    ),
    "even": (
        "How many of {xs} are even?",
        "How many even numbers are in {xs}?",
        "Count the even numbers: {xs}",
        "In {xs}, how many are even?",
        "number of even values in {xs}",
        "I drew {xs}. How many of these are even?",
    ),
    "odd": (
        "How many of {xs} are odd?",
        "How many odd numbers are in {xs}?",
        "Count the odd numbers: {xs}",
        "In {xs}, how many are odd?",
        "number of odd values in {xs}",
        "My numbers are {xs}. How many of these are odd?",
    ),
    "first": (
        "What is the first item of {xs}?",
        "What comes first in {xs}?",
        "first element of {xs}",
        "Give me the first entry of the list {xs}.",
        "Which item stands at the beginning of {xs}?",
        "The queue is {xs}. Who or what is first?",
    ),
    "last": (
        "What is the last item of {xs}?",
        "What comes last in {xs}?",
        "last element of {xs}",
        "Give me the last entry of the list {xs}.",
        "Which item stands at the end of {xs}?",
        "The queue is {xs}. Who or what is last?",
    ),
    "nth": (
        "What is the {nth} item of {xs}?",
        "Which item is {nth} in {xs}?",
        "{nth} element of {xs}",
        "Give me item number {n} of the list {xs}.",
        "From {xs}, take the {nth} one.",
        "What stands in position {n} of {xs}, counting from 1?",
    ),
    "second-largest": (
        "What is the second largest of {xs}?",
        "second largest number in {xs}",
        "Find the second biggest value in {xs}.",
        "Which number is the second highest: {xs}?",
        "Of {xs}, which is the second largest?",
        "Tell me the second greatest number in this list: {xs}",
    ),
    "join": (
        "Join {xs} with {sep}.",
        "Join the words {xs} with {sep} between them.",
        "Put {sep} between these words: {xs}",
        "Combine {xs} into one string, separated by {sep}.",
        "Glue {xs} together with {sep}",
        "Make one text of {xs} using {sep} as the separator.",
        "join with {sep}: {xs}",
        "Connect the words {xs} by {sep}.",
    ),
    "longest": (
        "What is the longest word in {xs}?",
        "Which of these words is the longest: {xs}?",
        "longest word of {xs}",
        "Find the word with the most letters in {xs}.",
        "Of {xs}, which word is the longest?",
        "Pick the longest of the words {xs}",
    ),
    "shortest": (
        "What is the shortest word in {xs}?",
        "Which of these words is the shortest: {xs}?",
        "shortest word of {xs}",
        "Find the word with the fewest letters in {xs}.",
        "Of {xs}, which word is the shortest?",
        "Pick the shortest of the words {xs}",
    ),
}


def integers(random: Random, low: int = 3) -> list[int]:
    """Return small integers, some of them more than once."""
    top = random.choice((9, 30, 99, 99, 999))
    row = [random.randint(0 if top == 9 else 1, top) for _ in range(random.randint(low, 10))]
    return [-each if top == 99 and random.random() < 0.05 else each for each in row]


def told(random: Random, items: list[int] | list[str]) -> str:
    """Return a list as it is asked about."""
    return listed(random, [str(item) for item in items], quoted=isinstance(items[0], str))


def of_numbers(answer: Callable[[list[int]], object]):
    """Return a maker of questions about integers."""

    def make(random: Random, _: str) -> Made:
        xs = integers(random)
        return {"xs": told(random, xs)}, str(answer(xs))

    return make


def of_words(answer: Callable[[list[str]], object]):
    """Return a maker of questions about words."""

    def make(random: Random, _: str) -> Made:
        xs = words(random, 3)
        return {"xs": told(random, xs)}, str(answer(xs))

    return make


def of_both(answer: Callable[[list[int] | list[str]], object]):
    """Return a maker of questions about either."""
    return lambda random, wording: (of_numbers if random.random() < 0.5 else of_words)(answer)(random, wording)


def repeating(random: Random) -> list[int] | list[str]:
    """Return items of which some come more than once."""
    few = random.sample(WORDS, 3) if random.random() < 0.5 else random.sample(range(1, 60), 4)
    return [random.choice(few) for _ in range(random.randint(4, 10))]


def make_unique(random: Random, _: str) -> Made:
    """Items of which some are repeated."""
    xs, kept = repeating(random), []
    for item in xs:
        kept += [item] if item not in kept else []
    return {"xs": told(random, xs)}, str(kept)


def make_count(random: Random, wording: str) -> Made:
    """Items, and one of them or, now and then, one that is not there."""
    xs = repeating(random)
    while wording.startswith("How many {x} are") and isinstance(xs[0], str):  # "how many fig are" is no English
        xs = repeating(random)
    x = random.choice(xs) if random.random() < 0.9 else type(xs[0])("77")
    return {"xs": told(random, xs), "x": repr(x) if random.random() < 0.3 else str(x)}, str(
        len([item for item in xs if item == x])
    )


def make_beyond(is_above: bool):
    """Return a maker of questions about how many lie on one side of a limit."""

    def make(random: Random, _: str) -> Made:
        xs = integers(random)
        n = random.randint(min(xs), max(xs))
        count = len([x for x in xs if (x > n if is_above else x < n)])
        return {"xs": told(random, xs), "n": str(n)}, str(count)

    return make


def make_nth(random: Random, _: str) -> Made:
    """Items and a place."""
    xs = words(random, 4) if random.random() < 0.5 else integers(random, 4)
    n = random.randint(2, min(len(xs), 7))
    nth = NTH[n] if random.random() < 0.6 else ordinal(n)
    return {"xs": told(random, xs), "nth": nth, "n": str(n)}, str(xs[n - 1])


def make_second(random: Random, _: str) -> Made:
    """Different numbers."""
    xs = random.sample(range(1, random.choice((50, 100, 1000))), random.randint(3, 10))
    best = max(xs)
    return {"xs": told(random, xs)}, str(max(x for x in xs if x != best))


def make_join(random: Random, _: str) -> Made:
    """Words and what stands between them."""
    xs, sign = words(random, 2, 7), random.choice(list(SEPARATORS))
    joined = xs[0]
    for word in xs[1:]:
        joined += sign + word
    return {"xs": told(random, xs), "sep": random.choice(SEPARATORS[sign])}, joined


def make_extreme(is_longest: bool):
    """Return a maker of questions about the one word that is longer, or shorter, than the others."""

    def make(random: Random, _: str) -> Made:
        while True:
            xs = words(random, 3, 8)
            row = sorted(xs, key=len, reverse=is_longest)
            if len(row[0]) != len(row[1]):
                return {"xs": told(random, xs)}, row[0]

    return make


MAKERS = {
    "sort": of_numbers(sorted),
    "sort-words": of_words(sorted),
    "descending": of_numbers(lambda xs: sorted(xs, key=lambda x: -x)),
    "reverse": of_both(lambda xs: list(reversed(xs))),
    "unique": make_unique,
    "count-item": make_count,
    "greater": make_beyond(is_above=True),
    "less": make_beyond(is_above=False),
    "even": of_numbers(lambda xs: len([x for x in xs if x % 2 == 0])),
    "odd": of_numbers(lambda xs: len([x for x in xs if x % 2])),
    "first": of_both(lambda xs: xs[0]),
    "last": of_both(lambda xs: xs[len(xs) - 1]),
    "nth": make_nth,
    "second-largest": make_second,
    "join": make_join,
    "longest": make_extreme(is_longest=True),
    "shortest": make_extreme(is_longest=False),
}
OPERATIONS = tuple(Operation("lists", name, WORDINGS[name], make) for name, make in MAKERS.items())
