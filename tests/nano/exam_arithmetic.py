"""The exam's questions about arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

from exam_operands import Made, Number, Operation, positive, signed, to_text, whole


def evaluate(values: list[Fraction], signs: list[str]) -> Fraction:
    """Return the value of a row of numbers with signs between them: products first, then sums."""
    terms = [values[0]]
    for sign, value in zip(signs, values[1:], strict=True):
        if sign in "*/":
            terms[-1] = terms[-1] * value if sign == "*" else terms[-1] / value
        else:
            terms.append(value if sign == "+" else -value)
    return sum(terms, Fraction(0))


def make_row(random: Random, operands: list[Number], pair: int | None) -> Made:
    """Return a row of numbers with signs between them, where ``pair`` says with parentheses from that place on."""
    signs = [random.choice("++--**/") for _ in operands[1:]]
    look = {
        "+": "+",
        "-": "-",
        "*": random.choice("***x\N{MULTIPLICATION SIGN}"),
        "/": random.choice("//\N{DIVISION SIGN}"),
    }
    texts, values, kept = [each.text for each in operands], [each.value for each in operands], list(signs)
    if pair is not None:
        values[pair : pair + 2] = [evaluate(values[pair : pair + 2], [kept.pop(pair)])]
        texts[pair], texts[pair + 1] = f"({texts[pair]}", f"{texts[pair + 1]})"
    blank = random.choice((" ", " ", " ", "")) if look["*"] != "x" else " "
    row = texts[0] + "".join(f"{blank}{look[s]}{blank}{text}" for s, text in zip(signs, texts[1:], strict=True))
    return {"e": row}, to_text(evaluate(values, kept))


def make_two(random: Random, _: str) -> Made:
    """Two numbers with a sign between them."""
    return make_row(random, [signed(random), positive(random)], None)


def make_long(random: Random, _: str) -> Made:
    """Three to six numbers."""
    return make_row(random, [signed(random)] + [positive(random) for _ in range(random.choice((2, 2, 3, 4, 5)))], None)


def make_nested(random: Random, _: str) -> Made:
    """Three to five numbers, two of them in parentheses that do not come to nothing."""
    operands = [positive(random) for _ in range(random.choice((3, 3, 4, 5)))]
    pair = random.randrange(len(operands) - 1)
    while operands[pair].value == operands[pair + 1].value:
        operands[pair] = positive(random)
    return make_row(random, operands, pair)


def make_sum(random: Random, _: str) -> Made:
    """Two numbers."""
    a, b = signed(random), positive(random)
    return {"a": a.text, "b": b.text}, to_text(a.value + b.value)


def make_difference(random: Random, wording: str) -> Made:
    """Two numbers, the larger one first in most, and always where a difference is asked for."""
    a, b = positive(random), positive(random)
    if a.value < b.value and ("difference" in wording or random.random() < 0.8):
        a, b = b, a
    return {"a": a.text, "b": b.text}, to_text(a.value - b.value)


def make_product(random: Random, _: str) -> Made:
    """Two numbers."""
    a, b = positive(random), positive(random)
    return {"a": a.text, "b": b.text}, to_text(a.value * b.value)


def make_quotient(random: Random, _: str) -> Made:
    """Two numbers."""
    a, b = positive(random), whole(random, 2, 99)
    return {"a": a.text, "b": b.text}, to_text(a.value / b.value)


def make_rounded(random: Random, _: str) -> Made:
    """A quotient, and a number of places."""
    a, b, places = whole(random, 2, 9999), whole(random, 3, 99), random.randint(1, 3)
    return {"a": a.text, "b": b.text, "n": str(places)}, repr(round(int(a.value) / int(b.value), places))


def make_chain(random: Random, wording: str) -> Made:
    """Three numbers in words."""
    a, b, c = positive(random), whole(random, 2, 99), positive(random)
    both = {"+-": a.value + b.value - c.value, "--": a.value - b.value - c.value, "++": a.value + b.value + c.value}
    both |= {"*+": a.value * b.value + c.value, "*-": a.value * b.value - c.value}
    shape = "".join(
        sign
        for word in wording.replace("?", "").replace(",", "").split()
        if (sign := {"plus": "+", "minus": "-", "times": "*", "add": "+", "subtract": "-"}.get(word))
    )
    return {"a": a.text, "b": b.text, "c": c.text}, to_text(both[shape])


def make_square(random: Random, _: str) -> Made:
    """A number."""
    text = f"{random.randint(1, 40)}.{random.randint(1, 9)}"
    a = whole(random, 2, 999) if random.random() < 0.8 else Number(text, Fraction(text))
    return {"a": a.text}, to_text(a.value**2)


def make_cube(random: Random, _: str) -> Made:
    """A number."""
    a = whole(random, 2, 99)
    return {"a": a.text}, to_text(a.value**3)


def make_power(random: Random, _: str) -> Made:
    """A base and a power."""
    a, b = whole(random, 2, 15), random.randint(2, 9)
    return {"a": a.text, "b": str(b)}, to_text(a.value**b)


def make_root(random: Random, _: str) -> Made:
    """A number, a square in half of the questions."""
    a = random.randint(2, 99) ** 2 if random.random() < 0.5 else random.randint(2, 9999)
    return {"a": str(a)}, repr(round(math.sqrt(a), 4))


def make_percent(random: Random, _: str) -> Made:
    """A rate and a number."""
    p = random.choice((str(random.randint(1, 99)), str(random.randint(1, 99)), "12.5", "7.5", "0.5"))
    n = positive(random)
    return {"p": p, "n": n.text}, to_text(Fraction(p) / 100 * n.value)


def make_remainder(random: Random, _: str) -> Made:
    """A number and a smaller one."""
    a, b = whole(random, 20, 99999), whole(random, 2, 60)
    return {"a": a.text, "b": b.text}, to_text(a.value - b.value * (a.value // b.value))


def make_scaled(factor: Fraction):
    """Return a maker of questions about a fixed part or multiple of a number."""

    def make(random: Random, _: str) -> Made:
        a = positive(random)
        return {"a": a.text}, to_text(a.value * factor)

    return make


def make_price(random: Random, _: str) -> Made:
    """A price of one, and how many."""
    price = Number(text := f"{random.randint(1, 89)}.{random.randint(5, 99):02d}", Fraction(text))
    price = whole(random, 2, 120) if random.random() < 0.4 else price
    count = random.randint(2, 48)
    return {"a": price.text, "b": str(count)}, to_text(price.value * count)


def make_left(random: Random, _: str) -> Made:
    """A total and what is gone of it."""
    total = whole(random, 50, 5000)
    spent = whole(random, 5, int(total.value) - 1)
    return {"a": total.text, "b": spent.text}, to_text(total.value - spent.value)


def make_shared(random: Random, _: str) -> Made:
    """A total and how many share it."""
    total, count = whole(random, 12, 2400), random.randint(3, 16)
    return {"a": total.text, "b": str(count)}, to_text(total.value / count)


WORDINGS = {
    "two": (
        "{e}",
        "What is {e}?",
        "Could you work out {e} for me?",
        "{e} equals what?",
        "Evaluate {e}.",
        "calc {e}",
        "I'd like the value of {e}",
        "how much does {e} come to",
        "Result of {e}, please.",
        "My calculator is broken, what does {e} give?",
        "Solve: {e}",
        "what do you get for {e}",
    ),
    "sum": (
        "What is {a} plus {b}?",
        "Give me the sum of {a} and {b}.",
        "add {a} and {b}",
        "If I add {b} to {a}, what do I have?",
        "How much is {a} and {b} together?",
        "{a} plus {b}",
        "Please add up {a} and {b}",
        "what's the total when you put {a} and {b} together",
        "Sum of {a} and {b}?",
        "Can you tell me what {a} plus {b} makes?",
    ),
    "difference": (
        "What is {a} minus {b}?",
        "Subtract {b} from {a}.",
        "take {b} away from {a}",
        "{a} minus {b}",
        "What's left if you subtract {b} from {a}?",
        "Compute the difference between {a} and {b}",
        "difference between {a} and {b}?",
        "I have {a} minus {b} here, what does it come to?",
    ),
    "product": (
        "What is {a} times {b}?",
        "Multiply {a} by {b}.",
        "product of {a} and {b}",
        "{a} times {b} is how much?",
        "Find the product of {a} and {b}",
        "what do I get when I multiply {a} by {b}",
        "{a} multiplied by {b}",
        "Could you multiply {a} and {b}?",
    ),
    "quotient": (
        "What is {a} divided by {b}?",
        "Divide {a} by {b}.",
        "{a} divided by {b}",
        "quotient of {a} and {b}",
        "How much is {a} divided by {b}, please?",
        "If you divide {a} by {b}, what comes out?",
        "i need to divide {a} by {b}",
        "Calculate {a} divided by {b}",
    ),
    "rounded": (
        "What is {a} / {b} to {n} decimals?",
        "Divide {a} by {b} and round to {n} decimal places.",
        "{a} divided by {b}, rounded to {n} decimals",
        "Give {a} / {b} with {n} decimal places.",
        "Round {a} / {b} to {n} decimals",
        "I need {a} divided by {b} to {n} decimal places",
    ),
    "chain": (
        "What is {a} plus {b} minus {c}?",
        "How much is {a} times {b} plus {c}?",
        "{a} minus {b} minus {c}",
        "{a} plus {b} plus {c}, what is it",
        "work out {a} times {b} minus {c}",
        "Tell me what {a} minus {b} minus {c} is.",
        "Take {a} plus {b}, then subtract {c}.",
        "what's {a} times {b} plus {c}",
    ),
    "square": (
        "What is {a} squared?",
        "{a} squared",
        "Square the number {a}.",
        "What's the square of {a}?",
        "compute the square of {a}",
        "If I square {a} what do I get?",
    ),
    "cube": (
        "What is {a} cubed?",
        "{a} cubed is",
        "Cube {a}, please.",
        "the cube of {a}?",
        "How much is {a} cubed",
        "Can you cube the number {a}?",
    ),
    "power": (
        "What is {a} to the power of {b}?",
        "{a} to the power of {b}",
        "Raise {a} to the power {b}.",
        "Compute {a} raised to the power of {b}",
        "how big is {a} to the power of {b}",
        "{a} to the power {b}, what number is that?",
    ),
    "root": (
        "What is the square root of {a}?",
        "square root of {a}",
        "Find the square root of {a}.",
        "sqrt of {a}?",
        "I need to know the square root of {a}",
        "Take the square root of {a}, please",
    ),
    "percent": (
        "What is {p}% of {n}?",
        "How much is {p} percent of {n}?",
        "{p}% of {n}",
        "Calculate {p} percent of {n}.",
        "if i take {p}% of {n} how much is it",
        "I want to know what {p} percent of {n} is",
        "The bill is {n}. How much is {p}% of it?",
        "Work out {p}% of {n} please",
    ),
    "remainder": (
        "What is the remainder of {a} divided by {b}?",
        "{a} mod {b}",
        "{a} modulo {b}?",
        "What remains when {a} is divided by {b}?",
        "Find the remainder when you divide {a} by {b}.",
        "remainder of {a} / {b}",
        "If {a} is divided by {b}, what is the remainder?",
        "Compute {a} modulo {b}",
    ),
    "half": (
        "What is half of {a}?",
        "half of {a}",
        "Halve {a}.",
        "How much is half of {a}?",
        "tell me one half of {a}",
        "What do I get if I cut {a} in half?",
    ),
    "double": (
        "What is double {a}?",
        "Double {a}.",
        "the double of {a}?",
        "What's twice {a}?",
        "How much is {a} doubled",
        "please double the number {a}",
    ),
    "triple": (
        "What is triple {a}?",
        "Triple {a}.",
        "how much is {a} tripled",
        "What's the triple of {a}?",
        "triple the number {a} for me",
        "If you triple {a}, what is the result?",
    ),
    "quarter": (
        "What is a quarter of {a}?",
        "a quarter of {a}",
        "How much is one quarter of {a}?",
        "Give me a quarter of {a}.",
        "compute a quarter of {a}",
        "what would a quarter of {a} be",
    ),
    "third": (
        "What is a third of {a}?",
        "one third of {a}",
        "How much is a third of {a}?",
        "Calculate a third of {a}.",
        "what's a third of {a}",
        "I need one third of {a}, please",
    ),
    "price": (
        "One notebook costs {a} euros. What do {b} notebooks cost?",
        "Tickets are {a} dollars each. How much for {b} tickets?",
        "How much do {b} mugs cost at {a} each?",
        "A sandwich is ${a}. I buy {b} of them. What do I pay?",
        "If a chair costs {a}, how much are {b} chairs?",
        "I need {b} bags of soil at {a} pounds per bag, what is the total price?",
        "{b} pens, {a} each. total?",
        "Each plant costs {a}; what will {b} plants cost in total?",
    ),
    "left": (
        "I had {a} dollars and spent {b}. How much is left?",
        "Anna has {a} euros and spends {b} of them. How much does she have left?",
        "My budget is {a} and {b} is already spent. What remains?",
        "From {a} coins I gave away {b}. How many do I still have?",
        "had {a}, spent {b}, how much left",
        "We started with {a} litres of water and used {b}. How many litres remain?",
    ),
    "shared": (
        "{a} euros are shared equally among {b} people. How much does each get?",
        "Split {a} dollars equally between {b} friends. What is each share?",
        "If {b} kids share {a} sweets equally, how many does each kid get?",
        "We are {b} people and the bill is {a}. What does each of us pay if we split it evenly?",
        "divide {a} coins equally among {b} pirates, how many per pirate",
        "A prize of {a} is divided evenly among {b} winners. How much for each winner?",
    ),
}
WORDINGS |= {"long": WORDINGS["two"], "parentheses": WORDINGS["two"]}
MAKERS = {
    "two": make_two,
    "long": make_long,
    "parentheses": make_nested,
    "sum": make_sum,
    "difference": make_difference,
    "product": make_product,
    "quotient": make_quotient,
    "rounded": make_rounded,
    "chain": make_chain,
    "square": make_square,
    "cube": make_cube,
    "power": make_power,
    "root": make_root,
    "percent": make_percent,
    "remainder": make_remainder,
    "half": make_scaled(Fraction(1, 2)),
    "double": make_scaled(Fraction(2)),
    "triple": make_scaled(Fraction(3)),
    "quarter": make_scaled(Fraction(1, 4)),
    "third": make_scaled(Fraction(1, 3)),
    "price": make_price,
    "left": make_left,
    "shared": make_shared,
}
OPERATIONS = tuple(Operation("arithmetic", name, WORDINGS[name], make) for name, make in MAKERS.items())
