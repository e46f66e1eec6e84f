"""Facts of an event, whatever the log holds in their place: a log may come from anywhere. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from lllm.utils import visible


def to_visible(text: str) -> str:
    """Return a text of which a reader sees every sign; the line ends of Windows become plain ones."""
    return visible(text.replace("\r\n", "\n"))


def text_of(data: Mapping[str, Any], key: str) -> str:
    """Return a text; of anything else its JSON, and nothing of None."""
    return to_text(data.get(key))


def to_text(value: Any) -> str:
    """Return a value as people read it: a text as it is, other data as JSON, nothing of None."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number_of(data: Mapping[str, Any], key: str) -> float | None:
    """Return a finite number, or None."""
    return to_number(data.get(key))


def to_number(value: Any) -> float | None:
    """Return a finite number, or None of anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -1e15 < value < 1e15 and math.isfinite(value) else None


def dict_of(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return an object; an empty one in place of anything else."""
    value = data.get(key)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def dicts_of(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the objects of a list; none in place of anything else."""
    value = data.get(key)
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


class Usage(NamedTuple):
    """A reply's tokens; ``cached`` and ``written`` are parts of the prompt's, ``reasoning`` of the completion's."""

    prompt: int
    completion: int
    cached: int
    reasoning: int
    written: int


def usage_of(data: Mapping[str, Any]) -> Usage:
    """Return a reply's tokens, 0 for each that is not told."""
    told = data.get("usage")
    counts = [int(to_number(item) or 0) for item in cast("list[Any]", told)[:5]] if isinstance(told, list) else []
    return Usage(*counts, *[0] * (5 - len(counts)))
