"""Errors, made again from what the log keeps of them: the name of their type and their text.

User code that caught an error when it was recorded must catch the same one today. So an error of today is a subclass of
the recorded type wherever that type can be found, and says exactly the recorded text.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Iterator, Mapping
from typing import Any

from lllm import errors
from lllm.errors import CallCancelled, LLLMError, ProviderError

_PROVIDER_FACTS = frozenset({"retryable", "retry_after_s", "status", "code", "request_id", "partial"})


class Rebuilt:
    """Marks an error that a replay raises because the recording says that it was raised."""


def to_provider_error(data: Mapping[str, Any]) -> ProviderError:
    """Return the error of a ``model.error`` event."""
    known = (kind for kind in _subclasses(ProviderError) if kind.__name__ == data["type"])
    facts = {key: value for key, value in data.items() if key in _PROVIDER_FACTS}

    def begin(self: ProviderError) -> None:
        ProviderError.__init__(self, data["message"], **facts)

    return _make(data["type"], next(known, ProviderError), begin)


def to_error(text: str) -> BaseException:
    """Return an error from ``Name: text``."""
    name, _, message = text.partition(": ")
    kind: Any = _find(name)

    def begin(self: Any) -> None:
        if issubclass(kind, LLLMError):
            LLLMError.__init__(self, message)
        else:
            BaseException.__init__(self, message)

    return _make(name, kind, begin)


def to_cancellation(by: str) -> BaseException:
    """Return what broke into a call, from ``Name: text``: a KeyboardInterrupt, a CancelledError, or CallCancelled."""
    return to_error(by or f"{CallCancelled.__name__}: the recorded call was cancelled here")


def _find(name: str) -> type[BaseException]:
    for place in (errors, builtins, asyncio):
        kind: Any = getattr(place, name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return kind
    return Exception


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    """Yield a class and all below it; those that a replay made are left out."""
    yield kind
    for below in kind.__subclasses__():
        if not issubclass(below, Rebuilt):
            yield from _subclasses(below)


def _make(name: str, kind: type[Any], begin: Any) -> Any:
    body: dict[str, Any] = {"__init__": begin, "__module__": kind.__module__}
    return type(name or "Error", (Rebuilt, kind), body)()
