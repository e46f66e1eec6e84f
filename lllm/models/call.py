"""One call that a model asks for: its arguments as they were written, as they are understood, and its result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from lllm.errors import ParseError
from lllm.models.image import Image
from lllm.parsing.json_text import DEEPEST, TOO_DEEP, load_json
from lllm.utils import encode_json


class FunctionCall:
    """One call that a model asks for, and, once it has run, its result. Immutable.

    Args:
        id: the model's own name for this call.
        name: the function's name.
        arguments: a mapping, or JSON text as the model wrote it.
        result: what the function returned, as plain JSON data (what is not JSON is its text).
        result_str: the text that the model reads.
        images: the pictures that it sees beside the text.
        error_message: why there is no result; empty when there is one.

    Attributes:
        raw_arguments: the arguments as JSON text, byte for byte what the model wrote.
        fault: why ``raw_arguments`` is no JSON object; empty when it is one.
        is_unknown: nobody knows whether it ran: its process died meanwhile.
        is_last: the function asked that no further one is called before the model answers.
    """

    __slots__ = (
        "arguments",
        "error_message",
        "fault",
        "id",
        "images",
        "is_last",
        "is_unknown",
        "name",
        "raw_arguments",
        "result",
        "result_str",
    )

    def __init__(  # noqa: PLR0913 - one value; most of it is there once it is answered
        self,
        id: str,  # noqa: A002 - the wire's own word
        name: str,
        arguments: Mapping[str, Any] | str,
        result: Any = None,
        result_str: str = "",
        error_message: str = "",
        images: tuple[Image, ...] = (),
    ) -> None:
        self.id = id
        self.name = name
        self.raw_arguments = arguments if isinstance(arguments, str) else encode_json(dict(arguments))
        self.arguments, self.fault = parse_arguments(self.raw_arguments)
        self.result = result
        self.result_str = result_str
        self.error_message = error_message
        self.images = images
        self.is_unknown = self.is_last = False

    @property
    def success(self) -> bool:
        """Whether it ran and returned."""
        return bool(self.result_str) and not self.error_message

    def equals(self, other: FunctionCall) -> bool:
        """Whether ``other`` asks for the same function with the same arguments, in whatever order and spacing."""
        if self.name != other.name or self.raw_arguments == other.raw_arguments:
            return self.name == other.name
        if self.fault or other.fault or self.arguments != other.arguments:
            return False
        # Python holds 1, 1.0 and true for equal; a function may not.
        return json.dumps(self.arguments, sort_keys=True) == json.dumps(other.arguments, sort_keys=True)

    def is_repeated(self, calls: Iterable[FunctionCall]) -> bool:
        """Whether one of ``calls`` asks for the same."""
        return any(self.equals(call) for call in calls)

    def answered(
        self,
        result: Any,
        result_str: str,
        error_message: str = "",
        *,
        images: tuple[Image, ...] = (),
        is_unknown: bool = False,
        is_last: bool = False,
    ) -> FunctionCall:
        """Return the call with its result."""
        call = FunctionCall.__new__(FunctionCall)  # not through __init__, which would read the arguments again
        call.id, call.name, call.raw_arguments = self.id, self.name, self.raw_arguments
        call.arguments, call.fault = self.arguments, self.fault
        call.result, call.result_str, call.error_message = result, result_str, error_message
        call.images, call.is_unknown, call.is_last = images, is_unknown, is_last
        return call

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FunctionCall):
            return NotImplemented
        asked = (self.id, self.name, self.raw_arguments) == (other.id, other.name, other.raw_arguments)
        told = (self.result_str, self.error_message, self.images) == (
            other.result_str,
            other.error_message,
            other.images,
        )
        return asked and told and self.result == other.result

    def __hash__(self) -> int:
        return hash((self.id, self.name, self.raw_arguments))

    def __repr__(self) -> str:
        tail = f" -> {self.result_str[:60]!r}" if self.result_str else ""
        return f"FunctionCall({self.id!r}, {self.name}({self.raw_arguments[:120]}){tail})"


def parse_arguments(raw: str) -> tuple[dict[str, Any], str]:
    """Return arguments and an empty fault, or no arguments and why the text is no JSON object. Pure.

    An empty text counts as no arguments: several servers send it for a function without parameters.
    """
    if not raw or raw.isspace():
        return {}, ""
    try:
        value = load_json(raw)
    except ParseError as error:
        return {}, f"the arguments are not valid JSON: {error}"
    if not isinstance(value, dict):
        return {}, f"the arguments must be a JSON object, got: {raw[:200]}"
    if raw.count("[") + raw.count("{") > DEEPEST and is_deep(value):
        return {}, f"the arguments are not valid JSON: {TOO_DEEP}"
    return cast("dict[str, Any]", value), ""


def is_deep(value: Any) -> bool:
    """Whether a JSON value is nested so deep that what walks it could hit the interpreter's limit."""
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inner = [cast("dict[str, Any]", v).values() if isinstance(v, dict) else v for v in level]
        level = [part for parts in inner for part in parts if isinstance(part, dict | list)]
    return bool(level)
