"""One function over many items at once, in threads or on the event loop, each item in a scope of its own.

When one of them fails, chance decides how many of the others have begun. So the log is told, and a replay begins as
many and ends in the same error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from threading import Lock
from typing import Any, Protocol, TypeVar

from lllm.errors import CallCancelled
from lllm.llm.effects import Tape

T = TypeVar("T")
R = TypeVar("R")


class Owner(Protocol):
    """The session that the work belongs to."""

    tape: Tape | None

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Give a block ids of its own."""
        ...

    def cancel(self) -> None:
        """Stop every call."""
        ...

    def end_scope(self) -> None:
        """Close what served the scope that this code stands in."""
        ...

    async def aend_scope(self) -> None:
        """Async twin of :meth:`end_scope`."""
        ...

    def log_failed_map(self, id: str, begun: int, error: BaseException) -> None:  # noqa: A002 - the envelope's own word
        """Log how many items had begun when one of them failed."""
        ...


def run_in_threads(owner: Owner, id_: str, function: Callable[[T], R], items: Sequence[T], concurrency: int) -> list[R]:
    """Run ``function`` over items in threads; results in the items' order, or the first error in that order."""
    recorded = owner.tape.begun(id_) if owner.tape else None
    todo = items[:recorded]
    gate, ends = _Gate(), [Future[R]() for _ in todo]

    def work() -> None:
        index = gate.enter()
        try:
            with owner.scope(f"{_base(id_)}-{index}"):
                try:
                    result = function(todo[index])
                finally:
                    owner.end_scope()
            ends[index].set_result(result)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for this item
            ends[index].set_exception(error)

    try:
        with ThreadPoolExecutor(concurrency) as pool:
            try:
                for _ in todo:
                    pool.submit(copy_context().run, work)
                results = [end.result() for end in ends]
            except BaseException as error:
                if recorded is None:
                    gate.close()
                    pool.shutdown(wait=False, cancel_futures=True)
                if isinstance(error, KeyboardInterrupt):  # those under way may take their time, or wait for somebody
                    owner.cancel()
                raise
        if recorded is not None and owner.tape:
            raise _error_of(owner.tape, id_, ())  # noqa: TRY301 - told to whoever waits for this piece of work
    except BaseException as error:
        owner.log_failed_map(id_, gate.close(), error)
        raise
    return results


class _Gate:
    """Numbers those who enter, until it is closed.

    Who begins takes the next item there and then, and not when the pool hands work to a thread: one that is slow to
    begin would else leave a hole, and a count would not tell a replay which items had begun.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entered = 0
        self._is_closed = False

    def enter(self) -> int:
        """Return how many came before.

        Raises:
            CallCancelled: it is closed.
        """
        with self._lock:
            if self._is_closed:
                raise CallCancelled("another item failed before this one began")
            self._entered += 1
            return self._entered - 1

    def close(self) -> int:
        """Let nobody else in, and return how many came."""
        with self._lock:
            self._is_closed = True
            return self._entered


async def run_on_loop(
    owner: Owner, id_: str, function: Callable[[T], Awaitable[R]], items: Sequence[T], concurrency: int
) -> list[R]:
    """Async twin of :func:`run_in_threads`: on the running event loop, and the first error in time cancels the rest."""
    recorded = owner.tape.begun(id_) if owner.tape else None
    gate, begun = asyncio.Semaphore(concurrency), 0

    async def one(index: int, item: T) -> R:
        nonlocal begun
        async with gate:
            begun += 1
            with owner.scope(f"{_base(id_)}-{index}"):
                try:
                    return await function(item)
                finally:
                    await owner.aend_scope()

    tasks = [asyncio.ensure_future(one(index, item)) for index, item in enumerate(items[:recorded])]
    try:
        if recorded is None or owner.tape is None:
            return list(await asyncio.gather(*tasks))
        raise _error_of(owner.tape, id_, await asyncio.gather(*tasks, return_exceptions=True))  # noqa: TRY301 - as above
    except BaseException as error:
        await _end(tasks)  # none may write to the log of a session that is closed meanwhile
        owner.log_failed_map(id_, begun, error)
        raise


async def _end(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _error_of(tape: Tape, id_: str, ended: Sequence[Any]) -> BaseException:
    """Return the recorded error of a map that failed: today's own, where one of today's items ended in it."""
    try:
        told = tape.value(id_, "map")
    except BaseException as error:  # noqa: BLE001 - to be raised by the caller
        own = [end for end in ended if isinstance(end, BaseException) and _line(end) == _line(error)]
        return own[0] if own else error
    return AssertionError(f"a map that failed is logged with its error, not {told!r}")


def _line(error: BaseException) -> tuple[str, str]:
    return type(error).__name__, str(getattr(error, "message", error))


def _base(id_: str) -> str:
    """Return the name of a map: ``map-0`` of ``a.map-0/0``."""
    return id_.rpartition("/")[0].rpartition(".")[2]
