"""The kernel of one session through its life: started late, made again from the log, replaced when it dies.

What a kernel knows is what its cells did. A run that goes on after a replay was served its cells from the log, so no
kernel has run them: they are run again first, and only where that cannot be done is it said that their state is lost.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from lllm.errors import CallCancelled, CallRefused, SandboxError
from lllm.sandbox.cell import CellResult, Kernel, OnCall
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.shown.mended import dict_of

Start = Callable[[SandboxPolicy], Kernel]
Recall = Callable[[str], OnCall]
"""From a recorded step's id, what answers the calls inside it as they were answered then."""
Steps = Iterable[tuple[str, Mapping[str, Any], Any]]
"""Steps of a session, oldest first: id, what each was about, and its value, or the error that it raised."""


@dataclass(frozen=True, slots=True)
class Past:
    """A cell whose effects the kernel holds.

    Attributes:
        code: of the cell.
        timeout_s: seconds that it might take; None took the policy's.
        result: what it came to; None where nobody knows.
        id: of the cell in the notebook, where it is known.
        step: id of its step in the recording; empty where it is in none.
    """

    code: str
    timeout_s: float | None
    result: CellResult | None
    id: str = ""
    step: str = ""


class History:
    """The cells that the kernel of a session ran since it was new."""

    def __init__(self, steps: Steps = ()) -> None:
        self.cells: list[Past] = []
        for step, about, value in steps:
            self.note(about, value, step=step)

    def note(self, about: Mapping[str, Any], value: Any, id_: str = "", step: str = "") -> None:
        """Take one step of the session, as it stands in the log."""
        told = dict_of(value)
        if "open" in about or "restart" in about or told.get("fresh", False):
            self.cells.clear()
        if "code" in about:
            result = CellResult.from_dict(told["result"]) if told else None
            self.cells.append(Past(about["code"], about.get("timeout_s"), result, id_, step))
        if not told.get("alive", True):
            self.cells.clear()

    def name_cells(self, known: Iterable[Past]) -> None:
        """Give cells the ids of those among ``known``, in the same order, that have the same code."""
        left = deque(known)
        for number, cell in enumerate(self.cells):
            if left and left[0].code == cell.code:
                self.cells[number] = replace(cell, id=left.popleft().id)


class Work:
    """One cell on its way: run in one thread, and stopped from any."""

    def __init__(self, life: KernelLife, about: Mapping[str, Any], code: str, id_: str = "") -> None:
        self.about, self.code, self.id = about, code, id_
        self.is_made = self.has_begun = False
        self._life = life
        self._lock = threading.Lock()
        self._kernel: Kernel | None = None
        self._is_stopped = False

    def make(self) -> dict[str, Any]:
        """Run the cell; return what the log keeps of it."""
        self.is_made = True
        return self._life.run(self)

    def execute(self, kernel: Kernel, past: Past, on_call: OnCall | None) -> CellResult:
        """Run the cell, or one that has to be run again before it, unless somebody stopped it."""
        with self._lock:
            if self._is_stopped:
                raise CallCancelled("the cell was stopped before it began")
            self._kernel = kernel
        try:
            return kernel.execute(past.code, past.timeout_s, on_call)
        finally:
            with self._lock:
                self._kernel = None

    def stop(self, *, kill: bool = False) -> None:
        """Interrupt the cell if it runs, and keep it from beginning; ``kill`` ends its kernel."""
        with self._lock:
            self._is_stopped = True
            kernel = self._kernel
        if kernel is not None:
            kernel.close() if kill else kernel.interrupt()


class KernelLife:
    """One kernel after the other, for one session.

    Args:
        policy: of each of them.
        start: starts one.
        make_on_call: makes what answers ``CALL_API``, once, when the first kernel starts; None where nothing does.
        find_earlier: finds the steps that a recording holds of this session.
        recall: answers the calls of a cell that is run again, as they were answered then.

    Attributes:
        lost_before: whether an earlier process ran cells in this notebook, whose state no kernel of ours has.
    """

    def __init__(
        self,
        policy: SandboxPolicy,
        start: Start,
        make_on_call: Callable[[], OnCall] | None,
        find_earlier: Callable[[], Steps],
        recall: Recall,
    ) -> None:
        self.policy = policy
        self.lost_before = False
        self._start, self._make_on_call = start, make_on_call
        self._find_earlier, self._recall = find_earlier, recall
        self._lock = threading.Lock()
        self._kernel: Kernel | None = None
        self._on_call: OnCall | None = None
        self._is_closed = False
        self._looks_back = True
        self._history = History()
        self._built = 0
        self._rebuilt: list[tuple[str, bool]] = []

    @property
    def tier(self) -> str:
        """How the kernel is isolated; empty while there is none."""
        kernel = self._kernel
        return "" if kernel is None else kernel.tier

    @property
    def knows_nothing(self) -> bool:
        """Whether no cell has left anything in a kernel."""
        return not self._history.cells

    def run(self, work: Work) -> dict[str, Any]:
        """Run a cell; return its result, whether the past was lost before it, and whether what it did lives on."""
        with self._lock:
            try:
                is_lost, kernel = self._make_ready(work)
                work.has_begun = True
                cell = Past(work.code, work.about.get("timeout_s"), None)
                result = work.execute(kernel, cell, self._on_call)
            finally:
                self._drop_dead()
            is_alive = self._kernel is not None and not result.state_lost
            result = replace(result, state_lost=is_lost or not is_alive)
            return {"result": result.to_dict(), "fresh": is_lost, "alive": is_alive}

    def note(self, work: Work, value: Any) -> None:
        """Remember what a cell came to, whether it was run or served from the log; None where nobody knows."""
        with self._lock:
            self._history.note(work.about, value, work.id)
            self.lost_before = False
            if work.is_made:
                self._built = 0 if self._kernel is None else len(self._history.cells)

    def take_rebuilt(self) -> list[tuple[str, bool]]:
        """Return the ids of cells that were run again since this was last asked, and whether they came to the same."""
        rebuilt, self._rebuilt = self._rebuilt, []
        return rebuilt

    def restart(self) -> None:
        """End the kernel; the next cell finds a new one."""
        with self._lock:
            self._forget()
            self._looks_back = self.lost_before = False

    def interrupt(self) -> None:
        """Interrupt the cell that runs, if one does."""
        kernel = self._kernel
        if kernel is not None:
            kernel.interrupt()

    def close(self) -> None:
        """End the kernel, also while a cell runs."""
        self._is_closed = True
        kernel = self._kernel
        if kernel is not None:
            kernel.close()

    def _make_ready(self, work: Work) -> tuple[bool, Kernel]:
        """Return whether the session's past is lost, and a kernel that else holds it."""
        is_lost = self.lost_before
        if self._looks_back:
            earlier, self._looks_back = History(self._find_earlier()), False
            if earlier.cells:
                earlier.name_cells(self._history.cells)
                self._history, is_lost = earlier, False
        if self._kernel is not None and not self._kernel.is_alive:
            is_lost = is_lost or bool(self._history.cells)
            self._forget()
        kernel = self._begin()
        if not self._rebuild(work, kernel):
            is_lost = True
            self._forget()
            kernel = self._begin()
        return is_lost, kernel

    def _begin(self) -> Kernel:
        """Return the kernel, started if there is none."""
        if self._kernel is None:
            if self._make_on_call is not None:
                self._on_call, self._make_on_call = self._make_on_call(), None
            self._kernel = self._start(self.policy)
        if self._is_closed:
            self._kernel.close()
            raise SandboxError("the session was closed meanwhile")
        return self._kernel

    def _rebuild(self, work: Work, kernel: Kernel) -> bool:
        """Run the cells that this kernel has not run; return whether each went as it did."""
        try:
            for past in self._history.cells[self._built :]:
                on_call = self._to_redo(past)
                if past.result is None or on_call is None:
                    return False
                again = work.execute(kernel, past, on_call)
                if (again.status, again.ename) != (past.result.status, past.result.ename):
                    return False
                self._rebuilt.append((past.id, _seen(again) == _seen(past.result)))
        except BaseException:
            kernel.close()  # it holds a part of the past, and nobody knows which
            raise
        self._built = len(self._history.cells)
        return True

    def _to_redo(self, past: Past) -> OnCall | None:
        """Return what answers the calls of a cell that is run again; None where it cannot be."""
        if past.result is None or past.result.status not in ("ok", "error"):
            return None
        if not past.result.calls:
            return _refuse_call
        return self._recall(past.step) if past.step else None

    def _drop_dead(self) -> None:
        """Let go of a kernel that has ended."""
        if self._kernel is not None and not self._kernel.is_alive:
            self._kernel.close()
            self._kernel = None
            self._built = 0

    def _forget(self) -> None:
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None
        self._history, self._built = History(), 0


def _seen(result: CellResult) -> tuple[Any, ...]:
    return tuple({**output, "execution_count": None} for output in result.outputs)


def _refuse_call(endpoint: str, params: Any, left_s: float) -> NoReturn:
    del params, left_s
    raise CallRefused(f"{endpoint!r} was not called when this cell ran first")
