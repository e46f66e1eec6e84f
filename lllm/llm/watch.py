"""Run a call beside whoever watches it, and hand over what happens while it happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import TypeVar

from lllm.errors import CallCancelled
from lllm.llm.drive import adrive, drive
from lllm.llm.effects import Effects
from lllm.llm.stream import LEFT, FinishedEvent, Listener, ProgressEvent
from lllm.llm.turn import Turn

T = TypeVar("T")
Begun = tuple[Turn, Effects]


def watch(
    begin: Callable[[Listener, threading.Event], Begun], finished: Callable[[Turn], FinishedEvent[T]]
) -> Iterator[ProgressEvent | FinishedEvent[T]]:
    """Drive a call in a thread of its own and yield its events; nothing begins before the first is asked for.

    Args:
        begin: makes the call, given who listens and what tells it to stop.
        finished: makes the last event.
    """
    events: SimpleQueue[ProgressEvent | FinishedEvent[T] | BaseException] = SimpleQueue()
    stop = threading.Event()
    turn, effects = begin(events.put, stop)

    def run() -> None:
        try:
            drive(turn.flow(), effects)
            events.put(finished(turn))
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            events.put(error)

    worker = threading.Thread(target=copy_context().run, args=(run,), name="lllm-stream", daemon=True)
    try:
        worker.start()
        while True:
            event = events.get()
            if isinstance(event, CallCancelled) and event.message == LEFT:
                return  # a replay of a stream that was left: the loop ends where the recorded one did
            if isinstance(event, BaseException):
                raise event
            yield event
            if isinstance(event, FinishedEvent):
                return
    finally:
        stop.set()
        with suppress(RuntimeError):  # Ctrl-C came before it had begun; then it ends by itself
            worker.join()


async def awatch(
    begin: Callable[[Listener], Begun], finished: Callable[[Turn], FinishedEvent[T]]
) -> AsyncIterator[ProgressEvent | FinishedEvent[T]]:
    """Async twin of :func:`watch`, in a task of its own; leaving the loop cancels it."""
    events: asyncio.Queue[ProgressEvent | None] = asyncio.Queue()
    turn, effects = begin(events.put_nowait)
    task = asyncio.create_task(adrive(turn.flow(), effects))
    task.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (event := await events.get()) is not None:
            yield event
        await task
        yield finished(turn)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
