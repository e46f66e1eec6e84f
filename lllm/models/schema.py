"""From a Python callable to what a model is told about it, and from a model's arguments to what the callable is given.

A ``Signature`` has one face for two sources of a schema: a callable's own signature (here, through pydantic, which also
converts), or JSON Schema written by hand (``declared.py``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast, get_type_hints

from lllm.errors import ConfigError, ParseError
from lllm.models.docstring import parse_docstring
from lllm.parsing import render_faults
from lllm.utils import encode_json

if TYPE_CHECKING:
    from pydantic import BaseModel  # heavy

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a callable accepts.

    Attributes:
        parameters: JSON Schema of the arguments, an object.
        bind: turn a model's arguments into keyword arguments; raises ParseError that the model can act on.
    """

    parameters: dict[str, Any]
    bind: Callable[[Mapping[str, Any]], Arguments]


def build_signature(function: Callable[..., Any], name: str, own: str = "") -> Signature:
    """Read a callable's signature, annotations and docstring.

    Args:
        function: what will be called.
        name: what the model calls it.
        own: a parameter that the model neither sees nor fills; empty for none.

    Raises:
        ConfigError: the callable takes ``*args``, ``**kwargs`` or positional-only parameters, an annotation has no JSON
            Schema, or there is no parameter ``own``.
    """
    from pydantic import ConfigDict, PydanticUserError, ValidationError, create_model  # noqa: PLC0415 - heavy
    from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUndefinedAnnotation  # noqa: PLC0415 - heavy

    fields = _fields(function, name)
    if own and fields.pop(f"p_{own}", None) is None:
        raise ConfigError(f"function {name!r} has no parameter {own!r} for its key", where=_place(function))
    try:
        model = create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
        schema = _json_schema(model)
    except (PydanticUserError, PydanticInvalidForJsonSchema, PydanticUndefinedAnnotation) as error:
        told = f"function {name!r}: an annotation has no JSON Schema: {error}"
        raise ConfigError(told, where=_place(function)) from error

    def bind(arguments: Mapping[str, Any]) -> Arguments:
        try:
            values = model.model_validate(arguments)
        except ValidationError as error:
            raise ParseError(render_faults(error.errors(include_url=False))) from None
        return {field[2:]: getattr(values, field) for field in model.model_fields}

    return Signature(_without_titles(schema), bind)


def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind  # noqa: PLC0415 - heavy
    from pydantic_core import PydanticSerializationError  # noqa: PLC0415 - heavy

    class Generator(GenerateJsonSchema):
        # A default that JSON cannot hold is left out of the schema; the callable still gets it.
        ignored_warning_kinds: set[JsonSchemaWarningKind] = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

        def encode_default(self, dft: Any) -> Any:
            default = super().encode_default(dft)
            try:
                encode_json(default)
            except ValueError as error:  # infinity or NaN, which pydantic lets pass
                raise PydanticSerializationError(str(error)) from None
            return default

    return model.model_json_schema(schema_generator=Generator)


def _fields(function: Callable[..., Any], name: str) -> dict[str, Any]:
    """Return pydantic's fields, by names that pydantic does not keep for itself: ``p_`` and the parameter's name."""
    from pydantic import Field  # noqa: PLC0415 - heavy

    described = parse_docstring(inspect.getdoc(unwrap(function)) or "")[1]
    fields: dict[str, Any] = {}
    for parameter, annotation in _parameters(function, name):
        default = ... if parameter.default is parameter.empty else parameter.default
        told = any(getattr(part, "description", None) for part in getattr(annotation, "__metadata__", ()))
        # An explicit None would hide the description that stands in the annotation.
        extra: dict[str, Any] = {} if told else {"description": described.get(parameter.name)}
        fields[f"p_{parameter.name}"] = (annotation, Field(default, alias=parameter.name, **extra))
    return fields


def _parameters(function: Callable[..., Any], name: str) -> list[tuple[inspect.Parameter, Any]]:
    try:
        hints = get_type_hints(unwrap(function), include_extras=True)
        signature = inspect.signature(function)
    except (NameError, SyntaxError, TypeError, ValueError) as error:
        told = f"function {name!r}: its signature cannot be read: {error}"
        hint = "import the annotation's name" if isinstance(error, NameError) else "write a function with annotations"
        raise ConfigError(told, where=_place(function), hint=hint) from error
    found: list[tuple[inspect.Parameter, Any]] = []
    for parameter in signature.parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise ConfigError(
                f"function {name!r}: a model gives named arguments, so {parameter} cannot be filled",
                where=_place(function),
                hint="write each parameter out",
            )
        found.append((parameter, hints.get(parameter.name, Any)))
    return found


def unwrap(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what holds a callable's annotations and docstring: behind a partial, or a callable object's method."""
    while isinstance(function, partial):
        function = cast("partial[Any]", function).func
    return function if inspect.isroutine(function) or inspect.isclass(function) else type(function).__call__


def _place(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(unwrap(function)), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}:1" if code else ""


_DATA = {"default", "enum", "const", "examples", "discriminator"}  # what stands behind these is no schema


def _without_titles(schema: Any) -> Any:
    """Drop the titles that pydantic makes up: tokens that tell a model nothing."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    slim: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", schema).items():
        if key == "title" and isinstance(value, str):
            continue
        if key in {"properties", "$defs"}:
            slim[key] = {name: _without_titles(part) for name, part in value.items()}
        else:
            slim[key] = value if key in _DATA else _without_titles(value)
    return slim
