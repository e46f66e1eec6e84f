"""The smallest value that a JSON Schema allows: what the mock model says when nobody tells it what to say. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from lllm.providers.wire.loose import Json, to_dict, to_list

_MAX_DEPTH = 32
_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "a@example.com",
    "uri": "http://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}


def build_sample(schema: Mapping[str, Any]) -> Any:
    """Return the smallest value that ``schema`` allows; keywords such as ``pattern`` and ``not`` are not looked at."""
    return _sample(dict(schema), dict(schema), 0)


def _sample(schema: Json, root: Json, depth: int) -> Any:
    if depth > _MAX_DEPTH:  # a type that holds itself with no way out has no value anyway
        return None
    if "$ref" in schema:
        return _sample(_resolve(str(schema["$ref"]), root), root, depth + 1)
    given = [schema[keyword] for keyword in ("const", "default") if keyword in schema]
    if given := given + to_list(schema.get("enum") or schema.get("examples")):
        return given[0]
    for keyword in ("anyOf", "oneOf"):
        if options := [to_dict(option) for option in to_list(schema.get(keyword))]:
            # The null of an optional value is its smallest; a reference may lead back here.
            chosen = min(options, key=lambda option: (option.get("type") != "null", "$ref" in option))
            return _sample(chosen, root, depth + 1)
    if parts := to_list(schema.get("allOf")):
        return _sample(_merged([{k: v for k, v in schema.items() if k != "allOf"}, *parts], root), root, depth + 1)
    kind = schema.get("type")
    kind = (
        kind if isinstance(kind, str) else next(iter(to_list(kind)), "object" if "properties" in schema else "string")
    )
    return _BY_TYPE.get(kind, _null)(schema, root, depth)


def _resolve(reference: str, root: Json) -> Json:
    found: Any = root
    for key in reference.removeprefix("#").strip("/").split("/"):
        found = to_dict(found).get(key.replace("~1", "/").replace("~0", "~")) if key else found
    return to_dict(found)


def _merged(parts: list[Any], root: Json) -> Json:
    merged: Json = {}
    for part in map(to_dict, parts):
        whole = _resolve(str(part["$ref"]), root) if "$ref" in part else part
        properties = {**to_dict(merged.get("properties")), **to_dict(whole.get("properties"))}
        required = [*to_list(merged.get("required")), *to_list(whole.get("required"))]
        merged = {**merged, **whole, "properties": properties, "required": required}
    if not merged["properties"]:
        del merged["properties"]
    return merged


def _object(schema: Json, root: Json, depth: int) -> Json:
    properties = to_dict(schema.get("properties"))
    return {name: _sample(to_dict(properties.get(name)), root, depth + 1) for name in to_list(schema.get("required"))}


def _array(schema: Json, root: Json, depth: int) -> list[Any]:
    first = [to_dict(item) for item in to_list(schema.get("prefixItems"))]
    missing = int(schema.get("minItems") or 0) - len(first)
    items = [*first, *[to_dict(schema.get("items"))] * missing]
    return [_sample(item, root, depth + 1) for item in items]


def _string(schema: Json, _root: Json, _depth: int) -> str:
    text = _FORMATS.get(str(schema.get("format")), "")
    return text.ljust(int(schema.get("minLength") or 0), "a")


def _integer(schema: Json, _root: Json, _depth: int) -> int:
    step = int(schema.get("multipleOf") or 1)
    low = schema.get("minimum", -math.inf)
    if "exclusiveMinimum" in schema:
        low = max(low, math.floor(schema["exclusiveMinimum"]) + 1)
    high = schema.get("maximum", math.inf)
    if "exclusiveMaximum" in schema:
        high = min(high, math.ceil(schema["exclusiveMaximum"]) - 1)
    near = min(max(0, low), high)  # as near to 0 as the limits let it be
    return math.ceil(near / step) * step if near >= 0 and low > 0 else math.floor(near / step) * step


def _number(schema: Json, _root: Json, _depth: int) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf))
    high = schema.get("maximum", schema.get("exclusiveMaximum", math.inf))
    if low == schema.get("exclusiveMinimum") or high == schema.get("exclusiveMaximum"):
        if math.isfinite(low) and math.isfinite(high):
            return (low + high) / 2
        low, high = low + 1, high - 1
    return min(max(0, low), high)


def _boolean(_schema: Json, _root: Json, _depth: int) -> bool:
    return False


def _null(_schema: Json, _root: Json, _depth: int) -> None:
    return None


_BY_TYPE: dict[str, Callable[[Json, Json, int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
