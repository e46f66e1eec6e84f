"""Identical calls under way: one asks, the others wait for its reply, in whatever threads and event loops they are.

Who fails by itself fails alone: a cancelled task, a callback that raised, a time-out of its own. Then the next one
asks. What came of the request itself is everybody's answer, errors included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from lllm.errors import ProviderError, ProviderTimeout
from lllm.models.message import Message


class Flight:
    """One call under way.

    Attributes:
        reply: what came of it; None when nothing did.
        error: what came of it in place of a reply.
    """

    def __init__(self, *, is_async: bool) -> None:
        self.reply: Message[Any] | None = None
        self.error: ProviderError | None = None
        self._is_async, self._thread = is_async, get_ident()
        self._landed: Future[None] = Future()
        # From now on it cannot be cancelled: else one task that stops waiting would cancel it for all.
        self._landed.set_running_or_notify_cancel()

    def waits_for_me(self, *, is_async: bool) -> bool:
        """Whether the caller would wait for itself: in one thread, only two tasks can wait for one another."""
        return self._thread == get_ident() and not (is_async and self._is_async)

    def land(self) -> None:
        """Let everybody who waits go on."""
        self._landed.set_result(None)

    def wait(self, timeout_s: float | None) -> Message[Any] | None:
        """Return the reply once it is there; None when the next one is to ask.

        Raises:
            ProviderError: what came in place of a reply; each caller gets an error of its own.
            ProviderTimeout: nothing came in time.
        """
        try:
            self._landed.result(timeout_s)
        except TimeoutError:
            raise _too_late(timeout_s) from None
        return self._outcome()

    async def await_(self, timeout_s: float | None) -> Message[Any] | None:
        """Async twin of :meth:`wait`."""
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.wrap_future(self._landed)
        except TimeoutError:
            raise _too_late(timeout_s) from None
        return self._outcome()

    def _outcome(self) -> Message[Any] | None:
        if self.error is not None:
            raise _copy(self.error)
        return self.reply


class Flights:
    """The calls under way for one folder, by key."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, Flight] = {}

    @contextmanager
    def join(self, key: bytes, *, is_async: bool) -> Generator[tuple[Flight, bool]]:
        """Yield the call that is under way and False; or a new one and True, for the block to make it."""
        mine = Flight(is_async=is_async)
        try:
            flight = self._under_way.setdefault(key, mine)  # one step for all threads
            if flight is not mine and flight.waits_for_me(is_async=is_async):
                flight = mine
            yield flight, flight is mine
        except ProviderError as error:
            if not isinstance(error, ProviderTimeout):  # that was its own patience
                mine.error = error
            raise
        finally:
            if self._under_way.get(key) is mine:
                del self._under_way[key]
            mine.land()


def _too_late(timeout_s: float | None) -> ProviderError:
    return ProviderTimeout(f"no reply within {timeout_s:g} s, which somebody else asks for at this moment")


def _copy(error: ProviderError) -> ProviderError:
    """Return an equal error, for one thread more to raise: tracebacks and places are written on errors."""
    copy = type(error).__new__(type(error), *error.args)
    copy.__dict__.update(error.__dict__)
    return copy
