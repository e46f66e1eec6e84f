"""Drive a call: do what its flow asks for, blocking or on an event loop."""

from __future__ import annotations

import time
from functools import cache
from typing import Any, Protocol

from lllm.errors import ProviderError, ProviderTimeout
from lllm.proxies.cache import AnswerCache
from lllm.proxies.flow import Effect, Find, Flow, Hide, Keep, Send, Wait
from lllm.registry import OUTSIDE
from lllm.transport.port import Transport


class Effects(Protocol):
    """Whoever does what a flow asks for."""

    def perform(self, effect: Effect) -> Any:
        """Do one thing, blocking."""
        ...

    async def aperform(self, effect: Effect) -> Any:
        """Do one thing on the running event loop."""
        ...


def drive(flow: Flow, effects: Effects) -> dict[str, Any]:
    """Run a flow to its end, blocking; what could not be sent is thrown into it."""
    try:
        effect = next(flow)
        while True:
            try:
                answer = effects.perform(effect)
            except ProviderError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as end:
        return end.value


async def adrive(flow: Flow, effects: Effects) -> dict[str, Any]:
    """Async twin of :func:`drive`."""
    try:
        effect = next(flow)
        while True:
            try:
                answer = await effects.aperform(effect)
            except ProviderError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as end:
        return end.value


class LiveEffects:
    """Does it for real, within a time.

    Args:
        transport: carries the requests.
        cache: where answers are kept, or None.
        timeout_s: for all of a call.
    """

    def __init__(self, transport: Transport, cache: AnswerCache | None, timeout_s: float) -> None:
        self._transport, self._cache = transport, cache
        self._timeout_s, self._end = timeout_s, time.monotonic() + timeout_s

    def perform(self, effect: Effect) -> Any:
        """Do one thing, blocking."""
        match effect:
            case Send(wire, secrets, answer):
                self._transport.send(wire, secrets, answer, self._left_s())
            case Wait(seconds):
                if has_time := self._has_time(seconds):
                    OUTSIDE.load().pause(seconds)
                return has_time
            case Hide(secret):
                OUTSIDE.load().hide(secret)
            case Find(key):
                return None if self._cache is None else self._cache.find(key)
            case Keep(key, text, ttl_s):
                if self._cache is not None:
                    self._cache.keep(key, text, ttl_s)
        return None

    async def aperform(self, effect: Effect) -> Any:
        """Async twin of :meth:`perform`; nothing here blocks the event loop."""
        import asyncio  # noqa: PLC0415 - heavy

        match effect:
            case Send(wire, secrets, answer):
                await self._transport.asend(wire, secrets, answer, self._left_s())
            case Wait(seconds):
                if has_time := self._has_time(seconds):
                    await OUTSIDE.load().apause(seconds)
                return has_time
            case Find() | Keep() if self._cache is not None:
                return await asyncio.to_thread(self.perform, effect)
            case _:
                return self.perform(effect)
        return None

    def _has_time(self, seconds: float) -> bool:
        return time.monotonic() + seconds < self._end

    def _left_s(self) -> float:
        """Return the seconds that are left.

        Raises:
            ProviderTimeout: none are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise ProviderTimeout(f"no whole answer within {self._timeout_s:g} s", retryable=False)
        return left


@cache
def load_transport() -> Transport:
    """Return the transport that all proxies of this process share."""
    from lllm.transport.default import DefaultTransport  # noqa: PLC0415 - heavy

    return DefaultTransport()
