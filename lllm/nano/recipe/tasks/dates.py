"""Questions about dates of the years 1900 to 2099: weekdays, distances, leap years, lengths of months."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from random import Random

from lllm.nano.recipe.language.asking import Subject, build_question, build_sentence
from lllm.nano.recipe.language.tables import load_ways
from lllm.nano.recipe.language.wording import Ways, dress
from lllm.nano.recipe.tasks.task import Make, Task

_WAYS = load_ways("tasks/ways/dates.yaml")
MONTHS = (
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
)
_FORMS = (  # day, ordinal day, month, short month
    ("{month} {day}, {year}", 22),
    ("{day} {month} {year}", 16),
    ("{short} {day} {year}", 8),
    ("{short} {day}, {year}", 7),
    ("{day} {short} {year}", 5),
    ("{nth} of {month} {year}", 6),
    ("the {nth} of {month} {year}", 3),
    ("the {nth} of {month}, {year}", 3),
    ("{nth} of {month}, {year}", 2),
    ("{month} {nth}, {year}", 5),
    ("{month} {nth} {year}", 3),
    ("{month} {day} {year}", 4),
    ("{nth} {month} {year}", 3),
    ("{short} {nth}, {year}", 2),
    ("{day}-{short}-{year}", 1),
)
_COUNTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_HERE = ("this date", "the following date", "the date below", "the date given here")
_IT = ("it", "that", "this date", "that date", "this day", "that day", "the date")


def build_task(random: Random) -> Task:
    """Make a question about dates."""
    make = random.choices([make for _, _, make in FAMILIES], [weight for _, weight, _ in FAMILIES])[0]
    return make(random)


def build_date(random: Random) -> date:
    """Choose a day: of our days more often than of the rest of 1900 to 2099, and month ends now and then."""
    year = random.randint(1990, 2035) if random.random() < 0.65 else random.randint(1900, 2099)
    month = random.randint(1, 12)
    last = monthrange(year, month)[1]
    return date(year, month, random.choice((1, last, last)) if random.random() < 0.08 else random.randint(1, last))


def to_shown(random: Random, day: date, *, year: bool = True) -> str:
    """Write a date as somebody may: ``2024-03-05``, ``March 5, 2024``, ``5th of March 2024``; or without its year."""
    if year and random.random() < 0.36:
        return day.isoformat() if random.random() < 0.9 else day.isoformat().replace("-", "/")
    form = random.choices([form for form, _ in _FORMS], [weight for _, weight in _FORMS])[0]
    if not year:
        form = form.replace("{year}", "").rstrip(", -")
    month = MONTHS[day.month - 1]
    shown = form.format(
        day=f"{day.day:02}" if day.day < 10 and random.random() < 0.05 else day.day,
        nth=f"{day.day}{_to_ending(day.day)}",
        month=month,
        short=month[:3],
        year=day.year,
    )
    return shown.lower() if random.random() < 0.08 else shown


def to_code(day: date) -> str:
    """Write a date as Python has it."""
    return f"date({day.year}, {day.month}, {day.day})"


def _to_ending(number: int) -> str:
    return "th" if 10 < number < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _ask_about(random: Random, wording: Ways, day: date, **operands: str) -> str:
    subject = Subject(to_shown(random, day), ("date", "date", "day"), _HERE, _IT)
    return build_question(random, wording, subject, operands)


def _make_weekday(random: Random) -> Task:
    day = build_date(random)
    code = f"from datetime import date\nprint({to_code(day)}.strftime('%A'))"
    return Task("dates", "weekday", _ask_about(random, _WAYS["weekday"], day), code)


def _make_day_of_year(random: Random) -> Task:
    day = build_date(random)
    code = f"from datetime import date\nprint({to_code(day)}.timetuple().tm_yday)"
    return Task("dates", "day-of-year", _ask_about(random, _WAYS["day_of_year"], day), code)


def _make_between(random: Random) -> Task:
    first = build_date(random)
    days = random.randint(1, 40) if random.random() < 0.25 else random.randint(1, random.choice((365, 1000, 4000)))
    second = min(first + timedelta(days=days), date(2099, 12, 31))
    if random.random() < 0.12:
        first, second = second, first
    with_year = first.year != second.year or random.random() < 0.7
    shown = {"a": to_shown(random, first, year=with_year), "b": to_shown(random, second)}
    if not with_year and shown["b"][:4].isdigit():  # no year in the first, so the second is in words as well
        shown["b"] = f"{MONTHS[second.month - 1]} {second.day}, {second.year}"
    question = dress(random, build_sentence(random, _WAYS["between"], "{s}", shown))
    code = f"from datetime import date\nprint(abs(({to_code(second)} - {to_code(first)}).days))"
    return Task("dates", "days-between", question, code)


def _make_after(random: Random) -> Task:
    return _make_moved(random, "date-after", _WAYS["after"], "+")


def _make_before(random: Random) -> Task:
    return _make_moved(random, "date-before", _WAYS["before"], "-")


def _make_moved(random: Random, family: str, wording: Ways, sign: str) -> Task:
    unit, top = ("weeks", 60) if random.random() < 0.3 else ("days", random.choice((30, 100, 100, 1000)))
    count = random.randint(1, 12) if random.random() < 0.3 else random.randint(2, top)
    digits = _COUNTS[count] if count < len(_COUNTS) and random.random() < 0.4 else str(count)
    shown = f"{digits} {unit if count > 1 else unit[:-1]}"
    if count == 1 and random.random() < 0.5:
        shown = f"a {unit[:-1]}"
    day = build_date(random)
    question = _ask_about(random, wording, day, n=shown)
    code = f"from datetime import date, timedelta\nprint({to_code(day)} {sign} timedelta({unit}={count}))"
    return Task("dates", family, question, code)


def _make_leap(random: Random) -> Task:
    year = random.randint(1900, 2099)
    if random.random() < 0.3:
        year = random.choice((1900, 2000, *range(1904, 2099, 4)))
    here, it = ("this year", "the following year", "the year below"), ("it", "that year", "this year", "the year")
    shown = str(year) if random.random() < 0.9 else f"the year {year}"
    question = build_question(random, _WAYS["leap"], Subject(shown, ("year",), here, it), {})
    return Task("dates", "leap-year", question, f"from calendar import isleap\nprint(isleap({year}))")


def _make_days_in_month(random: Random) -> Task:
    year, month = build_date(random).year, 2 if random.random() < 0.25 else random.randint(1, 12)
    name = MONTHS[month - 1]
    shown = random.choice(
        (f"{name} {year}",) * 6
        + (f"{name} of {year}", f"{name}, {year}", f"{name[:3]} {year}", f"{name[:3]} {year}", f"{year}-{month:02}")
        + (f"the month of {name} {year}", f"{name.lower()} {year}", f"{name} in {year}", f"{name} in the year {year}")
    )
    here, it = ("this month", "the following month", "the month below"), ("it", "that month", "this month", "the month")
    question = build_question(random, _WAYS["days_in_month"], Subject(shown, ("month",), here, it), {})
    code = f"from calendar import monthrange\nprint(monthrange({year}, {month})[1])"
    return Task("dates", "days-in-month", question, code)


FAMILIES: tuple[tuple[str, float, Make], ...] = (
    ("weekday", 1.4, _make_weekday),
    ("days-between", 1.5, _make_between),
    ("date-after", 1.2, _make_after),
    ("date-before", 1.1, _make_before),
    ("leap-year", 1.0, _make_leap),
    ("day-of-year", 0.9, _make_day_of_year),
    ("days-in-month", 1.0, _make_days_in_month),
)
