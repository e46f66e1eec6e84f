"""Errors, made again from what the log keeps of them: the name of their type and their text.

User code that caught an error when it was recorded must catch the same one today. So an error of today is a subclass of
the recorded type wherever that type can be found, and says exactly the recorded text.
"""

from __future__ import annotations

import asyncio
import builtins
import sys
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, cast

from lllm import errors
from lllm.errors import CallCancelled, LLLMError, ProviderError
from lllm.models.call import FunctionCall
from lllm.models.image import Image

_PROVIDER_FACTS = frozenset(
    {"provider", "retryable", "retry_after_s", "status", "code", "request_id", "excerpt", "partial", "hint"}
)


class Rebuilt:
    """Marks an error that a replay raises because the recording says that it was raised."""


def to_provider_error(data: Mapping[str, Any]) -> ProviderError:
    """Return the error of a ``model.error`` event; also an httpx error, where it was one and httpx is loaded.

    Of what the server sent it holds the status and the excerpt that the log keeps, in ``response`` too.
    """
    known = (kind for kind in _subclasses(ProviderError) if kind.__name__ == data["type"])
    facts = {key: value for key, value in data.items() if key in _PROVIDER_FACTS}
    httpx: Any = sys.modules.get("httpx")
    also = _exception(getattr(httpx, str(data.get("also", "")), None))

    def begin(self: ProviderError) -> None:
        ProviderError.__init__(self, data["message"], **facts)

    def to_facts(_self: ProviderError) -> dict[str, Any]:
        return dict(data)  # as recorded, also where httpx is not loaded

    error = _make(data["type"], next(known, ProviderError), begin, {"to_facts": to_facts})
    return error if also is None else _also(error, also, httpx)


def _also(error: Any, kind: type[BaseException], httpx: Any) -> ProviderError:
    """Make an error an instance of an httpx class, too, past the constructor, which asks for a request."""
    ours = cast("type[Any]", type(error))
    error.__class__ = type(ours.__name__, (ours, kind), {"__module__": ours.__module__})
    if issubclass(kind, httpx.HTTPError):
        error._request = None  # noqa: SLF001 - as the constructor of httpx leaves it
    if issubclass(kind, httpx.HTTPStatusError):
        error.response = httpx.Response(error.status or 500, text=error.excerpt)
    return error


def to_answered(call: FunctionCall, data: Mapping[str, Any]) -> FunctionCall:
    """Return a call with the answer of a ``function.result`` event."""
    text = data.get("text", data["message"]["content"])
    failed = "error" in data
    result, is_unknown = data.get("result", None if failed else text), "unknown" in data
    images = tuple(Image(**image) for image in data["message"].get("images", ()))
    error, is_last = data.get("error", ""), "last" in data
    return call.answered(result, text, error, images=images, is_unknown=is_unknown, is_last=is_last)


def to_error(text: str, otherwise: type[BaseException] = Exception, path: str = "") -> BaseException:
    """Return an error from ``Name: text``.

    Args:
        text: as :func:`lllm.llm.kept.to_line` makes it.
        otherwise: what an error is made from whose type cannot be found.
        path: ``module:name`` of the type; empty for types of Python and of lllm.
    """
    name, _, message = text.partition(": ")
    kind = _loaded(path) or _find(name) or otherwise
    try:
        return _say(name, kind, message)
    except Exception:  # noqa: BLE001 - a type that cannot be made of a text alone
        return _say(name, otherwise if issubclass(kind, Exception) else BaseException, message)


def _say(name: str, kind: type[BaseException], message: str) -> BaseException:
    def begin(self: Any) -> None:
        if issubclass(kind, LLLMError):
            kind.__init__(self, message)
        else:
            BaseException.__init__(self, message)

    def tell(_self: BaseException) -> str:
        return message  # KeyError would quote it, and UnicodeError would make one from what the log has not

    return _make(name, kind, begin, {} if issubclass(kind, LLLMError) else {"__str__": tell})


def to_cancellation(by: str) -> BaseException:
    """Return what broke into a call, from ``Name: text``: a KeyboardInterrupt, a CancelledError, or CallCancelled."""
    return to_error(by or f"{CallCancelled.__name__}: the recorded call was cancelled here", BaseException)


def _find(name: str) -> type[BaseException] | None:
    for place in (errors, builtins, asyncio):
        if kind := _exception(getattr(place, name, None)):
            return kind
    return None


def _loaded(path: str) -> type[BaseException] | None:
    """Return the error type at ``module:name``, if that module is loaded; nothing is imported."""
    module, _, name = path.partition(":")
    try:
        return _exception(attrgetter(name)(sys.modules[module]))
    except (AttributeError, KeyError):
        return None


def _exception(found: Any) -> type[BaseException] | None:
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    """Yield a class and all below it; those that a replay made are left out."""
    yield kind
    for below in kind.__subclasses__():
        if not issubclass(below, Rebuilt):
            yield from _subclasses(below)


def _make(name: str, kind: type[Any], begin: Any, own: Mapping[str, Any]) -> Any:
    body: dict[str, Any] = {"__init__": begin, "__module__": kind.__module__, **own}
    return type(name or "Error", (Rebuilt, kind), body)()
