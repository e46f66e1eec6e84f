"""Callables whose annotations are texts, as ``from __future__ import annotations`` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal


def weather(city: str, unit: Literal["C", "F"] = "C") -> str:
    """Tell the weather."""
    return f"{city} in {unit}"


def hidden(amount: Decimal) -> str:
    """Name a type that is not there at run time."""
    return str(amount)
