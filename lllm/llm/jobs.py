"""Running functions: at once, each with its own time-out, results in the order in which they arrive.

A function that does not return in time is given up: its thread, which cannot be killed, is a daemon that holds up
nobody, and what it returns later is dropped.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any

from lllm.errors import FunctionError, FunctionTimeout, LLLMError
from lllm.llm.effects import DeadlineHit, Job
from lllm.llm.place import function_scope
from lllm.models.function import FunctionCall, ends_call, fail
from lllm.models.plain import show

SKIPPED = "This was not done: a function before it in the same reply had the last word."
Result = tuple[int, FunctionCall]
Arrival = tuple[int, FunctionCall | BaseException]


# What a function may raise and the model reads; but for what only the user can mend (``LLLMError.ends_call``). A
# cancellation is one of them, when the function made it itself: for one from outside nobody waits.
_FUNCTION_FAULTS = (Exception, SystemExit, asyncio.CancelledError)


class DaemonThreads:
    """Threads that are kept for the next function, and that never hold up the end of the program.

    The executors of the standard library join their threads at exit, so a function that never returns would keep the
    program alive for ever.
    """

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # threads do not survive a fork

    def _reset(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        # One None an idle thread. A Semaphore is Python code, and Ctrl-C can leave its lock taken for ever.
        self._idle: SimpleQueue[None] = SimpleQueue()

    def submit(self, work: Callable[[], None]) -> None:
        """Run ``work``, which must not raise, in an idle thread or a new one. Returns at once."""
        try:
            self._idle.get_nowait()
        except Empty:
            queues = (self._work, self._idle)
            threading.Thread(target=self._serve, args=(work, *queues), name="lllm-function", daemon=True).start()
        else:
            self._work.put(work)

    @property
    def idle(self) -> int:
        """How many of them have nothing to do, at least: one that has just ended its work may not be counted yet."""
        return self._idle.qsize()

    @staticmethod
    def _serve(work: Callable[[], None], queue: SimpleQueue[Callable[[], None]], idle: SimpleQueue[None]) -> None:
        while True:
            work()
            idle.put(None)
            work = queue.get()


THREADS = DaemonThreads()


class Jobs:
    """The functions of one round. Use either ``next`` or ``anext``.

    Args:
        jobs: what to run.
        limit: how many may run at once.
        deadline: moment on the monotonic clock when the whole call is over, or None.
        check: raises when the call was cancelled.
        in_threads: never run a function in the caller's own thread, which then can stop waiting for it.
    """

    def __init__(
        self,
        jobs: tuple[Job, ...],
        limit: int,
        deadline: float | None,
        check: Callable[[], None],
        *,
        in_threads: bool = False,
    ) -> None:
        self._waiting = deque(jobs)
        self._running: dict[int, tuple[Job, float | None]] = {}
        self._limit = max(1, limit)
        self._deadline = deadline
        self._check = check
        self._in_threads = in_threads
        self._results: SimpleQueue[Arrival] = SimpleQueue()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._is_over = False  # a serial function had the last word: those behind it are not done any more
        self._arrivals: asyncio.Queue[Arrival] | None = None

    def next(self) -> Result:
        """Return the next result, blocking."""
        if (skipped := self._skip()) is not None:
            return skipped
        job = self._waiting[0] if self._waiting and not self._running else None
        if job is not None and len(self._waiting) == 1 and self._may_run_here(job):
            self._waiting.clear()
            # In a context of its own, as in a thread: Ctrl-C may come before the function's scope is taken back.
            return job.ordinal, copy_context().run(run_job, job)
        while True:
            self._start(self._start_thread)
            try:
                arrived = self._results.get(timeout=self._patience())
            except Empty:
                if (late := self._given_up()) is not None:
                    return late
                continue
            if (result := self._accept(arrived)) is not None:
                return result

    async def anext(self) -> Result:
        """Return the next result; async functions run on this loop, others in threads."""
        if self._arrivals is None:
            self._arrivals = asyncio.Queue()
        if (skipped := self._skip()) is not None:
            return skipped
        while True:
            self._start(self._start_on_loop)
            try:
                async with asyncio.timeout(self._patience()):
                    arrived = await self._arrivals.get()
            except TimeoutError:
                if (late := self._given_up()) is not None:
                    return late
                continue
            if (result := self._accept(arrived)) is not None:
                return result

    def abandon(self) -> None:
        """Cancel what can be cancelled; threads are left to end by themselves."""
        self._waiting.clear()
        self._running.clear()
        for task in self._tasks.values():
            task.cancel()

    def _may_run_here(self, job: Job) -> bool:
        """Whether the caller's own thread will do: nothing runs beside it, and nobody would stop it."""
        return (
            not self._in_threads
            and job.function.timeout_s is None
            and self._deadline is None
            and not job.function.is_async
        )

    def _accept(self, arrived: Arrival) -> Result | None:
        """Return a result that is still waited for; raise what broke through a function, such as KeyboardInterrupt."""
        ordinal, call = arrived
        if (ran := self._running.pop(ordinal, None)) is None:
            return None
        if isinstance(call, BaseException):
            raise call
        self._is_over |= call.is_last and ran[0].function.serial
        return ordinal, call

    def _skip(self) -> Result | None:
        """Return a serial function, unrun, that stands behind one which had the last word; None where none does."""
        job = next((job for job in self._waiting if job.function.serial), None) if self._is_over else None
        if job is None:
            return None
        self._waiting.remove(job)
        return job.ordinal, job.call.answered(SKIPPED, SKIPPED)

    def _start(self, start: Callable[[Job], None]) -> None:
        while len(self._running) < self._limit and (job := self._next_to_start()) is not None:
            self._waiting.remove(job)
            limit = job.function.timeout_s
            self._running[job.ordinal] = (job, None if limit is None else time.monotonic() + limit)
            start(job)

    def _next_to_start(self) -> Job | None:
        """Return the first job that need not wait for another one: serial functions run one after the other."""
        is_taken = any(job.function.serial for job, _ in self._running.values())
        return next((job for job in self._waiting if not (is_taken and job.function.serial)), None)

    def _start_thread(self, job: Job) -> None:
        results, context = self._results, copy_context()
        THREADS.submit(lambda: results.put((job.ordinal, context.run(_run_or_catch, job))))

    def _start_on_loop(self, job: Job) -> None:
        arrivals = self._arrivals
        assert arrivals is not None
        if job.function.is_async:

            async def work() -> None:
                try:
                    arrived: FunctionCall | BaseException = await arun_job(job)
                except LLLMError as error:
                    arrived = error
                arrivals.put_nowait((job.ordinal, arrived))

            self._tasks[job.ordinal] = asyncio.create_task(work(), name=f"lllm-{job.id}")
            return
        loop, context = asyncio.get_running_loop(), copy_context()

        def bring() -> None:
            result = (job.ordinal, context.run(_run_or_catch, job))
            with suppress(RuntimeError):  # the loop has ended: nobody waits for this result any more
                loop.call_soon_threadsafe(arrivals.put_nowait, result)

        THREADS.submit(bring)

    def _patience(self) -> float | None:
        """Return seconds until something must be looked at; a quarter at most, so that a cancel is seen."""
        ends = [end for _, end in self._running.values() if end is not None]
        if self._deadline is not None:
            ends.append(self._deadline)
        return max(0.0, min([0.25, *(end - time.monotonic() for end in ends)]))

    def _given_up(self) -> Result | None:
        """Return a function that has run out of its time as a result; raise when the whole call has."""
        self._check()
        now = time.monotonic()
        if self._deadline is not None and now >= self._deadline:
            names = ", ".join(job.function.name for job, _ in self._running.values())
            self.abandon()
            raise DeadlineHit(f"function {names}")
        for ordinal, (job, end) in self._running.items():
            if end is not None and now >= end:
                del self._running[ordinal]
                if (task := self._tasks.get(ordinal)) is not None:
                    task.cancel()
                late = FunctionTimeout(f"{job.function.name} did not return within {job.function.timeout_s} s")
                return ordinal, fail(job.call, late)
        return None


def run_job(job: Job) -> FunctionCall:
    """Run one function to its end in this thread; what it raises becomes its result."""
    if job.watch is None:
        return _run(job)
    with job.watch(job) as tell:
        call = _run(job)
        tell(call)
    return call


def _run(job: Job) -> FunctionCall:
    with function_scope(job.id, job.attempt):
        try:
            value = _callable(job)(**job.arguments)
            if inspect.isawaitable(value):
                value = _wait_here(value)
            return job.function.finish(job.call, value)
        except _FUNCTION_FAULTS as error:
            return _fail(job, error)


async def arun_job(job: Job) -> FunctionCall:
    """Async twin of :func:`run_job`, for async functions on the running loop."""
    if job.watch is None:
        return await _arun(job)
    with job.watch(job) as tell:
        call = await _arun(job)
        tell(call)
    return call


async def _arun(job: Job) -> FunctionCall:
    with function_scope(job.id, job.attempt):
        try:
            return job.function.finish(job.call, await _callable(job)(**job.arguments))
        except _FUNCTION_FAULTS as error:
            return _fail(job, error)


def _fail(job: Job, error: BaseException) -> FunctionCall:
    """Return what the model reads of an error.

    Raises:
        LLLMError: it is one that ends the call.
    """
    if ends_call(error):
        raise error
    return fail(job.call, FunctionError(f"{type(error).__name__}: {show(error)}"))


def _run_or_catch(job: Job) -> FunctionCall | BaseException:
    """Run one function in a thread; return what it raises beyond its faults, for the waiting thread to raise."""
    try:
        return run_job(job)
    except BaseException as error:  # noqa: BLE001 - without it the thread dies and the caller waits for ever
        return error


def _callable(job: Job) -> Callable[..., Any]:
    if job.function.function is None:
        raise FunctionError("it has no callable; link one with link_function")
    return job.function.function


async def _wait_for(value: Any) -> Any:
    return await value


def _wait_here(value: Any) -> Any:
    """Run an awaitable to its end on a loop of its own: in another thread, where a loop runs in this one already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_wait_for(value))
    return run_bounded(lambda: asyncio.run(_wait_for(value)), None, "")


def run_bounded(work: Callable[[], Any], deadline: float | None, what: str) -> Any:
    """Run ``work`` in a thread and stop waiting at the deadline, if there is one.

    Raises:
        DeadlineHit: it did not return in time; its thread is left behind.
    """
    box: SimpleQueue[tuple[bool, Any]] = SimpleQueue()
    _submit_boxed(work, box.put)
    try:
        boxed = box.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
    except Empty:
        raise DeadlineHit(what) from None
    return _unboxed(boxed)


async def arun_bounded(work: Callable[[], Any], deadline: float, what: str) -> Any:
    """Async twin of :func:`run_bounded`: the event loop goes on meanwhile."""
    loop = asyncio.get_running_loop()
    box: asyncio.Queue[tuple[bool, Any]] = asyncio.Queue()

    def put(boxed: tuple[bool, Any]) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(box.put_nowait, boxed)

    _submit_boxed(work, put)
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            boxed = await box.get()
    except TimeoutError:
        raise DeadlineHit(what) from None
    return _unboxed(boxed)


def _submit_boxed(work: Callable[[], Any], put: Callable[[tuple[bool, Any]], None]) -> None:
    """Run ``work`` in a thread and put whether it returned, and what it returned or raised."""

    def run() -> None:
        try:
            boxed = (True, work())
        except BaseException as error:  # noqa: BLE001 - carried over to whoever waits
            boxed = (False, error)
        put(boxed)

    context = copy_context()
    THREADS.submit(lambda: context.run(run))


def _unboxed(boxed: tuple[bool, Any]) -> Any:
    done, value = boxed
    if not done:
        raise value
    return value
