"""From what a user's function returns to plain JSON data and a text, whatever it is."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import Any, cast


def to_plain(value: Any) -> tuple[Any, str]:
    """Return a value as plain JSON data and as text. Pure.

    Pydantic models and dataclasses become objects, sets become sorted lists. What else JSON cannot hold becomes its
    ``str``: the one item where it stands inside a list or a dict, else the whole value.
    """
    if isinstance(value, str):
        return value, value
    if type(value) is int:  # the commonest of results, and the same in both
        return value, str(value)
    try:
        text = _encode(value)
        plain = json.loads(text)
    except Exception:  # noqa: BLE001 - NaN, a cycle, a key that is no text, a user's class that raises when it is read
        text = plain = show(value)
    return plain, plain if isinstance(plain, str) else text


def to_data(value: Any) -> Any:
    """Return a value as plain JSON data, and nothing that would differ from run to run, such as an address. Pure.

    Raises:
        TypeError, ValueError, RecursionError: it is none, and neither a pydantic model, a dataclass nor a set.
    """
    return json.loads(_encode_strictly(value))


def _plain_item(value: Any) -> Any:
    """Return what stands for a value that JSON does not know."""
    try:
        return _known_item(value)
    except TypeError:
        return str(value)


def _known_item(value: Any) -> Any:
    if not isinstance(value, type):
        if dump := getattr(value, "model_dump", None):
            return dump(mode="json")
        if is_dataclass(value):
            return asdict(cast("Any", value))
    if isinstance(value, set | frozenset):
        return sorted(cast("set[Any]", value), key=repr)
    raise TypeError(f"{type(value).__name__} is no JSON data")


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain_item).encode
_encode_strictly = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_known_item).encode


def show(value: Any) -> str:
    """Return a value's text, also when its own ``__str__`` fails."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a user's class
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
