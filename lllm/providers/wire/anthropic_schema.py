"""The part of JSON Schema that Anthropic's models can be held to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lllm.utils import encode_json

_NUMBER_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_TEXT_BOUNDS = ("minLength", "maxLength", "pattern")
_BOUNDS = {*_NUMBER_BOUNDS, *_TEXT_BOUNDS, "maxItems", "uniqueItems", "minProperties", "maxProperties"}
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
_NAMED = ("properties", "$defs", "definitions")
_LISTED = ("anyOf", "allOf", "oneOf")


def to_strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that the server accepts, and that means the same as far as it can. Pure; a fixed point.

    The server refuses objects that are not closed, ``oneOf``, bounds on numbers, texts and arrays, and unusual formats
    ("Structured outputs", platform.claude.com, read 2026-11). What must go is said in the description, for the model to
    read; the reply is checked against the whole schema anyway.
    """
    strict: dict[str, Any] = {}
    unsaid: dict[str, Any] = {}
    for name, value in schema.items():
        if _is_refused(name, value):
            unsaid[name] = value
        else:
            strict["anyOf" if name == "oneOf" else name] = _inner(name, value)
    if schema.get("type") == "object" or "properties" in schema:
        strict.setdefault("additionalProperties", False)
    if unsaid:
        said = strict.get("description")
        strict["description"] = f"{said}\n\n{encode_json(unsaid)}" if said else encode_json(unsaid)
    return strict


def _is_refused(name: str, value: Any) -> bool:
    if name == "minItems":
        return value not in (0, 1)
    return name in _BOUNDS or (name == "format" and str(value) not in _FORMATS)


def _inner(name: str, value: Any) -> Any:
    """Return the value of a keyword, with the schemas that it holds made strict."""
    if name in _NAMED and isinstance(value, Mapping):
        return {key: _schema(inner) for key, inner in cast("Mapping[str, Any]", value).items()}
    if name in _LISTED and isinstance(value, list):
        return [_schema(inner) for inner in cast("list[Any]", value)]
    return _schema(value) if name == "items" else value


def _schema(value: Any) -> Any:
    return to_strict_schema(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else value
