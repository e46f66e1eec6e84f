"""The exam's questions about units."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import NamedTuple

from exam_operands import Made, Operation, positive, to_text, whole


class Unit(NamedTuple):
    """A unit's names, and its size in the smallest one of its family.

    Attributes:
        plural: names for many.
        short: the usual abbreviation; empty where none is usual.
        size: in the family's base unit.
    """

    plural: tuple[str, ...]
    short: str
    size: Fraction


def unit(plural: str, short: str, size: str) -> Unit:
    """Return a unit; names are separated by ``|``."""
    return Unit(tuple(plural.split("|")), short, Fraction(size))


UNITS = {
    "km": unit("kilometers|kilometres", "km", "1000"),
    "m": unit("meters|metres", "m", "1"),
    "cm": unit("centimeters|centimetres", "cm", "0.01"),
    "mile": unit("miles", "mi", "1609.344"),
    "foot": unit("feet", "ft", "0.3048"),
    "inch": unit("inches", "in", "0.0254"),
    "kg": unit("kilograms|kilos", "kg", "1000"),
    "g": unit("grams", "g", "1"),
    "pound": unit("pounds", "lbs", "453.59237"),
    "ounce": unit("ounces", "oz", "28.349523125"),
    "litre": unit("liters|litres", "l", "1000"),
    "ml": unit("milliliters|millilitres", "ml", "1"),
    "gallon": unit("gallons|US gallons", "gal", "3785.411784"),
    "day": unit("days", "", "86400"),
    "hour": unit("hours", "h", "3600"),
    "minute": unit("minutes", "min", "60"),
    "second": unit("seconds", "s", "1"),
    "week": unit("weeks", "", "604800"),
}
PAIRS = ["km-mile", "m-foot", "cm-inch", "kg-pound", "g-ounce", "litre-gallon", "m-cm", "km-m", "kg-g", "litre-ml", "hour-minute", "minute-second", "day-hour", "week-day"]  # fmt: skip
GENERAL = (
    "How many {b} are {n} {a}?",
    "Convert {n} {a} to {b}.",
    "{n} {a} in {b}",
    "What is {n} {a} in {b}?",
    "{n} {a} to {b}",
    "How many {b} are there in {n} {a}?",
    "please change {n} {a} into {b}",
    "I have {n} {a}, what is that in {b}?",
    "{n} {a} is how many {b}?",
    "express {n} {a} in {b}",
    "Tell me how many {b} make {n} {a}.",
    "Could you convert {n} {a} into {b} for me?",
)
FAMILY = {
    "length": (
        "The sign says {n} {a}. How far is that in {b}?",
        "The line is {n} {a} long, how many {b} is that?",
        "How long is {n} {a} in {b}?",
        "A distance of {n} {a}, what would it be in {b}?",
    ),
    "weight": (
        "My parcel weighs {n} {a}. What is that in {b}?",
        "The recipe says {n} {a}, how much is it in {b}?",
        "How heavy is {n} {a} in {b}?",
        "A dog of {n} {a}: what does it weigh in {b}?",
    ),
    "volume": (
        "The tank holds {n} {a}. How many {b} is that?",
        "i need {n} {a} of water, whats that in {b}",
        "A bucket of {n} {a}, how many {b} fit in it?",
        "How much is {n} {a} of milk in {b}?",
    ),
    "time": (
        "The trip takes {n} {a}. How many {b} is that?",
        "We waited {n} {a}, what is that in {b}?",
        "How long is {n} {a} in {b}?",
        "A course lasts {n} {a}, how many {b} is it?",
    ),
}
TEMPERATURES = {
    "celsius": ("degrees Celsius", "°C", "celsius", "C"),
    "fahrenheit": ("degrees Fahrenheit", "°F", "fahrenheit", "F"),
    "kelvin": ("kelvin", "K", "Kelvin", "kelvin"),
}
WARMTH = (
    "Convert a temperature of {n} {a} to {b}.",
    "What is {n} {a} in {b}?",
    "{n} {a} in {b}",
    "How much is {n} {a} in {b}?",
    "The oven is at {n} {a}, what's that in {b}?",
    "It is {n} {a} outside. What is that in {b}?",
    "how hot is {n} {a} in {b}",
    "{n} {a} to {b}, please",
    "The thermometer shows {n} {a}. And in {b}?",
    "change {n} {a} into {b}",
)
_TO_KELVIN = {
    "celsius": lambda value: value + Fraction("273.15"),
    "fahrenheit": lambda value: (value + Fraction("459.67")) * Fraction(5, 9),
    "kelvin": lambda value: value,
}
_FROM_KELVIN = {
    "celsius": lambda value: value - Fraction("273.15"),
    "fahrenheit": lambda value: value * Fraction(9, 5) - Fraction("459.67"),
    "kelvin": lambda value: value,
}


def family_of(name: str) -> str:
    """Return what a unit measures."""
    families = {"length": "km m cm mile foot inch", "weight": "kg g pound ounce", "volume": "litre ml gallon"}
    return next((family for family, names in families.items() if name in names.split()), "time")


def make_conversion(a: str, b: str):
    """Return a maker of questions from one unit to another."""

    def make(random: Random, wording: str) -> Made:
        n = positive(random) if random.random() < 0.5 else whole(random, 2, 500)
        is_short = (
            bool(UNITS[a].short and UNITS[b].short) and "how many" not in wording.lower() and random.random() < 0.4
        )
        names = [UNITS[each].short if is_short else random.choice(UNITS[each].plural) for each in (a, b)]
        return {"n": n.text, "a": names[0], "b": names[1]}, to_text(n.value * UNITS[a].size / UNITS[b].size)

    return make


def make_temperature(a: str, b: str):
    """Return a maker of questions from one scale to another."""

    def make(random: Random, _: str) -> Made:
        low = 200 if a == "kelvin" else -40
        text = str(random.randint(low, low + 400))
        text = f"{text}.{random.randint(1, 9)}" if random.random() < 0.25 else text
        style = random.randrange(4)
        value = _FROM_KELVIN[b](_TO_KELVIN[a](Fraction(text)))
        return {"n": text, "a": TEMPERATURES[a][style], "b": TEMPERATURES[b][style]}, to_text(value)

    return make


def build_operations() -> tuple[Operation, ...]:
    """Return both directions of each pair."""
    made = []
    for pair in PAIRS:
        left, right = pair.split("-")
        for a, b in ((left, right), (right, left)):
            made.append(Operation("units", f"{a}-to-{b}", GENERAL + FAMILY[family_of(a)], make_conversion(a, b)))
    for a, b in (("celsius", "fahrenheit"), ("fahrenheit", "celsius"), ("celsius", "kelvin"), ("kelvin", "celsius")):
        made.append(Operation("units", f"{a}-to-{b}", WARMTH, make_temperature(a, b)))
    return tuple(made)


OPERATIONS = build_operations()
