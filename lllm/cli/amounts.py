"""Spans of time and sizes, as people write and read them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import click

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_BYTES = {
    "B": 1,
    **{f"{letter}{end}": 1000**power for power, letter in enumerate("KMGT", 1) for end in ("", "B")},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)},
}


class Amount(click.ParamType):  # pyright: ignore[reportMissingTypeArgument] - generic in newer releases only
    """A number and its unit, such as ``30d`` or ``1.5GB``; becomes a number of the smallest unit.

    Args:
        name: what help calls it.
        units: how many of the smallest unit each is.
        example: what an error offers.
    """

    def __init__(self, name: str, units: Mapping[str, int], example: str) -> None:
        self.name = name
        self._units = {unit.upper(): size for unit, size in units.items()}
        self._example = example

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; a text without a unit, or with another one, is refused."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([A-Za-z]+)\s*", value)
        if found is None or found[2].upper() not in self._units:
            self.fail(f"{value[:40]!r} is no {self.name}; write one such as {self._example}", param, ctx)
        return float(found[1]) * self._units[found[2].upper()]


SPAN = Amount("span", _SECONDS, "90min, 12h, 30d or 2w")
SIZE = Amount("size", _BYTES, "500MB or 2GB")


def to_age(seconds: float) -> str:
    """Return a span of time in one number and its unit. Pure."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def to_size(size_bytes: float) -> str:
    """Return a size in one number and its unit, in thousands. Pure."""
    for unit in ("B", "KB", "MB", "GB"):
        if size_bytes < 999.5:
            return f"{size_bytes:.0f} {unit}" if unit == "B" or size_bytes >= 9.95 else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"
