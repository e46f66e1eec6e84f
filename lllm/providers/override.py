"""A user's own code around a provider: keys of another kind, batches, a second provider, another way to the model.

It is one method, ``complete(request, send)``. It may change the request, send it once, twice or not at all, and returns
the reply. Sync or async, it serves both faces of a provider: the sync one runs beside an event loop in a thread of its
own, the async one runs without an event loop in a loop of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from lllm.errors import ConfigError, LLLMError, UserCodeError
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers.base import OnDelta, Provider, judged_of, secrets_of
from lllm.providers.deadline import Deadline

if TYPE_CHECKING:
    from lllm.providers.bridge import InLoop


class Send(Protocol):
    """Makes one attempt with the inner provider, in the time that the call has left, or in ``timeout_s`` of it."""

    def __call__(self, request: ModelRequest, *, timeout_s: float | None = None) -> Message[Any]:
        """Return the reply; see Provider.send."""
        ...


class ASend(Protocol):
    """A Send that is async."""

    async def __call__(self, request: ModelRequest, *, timeout_s: float | None = None) -> Message[Any]:
        """Return the reply; see Provider.send."""
        ...


class Override(Protocol):
    """What a user writes. It is used by many threads and tasks at once.

    A method ``secrets() -> tuple[str, ...]`` names what must stand in no log.
    """

    def complete(self, request: ModelRequest, send: Send) -> Message[Any]:
        """Return the reply to a request; ``send`` makes one attempt with the inner provider, and may raise its errors.

        Where it is ``async def``, so is ``send``.
        """
        ...


class AsyncOverride(Protocol):
    """An Override that is async."""

    async def complete(self, request: ModelRequest, send: ASend) -> Message[Any]:
        """Return the reply to a request; see Override."""
        ...


def wrap_provider(inner: Provider, override: Override | AsyncOverride | type) -> Provider:
    """Return a provider that asks ``override`` in place of ``inner``; a class is called for its object.

    Raises:
        ConfigError: it has no method ``complete``.
    """
    try:
        made: Any = override() if isinstance(override, type) else override
    except TypeError as error:
        raise ConfigError(f"override {_place(override)} cannot be made: {error}", hint="give an object") from error
    if not callable(getattr(made, "complete", None)):
        raise ConfigError(f"override {_place(override)} has no method complete(request, send)")
    return OverriddenProvider(inner, made)


class OverriddenProvider:
    """A provider whose calls go through an override; see :func:`wrap_provider`.

    What the override raises that is no error of lllm's is a UserCodeError, which is not retried.
    """

    def __init__(self, inner: Provider, override: Any) -> None:
        self.inner, self.override = inner, override
        self._place = _place(override)
        self._is_async = inspect.iscoroutinefunction(override.complete)

    @property
    def name(self) -> str:
        """Name under which it was configured."""
        return self.inner.name

    def describe(self) -> dict[str, Any]:
        """Return what a log keeps of the inner provider, and ``override``: ``module:class``."""
        return {**self.inner.describe(), "override": self._place}

    def secrets(self) -> tuple[str, ...]:
        """Return what must stand in no log: of the inner provider, and of the override if it has such a method."""
        return (*secrets_of(self.inner), *secrets_of(self.override))

    def judged(self, request: ModelRequest, reply: Message[Any], *, usable: bool) -> None:
        """Tell an inner cache what a reply was worth; see judged_of."""
        if (judged := judged_of(self.inner)) is not None:
            judged(request, reply, usable=usable)

    def __repr__(self) -> str:
        return f"<{self._place} around {self.inner!r}>"

    def send(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Make one attempt, by way of the override; see Provider. ``timeout_s`` bounds what it sends."""
        attempt = Attempt(self.inner, timeout_s, on_delta)
        with _Named(self._place, attempt):
            if not self._is_async:
                return _checked(self.override.complete(request, attempt.send), self._place)
            from lllm.providers.bridge import run_in_loop  # noqa: PLC0415 - asyncio is heavy

            return _checked(run_in_loop(lambda: self.override.complete(request, attempt.asend), timeout_s), self._place)

    async def asend(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Make one attempt, by way of the override; see Provider. ``timeout_s`` bounds the whole."""
        from lllm.providers.bridge import arun_in_thread, bounded  # noqa: PLC0415 - asyncio is heavy

        attempt = Attempt(self.inner, timeout_s, on_delta)
        with _Named(self._place, attempt):
            if self._is_async:
                return _checked(await bounded(self.override.complete(request, attempt.asend), timeout_s), self._place)
            return _checked(await bounded(arun_in_thread(self._in_thread(request, attempt)), timeout_s), self._place)

    def _in_thread(self, request: ModelRequest, attempt: Attempt) -> Callable[[InLoop], Any]:
        def run(loop: InLoop) -> Any:
            def send(asked: ModelRequest, *, timeout_s: float | None = None) -> Message[Any]:
                return loop.wait_for(lambda: attempt.asend(asked, timeout_s=timeout_s))

            return self.override.complete(request, send)

        return run

    def close(self) -> None:
        """Close connections that no call uses."""
        self.inner.close()

    async def aclose(self) -> None:
        """Close connections of the running event loop that no call uses."""
        await self.inner.aclose()


class Attempt:
    """What an override sends with.

    Attributes:
        raised: the errors that came out of it: whatever they are, they are not the override's.
    """

    def __init__(self, inner: Provider, timeout_s: float | None, on_delta: OnDelta | None) -> None:
        self._inner, self._on_delta = inner, on_delta
        self._deadline = Deadline(timeout_s)
        self.raised: list[BaseException] = []

    def send(self, request: ModelRequest, *, timeout_s: float | None = None) -> Message[Any]:
        """Make one attempt with the inner provider, in the time that is left."""
        try:
            return self._inner.send(request, timeout_s=self._deadline.left_s(timeout_s), on_delta=self._on_delta)
        except BaseException as error:
            self.raised.append(error)
            raise

    async def asend(self, request: ModelRequest, *, timeout_s: float | None = None) -> Message[Any]:
        """Async twin of :meth:`send`."""
        try:
            return await self._inner.asend(request, timeout_s=self._deadline.left_s(timeout_s), on_delta=self._on_delta)
        except BaseException as error:
            self.raised.append(error)
            raise


class _Named:
    """Gives what an override raises a name, unless it has one, or came out of the provider."""

    def __init__(self, place: str, attempt: Attempt) -> None:
        self._place, self._attempt = place, attempt

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, LLLMError):
            return
        if any(error is known for known in self._attempt.raised):
            return
        raise UserCodeError(f"override {self._place} raised {type(error).__name__}: {error}") from error


def _checked(reply: Any, place: str) -> Message[Any]:
    if isinstance(reply, Message):
        return cast("Message[Any]", reply)
    hint = "return what send returned, or a Message"
    if inspect.iscoroutine(reply):
        reply.close()
        hint = "declare complete with async def"
    raise UserCodeError(f"override {place} returned {type(reply).__name__}, not a Message", hint=hint)


def _place(override: Any) -> str:
    kind = override if isinstance(override, type) else type(override)
    return f"{kind.__module__}:{kind.__qualname__}"
