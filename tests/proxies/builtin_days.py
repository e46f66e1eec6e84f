"""What the pretended services have in common: one item of the past, one of the future, and how an address is described.

Each item of the past says PAST, each of the future FUTURE; their days are PAST_DAY and FUTURE_DAY.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

PAST_DAY, FUTURE_DAY, TODAY = "2024-05-01", "2024-07-01", "2026-11-21"


class Route(NamedTuple):
    """What a service documents of one address: names in the query, in the JSON body, those that are required.

    ``fault`` says what is wrong where this address says it in another way than its service.
    """

    answer: object
    query: str = ""
    body: str = ""
    required: str = ""
    fault: object = None


def days():
    """Return what happened on which day."""
    return (("PAST", PAST_DAY), ("FUTURE", FUTURE_DAY))


def stamp(day):
    """Return a day's noon in Unix seconds."""
    return int(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC).timestamp())


def items(write, *, start="", end=""):
    """Return what ``write(word, day)`` makes of each day within bounds, newest first, as most services do."""
    kept = [(word, day) for word, day in days() if (start or "0") <= day <= (end or "9")]
    return [write(word, day) for word, day in reversed(kept)]


def within(write, asked, start, end):
    """Do as ``items``, bounded by two parameters that hold days or Unix seconds."""
    first, last = (str(asked.get(name, "")) for name in (start, end))
    if not (first + last).isdigit():
        return items(write, start=first[:10], end=last[:10])
    return [
        write(word, day)
        for word, day in reversed(days())
        if int(first or 0) <= stamp(day) <= (int(last) if last else stamp(TODAY))
    ]
