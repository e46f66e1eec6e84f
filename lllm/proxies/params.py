"""What an endpoint may be given: its declared parameters, read from their marks, and values checked against them. Pure.

Whoever calls may be a model, so a refusal says what would be right.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from lllm.errors import CallRefused, ConfigError
from lllm.proxies.base import Endpoint

PATH, BODY, HEADER, QUERY = "path", "body", "header", "query"
_MARKS = {"$": PATH, "#": BODY, "@": HEADER}


@dataclass(frozen=True, slots=True)
class Param:
    """One declared parameter.

    Attributes:
        name: without marks, by which callers give it.
        place: ``path``, ``body``, ``header`` or ``query``.
        kind: name of its type.
        example: a value, or None.
        allowed: the only values that it may have; empty for any.
        wire_name: what the service calls it.
    """

    name: str
    place: str
    required: bool
    kind: str
    example: Any
    allowed: tuple[Any, ...]
    wire_name: str


def split_marks(text: str) -> tuple[str, str, bool]:
    """Return the name, the place, and whether it is required, of a name with marks. Pure."""
    place = _MARKS.get(text[:1], QUERY)
    name = text if place == QUERY else text[1:]
    required = name.endswith("*")
    return name.removesuffix("*"), place, required or place == PATH


def read_params(endpoint: Endpoint) -> dict[str, Param]:
    """Return the parameters of an endpoint by name, in the order of their declaration. Pure.

    Raises:
        ConfigError: one is not declared as it must be.
    """
    found: dict[str, Param] = {}
    for text, declared in endpoint.params.items():
        name, place, required = split_marks(text)
        if not name or name in found:
            raise ConfigError(f"endpoint {endpoint.key}: parameter {text!r} has no name of its own")
        kind, example, allowed = _read_declared(endpoint, text, declared)
        found[name] = Param(name, place, required, kind, example, allowed, endpoint.wire_names.get(name, name))
    if strange := [name for name in (*endpoint.wire_names, *endpoint.cutoff_params) if name not in found]:
        raise ConfigError(f"endpoint {endpoint.key}: {strange[0]!r} is none of its parameters")
    return found


def _read_declared(endpoint: Endpoint, text: str, declared: Any) -> tuple[str, Any, tuple[Any, ...]]:
    parts = cast("tuple[Any, ...]", declared) if isinstance(declared, tuple) else (declared,)
    kind = parts[0] if isinstance(parts[0], str) else getattr(parts[0], "__name__", "")
    allowed = parts[2] if len(parts) > 2 else ()
    if kind not in _READ or len(parts) > 3 or not isinstance(allowed, tuple):
        told = "(type, example) or (type, example, (allowed, ...))"
        raise ConfigError(
            f"endpoint {endpoint.key}: parameter {text!r} is not {told}", hint=f"types: {', '.join(_READ)}"
        )
    return kind, parts[1] if len(parts) > 1 else None, cast("tuple[Any, ...]", allowed)


def to_examples(params: Mapping[str, Param]) -> dict[str, Any]:
    """Return the example values of parameters, where there are any. Pure."""
    return {name: param.example for name, param in params.items() if param.example is not None}


def check_params(endpoint: Endpoint, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given, checked, as plain JSON data in the order of the declaration. Pure.

    A value of None is left out. Names may be given with their marks, too.

    Raises:
        CallRefused: a parameter is missing, unknown, or of another type than declared.
    """
    params = read_params(endpoint)
    values = _by_name(params, given)
    checked: dict[str, Any] = {}
    for name, param in params.items():
        if values.get(name) is not None:
            checked[name] = _check_value(param, values[name])
        elif param.required:
            hint = f"for example {name}={param.example!r}" if param.example is not None else _tell(params)
            raise CallRefused(f"parameter {name!r} is missing", hint=hint)
    return checked


def _by_name(params: Mapping[str, Param], given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = key if key in params else split_marks(str(key))[0]
        if name not in params:
            near = difflib.get_close_matches(name, params, n=1)
            hint = f"did you mean {near[0]!r}?" if near else _tell(params)
            raise CallRefused(f"there is no parameter {str(key)[:80]!r}", hint=hint)
        if name in values:
            raise CallRefused(f"parameter {name!r} is given twice")
        values[name] = value
    return values


def _tell(params: Mapping[str, Param]) -> str:
    return f"parameters: {', '.join(params)}" if params else "it takes no parameters"


def _check_value(param: Param, value: Any) -> Any:
    try:
        read = _READ[param.kind](value)
    except (TypeError, ValueError, RecursionError):
        told = f"parameter {param.name!r} must be {_WORDS[param.kind]}, got {_shown(value)}"
        raise CallRefused(told) from None
    items = cast("list[Any]", read) if isinstance(read, list) else [read]
    if param.allowed and any(item not in param.allowed for item in items):
        allowed = ", ".join(map(repr, param.allowed))
        told = f"parameter {param.name!r} must be one of {allowed}, got {_shown(value)}"
        raise CallRefused(told)
    return cast("Any", read)


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.60}" if isinstance(value, str | int | float) else type(value).__name__


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # a lone surrogate has no place on the wire: UnicodeEncodeError is a ValueError
    return str(value)


def _read_int(value: Any) -> int:
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        raise TypeError
    return int(value)


def _read_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return value


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _read_date(value: Any) -> str:
    if isinstance(value, date):
        return value.strftime("%Y-%m-%d")
    if not isinstance(value, str) or len(value) != len("YYYY-MM-DD"):
        raise TypeError
    return datetime.strptime(value, "%Y-%m-%d").date().isoformat()  # noqa: DTZ007 - a day has no zone


def _read_list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return _plain(list(cast("list[Any]", value)))


def _read_dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return _plain(cast("dict[str, Any]", value))


def _plain(value: Any) -> Any:
    """Return a copy that is JSON and nothing else.

    Raises:
        TypeError, ValueError: it cannot be.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    return json.loads(text)


_READ: dict[str, Callable[[Any], Any]] = {
    "str": _read_text,
    "int": _read_int,
    "float": _read_float,
    "bool": _read_bool,
    "date": _read_date,
    "list": _read_list,
    "dict": _read_dict,
}
_WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a date YYYY-MM-DD",
    "list": "a list",
    "dict": "a mapping",
}
