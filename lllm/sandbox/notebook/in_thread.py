"""A cell in a thread of its own, so that the event loop goes on; and how a cancellation reaches it there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

T = TypeVar("T")


class Stop(Protocol):
    """Interrupts what runs in the thread; ``kill`` ends it."""

    def __call__(self, *, kill: bool = False) -> None:
        """Stop it; from any thread."""
        ...


async def run_in_thread(make: Callable[[], T], stop: Stop, grace_s: float) -> T:
    """Return what ``make`` returns, from a thread.

    A cancellation stops it, after ``grace_s`` seconds, or at a second cancellation, by force; it is raised when the
    thread has ended.
    """
    task = asyncio.ensure_future(asyncio.to_thread(make))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop()
        try:
            await asyncio.wait({task}, timeout=grace_s)
        finally:
            if not task.done():
                stop(kill=True)
            with suppress(Exception):
                await asyncio.shield(task)
        raise
