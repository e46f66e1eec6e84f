"""Dates as services write them, and which of them lie before a cutoff. Pure.

What is visible is what is dated before the cutoff's day began, in UTC; a date without a zone counts as UTC. A date that
names no day stands for the last one that it may mean: the sum of a year is known when the year is over.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from lllm.errors import ConfigError

ISO, UNIX, UNIX_MS = "iso", "unix", "unix_ms"
_DIRECTIVE = re.compile(r"%[-#]?(.)")
_OF_DAY, _OF_MONTH, _OF_YEAR = set("djxcuw"), set("mbBUWV"), set("YyGxc")
_LEAST_MS = 1e11
"""A smaller number of milliseconds would lie in 1973 or before: it counts seconds, and would be taken for old."""


def parse_cutoff(text: str | date | None) -> date | None:
    """Return the day of a cutoff.

    Raises:
        ConfigError: it is no date.
    """
    if text is None or isinstance(text, date):
        return text.date() if isinstance(text, datetime) else text
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except (TypeError, ValueError):
        raise ConfigError(f"cutoff_date: {text!r} is no date", hint="write YYYY-MM-DD") from None


def is_before(value: Any, formats: str, cutoff: date) -> bool:
    """Return whether a date can be read, and lies before a cutoff; in whichever of the formats it can be read."""
    moments = [moment for kind in formats.split("|") if (moment := parse_moment(value, kind)) is not None]
    return bool(moments) and max(moments) < datetime(cutoff.year, cutoff.month, cutoff.day)  # noqa: DTZ001 - as parse_moment


def parse_moment(value: Any, kind: str) -> datetime | None:
    """Return the moment that a value names, in UTC and without a zone; None where it cannot be read.

    Args:
        value: text or a number.
        kind: ``iso``, ``unix`` (seconds), ``unix_ms``, or a format of strptime.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        if kind in (UNIX, UNIX_MS):
            return _from_number(float(value), kind)
        found = (_from_iso if kind == ISO else _from_text)(str(value).strip(), kind)
    except (ValueError, OverflowError, OSError):
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found is not None and found.tzinfo else found


def _from_iso(text: str, _: str) -> datetime | None:
    return None if "W" in text else datetime.fromisoformat(text)  # a week would stand for its first day


def _from_text(text: str, kind: str) -> datetime | None:
    """Return the last day that a text may mean; None without a year: it may mean any."""
    said = set(_DIRECTIVE.findall(kind))
    if not said & _OF_YEAR:
        return None
    moment = datetime.strptime(text, kind)  # noqa: DTZ007 - the caller takes a zone into account
    if said & _OF_DAY:
        return moment
    if said & _OF_MONTH:
        return moment.replace(day=monthrange(moment.year, moment.month)[1])
    return moment.replace(month=12, day=31)


def _from_number(number: float, kind: str) -> datetime | None:
    if kind == UNIX_MS:
        if number < _LEAST_MS:
            return None
        number /= 1000
    return datetime.fromtimestamp(number, UTC).replace(tzinfo=None)


@lru_cache(maxsize=1000)
def render_last(kind: str, cutoff: date, *, as_day: bool = False) -> Any:
    """Return the last date before a cutoff, as a service reads it: text, or a number for ``unix`` and ``unix_ms``.

    Args:
        kind: the format; of several, the first is written.
        cutoff: the first day that is not visible.
        as_day: ``iso`` without a time.
    """
    kind = kind.split("|", maxsplit=1)[0]
    end = datetime(cutoff.year, cutoff.month, cutoff.day, tzinfo=UTC) - timedelta(seconds=1)
    if kind in (UNIX, UNIX_MS):
        return int(end.timestamp()) * (1000 if kind == UNIX_MS else 1)
    if kind == ISO:
        return end.strftime("%Y-%m-%d" if as_day else "%Y-%m-%dT%H:%M:%SZ")
    month = end.replace(day=1) - timedelta(days=1)
    year = end.replace(month=1, day=1) - timedelta(days=1)
    for day in (end, month, year):
        if is_before(text := day.strftime(kind), kind, cutoff):
            return text
    raise ConfigError(f"{kind!r} is no date format", hint="write one of strptime, or iso, unix, unix_ms")


def is_format(formats: str) -> bool:
    """Return whether each of the formats names a year, and what is written in it can be read again."""
    return all(kind in (ISO, UNIX, UNIX_MS) or _is_text_format(kind) for kind in formats.split("|"))


def _is_text_format(kind: str) -> bool:
    try:
        return bool(render_last(kind, date(2023, 5, 17)))
    except (ConfigError, ValueError):
        return False
