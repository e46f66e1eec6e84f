"""Running many tasks at once: sync systems in threads, async ones on one event loop in a thread of its own.

Either crew puts ``Started`` and ``Outcome`` into a queue that the main thread reads, and a None for each worker that
has no more to do. So signals, files and the display stay with the main thread.
"""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from lllm.cli.exits import Told, to_told
from lllm.cli.work import Work, arun_work, run_work, to_data, usage_to_dict
from lllm.llm.session import Session


@dataclass(frozen=True, slots=True)
class Started:
    """A task has begun."""

    work: Work


@dataclass(frozen=True, slots=True)
class Outcome:
    """A task has ended.

    Attributes:
        result: JSON data; None when it failed.
        error: what it failed of.
        wall_s: seconds that it took.
    """

    work: Work
    result: Any
    error: Told | None
    usage: dict[str, Any]
    wall_s: float

    def to_row(self) -> dict[str, Any]:
        """Return the line of the results."""
        row = {"id": self.work.id, "session": self.work.session, "status": "failed" if self.error else "ok"}
        rest = {"error": f"{self.error['type']}: {self.error['message']}"} if self.error else {"result": self.result}
        return row | rest | {"usage": self.usage}


Report = Started | Outcome | None


class _Crew:
    """What both crews share: the tasks, one system for all of them, and the sessions that are open."""

    def __init__(self, system: Any, works: Iterable[Work], size: int) -> None:
        self.reports: SimpleQueue[Report] = SimpleQueue()
        self._system = system
        self._works = iter(works)
        self.size = size
        self._lock = threading.Lock()
        self._open: set[Session] = set()
        self._stopping = False

    def stop(self) -> None:
        """Begin no further task and cancel those under way, which end as failed."""
        self._stopping = True
        for session in list(self._open):
            session.cancel()

    def _next(self) -> Work | None:
        with self._lock:
            return None if self._stopping else next(self._works, None)

    def _copy(self) -> Any:
        """Return a system for one task: attributes that a task sets are its own, agents and connections are shared."""
        return copy.copy(self._system)

    def _opened(self, session: Session) -> None:
        self._open.add(session)
        if self._stopping:
            session.cancel()

    def _outcome(
        self, work: Work, since: float, opened: list[Session], ended: tuple[Any, BaseException | None]
    ) -> None:
        result, error = ended
        self._open.difference_update(opened)
        usage = usage_to_dict(opened[0].usage) if opened else {}
        told = to_told(error) if error is not None else None
        plain = to_data(result) if error is None else None
        self.reports.put(Outcome(work, plain, told, usage, time.monotonic() - since))


class ThreadCrew(_Crew):
    """Sync systems, each task in one of ``size`` threads."""

    def start(self) -> None:
        """Begin."""
        for number in range(self.size):
            threading.Thread(target=self._work, name=f"lllm-task-{number}", daemon=True).start()

    def _work(self) -> None:
        while (work := self._next()) is not None:
            self.reports.put(Started(work))
            since, opened = time.monotonic(), list[Session]()

            def on_open(session: Session, opened: list[Session] = opened) -> None:
                opened.append(session)
                self._opened(session)

            try:
                ended = run_work(self._copy(), work, on_open), None
            except BaseException as error:  # noqa: BLE001 - one task's end, even by sys.exit, is not the batch's
                ended = None, error
            self._outcome(work, since, opened, ended)
        self.reports.put(None)


class LoopCrew(_Crew):
    """Async systems, ``size`` tasks at once on one event loop."""

    _loop: asyncio.AbstractEventLoop | None = None
    _tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=asyncio.run, args=(self._run(),), name="lllm-tasks", daemon=True).start()

    def stop(self) -> None:
        """Begin no further task and cancel those under way."""
        super().stop()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._tasks])

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._tasks = tuple(asyncio.create_task(self._work()) for _ in range(self.size))
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            for _ in range(self.size):
                self.reports.put(None)

    async def _work(self) -> None:
        while (work := self._next()) is not None:
            await self._run_one(work)

    async def _run_one(self, work: Work) -> None:
        self.reports.put(Started(work))
        since, opened = time.monotonic(), list[Session]()

        def on_open(session: Session) -> None:
            opened.append(session)
            self._opened(session)

        try:
            ended = await arun_work(self._copy(), work, on_open), None
        except BaseException as error:  # noqa: BLE001 - cancellation too: no further task is begun then
            ended = None, error
        self._outcome(work, since, opened, ended)


def build_crew(system: Any, works: list[Work], concurrency: int) -> ThreadCrew | LoopCrew:
    """Return the crew that fits the system."""
    size = min(concurrency, len(works))
    return LoopCrew(system, works, size) if system.is_async else ThreadCrew(system, works, size)
