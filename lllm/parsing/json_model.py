"""The JSON parser: a reply into a pydantic model, or into any type that pydantic knows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lllm.errors import ConfigError, ParseError
from lllm.parsing.faults import clip, render_faults
from lllm.parsing.json_text import TOO_DEEP, json_candidates, load_json

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError  # heavy: half of an otherwise quick start

T = TypeVar("T")

_MAX_LISTED = 5000  # making the list of faults costs more than finding them
_CONTEXT = 200


class JsonParser(Generic[T]):
    """Read JSON from a reply and validate it. Pure.

    The JSON may be the whole reply, a fenced block, or stand amid prose; the first part of the reply that fits the
    model counts.

    Args:
        model: a pydantic model class, or any type that ``pydantic.TypeAdapter`` takes.
    """

    def __init__(self, model: type[T]) -> None:
        self.model = model

    @property
    def name(self) -> str:
        """What the log calls this parser."""
        return f"json({clip(getattr(self.model, '__name__', None) or str(self.model), 80)})"

    def __repr__(self) -> str:
        return f"<JsonParser {self.name}>"

    def __call__(self, text: str) -> T:
        """Return the reply's value.

        Raises:
            ParseError: there is no JSON, it is not valid, or it does not fit the model; the model acts.
            ConfigError: pydantic cannot handle the type; its author acts.
        """
        if not _is_unicode(text):
            raise ParseError("the reply holds half of a surrogate pair, which no JSON can hold; write plain characters")
        faults: list[tuple[str, str]] = []
        for part in json_candidates(text):
            try:
                load_json(part)
                return self._validate(part)
            except _MisfitError as error:
                if not faults:  # the whole reply is JSON, so nothing else in it can be the answer
                    raise ParseError(error.message) from None
                faults.append((part, error.message))
            except ParseError as error:
                faults.append((part, error.message))
        raise ParseError(_render_worst(text, faults))

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values that are accepted.

        Raises:
            ConfigError: the type has no JSON Schema.
        """
        from pydantic import PydanticUserError  # noqa: PLC0415 - heavy

        try:
            return self._adapter.json_schema()
        except PydanticUserError as error:
            raise ConfigError(f"{self.name}: the type has no JSON Schema: {error}") from error

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        from pydantic import PydanticUserError, TypeAdapter  # noqa: PLC0415 - heavy

        try:
            return TypeAdapter(self.model)
        except PydanticUserError as error:
            raise ConfigError(f"{self.name}: pydantic cannot handle this type: {error}") from error

    def _validate(self, text: str) -> T:
        from pydantic import ValidationError  # noqa: PLC0415 - heavy

        try:
            # From the text and not from Python values: JSON's rules for strict models are other ones.
            return self._adapter.validate_json(text)
        except ValidationError as error:
            raise _MisfitError(_render_invalid(error)) from None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _MisfitError(ParseError):
    """The text is JSON, but not what the model of the reply asks for."""


def _render_worst(text: str, faults: list[tuple[str, str]]) -> str:
    """Choose what to tell: the longest part that looks like JSON is the one that was meant."""
    if not text.strip():
        return "the reply is empty; write one JSON value"
    part, fault = max(faults, key=lambda item: len(item[0]) if item[0][:1] in {"{", "["} else 0)
    if part[:1] in {"{", "["}:
        return fault
    start = clip(text.strip(), _CONTEXT)
    reason = "" if "syntax error" in fault else f"\n{fault}"
    return f"no JSON was found in the reply; write one JSON value and nothing else. The reply starts: {start}{reason}"


def _render_invalid(error: ValidationError) -> str:
    if error.error_count() > _MAX_LISTED:
        return f"{error.error_count()} faults, too many to list: the value has another shape than was asked for"
    faults = error.errors(include_url=False, include_context=False)
    if faults[0]["type"] == "json_invalid":
        return TOO_DEEP if "recursion" in faults[0]["msg"] else f"the JSON is not valid: {faults[0]['msg']}"
    return render_faults(faults)
