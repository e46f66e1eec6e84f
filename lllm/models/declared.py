"""JSON Schema written by hand: a model's arguments are checked for the keywords that such schemas use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from lllm.errors import ConfigError, ParseError
from lllm.models.schema import Arguments, Signature
from lllm.parsing import render_faults
from lllm.utils import encode_json

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def declared_signature(parameters: dict[str, Any]) -> Signature:
    """Return the signature of a schema that was written by hand; arguments are checked and passed on as they are.

    Raises:
        ConfigError: a parameter's schema is no mapping, or a required parameter cannot be given.
    """
    properties: dict[str, Any] = parameters["properties"]
    for name, schema in properties.items():
        if not isinstance(schema, Mapping | bool):
            raise ConfigError(f"the schema of parameter {name!r} is {schema!r:.80}", hint="write {'type': 'string'}")
    unknown = [name for name in parameters["required"] if name not in properties]
    if unknown and parameters.get("additionalProperties", True) is False:
        raise ConfigError(f"required, but no parameter: {', '.join(unknown)}", hint=f"there are: {[*properties]}")

    def bind(arguments: Mapping[str, Any]) -> Arguments:
        if faults := list(_faults(dict(arguments), parameters, ())):
            raise ParseError(render_faults(faults))
        return dict(arguments)

    return Signature(parameters, bind)


Loc = tuple[int | str, ...]


def _fault(kind: str, loc: Loc, value: Any, message: str = "") -> dict[str, Any]:
    """Return a fault as pydantic reports it, so that both kinds of schema speak to the model alike."""
    return {"type": kind, "loc": loc, "input": value, "msg": message}


def _faults(value: Any, schema: Any, loc: Loc) -> Iterator[dict[str, Any]]:
    """Check one value against the keywords type, enum, required, properties, additionalProperties and items."""
    if not isinstance(schema, Mapping):
        return
    rules = cast("Mapping[str, Any]", schema)
    kinds: Any = rules.get("type", [])
    names = cast("list[str]", kinds) if isinstance(kinds, list) else [kinds]
    if names and not any(_fits(value, name) for name in names):
        yield _fault("type", loc, value, f"Input should be {' or '.join(names)}")
    elif "enum" in rules and not any(value == one and type(value) is type(one) for one in rules["enum"]):
        yield _fault("enum", loc, value, f"Input should be one of {encode_json(list(rules['enum']))}")
    elif isinstance(value, dict):
        yield from _object_faults(cast("dict[str, Any]", value), rules, loc)
    elif isinstance(value, list):
        for i, item in enumerate(cast("list[Any]", value)):
            yield from _faults(item, rules.get("items"), (*loc, i))


def _fits(value: Any, name: str) -> bool:
    # Python's bool is an int; JSON's is not.
    return isinstance(value, _TYPES.get(name, (object,))) and (name == "boolean" or not isinstance(value, bool))


def _object_faults(value: dict[str, Any], rules: Mapping[str, Any], loc: Loc) -> Iterator[dict[str, Any]]:
    properties: Mapping[str, Any] = rules.get("properties", {})
    for name in rules.get("required", ()):
        if name not in value:
            yield _fault("missing", (*loc, name), value)
    for name, item in value.items():
        if name in properties:
            yield from _faults(item, properties[name], (*loc, name))
        elif rules.get("additionalProperties", True) is False:
            yield _fault("extra_forbidden", (*loc, name), item)
