"""Drive a turn: perform its effects and send it the results. The only place where sync and async differ."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from inspect import GEN_CLOSED, getgeneratorstate
from threading import Event
from typing import Any

from lllm.errors import CallCancelled, ProviderTimeout
from lllm.llm.effects import (
    AskModel,
    DeadlineHit,
    Effect,
    Effects,
    ListTools,
    NextResult,
    Parse,
    Sleep,
    StartFunctions,
    Sync,
)
from lllm.llm.jobs import Jobs, arun_bounded, run_bounded
from lllm.llm.mcp_offers import aask_server, ask_server
from lllm.llm.place import await_cause
from lllm.llm.session import Session
from lllm.llm.stream import LEFT, Listener, on_delta
from lllm.llm.turn import Flow
from lllm.providers.base import Delta, OnDelta

_LONGEST_NAP_S = 0.25


def drive(flow: Flow, effects: Effects) -> None:
    """Run a flow to its end, blocking. Whatever breaks into an effect is thrown into the flow, which decides."""
    with _ended(flow):
        effect = next(flow, None)
        while effect is not None:
            try:
                answer = effects.perform(effect)
            except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt too: the flow logs it and lets it go on
                effect = _throw(flow, error)
            else:
                effect = _send(flow, answer)


async def adrive(flow: Flow, effects: Effects) -> None:
    """Async twin of :func:`drive`."""
    try:
        with _ended(flow):
            effect = next(flow, None)
            while effect is not None:
                try:
                    answer = await effects.aperform(effect)
                except BaseException as error:  # noqa: BLE001 - as in drive; cancellation of the task arrives here
                    effect = _throw(flow, error)
                else:
                    effect = _send(flow, answer)
    except asyncio.CancelledError as error:
        await await_cause(error)
        raise


@contextmanager
def _ended(flow: Flow) -> Generator[None]:
    """Tell the flow of a KeyboardInterrupt that came between two effects, too; a flow that is over knows already."""
    try:
        yield
    except BaseException as error:
        if getgeneratorstate(flow) != GEN_CLOSED:
            flow.throw(error)
        raise


def _send(flow: Flow, answer: Any) -> Effect | None:
    try:
        return flow.send(answer)
    except StopIteration:
        return None


def _throw(flow: Flow, error: BaseException) -> Effect | None:
    try:
        return flow.throw(error)
    except StopIteration:
        return None


class LiveEffects:
    """Performs the effects of one call for real.

    Args:
        session: whose log is synced, and whose cancelling stops the call.
        deadline_s: seconds that the call may take, or None.
        max_parallel: how many functions may run at once.
        listen: told of text while it arrives, or None.
        stop: set by whoever wants this call alone to end.
    """

    def __init__(
        self,
        session: Session,
        deadline_s: float | None,
        max_parallel: int,
        listen: Listener | None = None,
        stop: Event | None = None,
    ) -> None:
        ends = [session.deadline, None if deadline_s is None else time.monotonic() + deadline_s]
        self._deadline = min((end for end in ends if end is not None), default=None)
        self._session = session
        self._max_parallel = max_parallel
        self._on_delta = None if listen is None else self._until_stopped(on_delta(listen))
        self._stop = stop
        self._jobs: Jobs | None = None

    def perform(self, effect: Effect) -> Any:
        """Perform one effect, blocking."""
        match effect:
            case AskModel(id_, provider, request):
                left = self._may_begin(f"model call {id_}")
                try:
                    return provider.send(request, timeout_s=left, on_delta=self._on_delta)
                except ProviderTimeout:
                    self._left_s(f"model call {id_}")
                    raise
            case StartFunctions():
                self._jobs = self._start(effect)
            case NextResult():
                assert self._jobs is not None
                with self._session.active():  # a function that asks an agent does so in the session that it runs in
                    return self._jobs.next()
            case Sleep(id_, seconds):
                for nap in self._naps(seconds):
                    self._session.wait(nap)
                self._left_s(f"the wait of {id_}")
            case Sync():
                self._session.journal.barrier()
            case ListTools():
                return ask_server(self._session, effect, lambda: self._may_begin("an MCP server's start"))
            case Parse(parse):
                return parse() if self._deadline is None else run_bounded(parse, self._deadline, "the parser")
        return None

    async def aperform(self, effect: Effect) -> Any:
        """Async twin of :meth:`perform`; nothing here blocks the event loop."""
        match effect:
            case AskModel(id_, provider, request):
                left = self._may_begin(f"model call {id_}")
                try:
                    async with asyncio.timeout(left):
                        return await provider.asend(request, timeout_s=left, on_delta=self._on_delta)
                except (ProviderTimeout, TimeoutError):
                    self._left_s(f"model call {id_}")
                    raise
            case NextResult():
                assert self._jobs is not None
                try:
                    with self._session.active():
                        return await self._jobs.anext()
                except BaseException:  # whatever ends the call: its tasks must not outlive it
                    self._jobs.abandon()
                    raise
            case Sleep(id_, seconds):
                for nap in self._naps(seconds):
                    await asyncio.sleep(nap)
                self._left_s(f"the wait of {id_}")
            case Sync():
                await asyncio.to_thread(self._session.journal.barrier)
            case ListTools():
                return await aask_server(self._session, effect, lambda: self._may_begin("an MCP server's start"))
            case Parse(parse) if self._deadline is not None:
                return await arun_bounded(parse, self._deadline, "the parser")
            case _:
                return self.perform(effect)
        return None

    def _start(self, effect: StartFunctions) -> Jobs:
        self._may_begin(f"function {', '.join(job.function.name for job in effect.jobs)}")
        return Jobs(effect.jobs, self._max_parallel, self._deadline, self._check, in_threads=self._stop is not None)

    def _until_stopped(self, tell: OnDelta) -> OnDelta:
        """Return a listener that ends a reply which is still being written, once nobody wants it any more."""

        def checked(delta: Delta) -> None:
            self._check()
            tell(delta)

        return checked

    def _check(self) -> None:
        self._session.check_cancelled()
        if self._stop is not None and self._stop.is_set():
            raise CallCancelled(LEFT)

    def _may_begin(self, what: str) -> float | None:
        """Return the seconds that are left for what begins now; raise when the call was cancelled, or none are."""
        self._check()
        return self._left_s(what)

    def _left_s(self, what: str) -> float | None:
        """Return the seconds that are left, or None without a deadline.

        Raises:
            DeadlineHit: none are.
        """
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise DeadlineHit(what)
        return left

    def _naps(self, seconds: float) -> Iterator[float]:
        """Yield a wait in short pieces, up to the deadline, so that a cancel is seen between two of them."""
        end = time.monotonic() + seconds
        if self._deadline is not None:
            end = min(end, self._deadline)
        while (left := end - time.monotonic()) > 0:
            yield min(left, _LONGEST_NAP_S)
            self._check()
