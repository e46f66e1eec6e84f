"""The exam's questions about dates."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from exam_operands import MONTHS, Made, Operation, some_day, written_day

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
WORDINGS = {
    "weekday": (
        "What day of the week is {d}?",
        "Which weekday is {d}?",
        "What weekday does {d} fall on?",
        "{d} is which day of the week?",
        "weekday of {d}",
        "day of the week for {d}?",
        "My daughter's birthday is {d}. What day of the week is that?",
        "Tell me the weekday of {d}.",
        "is {d} a monday, a tuesday or what",
        "On which day of the week is {d}?",
    ),
    "between": (
        "How many days are there between {a} and {b}?",
        "How many days is it from {a} to {b}?",
        "days between {a} and {b}",
        "Count the days from {a} until {b}.",
        "What is the number of days between {a} and {b}?",
        "We leave on {a} and return on {b}. How many days lie between?",
        "from {a} to {b}, how many days",
        "Between {a} and {b}, how many days pass?",
        "Give me the difference in days between {a} and {b}.",
        "If today is {a}, how many days is it until {b}?",
    ),
    "days-after": (
        "What date is {n} days after {d}?",
        "Which date comes {n} days after {d}?",
        "{n} days after {d}",
        "Add {n} days to {d}.",
        "What is {d} plus {n} days?",
        "The invoice is from {d} and due {n} days later. When is it due?",
        "If I start on {d}, what date is it {n} days later?",
        "what will the date be {n} days from {d}",
    ),
    "days-before": (
        "What date is {n} days before {d}?",
        "Which date was {n} days before {d}?",
        "{n} days before {d}",
        "Subtract {n} days from {d}.",
        "What is {d} minus {n} days?",
        "The show is on {d}. I must book {n} days earlier, on what date?",
        "go back {n} days from {d}, which date is it",
        "Count {n} days back from {d}.",
    ),
    "weeks-after": (
        "What date is {n} weeks after {d}?",
        "Add {n} weeks to {d}.",
        "{n} weeks after {d}",
        "Which date do I get {n} weeks from {d}?",
        "The course begins on {d} and ends {n} weeks later. On which date?",
        "what is {d} plus {n} weeks",
    ),
    "weeks-before": (
        "What date is {n} weeks before {d}?",
        "Subtract {n} weeks from {d}.",
        "{n} weeks before {d}",
        "Which date is {n} weeks earlier than {d}?",
        "The exam is on {d} and I begin to study {n} weeks earlier. On which date?",
        "what is {d} minus {n} weeks",
    ),
    "leap": (
        "Is {y} a leap year?",
        "Was or will {y} be a leap year?",
        "{y}: leap year or not?",
        "Is the year {y} a leap year?",
        "Check whether {y} is a leap year.",
        "leap year {y}?",
    ),
    "day-of-year": (
        "What day of the year is {d}?",
        "Counted from January 1, which day of the year is {d}?",
        "day of the year for {d}",
        "{d} is day number what of its year?",
        "Of the days of its year, which number is {d}?",
        "Give me the day of the year of {d}, as a number.",
        "What number does {d} have when the days of the year are counted from 1?",
        "compute the day of the year: {d}",
    ),
    "month-days": (
        "How many days does {m} {y} have?",
        "How many days are in {m} {y}?",
        "days in {m} {y}",
        "How long is {m} {y} in days?",
        "number of days in {m} {y}?",
        "Tell me how many days there are in {m} of {y}.",
    ),
}


def make_weekday(random: Random, _: str) -> Made:
    """A day."""
    day = some_day(random)
    return {"d": written_day(random, day)}, WEEKDAYS[day.weekday()]


def make_between(random: Random, _: str) -> Made:
    """Two days, the earlier one first, written alike in most questions."""
    a = some_day(random)
    b = min(a + timedelta(days=random.choice((random.randint(1, 60), random.randint(30, 900)))), date(2099, 12, 31))
    style = random.getrandbits(32)
    other = style if random.random() < 0.8 else random.getrandbits(32)
    told = {"a": written_day(Random(style), a), "b": written_day(Random(other), b)}
    return told, str(b.toordinal() - a.toordinal())


def make_moved(sign: int, unit_days: int):
    """Return a maker of questions about a day so many days or weeks away."""

    def make(random: Random, _: str) -> Made:
        n = random.randint(2, 120) if unit_days == 1 else random.randint(2, 20)
        day = some_day(random)
        moved = date.fromordinal(day.toordinal() + sign * n * unit_days)
        return {"d": written_day(random, day), "n": str(n)}, moved.isoformat()

    return make


def make_leap(random: Random, _: str) -> Made:
    """A year."""
    year = random.choice((random.randint(1900, 2099), random.randint(475, 524) * 4, random.choice((1900, 2000))))
    return {"y": str(year)}, str(date(year, 3, 1) - date(year, 2, 1) == timedelta(days=29))


def make_day_of_year(random: Random, _: str) -> Made:
    """A day."""
    day = some_day(random)
    return {"d": written_day(random, day)}, str(day.toordinal() - date(day.year, 1, 1).toordinal() + 1)


def make_month(random: Random, _: str) -> Made:
    """A month of a year; February in many questions."""
    month = 2 if random.random() < 0.3 else random.randint(1, 12)
    year = random.randint(1900, 2099)
    following = date(year + month // 12, month % 12 + 1, 1)
    return {"m": MONTHS[month - 1], "y": str(year)}, str((following - date(year, month, 1)).days)


MAKERS = {
    "weekday": make_weekday,
    "between": make_between,
    "days-after": make_moved(1, 1),
    "days-before": make_moved(-1, 1),
    "weeks-after": make_moved(1, 7),
    "weeks-before": make_moved(-1, 7),
    "leap": make_leap,
    "day-of-year": make_day_of_year,
    "month-days": make_month,
}
OPERATIONS = tuple(Operation("dates", name, WORDINGS[name], make) for name, make in MAKERS.items())
