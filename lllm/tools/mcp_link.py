"""One connection to a server, from its opening to its end. How the server is reached is the way's business."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Protocol, cast

from lllm.const import VERSION


class Way(Protocol):
    """How a server is reached."""

    @property
    def is_gone(self) -> bool:
        """Whether it is known not to answer any more."""
        ...

    def streams(self) -> Any:
        """Return an async context manager of what the SDK reads from and writes to."""
        ...

    def describe_end(self) -> str:
        """Return what is known of why it does not answer, in words."""
        ...


class Link:
    """One connection. It is opened at once, and held by a task of its own: the SDK asks that who opens also closes."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._leave = asyncio.Event()
        self._ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own())

    async def client(self) -> Any:
        """Return the SDK's client, connected.

        Raises:
            Exception: whatever a way or the SDK raises.
        """
        return await asyncio.shield(self._ready)

    @property
    def is_gone(self) -> bool:
        """Whether it was open, and is known not to be any more."""
        return self._ready.done() and (self._owner.done() or self._way.is_gone)

    def leave(self) -> None:
        """Begin to close it. Once: to cancel what is closing would leave it half closed."""
        if not self._leave.is_set() and not self._ready.done():
            self._owner.cancel()
        self._leave.set()

    async def close(self) -> None:
        """Close it, and stop what was started for it."""
        self.leave()
        await asyncio.gather(self._owner, return_exceptions=True)

    @property
    def because(self) -> str:
        """What is known of why it broke, in brackets; empty when nothing is."""
        end = self._way.describe_end()
        return f" ({end})" if end else ""

    async def _own(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                self._ready.set_result(await stack.enter_async_context(_make_client(self._way)))
                await self._leave.wait()
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(to_leaf(error))
            self._ready.exception()  # who waited may be gone


def _make_client(way: Way) -> Any:
    from mcp import Client  # noqa: PLC0415 - heavy
    from mcp_types import Implementation  # noqa: PLC0415 - heavy

    return Client(way.streams(), client_info=Implementation(name="lllm", version=VERSION), cache=None)


def to_leaf(error: BaseException) -> BaseException:
    """Return what went wrong in a group of tasks. Pure."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
