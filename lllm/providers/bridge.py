"""From sync to async code and back, for one call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextvars import copy_context
from typing import Any, TypeVar

from lllm.errors import CallCancelled, ProviderTimeout

T = TypeVar("T")
_LEFT = "the call was cancelled"


async def bounded(work: Awaitable[T], timeout_s: float | None) -> T:
    """Return what ``work`` returns.

    Raises:
        ProviderTimeout: not within ``timeout_s``.
    """
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            return await work
    except TimeoutError:
        if limit.expired():
            raise ProviderTimeout(f"no reply within {timeout_s:g} s") from None
        raise


def run_in_loop(make: Callable[[], Coroutine[Any, Any, T]], timeout_s: float | None) -> T:
    """Run a coroutine in an event loop of its own and return its result, blocking.

    Where a loop runs in this thread already, which no other may share, that happens in a thread of its own.
    """

    async def main() -> T:
        return await bounded(make(), timeout_s)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    done: Future[T] = Future()
    context = copy_context()
    threading.Thread(target=context.run, args=(_settle, done, lambda: asyncio.run(main())), daemon=True).start()
    return done.result()


async def arun_in_thread(run: Callable[[InLoop], T]) -> T:
    """Run ``run`` in a thread of its own and return its result; it gets a way to wait for what runs in this loop.

    A thread for each call: one of a small pool could wait for another that finds no place in it.
    """
    loop = InLoop(asyncio.get_running_loop())
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # so that cancelling who waits does not touch it
    context = copy_context()
    threading.Thread(target=context.run, args=(_settle, done, lambda: run(loop)), daemon=True).start()
    try:
        return await asyncio.wrap_future(done)
    finally:
        loop.leave()


class InLoop:
    """An event loop, as a thread beside it sees it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_left = False
        self._task: asyncio.Task[Any] | None = None

    def wait_for(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the loop and return its result, blocking this thread.

        Raises:
            CallCancelled: nobody waits for this thread any more, so nothing is begun for it.
        """
        if self._is_left:
            raise CallCancelled(_LEFT)
        try:
            return asyncio.run_coroutine_threadsafe(self._run(make), self._loop).result()
        except CancelledError:
            raise CallCancelled(_LEFT) from None

    async def _run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._is_left:
            raise CallCancelled(_LEFT)
        self._task = asyncio.current_task()
        return await make()

    def leave(self) -> None:
        """Stop what the thread waits for; it is called in the loop, when nobody waits for the thread any more."""
        self._is_left = True
        if self._task is not None:
            self._task.cancel()


def _settle(done: Future[T], run: Callable[[], T]) -> None:
    try:
        done.set_result(run())
    except BaseException as error:  # noqa: BLE001 - carried over to whoever waits
        # An asyncio future takes no StopIteration, and whoever waits would wait for ever.
        done.set_exception(RuntimeError("StopIteration") if isinstance(error, StopIteration) else error)
