"""Reading JSON that somebody else's server wrote: a value may be of any type, and only BadReply is raised. Pure."""

from __future__ import annotations

import json
import math
from typing import Any, cast

from lllm.errors import BadReply

Json = dict[str, Any]
FLOOR_LOGPROB = -9999.0
"""Stands for minus infinity, which JSON cannot hold."""


def parse_json(body: bytes) -> Any:
    """Return the JSON value of ``body``, UTF-8 whatever a header says, with or without a byte order mark.

    Raises:
        BadReply: it is no JSON.
    """
    try:
        return json.loads(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        start = body[:200].decode("utf-8", "replace")
        raise BadReply(f"the reply is not JSON ({error})", excerpt=start) from None


def parse_object(body: bytes) -> Json:
    """Return the JSON object of ``body``.

    Raises:
        BadReply: it is no JSON, or no object.
    """
    data = parse_json(body)
    if not isinstance(data, dict):
        raise BadReply("the reply is JSON, but no object", excerpt=body[:200].decode("utf-8", "replace"))
    return cast("Json", data)


def to_dict(value: Any) -> Json:
    """Return ``value``, or nothing if it is no object."""
    return cast("Json", value) if isinstance(value, dict) else {}


def to_list(value: Any) -> list[Any]:
    """Return ``value``, or nothing if it is no array."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def to_text(value: Any) -> str:
    """Return ``value``, or nothing if it is no string."""
    return value if isinstance(value, str) else ""


def to_count(value: Any) -> int:
    """Return a count of something, 0 if ``value`` is none."""
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    return value if isinstance(value, int) and value > 0 else 0


def to_logprob(value: Any) -> float:
    """Return a log-probability that JSON can hold."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return FLOOR_LOGPROB
    return float(value)


def clean(text: str) -> str:
    """Return ``text`` as real Unicode: halves of a pair joined, and what has no other half replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
