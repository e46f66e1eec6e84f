"""Connections belong to an event loop and end with it: one object for each loop, closed when its loop ends."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What can be kept for a loop."""

    async def aclose(self) -> None:
        """Close what is idle."""
        ...


Held = TypeVar("Held", bound=Closable)
_Kept = dict[asyncio.AbstractEventLoop, tuple[Held, AsyncGenerator[None, None]]]


class PerLoop(Generic[Held]):
    """What ``build`` makes, once for each event loop."""

    def __init__(self, build: Callable[[], Held]) -> None:
        self._build = build
        self._kept: _Kept[Held] = {}
        weakref.finalize(self, _finish, self._kept)

    def find(self) -> Held | None:
        """Return what the running loop has by now."""
        kept = self._kept.get(asyncio.get_running_loop())
        return kept[0] if kept is not None else None

    async def get(self) -> Held:
        """Return what the running loop has, made if it is not there yet."""
        loop = asyncio.get_running_loop()
        kept = self._kept.get(loop)
        if kept is None:
            _finish(self._kept, only_closed=True)
            held = self._build()
            hook = _until_loop_ends(held)
            kept = self._kept[loop] = (held, hook)
            await anext(hook)
        return kept[0]


async def _until_loop_ends(held: Closable) -> AsyncGenerator[None, None]:
    """Close at the end of the loop: `asyncio.run` finishes suspended async generators then."""
    try:
        yield
    finally:
        await held.aclose()


def _finish(kept: _Kept[Held], *, only_closed: bool = False) -> None:
    """Close, as well as it can be done, what belongs to loops that will not do it themselves."""
    for loop in list(kept):
        if loop.is_running() or (only_closed and not loop.is_closed()):
            continue
        held, _ = kept.pop(loop)
        closing = held.aclose()
        with contextlib.suppress(RuntimeError, StopIteration):  # the first: a loop that is closed takes no more work
            if loop.is_closed():
                closing.send(None)
            else:
                loop.run_until_complete(closing)
        closing.close()
