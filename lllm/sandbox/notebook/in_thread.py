"""A cell in a thread of its own, so that the event loop goes on; and how a cancellation reaches it there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Stop(Protocol):
    """Interrupts what runs in the thread; ``kill`` ends it."""

    def __call__(self, *, kill: bool = False) -> bool:
        """Stop it, from any thread; return whether it only waited to begin, and so does nothing any more."""
        ...


async def run_in_thread(make: Callable[[], T], stop: Stop, grace_s: float) -> T:
    """Return what ``make`` returns, from a thread.

    A cancellation stops it, after ``grace_s`` seconds, or at a second cancellation, by force; it is raised when the
    thread has ended, or at once where that only waits for another.
    """
    task = asyncio.ensure_future(asyncio.to_thread(make))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if stop():
            task.add_done_callback(_drop)
            raise
        try:
            await asyncio.wait({task}, timeout=grace_s)
        finally:
            if not task.done():
                stop(kill=True)
            with suppress(Exception):
                await asyncio.shield(task)
        raise


def _drop(task: asyncio.Future[Any]) -> None:
    """Take what came of a task that nobody waits for, or asyncio complains of it."""
    if not task.cancelled():
        task.exception()
