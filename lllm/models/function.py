"""Functions that a model may call: what is offered, how a call is checked, and what the model reads of its result.

How long a function may run, and in which thread, is the driver's business (``lllm/llm/jobs.py``).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from lllm.errors import ConfigError, FunctionError, LLLMError, OutcomeUnknown, ParseError
from lllm.models.call import FunctionCall
from lllm.models.declared import declared_signature
from lllm.models.docstring import parse_docstring
from lllm.models.plain import show, to_plain
from lllm.models.returned import take_apart
from lllm.models.schema import Signature, build_signature, unwrap

MAX_RESULT_CHARS = 100_000
"""Longest result text that a model is given; more is cut, and the text says so."""

EMPTY_RESULT = '""'
"""What the model reads for an empty text: several servers refuse an empty result."""

PICTURE = "(a picture)"
"""What it reads beside a picture that came without a text."""

Processor = Callable[[Any, FunctionCall], str]


_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Function:
    """A function that a model may call.

    Either declared with a JSON Schema and linked to a callable later, or made from a callable with
    :meth:`from_callable`, whose schema is read at first need.

    Args:
        name: what the model calls it; letters, digits, ``_`` and ``-``, 64 at most.
        description: what it does, for the model.
        properties: JSON Schema of each parameter, by name.
        required: names of the parameters that must be given.
        additional_properties: whether other parameters may be given.
        strict: ask the server to hold the model to the schema, where it can.
        function: the callable; sync or async. It may be linked later.
        processor: makes the text that the model reads from ``(result, call)``.
        timeout_s: seconds after which the caller stops waiting; None waits as long as the call may take.
        repeatable: running it twice does no harm. It may then run without the log being on disk first, and a session
            that is resumed in the middle of it runs it again.
        idempotent: name of a parameter of the callable that gets a key, the same each time that this one call is run
            and no other's. Whoever is called takes the second request with a key for the first; so a resumed session
            runs it again. The model is not told of the parameter. A call that a function makes through an agent of its
            own has another key when that function runs again: its model may ask for something else then.
        allow_repeat: run it again when the model repeats a call with the same arguments, in place of telling it so.
        serial: it runs when those serial functions have returned, or were given up, that stand before it in the model's
            reply, and not at once with them; not at all once one of them returned a
            :class:`~lllm.models.returned.LastResult`.
        vendor: how a vendor declares it, where it is a tool of the vendor's own such as ``{"type": "computer"}``. Only
            the responses format sends it, in place of name and schema; the others refuse it.
    """

    def __init__(  # noqa: PLR0913 - one declaration; all but three are keyword-only
        self,
        name: str,
        description: str = "",
        properties: Mapping[str, Any] | None = None,
        *,
        required: Iterable[str] = (),
        additional_properties: bool = False,
        strict: bool = False,
        function: Callable[..., Any] | None = None,
        processor: Processor | None = None,
        timeout_s: float | None = None,
        repeatable: bool = False,
        idempotent: str = "",
        allow_repeat: bool = False,
        serial: bool = False,
        vendor: Mapping[str, Any] | None = None,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is no function name: use letters, digits, _ and -, 64 at most")
        self.name = name
        self.description = description
        self.strict = strict
        self.function = function
        self.processor = processor
        self.timeout_s = timeout_s
        self.repeatable = repeatable
        self.idempotent = idempotent
        self.allow_repeat, self.serial = allow_repeat, serial
        self.vendor = dict(vendor or {})
        parameters = {
            "type": "object",
            "properties": dict(properties or {}),
            "required": list(required),
            "additionalProperties": additional_properties,
        }
        self._signature: Signature | None = declared_signature(parameters)

    @classmethod
    def from_callable(
        cls, function: Callable[..., Any], *, name: str = "", description: str = "", **options: Any
    ) -> Function:
        """Make a function from a callable's signature and docstring.

        Args:
            function: sync or async, with named parameters.
            name: other than the callable's own.
            description: other than the docstring's text.
            options: ``strict, processor, timeout_s, repeatable, idempotent, allow_repeat, serial`` of the
                constructor.

        Raises:
            ConfigError: it has no usable name, or it is a generator. What is wrong with its parameters is raised when
                the schema is first needed.
        """
        if inspect.isgeneratorfunction(unwrap(function)) or inspect.isasyncgenfunction(unwrap(function)):
            raise ConfigError(f"{function!r} is a generator, and a call has one result", hint="return a list")
        called = name or getattr(function, "__name__", "")
        if not _NAME.fullmatch(called):
            raise ConfigError(f"{function!r} has no name that a model could call", hint="pass name='...'")
        told = description or parse_docstring(inspect.getdoc(unwrap(function)) or "")[0]
        made = cls(called, told, function=function, **options)
        made._signature = None
        return made

    @property
    def signature(self) -> Signature:
        """What it accepts; read from the callable at first need, because that imports pydantic."""
        if self._signature is None:
            assert self.function is not None
            self._signature = build_signature(self.function, self.name, own=self.idempotent)
        return self._signature

    @cached_property
    def is_async(self) -> bool:
        """Whether its callable is a coroutine function, or an object whose call is one."""
        called: Any = self.function
        return inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(getattr(called, "__call__", None))  # noqa: B004

    @property
    def linked(self) -> bool:
        """Whether there is a callable to run."""
        return self.function is not None

    def link_function(self, function: Callable[..., Any]) -> Function:
        """Give a declared function its callable, once, and return the function.

        Raises:
            ConfigError: it is linked to another callable already.
        """
        if self.function is not None and self.function is not function:
            raise ConfigError(f"function {self.name!r} is linked already, to {self.function!r}")
        self.function = function
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return what a model is told: ``name, description, parameters, strict``, and ``vendor`` if it has one."""
        told = {
            "name": self.name,
            "description": self.description,
            "parameters": self.signature.parameters,
            "strict": self.strict,
        }
        return {**told, "vendor": self.vendor} if self.vendor else told

    def bind(self, call: FunctionCall) -> dict[str, Any]:
        """Return the keyword arguments of a call.

        Raises:
            ParseError: the arguments do not fit; the text is for the model.
        """
        if call.fault:
            raise ParseError(call.fault)
        return self.signature.bind(call.arguments)

    def finish(self, call: FunctionCall, value: Any) -> FunctionCall:
        """Return the call with what the callable returned: pictures as such, what JSON cannot hold as text."""
        value, images, is_last = take_apart(value)
        result, text = to_plain(value)
        if self.processor is not None:
            text = self.processor(value, call)
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - the user's code
                raise TypeError(f"the processor of {self.name!r} returned {type(text).__name__}, not str")
        if len(text) > MAX_RESULT_CHARS:
            text = f"{text[:MAX_RESULT_CHARS]}\n[cut: {MAX_RESULT_CHARS} of {len(text)} characters]"
            result = text
        text = text or (PICTURE if images else EMPTY_RESULT)
        return call.answered(result, text, images=images, is_last=is_last)

    def __call__(self, call: FunctionCall) -> FunctionCall:
        """Run a sync callable and return the answered call; what it raises becomes a result that the model reads.

        Raises:
            ConfigError: no callable is linked, or it is async.
            LLLMError: what ends a call, see :func:`ends_call`.
        """
        if self.function is None:
            raise ConfigError(f"function {self.name!r} has no callable", hint="link one with link_function")
        try:
            value = self.function(**self.bind(call))
            if not inspect.iscoroutine(value):
                return self.finish(call, value)
            value.close()
        except ParseError as error:
            return fail(call, error)
        except Exception as error:
            if ends_call(error):
                raise
            return fail(call, FunctionError(f"{type(error).__name__}: {show(error)}"))
        raise ConfigError(f"function {self.name!r} is async", hint="only an agent's call can wait for it")

    def __repr__(self) -> str:
        return f"<Function {self.name}>"


def ends_call(error: BaseException) -> bool:
    """Whether what a function raised ends its call, and is no result: a model could do nothing about it."""
    return isinstance(error, LLLMError) and error.ends_call


def fail(call: FunctionCall, error: Exception) -> FunctionCall:
    """Return the call with an error as its result."""
    text = show(error)[:MAX_RESULT_CHARS] or type(error).__name__
    return call.answered(None, f"Error: {text}", text, is_unknown=isinstance(error, OutcomeUnknown))


def as_function(item: Function | Callable[..., Any]) -> Function:
    """Return ``item`` itself, or the function made from a callable.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(item, Function):
        return item
    if not callable(item):
        raise ConfigError(f"{item!r:.80} is neither a Function nor a callable")
    return Function.from_callable(item)
