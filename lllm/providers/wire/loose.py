"""Reading JSON that somebody else's server wrote: a value may be of any type, and only BadReply is raised. Pure."""

from __future__ import annotations

import json
import math
from typing import Any, cast

from lllm.errors import BadReply
from lllm.models.call import is_deep
from lllm.utils import encode_json

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
        raise BadReply(f"the reply is not JSON ({error})", excerpt=start_of(body)) from None


def parse_object(body: bytes) -> Json:
    """Return the JSON object of ``body``.

    Raises:
        BadReply: it is no JSON, or no object.
    """
    data = parse_json(body)
    if not isinstance(data, dict):
        raise BadReply("the reply is JSON, but no object", excerpt=start_of(body))
    return cast("Json", data)


def start_of(body: bytes) -> str:
    """Return how a body begins, for an error that quotes it."""
    return body[:200].decode("utf-8", "replace")


def to_dict(value: Any) -> Json:
    """Return ``value``, or nothing if it is no object."""
    return cast("Json", value) if isinstance(value, dict) else {}


def to_list(value: Any) -> list[Any]:
    """Return ``value``, or nothing if it is no array."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def to_text(value: Any) -> str:
    """Return ``value``, or nothing if it is no string."""
    return value if isinstance(value, str) else ""


def to_json(value: Any) -> str:
    """Return ``value`` as JSON; what is nested deeper than can be written becomes a text that is none.

    The same value has the same text in every format, so that a dialog is the same wherever its calls came from.
    """
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError:
        return "{"


def to_arguments_text(given: Any) -> str:
    """Return a call's arguments as the text that a model would have written; some servers send the object itself.

    Not canonical JSON: what is wrong in it is for the model to mend.
    """
    return given if isinstance(given, str) else "" if given is None else to_json(given)


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


def can_be_logged(value: Any) -> bool:
    """Whether a JSON value can stand inside other JSON: a server may write NaN, or nest without end."""
    try:
        encode_json(value)
    except ValueError:
        return False
    return not is_deep(value)


def clean(text: str) -> str:
    """Return ``text`` as real Unicode: halves of a pair joined, and what has no other half replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
