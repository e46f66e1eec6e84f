"""Questions to whoever approves, while the browser waits: one at a time, on nobody's clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

Decide = Callable[[str, str], bool]
"""Decides about an approval: of what kind (see ``policy.SENSITIVE``), and about what. Called in a thread of its own."""


_MAX_REFUSALS = 5
"""In one action; what follows is refused without a question, or a page could ask for ever."""


class Asking:
    """The questions of one browser.

    Args:
        kinds: what may be asked about; anything else is refused without a question.

    Attributes:
        failure: what a question raised in place of an answer, such as a log that cannot be written; it is refused.
    """

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self._kinds = kinds
        self._decide: Decide = _refuse
        self.failure: BaseException | None = None
        self._one = asyncio.Lock()
        self._waiting = 0
        self._limit: asyncio.Timeout | None = None
        self._left_s: float | None = None
        self._refusals = 0

    @property
    def is_asking(self) -> bool:
        """Whether somebody is being asked."""
        return self._waiting > 0

    def begin(self, decide: Decide) -> None:
        """Ask somebody, from now on."""
        self._decide, self.failure, self._refusals = decide, None, 0

    def end(self) -> None:
        """Ask nobody any more: what a page does between two actions is refused."""
        self._decide = _refuse

    @asynccontextmanager
    async def limited(self, seconds: float) -> AsyncGenerator[None]:
        """Give a block so many seconds, not counting those in which somebody is asked.

        Raises:
            TimeoutError: it took longer.
        """
        async with asyncio.timeout(seconds) as limit:
            self._limit = limit
            if self._waiting:
                self._pause()
            try:
                yield
            finally:
                self._limit = self._left_s = None

    async def ask(self, kind: str, what: str) -> bool:
        """Return whether something may be done."""
        if kind not in self._kinds:
            return False
        self._waiting += 1
        if self._waiting == 1:
            self._pause()
        try:
            return await self._ask_alone(partial(self._decide, kind, what))
        except Exception as error:  # noqa: BLE001 - it is the caller's, who is told when the action is over
            self.failure = error
            return False
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._go_on()

    async def _ask_alone(self, question: Callable[[], bool]) -> bool:
        """Ask once nobody else is asked: a question that is given up is still open to whoever reads it."""
        await self._one.acquire()
        if self._refusals >= _MAX_REFUSALS:
            self._one.release()
            return False
        answer = _in_thread(question)
        answer.add_done_callback(self._free)
        return await asyncio.shield(answer) is True

    def _free(self, answer: asyncio.Future[bool]) -> None:
        # What it raised is told to whoever asked, who may have given up.
        is_granted = not answer.cancelled() and answer.exception() is None and answer.result() is True
        self._refusals += not is_granted
        self._one.release()

    def _pause(self) -> None:
        if self._limit is not None and (when := self._limit.when()) is not None:
            self._left_s = when - asyncio.get_running_loop().time()
            self._reschedule(None)

    def _go_on(self) -> None:
        if self._left_s is not None:
            self._reschedule(asyncio.get_running_loop().time() + self._left_s)
            self._left_s = None

    def _reschedule(self, when: float | None) -> None:
        with suppress(RuntimeError):  # what it limits is over
            if self._limit is not None:
                self._limit.reschedule(when)


def _in_thread(work: Callable[[], bool]) -> asyncio.Future[bool]:
    """Run ``work`` in a daemon thread: a question that is never answered must not hold up the end of the program."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bool] = loop.create_future()

    def put(take: Callable[[Any], None], value: Any) -> None:
        if not answer.done():
            take(value)

    def run() -> None:
        try:
            outcome: tuple[Callable[[Any], None], Any] = (answer.set_result, work())
        except BaseException as error:  # noqa: BLE001 - carried over to whoever waits
            is_fit = isinstance(error, Exception) and not isinstance(error, StopIteration)  # for a future
            outcome = (answer.set_exception, error if is_fit else RuntimeError(f"{type(error).__name__}: {error}"))
        with suppress(RuntimeError):  # the browser is closed, and its loop with it
            loop.call_soon_threadsafe(put, *outcome)

    threading.Thread(target=run, name="lllm-approval", daemon=True).start()
    return answer


def _refuse(_kind: str, _what: str) -> bool:
    return False
