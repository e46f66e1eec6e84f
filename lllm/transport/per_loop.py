"""Connections belong to an event loop: all users of a loop share them, and they end with the last user or the loop."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar


class Shared(ABC):
    """What the users of one event loop share."""

    def __init__(self) -> None:
        self._users: weakref.WeakSet[object] = weakref.WeakSet()

    def join(self, user: object) -> None:
        """Count somebody who uses it, until he leaves or is gone."""
        self._users.add(user)

    async def leave(self, user: object) -> None:
        """Close what is idle, if nobody else uses it."""
        self._users.discard(user)
        if not self._users:
            await self.aclose()

    @abstractmethod
    async def aclose(self) -> None:
        """Close what is idle."""


Held = TypeVar("Held", bound=Shared)
_Kept = dict[asyncio.AbstractEventLoop, tuple[Held, AsyncGenerator[None, None]]]


class PerLoop(Generic[Held]):
    """What ``build`` makes, once for each event loop. Made once for a whole process, and never dropped."""

    def __init__(self, build: Callable[[], Held]) -> None:
        self._build = build
        self._kept: _Kept[Held] = {}
        weakref.finalize(self, _finish, self._kept)  # when the interpreter ends

    async def join(self, user: object) -> Held:
        """Return what the running loop has, made if it is not there yet; ``user`` is one of its users from now on."""
        loop = asyncio.get_running_loop()
        kept = self._kept.get(loop)
        if kept is None:
            _finish(self._kept, only_closed=True)
            held = self._build()
            hook = _until_loop_ends(held)
            kept = self._kept[loop] = (held, hook)
            await anext(hook)
        kept[0].join(user)
        return kept[0]

    async def leave(self, user: object) -> None:
        """Tell what the running loop has, if it has any, that ``user`` needs it no more."""
        kept = self._kept.get(asyncio.get_running_loop())
        if kept is not None:
            await kept[0].leave(user)


async def _until_loop_ends(held: Shared) -> AsyncGenerator[None, None]:
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
        _, hook = kept.pop(loop)
        closing = hook.aclose()
        with contextlib.suppress(RuntimeError, StopIteration):  # the first: a loop that is closed takes no more work
            if loop.is_closed():
                closing.send(None)
            else:
                loop.run_until_complete(closing)
