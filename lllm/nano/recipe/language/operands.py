"""Numbers as operands: how large, how exact, how written; and the wish for a number of decimals."""

from __future__ import annotations

from random import Random

from lllm.nano.recipe.language.wording import fill, keep, to_number

NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)

# Where {n} stands, a number of decimals goes ("2 decimals", "one decimal place").
_ROUNDED = (
    "(rounded|round it|) to {n}",
    "(rounded|rounding) to {n}",
    "with {n}",
    "accurate to {n}",
    "correct to {n}",
    "up to {n}",
)
_ROUND_FIRST = (
    "(to|with|rounded to|correct to|accurate to) {n}",
    "rounding to {n}",
)
_ROUND_THEN = (
    "(please|) round (it|the result|the answer|your answer|) to {n}.",
    "round to {n}(, please|, thanks|).",
    "(I need|give me|keep|use|show|just) {n}.",
    "{n} (please|will do|needed).",
    "(the answer|the result|it|that) (should be|must be|is to be) rounded to {n}.",
    "(the answer|the result) (should have|must have|needs) {n}.",
    "(write|report|return|print|state) (it|the result|the answer) (with|to) {n}.",
)
_DECIMALS = (
    "{k} decimals",
    "{k} decimals",
    "{k} decimal places",
    "{k} decimal places",
    "{k} places",
    "{k} digits after the (decimal|) point",
    "{k} d.p.",
    "{k}dp",
)
_ONE_DECIMAL = ("{k} decimal", "{k} decimal place", "{k} digit after the point", "{k} d.p.", "{k}dp")


def draw_whole(random: Random, most_digits: int = 6) -> str:
    """Return a whole number of 1 to ``most_digits`` digits: mostly two, sometimes a round one."""
    digits = random.choices(range(1, most_digits + 1), (20, 36, 20, 11, 8, 5)[:most_digits])[0]
    number = random.randrange(0 if digits == 1 else 10 ** (digits - 1), 10**digits)
    if digits > 1 and random.random() < 0.2:
        step = 10 if digits == 2 or random.random() < 0.4 else 100
        number = number // step * step
    return str(number)


def draw_decimal(random: Random, most_digits: int = 4, most_places: int = 3) -> str:
    """Return a number with 1 to ``most_places`` places behind the point."""
    places = random.choices(range(1, most_places + 1), (50, 38, 12)[:most_places])[0]
    return f"{draw_whole(random, most_digits)}.{random.randrange(10**places):0{places}d}"


def draw_number(random: Random, most_digits: int = 6) -> str:
    """Return a number as code: whole, with decimals (1 in 5), negative now and then."""
    number = draw_decimal(random, min(most_digits, 4)) if random.random() < 0.2 else draw_whole(random, most_digits)
    return "-" + number if random.random() < 0.05 and float(number) else number


def to_operand(random: Random, code: str) -> str:
    """Return how ``code`` stands in a question; a small number is a word now and then."""
    if code.isdecimal() and int(code) < len(NUMBER_WORDS) and random.random() < 0.07:
        return keep(NUMBER_WORDS[int(code)])
    return to_number(random, code)[0]


def with_rounding(random: Random, sentence: str) -> tuple[str, int]:
    """Return an undressed ``sentence`` that also asks for a number of decimals, and that number (1 to 4)."""
    places = random.choices((1, 2, 3, 4), (26, 46, 20, 8))[0]
    decimals = _to_decimals(random, places)
    shape = random.random()
    if shape < 0.55:
        end = sentence[-1] if sentence[-1] in "?.!" else ""
        addition = random.choice((" ", ", ")) + _put(random, _ROUNDED, decimals)
        return sentence.removesuffix(end) + addition + end, places
    if shape < 0.75:
        return f"{_put(random, _ROUND_FIRST, decimals)}{random.choice((', ', ': '))}{sentence}", places
    end = "" if sentence[-1] in "?.!:" else "."
    return f"{sentence}{end} {_put(random, _ROUND_THEN, decimals)}", places


def _to_decimals(random: Random, places: int) -> str:
    said = random.choice((str(places), str(places), NUMBER_WORDS[places]))
    patterns = _ONE_DECIMAL if places == 1 else _DECIMALS
    return fill(random, random.choice(patterns[:-2] if said.isalpha() else patterns), k=said)


def _put(random: Random, patterns: tuple[str, ...], decimals: str) -> str:
    return fill(random, random.choice(patterns), n="\0").replace(keep("\0"), decimals)
