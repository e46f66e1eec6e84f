"""Messages and functions as plain clients are given them: values of ours, or dicts in the form of chat. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.function import Function, as_function
from lllm.models.message import Image, Message

Given = Message[Any] | Mapping[str, Any]
GivenFunction = Function | Callable[..., Any] | Mapping[str, Any]
_KEYS = {"role", "content", "name", "tool_calls", "tool_call_id", "images"}
_DATA_URL = re.compile(r"data:(?P<kind>[\w.+-]+/[\w.+-]+);base64,(?P<data>.*)", re.DOTALL)


def to_messages(given: Iterable[Given] | str) -> list[Message[Any]]:
    """Return messages; one text alone is a user's.

    Raises:
        ConfigError: an item is no message; says which.
    """
    if isinstance(given, str):
        return [Message(Roles.USER, given, "user")]
    messages = [_to_message(position, item) for position, item in enumerate(given)]
    if not messages:
        raise ConfigError("there are no messages to send")
    return messages


def _to_message(position: int, item: Any) -> Message[Any]:
    if isinstance(item, Message):
        made = cast("Message[Any]", item)
        return made if isinstance(made.role, Roles) else _to_message(position, _as_dict(made))  # pyright: ignore[reportUnnecessaryIsInstance] - "user" is a text that reads like one
    if not isinstance(item, Mapping):
        raise ConfigError(f"message {position} is a Message or a dict, not {type(item).__name__}")
    told = cast("Mapping[str, Any]", item)
    if unknown := sorted(told.keys() - _KEYS):
        raise ConfigError(f"message {position} has no field {unknown[0]!r}", hint=f"known: {', '.join(sorted(_KEYS))}")
    role = "system" if told.get("role") == "developer" else told.get("role")
    try:
        known = Roles(str(role))
    except ValueError:
        raise ConfigError(f"message {position} has no role {role!r}", hint=f"known: {', '.join(Roles)}") from None
    try:
        return _from_dict(position, known, told)
    except (AttributeError, KeyError, TypeError) as error:  # a shape that chat does not have
        raise ConfigError(f"message {position} is none of chat's: {type(error).__name__}: {error}") from error


def _from_dict(position: int, role: Roles, told: Mapping[str, Any]) -> Message[Any]:
    text, images = _content(position, told.get("content"))
    pictures: tuple[Any, ...] = tuple(told.get("images") or ())
    if not all(isinstance(picture, Image) for picture in pictures):
        raise ConfigError(f"message {position}: images holds Image values", hint="Image(base64, media_type)")
    return Message(
        role,
        text,
        str(told.get("name") or ""),
        function_calls=tuple(_to_call(call) for call in told.get("tool_calls") or ()),
        tool_call_id=str(told.get("tool_call_id") or ""),
        images=(*images, *pictures),
    )


def _as_dict(message: Message[Any]) -> dict[str, Any]:
    return {
        "role": str(message.role),
        "content": message.content,
        "tool_calls": message.function_calls,
        "tool_call_id": message.tool_call_id,
        "images": message.images,
    }


def _content(position: int, content: Any) -> tuple[str, list[Image]]:
    """Return text and pictures: a text, or a list of ``{type: text}`` and ``{type: image_url}`` parts."""
    if content is None or isinstance(content, str):
        return content or "", []
    texts: list[str] = []
    images: list[Image] = []
    if not isinstance(content, list | tuple):
        raise ConfigError(f"message {position}: content is a text or a list of parts, not {type(content).__name__}")
    for part in cast("Iterable[Mapping[str, Any]]", content):
        if part.get("type") == "text":
            texts.append(str(part.get("text") or ""))
        elif part.get("type") == "image_url":
            images.append(to_image(str(part["image_url"]["url"])))
        else:
            raise ConfigError(f"message {position}: a part is text or image_url, not {part.get('type')!r}")
    return "\n".join(texts), images


def to_image(url: str) -> Image:
    """Return a picture from its address, or from a ``data:`` URL that holds it."""
    found = _DATA_URL.fullmatch(url)
    return Image(found["data"], found["kind"]) if found else Image(media_type="", url=url)


def _to_call(call: Any) -> FunctionCall:
    if isinstance(call, FunctionCall):
        return call
    told = cast("Mapping[str, Any]", call)
    function = told.get("function") or told
    return FunctionCall(str(told.get("id") or ""), str(function["name"]), function.get("arguments") or {})


def to_functions(given: Iterable[GivenFunction]) -> tuple[Function, ...]:
    """Return functions: ours, callables, or ``{name, description, parameters}`` as chat has them.

    Raises:
        ConfigError: one is none of them, or has no usable name.
    """
    return tuple(_to_function(item) for item in given)


def _to_function(item: Any) -> Function:
    if not isinstance(item, Mapping):
        return as_function(item)
    told = cast("Mapping[str, Any]", item)
    told = cast("Mapping[str, Any]", told.get("function") or told)
    name = str(told.get("name") or "")
    parameters = _object(name, told.get("parameters"))
    properties = _object(name, parameters.get("properties"))
    made = Function(
        name,
        str(told.get("description") or ""),
        properties,
        required=parameters.get("required") or (),
        additional_properties=bool(parameters.get("additionalProperties", False)),
        strict=bool(told.get("strict", False)),
    )
    made.signature.parameters.update(parameters)  # the rest of the schema, such as the $defs that it refers to
    made.signature.parameters.update(type="object", properties=properties)
    return made


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping | None):
        raise ConfigError(f"function {name!r}: parameters is a JSON Schema of an object, not {value!r:.80}")
    return dict(cast("Mapping[str, Any]", value or {}))
