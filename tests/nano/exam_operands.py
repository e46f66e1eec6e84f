"""What an exam's questions are about: numbers, lists, words and dates, written as different people write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import NamedTuple

Fields = dict[str, str]
Made = tuple[Fields, str]


class Operation(NamedTuple):
    """Something that can be asked, and ways to ask it.

    Attributes:
        kind: such as ``arithmetic``.
        name: such as ``percent``.
        wordings: those at even places belong to the tuning part, the others to the final one.
        make: takes chance and a wording; returns the wording's fields, and the expected answer.
    """

    kind: str
    name: str
    wordings: tuple[str, ...]
    make: Callable[[Random, str], Made]


class Number(NamedTuple):
    """A number as it is written, and its value."""

    text: str
    value: Fraction


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WORDS = [
    "apple",
    "river",
    "stone",
    "planet",
    "garden",
    "window",
    "bridge",
    "copper",
    "thunder",
    "pencil",
    "orange",
    "silver",
    "monkey",
    "castle",
    "forest",
    "harbor",
    "velvet",
    "rocket",
    "candle",
    "mirror",
    "tiger",
    "butter",
    "island",
    "pepper",
    "winter",
    "summer",
    "guitar",
    "jacket",
    "kettle",
    "ladder",
    "magnet",
    "needle",
    "oyster",
    "pillow",
    "quartz",
    "ribbon",
    "saddle",
    "turnip",
    "umbrella",
    "violin",
    "walnut",
    "yogurt",
    "zebra",
    "blanket",
    "cactus",
    "dolphin",
    "elbow",
    "feather",
    "giraffe",
    "hammock",
    "igloo",
    "jungle",
    "kiwi",
    "lemon",
    "mango",
    "nest",
    "owl",
    "pear",
    "quilt",
    "rain",
    "salt",
    "tea",
    "vine",
    "wolf",
    "yak",
    "bee",
    "cloud",
    "dust",
    "egg",
    "fig",
    "goat",
    "hat",
    "ink",
    "jar",
    "lime",
    "moss",
    "nut",
    "oak",
    "plum",
    "rose",
    "sand",
    "toad",
    "urn",
    "vase",
    "wheat",
]
LONG_WORDS = [
    "mississippi",
    "banana",
    "strawberry",
    "committee",
    "bookkeeper",
    "parallel",
    "successfully",
    "tomorrow",
    "accommodation",
    "possession",
    "raspberry",
    "assassin",
    "rhythm",
    "engineering",
    "tennessee",
    "woodpecker",
    "balloon",
    "chocolate",
    "pineapple",
    "refrigerator",
]
ODD_WORDS = ["café", "naïve", "señor", "déjà", "room_42b", "x-ray", "mp3player", "blue-green", "user_name", "r2d2x"]
PHRASES = [
    "the quick brown fox",
    "good morning",
    "a cup of tea",
    "rain in the afternoon",
    "open the door",
    "red green blue",
    "once upon a time",
    "see you later",
    "my old bicycle",
    "meet me at noon",
    "two birds one stone",
    "lost and found",
    "northern lights",
    "it's raining",
    "fresh bread daily",
    "paper plane",
    "mind the gap",
    "do not disturb",
]
_DIGITS = (1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 6)


def whole(random: Random, low: int, high: int) -> Number:
    """Return an integer, now and then with commas between thousands."""
    value = random.randint(low, high)
    text = f"{value:,}" if abs(value) >= 1000 and random.random() < 0.25 else str(value)
    return Number(text, Fraction(value))


def positive(random: Random) -> Number:
    """Return an integer of 1 to 6 digits, or a decimal."""
    if random.random() < 0.25:
        places = random.randint(1, 3)
        text = f"{random.randint(1, 999)}.{random.randint(1, 10**places - 1):0{places}d}"
        return Number(text, Fraction(text))
    digits = random.choice(_DIGITS)
    return whole(random, max(2, 10 ** (digits - 1)), 10**digits - 1)


def signed(random: Random) -> Number:
    """Return a number that is negative now and then."""
    number = positive(random)
    return Number(f"-{number.text}", -number.value) if random.random() < 0.07 else number


def to_text(value: Fraction) -> str:
    """Return a value as Python prints it: an integer, or a float of 4 places."""
    return str(value.numerator) if value.denominator == 1 else repr(round(float(value), 4))


def listed(random: Random, items: list[str], *, quoted: bool = False) -> str:
    """Return items as somebody writes a list."""
    style = random.choice(("commas", "commas", "and", "and", "brackets", "brackets", "blanks"))
    if style == "brackets":
        return "[" + ", ".join(f"'{item}'" if quoted else item for item in items) + "]"
    if style == "blanks" and len(items) > 2:
        return " ".join(items)
    if style == "and":
        return ", ".join(items[:-1]) + (", and " if len(items) > 2 and random.random() < 0.3 else " and ") + items[-1]
    return ", ".join(items)


def numbers(random: Random, low: int = 2, high: int = 12, *, decimals: bool = True) -> list[Number]:
    """Return a list's numbers."""
    count = random.randint(low, high)
    size = random.choice((9, 99, 99, 999, 9999))
    style = random.random()
    made = []
    for _ in range(count):
        if decimals and style < 0.25:
            text = f"{random.randint(0, min(size, 999))}.{random.randint(1, 99)}"
        else:
            text = str(random.randint(0 if size == 9 else 1, size))
        if style > 0.9 and text != "0" and random.random() < 0.4:
            text = f"-{text}"
        made.append(Number(text, Fraction(text)))
    return made


def words(random: Random, low: int = 2, high: int = 10) -> list[str]:
    """Return a list's words, all different."""
    return random.sample(WORDS, random.randint(low, high))


def quoted(random: Random, text: str) -> str:
    """Return a text in quotes."""
    before, after = random.choice(("''", '""', '""', "“”", "``") if "'" not in text else ('""', "“”"))
    return f"{before}{text}{after}"


def shown(random: Random, text: str) -> str:
    """Return a text in quotes, or a single word as it is."""
    return text if " " not in text and random.random() < 0.45 else quoted(random, text)


def one_word(random: Random) -> str:
    """Return one word in small letters."""
    return random.choice(WORDS if random.random() < 0.5 else LONG_WORDS)


def any_word(random: Random) -> str:
    """Return one word, now and then with signs, digits, accents, capitals, or one that is none."""
    chance = random.random()
    if chance < 0.6:
        return one_word(random)
    if chance < 0.72:
        return random.choice(ODD_WORDS)
    if chance < 0.85:
        return one_word(random).capitalize()
    return "".join(random.choice("abcdefghijklmnoprstuvwz") for _ in range(random.randint(4, 12)))


def some_text(random: Random) -> str:
    """Return a word or a short phrase."""
    return random.choice(PHRASES) if random.random() < 0.4 else any_word(random)


def some_day(random: Random) -> date:
    """Return a day of the years 1900 to 2099."""
    low, high = (1900, 2099) if random.random() < 0.4 else (1990, 2035)
    return date(low, 1, 1) + timedelta(days=random.randrange((date(high, 12, 31) - date(low, 1, 1)).days + 1))


def ordinal(number: int) -> str:
    """Return ``1st``, ``2nd``, ..."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def written_day(random: Random, day: date) -> str:
    """Return a day as somebody writes it."""
    month = MONTHS[day.month - 1]
    return random.choice(
        (
            day.isoformat(),
            day.isoformat(),
            f"{month} {day.day}, {day.year}",
            f"{month} {day.day}, {day.year}",
            f"{day.day} {month} {day.year}",
            f"{month[:3]} {day.day} {day.year}",
            f"{ordinal(day.day)} of {month} {day.year}",
        )
    )
