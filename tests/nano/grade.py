"""Whether an answer is right."""

from __future__ import annotations

import ast
import re

ABSOLUTE, RELATIVE, SMALLEST = 1e-3, 1e-4, 5e-5
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def is_right(expected: str, got: str) -> bool:
    """Return whether an answer says what is expected. Pure.

    Numbers count by value, to 1e-3 or 1e-4 of their size, below 1 to 1e-3 of their size. A whole number is compared
    without the second, or a long product might be wrong in four digits. Lists are compared item by item, texts sign by
    sign but for blanks around them.
    """
    expected, got = expected.strip(), got.strip()
    if NUMBER.fullmatch(expected):
        return bool(NUMBER.fullmatch(got)) and is_near(expected, got)
    if expected.startswith("["):
        return is_right_list(expected, got)
    return expected == got


def is_near(expected: str, got: str) -> bool:
    """Return whether two numbers are the same, but for rounding."""
    if expected.lstrip("+-").isdigit() and got.lstrip("+-").isdigit():
        return int(expected) == int(got)
    wanted = float(expected)
    room = max(ABSOLUTE * min(1, abs(wanted)), SMALLEST)
    room = room if expected.lstrip("+-").isdigit() else max(room, RELATIVE * abs(wanted))
    return abs(wanted - float(got)) <= room


def is_right_list(expected: str, got: str) -> bool:
    """Return whether an answer is the list that is expected, as Python or JSON writes it."""
    try:
        wanted, found = ast.literal_eval(expected), ast.literal_eval(got)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    if not isinstance(found, list) or len(found) != len(wanted):
        return False
    return all(type_of(a) is type_of(b) and is_right(str(a), str(b)) for a, b in zip(wanted, found, strict=True))


def type_of(item: object) -> type:
    """Return str, bool, or float for any number."""
    return float if isinstance(item, int | float) and not isinstance(item, bool) else type(item)
