"""Questions of arithmetic: an expression in signs or words, one operation by its name, two in a row, small problems.

The code is ``print(<expression>)``; it is rounded to 4 places where a division, a root or a percentage is in it, and to
as many as the question asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from lllm.nano.recipe.language.operands import draw_decimal, draw_number, draw_whole, to_operand, with_rounding
from lllm.nano.recipe.language.tables import load_table, load_ways, to_ways
from lllm.nano.recipe.language.wording import Ways, ask, bare, dress, fill, keep, to_listed, to_number
from lllm.nano.recipe.tasks import more_ways_of_arithmetic as more
from lllm.nano.recipe.tasks.task import Make, Task

_WAYS = load_ways("tasks/ways/arithmetic.yaml")
_TWO_STEPS = [(row["code"], to_ways(row["ways"])) for row in load_table("tasks/ways/two_steps.yaml")]
_Draw = Callable[[Random], dict[str, str]]
_SIGNS = {"+": ("+",), "-": ("-", "-", "-", "\u2212"), "*": ("*", "*", "x", "\u00d7"), "/": ("/", "/", "\u00f7")}
_WORDS = {
    "+": "plus",
    "-": "(minus|minus|minus|less|take away)",
    "*": "(times|times|times|multiplied by)",
    "/": "(divided by|divided by|over)",
}
_PERCENT_SIGNS = ("{p}%", "{p}%", "{p} %", "{p} percent", "{p} percent", "{p} per cent", "{p} pct")
_MONEY = (
    "{x}",
    "{x}",
    "{x}",
    "${x}",
    "${x}",
    "\u00a3{x}",
    "\u20ac{x}",
    "{x} dollars",
    "{x} euros",
    "{x} pounds",
    "{x} \u20ac",
)


def build_task(random: Random) -> Task:
    """Return a task of arithmetic."""
    return random.choices(_MAKERS, _WEIGHTS)[0](random)


def _finish(random: Random, family: str, sentence: str, expression: str) -> Task:
    """Return the task for an undressed ``sentence``; some ask for a number of decimals."""
    places = 4 if "/" in expression or "." in expression else None
    if places and random.random() < 0.12:
        sentence, places = with_rounding(random, sentence)
    code = f"print({expression})" if places is None else f"print(round({expression}, {places}))"
    return Task("arithmetic", family, dress(random, sentence), code)


def _make_named(family: str, ways: Ways, code: str, draw: _Draw, random: Random) -> Task:
    """Make a task of one operation by its name; ``draw`` gives the numbers for the slots of ``ways`` and ``code``."""
    numbers = draw(random)
    texts = {slot: to_operand(random, number) for slot, number in numbers.items()}
    return _finish(random, family, ask(random, ways, **texts), code.format_map(numbers))


def _make_two_steps(random: Random) -> Task:
    code, ways = random.choice(_TWO_STEPS)
    return _make_named("two-steps", ways, code, _draw_three, random)


def _make_percent(random: Random) -> Task:
    share = random.choice((str(random.randrange(1, 100)), str(random.randrange(5, 100, 5)), draw_decimal(random, 2, 2)))
    number = _draw_positive(random)
    texts = {"p": fill(random, random.choice(_PERCENT_SIGNS), p=share), "a": to_number(random, number)[0]}
    return _finish(random, "percent", ask(random, _WAYS["percent"], **texts), f"{share} / 100 * {number}")


def _make_root(random: Random) -> Task:
    number = str(random.randrange(2, 120) ** 2) if random.random() < 0.5 else _draw_positive(random)
    sentence = ask(random, _WAYS["root"], a=to_operand(random, number))
    return _finish(random, "root", sentence, f"{number} ** 0.5")


def _make_product(random: Random) -> Task:
    numbers = [draw_number(random, 3) for _ in range(random.randrange(3, 6))]
    listed = to_listed(random, [to_number(random, number)[0] for number in numbers])
    return _finish(random, "product-of-many", ask(random, _WAYS["product"], l=listed), " * ".join(numbers))


def _make_price(random: Random) -> Task:
    """Make a price times a number, in the order of the question."""
    price = draw_decimal(random, 3, 2) if random.random() < 0.5 else draw_whole(random, 4)
    if random.random() < 0.3:
        price = f"{price.partition('.')[0]}.{random.choice(('50', '99', '25', '75', '95', '49', '5'))}"
    return _make_ordered(random, "price", more.PRICE, {"p": price, "n": str(random.randrange(2, 60))})


def _make_groups(random: Random) -> Task:
    numbers = {"a": str(random.randrange(2, 400)), "b": str(random.randrange(2, 60))}
    return _make_ordered(random, "groups", more.GROUPS, numbers)


def _make_ordered(random: Random, family: str, ways: Ways, numbers: dict[str, str]) -> Task:
    texts = {slot: to_operand(random, number) for slot, number in numbers.items()}
    if "p" in texts:
        texts["p"] = _to_money(random, texts["p"])
    sentence = ask(random, ways, **texts)
    placed = sorted(numbers, key=lambda slot: sentence.index(keep(texts[slot])))
    return _finish(random, family, sentence, " * ".join(numbers[slot] for slot in placed))


def _make_left_or_share(family: str, ways: Ways, code: str, random: Random) -> Task:
    numbers = (
        _draw_left(random) if family == "left" else {"a": _draw_positive(random), "b": str(random.randrange(2, 25))}
    )
    texts = {slot: to_operand(random, number) for slot, number in numbers.items()}
    money = random.choice(_MONEY)
    texts |= {name: keep(money.replace("{x}", bare(texts[slot]))) for name, slot in (("m", "a"), ("k", "b"))}
    return _finish(random, family, ask(random, ways, **texts), code.format_map(numbers))


def _to_money(random: Random, text: str) -> str:
    return keep(random.choice(_MONEY).replace("{x}", bare(text)))


def _make_in_signs(random: Random) -> Task:
    """Make an expression of two to six operands, perhaps with one pair of parentheses."""
    numbers, signs, pair = _draw_chain(random, (46, 28, 14, 7, 5), has_pair=True)
    texts = [_to_sign_operand(random, number, at) for at, number in enumerate(numbers)]
    if pair is not None:
        for words in (numbers, texts):
            words[pair], words[pair + 1] = "(" + words[pair], words[pair + 1] + ")"
    style = {sign: random.choice(shown) for sign, shown in _SIGNS.items()}
    blank = random.choice((" ", " ", " ", ""))
    text = texts[0] + "".join(f"{blank}{style[sign]}{blank}{each}" for sign, each in zip(signs, texts[1:], strict=True))
    return _finish(random, "in-signs", ask(random, _WAYS["expression"], e=text), _to_code(numbers, signs))


def _make_in_words(random: Random) -> Task:
    """Make a chain in words, "3 plus 4 times 2"."""
    numbers, signs, _ = _draw_chain(random, (46, 38, 16), has_pair=False)
    texts = [to_operand(random, number) for number in numbers]
    words = [fill(random, _WORDS[sign]) for sign in signs]
    text = texts[0] + "".join(f" {word} {each}" for word, each in zip(words, texts[1:], strict=True))
    sentence = ask(random, _WAYS["expression"], e="\0").replace(keep("\0"), text)
    return _finish(random, "in-words", sentence, _to_code(numbers, signs))


def _to_code(numbers: list[str], signs: list[str]) -> str:
    return numbers[0] + "".join(f" {sign} {number}" for sign, number in zip(signs, numbers[1:], strict=True))


def _to_sign_operand(random: Random, number: str, at: int) -> str:
    if number.startswith("-"):
        return f"({number})" if at and random.random() < 0.4 else number
    return bare(to_number(random, number)[0])


def _draw_chain(random: Random, sizes: tuple[int, ...], *, has_pair: bool) -> tuple[list[str], list[str], int | None]:
    """Return operands, the signs between them, and where a pair in parentheses begins; nothing is divided by zero."""
    count = random.choices(range(2, 2 + len(sizes)), sizes)[0]
    digits = 6 if count == 2 else 4 if count == 3 else 3
    numbers = [draw_number(random, digits)]
    signs = random.choices("+-*/", (32, 27, 24, 17), k=count - 1)
    numbers += [_draw_divisor(random, digits) if sign == "/" else draw_number(random, digits) for sign in signs]
    if not has_pair or count == 2 or random.random() > 0.4:
        return numbers, signs, None
    pair = random.randrange(count - 1)
    is_divisor = pair > 0 and signs[pair - 1] == "/"
    if is_divisor and _is_zero(signs[pair], float(numbers[pair]), float(numbers[pair + 1])):
        return numbers, signs, None
    return numbers, signs, pair


def _is_zero(sign: str, first: float, second: float) -> bool:
    return first == {"+": -second, "-": second}.get(sign, 0) or (sign == "*" and not second)


def _draw_divisor(random: Random, digits: int = 3) -> str:
    number = draw_number(random, digits)
    return number if float(number) else "4"


def _draw_positive(random: Random) -> str:
    return draw_number(random).lstrip("-")


def _draw_one(random: Random) -> dict[str, str]:
    return {"a": _draw_positive(random)}


def _draw_two(random: Random) -> dict[str, str]:
    return {"a": draw_number(random), "b": draw_number(random)}


def _draw_division(random: Random) -> dict[str, str]:
    divisor = _draw_divisor(random)
    if random.random() < 0.3 and divisor.isdecimal():  # a division without a rest
        return {"a": str(int(divisor) * random.randrange(2, 100)), "b": divisor}
    return {"a": draw_number(random), "b": divisor}


def _draw_three(random: Random) -> dict[str, str]:
    numbers = {slot: draw_number(random, 3) for slot in "abc"}
    return {slot: number if float(number) else "6" for slot, number in numbers.items()}


def _draw_small(random: Random) -> dict[str, str]:
    return {"a": draw_decimal(random, 2, 2) if random.random() < 0.15 else draw_whole(random, 3)}


def _draw_power(random: Random) -> dict[str, str]:
    base = str(random.randrange(2, 30)) if random.random() < 0.85 else draw_decimal(random, 1, 1)
    return {"a": base, "b": str(random.randrange(2, 11))}


def _draw_whole_division(random: Random) -> dict[str, str]:
    return {"a": draw_whole(random), "b": str(random.randrange(2, random.choice((13, 60, 400))))}


def _draw_left(random: Random) -> dict[str, str]:
    first, second = _draw_positive(random), _draw_positive(random)
    return {"a": first, "b": second} if float(first) >= float(second) else {"a": second, "b": first}


_Named = tuple[str, float, Ways, str, _Draw]
_NAMED: tuple[_Named, ...] = (
    ("sum-in-words", 7, _WAYS["add"], "{a} + {b}", _draw_two),
    ("difference-in-words", 5, _WAYS["minus"], "{a} - {b}", _draw_two),
    ("subtract-from", 4, _WAYS["subtract_from"], "{b} - {a}", _draw_two),
    ("product-in-words", 7, _WAYS["times"], "{a} * {b}", _draw_two),
    ("quotient-in-words", 7, _WAYS["divide"], "{a} / {b}", _draw_division),
    ("goes-into", 2, _WAYS["goes_into"], "{a} / {b}", _draw_division),
    ("square", 4, _WAYS["square"], "{a} ** 2", _draw_small),
    ("cube", 3, _WAYS["cube"], "{a} ** 3", _draw_small),
    ("power", 4, _WAYS["power"], "{a} ** {b}", _draw_power),
    ("remainder", 5, _WAYS["remainder"], "{a} % {b}", _draw_whole_division),
    ("half", 2, more.build_part_ways(more.HALF), "{a} / 2", _draw_one),
    ("third", 2, more.build_part_ways(more.THIRD), "{a} / 3", _draw_one),
    ("quarter", 2, more.build_part_ways(more.QUARTER), "{a} / 4", _draw_one),
    ("double", 2, more.build_part_ways(more.DOUBLE, is_multiple=True), "{a} * 2", _draw_one),
    ("triple", 2, more.build_part_ways(more.TRIPLE, is_multiple=True), "{a} * 3", _draw_one),
)
FAMILIES: tuple[tuple[str, float, Make], ...] = (
    ("in-signs", 14, _make_in_signs),
    ("in-words", 8, _make_in_words),
    *((family, weight, partial(_make_named, family, ways, code, draw)) for family, weight, ways, code, draw in _NAMED),
    ("two-steps", 7, _make_two_steps),
    ("percent", 7, _make_percent),
    ("root", 5, _make_root),
    ("product-of-many", 2, _make_product),
    ("price", 5, _make_price),
    ("groups", 2, _make_groups),
    ("left", 5, partial(_make_left_or_share, "left", more.LEFT, "{a} - {b}")),
    ("share", 5, partial(_make_left_or_share, "share", more.SHARE, "{a} / {b}")),
)
_MAKERS = tuple(make for _, _, make in FAMILIES)
_WEIGHTS = tuple(weight for _, weight, _ in FAMILIES)
