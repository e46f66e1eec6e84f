"""Values for a schema: the document's own where they fit, else made up; and what only may be given."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from itertools import islice
from typing import Any, cast

from lllm.proxies.openapi.document import to_list, to_text
from lllm.proxies.openapi.plan import JSON, UnfitError
from lllm.proxies.openapi.schema import Folder, Schema, type_of_value

_MAX_EXAMPLE = 200
"""Signs of its texts, and values; a larger example is made up."""
_MAX_ANSWER = 800
_MAX_ALLOWED = 60
_MAX_DEPTH = 3
_MAX_KEYS = 8
_MAX_NUMBER = 1 << 63
_FORMATS = {
    "date": "2024-01-31",
    "date-time": "2024-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com",
    "url": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "byte": "dGV4dA==",
}


def to_allowed(folder: Folder, schema: Schema) -> tuple[JSON, ...]:
    """Return the only values that a schema allows, of a list its items; empty for any, and for too many to list."""
    if schema.type == "array":
        item = _fold(folder, schema.words.get("items"))
        return to_allowed(folder, item) if item.type != "array" else ()
    values = [schema.words["const"]] if "const" in schema.words else to_list(schema.words.get("enum"))
    values = [to_exact(value, schema.type) for value in values[: _MAX_ALLOWED + 1] if value is not None]
    fitting = [value for value in values if is_fit(value, schema.type) and is_small(value, _MAX_ALLOWED)]
    complete = len(fitting) == len(values) <= _MAX_ALLOWED and schema.type != "object"
    return tuple(dict.fromkeys(fitting)) if complete else ()


def _fold(folder: Folder, part: Any) -> Schema:
    try:
        return folder.fold(part)
    except UnfitError:
        return Schema()


def to_example(
    folder: Folder, schema: Schema, given: Iterable[Any] = (), depth: int = 0, *, whole: bool = False
) -> JSON:
    """Return a value that fits a schema: the first of the document's that does, else a made-up one.

    Args:
        folder: folds what the schema holds.
        schema: a folded one.
        given: values that the document names beside the schema.
        depth: how many values it stands in.
        whole: made-up objects show also what is not required.
    """
    words, allowed = schema.words, to_allowed(folder, schema)
    named = [*given, words.get("example"), *to_list(words.get("examples"))[:_MAX_KEYS], words.get("default")]
    for value in named:
        exact = to_exact(value, schema.type)
        if is_fit(exact, schema.type) and is_small(exact, _MAX_EXAMPLE) and _is_one(exact, schema, allowed):
            return exact
    if allowed and schema.type != "array":
        return allowed[0]
    return make_up(folder, schema, depth, whole=whole)


def _is_one(value: Any, schema: Schema, allowed: tuple[JSON, ...]) -> bool:
    """Tell whether a value is among those that are allowed, and is a day where it should be one."""
    if schema.type == "string" and schema.words.get("format") == "date":
        try:
            return len(value) == len("YYYY-MM-DD") and bool(date.fromisoformat(value))
        except ValueError:
            return False
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    return not allowed or all(item in allowed for item in items)


def to_exact(value: Any, kind: str) -> Any:
    """Return a value as the type that was asked for, where it is only written as another. Pure."""
    if kind == "string" and type(value) in {int, float}:
        return str(value)
    if kind == "number" and type(value) is int and abs(value) < _MAX_NUMBER:
        return float(value)
    if kind in {"integer", "number"} and isinstance(value, str):
        try:
            return int(value[:20]) if kind == "integer" else float(value[:30])
        except ValueError:
            return value
    return value


def is_fit(value: Any, kind: str) -> bool:
    """Tell whether a value is of a JSON type, and can be written in JSON and in Python alike. Pure."""
    found = type_of_value(value)
    if not found or (kind and found != kind):
        return False
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return not any("\ud800" <= sign <= "\udfff" for sign in value)  # half of a sign cannot be sent
    return value is not None and (not isinstance(value, int) or abs(value) < _MAX_NUMBER)


def is_small(value: Any, limit: int) -> bool:
    """Tell whether a value is JSON of at most so many values and signs in its texts. Pure.

    It stops counting at the limit: what aliases hold together has no end.
    """
    todo: list[Any] = [value]
    while todo and limit >= 0:
        each = todo.pop()
        limit -= 1
        if isinstance(each, dict):
            rows = list(islice(cast("dict[Any, Any]", each).items(), limit + 2))
            todo += [part for row in rows for part in row]
            if not all(isinstance(key, str) for key, _ in rows):
                return False
        elif isinstance(each, list):
            todo += cast("list[Any]", each)[: limit + 2]
        elif each is not None and not is_fit(each, type_of_value(each)):
            return False
        elif isinstance(each, str):
            limit -= len(each)
    return limit >= 0


def make_up(folder: Folder, schema: Schema, depth: int = 0, *, whole: bool = False) -> JSON:
    """Return a made-up value; the arguments are those of :func:`to_example`."""
    if schema.type == "object":
        return _make_object(folder, schema, depth, whole=whole)
    if schema.type == "array":
        return _make_list(folder, schema, depth, whole=whole)
    if schema.type in {"integer", "number"}:
        return _make_number(schema)
    return True if schema.type == "boolean" else _make_text(schema.words)


def _make_object(folder: Folder, schema: Schema, depth: int, *, whole: bool) -> JSON:
    names = [name for name in schema.properties if whole or name in schema.required]
    if depth >= _MAX_DEPTH:
        return {}
    return {name: _inner(folder, schema.properties[name], depth, whole=whole) for name in names[:_MAX_KEYS]}


def _make_list(folder: Folder, schema: Schema, depth: int, *, whole: bool) -> JSON:
    if depth >= _MAX_DEPTH:
        return []
    return [_inner(folder, schema.words.get("items"), depth, whole=whole)]


def _inner(folder: Folder, part: Any, depth: int, *, whole: bool) -> JSON:
    return to_example(folder, _fold(folder, part), (), depth + 1, whole=whole)


def _make_number(schema: Schema) -> JSON:
    low, high = schema.words.get("minimum"), schema.words.get("maximum")
    above, below = schema.words.get("exclusiveMinimum"), schema.words.get("exclusiveMaximum")
    value: Any = 1
    if is_fit(low, type_of_value(low)) and isinstance(low, int | float):
        value = max(value, low + 1 if above is True else low)
    if is_fit(high, type_of_value(high)) and isinstance(high, int | float):
        value = min(value, high - 1 if below is True else high)
    if type(above) in {int, float} and is_fit(above, "") and value <= cast("float", above):
        value = cast("float", above) + 1
    if type(below) in {int, float} and is_fit(below, "") and value >= cast("float", below):
        value = cast("float", below) - 1
    exact = int(value) if schema.type == "integer" else float(value)
    return exact if is_fit(exact, schema.type) else 1


def _make_text(words: dict[Any, Any]) -> str:
    text = _FORMATS.get(to_text(words.get("format")), "text")
    least, most = words.get("minLength"), words.get("maxLength")
    if type(least) is int and len(text) < least <= _MAX_EXAMPLE:
        text = text.ljust(least, "x")
    return text[:most] if type(most) is int and 0 <= most < len(text) else text


def to_short(value: Any) -> JSON:
    """Return the start of an answer, so deep that it stays small. Pure."""
    short: JSON = None
    for depth in range(_MAX_DEPTH):
        short = _shorten(value, depth)
        if is_small(short, _MAX_ANSWER):
            break
    return short


def _shorten(value: Any, depth: int) -> JSON:
    """Return a few keys of each mapping, one item of each list, short texts."""
    if isinstance(value, dict):
        if depth >= _MAX_DEPTH:
            return {}
        rows = islice(cast("dict[Any, Any]", value).items(), _MAX_KEYS)
        return {str(key)[:_MAX_ALLOWED]: _shorten(item, depth + 1) for key, item in rows}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_shorten(item, depth + 1) for item in items[:1]] if depth < _MAX_DEPTH else []
    if isinstance(value, str):
        return value if len(value) <= _MAX_ALLOWED else f"{value[: _MAX_ALLOWED - 1]}…"
    return value if isinstance(value, bool | int | float) and is_fit(value, type_of_value(value)) else None
