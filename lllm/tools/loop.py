"""An event loop in a thread of its own, for libraries that know only async, whatever face their user has chosen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """One event loop in a daemon thread.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop. Any thread may call this; cancelling the future cancels the coroutine."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self, last: Coroutine[Any, Any, Any], patience_s: float) -> None:
        """Run ``last``, end whatever else runs, and end the thread; give up after ``patience_s`` seconds."""
        done = self.submit(self._end(last, patience_s))
        done.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._loop.stop))
        self._thread.join(2 * patience_s)

    async def _end(self, last: Coroutine[Any, Any, Any], patience_s: float) -> None:
        try:
            async with asyncio.timeout(patience_s):
                await last
        finally:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            if others:
                await asyncio.wait(others, timeout=patience_s)
            await self._loop.shutdown_asyncgens()
