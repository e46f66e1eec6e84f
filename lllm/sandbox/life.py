"""The kernel of one notebook or agent through its life: started late, made again from the log, replaced when it dies.

What a kernel knows is what its cells did. A run that goes on after a replay was served its cells from the log, so no
kernel has run them: they are run again first, with the recorded answers of the services that they called. Only where
that cannot be done is it said, once, that their state is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, NoReturn, Self

from lllm.errors import CallCancelled, CallRefused, SandboxError
from lllm.registry import OUTSIDE
from lllm.sandbox.cell import STEP, CellResult, Kernel, OnCall
from lllm.sandbox.past import Past, PastCell, to_number
from lllm.sandbox.policy import SandboxPolicy

Start = Callable[[SandboxPolicy], Kernel]
IsMine = Callable[[str, Mapping[str, Any]], bool]
"""From a recorded step's id and what it was about, whether it was done to this kernel, or to one before it."""


class Work:
    """One cell on its way: run in one thread, and stopped from any.

    Within its ``with`` block stands the step, whose value is kept in ``value``. However the block ends, the kernel's
    life then knows what the cell came to.

    Args:
        life: of the kernel that is to run it.
        about: what the step is about; without ``code``, the cell leaves nothing behind.
        code: of the cell.
        id_: of the cell in a notebook.

    Attributes:
        life: of the kernel.
        value: ``result``, ``fresh``, ``alive`` and ``number``, as in :meth:`~lllm.sandbox.past.Past.note`; None until
            it is known.
        is_made: whether it was to be run here, and not served from the log.
        has_begun: whether a kernel has seen it.
        is_waiting: whether its turn has not come: another cell of its kernel may have to end first.
        tells_loss: whether its result says, or was to say, that the state of earlier cells is lost.
    """

    def __init__(self, life: KernelLife, about: Mapping[str, Any], code: str, id_: str = "") -> None:
        self.about = about
        self.cell = PastCell(code, about.get("timeout_s"), id=id_)
        self.value: Any = None
        self.is_made = self.has_begun = self.tells_loss = False
        self.is_waiting = True
        self.life = life
        self._lock = threading.Lock()
        self._kernel: Kernel | None = None
        self._is_stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.life.end(self)

    def make(self, before: Callable[[], None] | None = None) -> dict[str, Any]:
        """Run the cell; return what the log keeps of it.

        Args:
            before: what else has to be done where the cell really runs.
        """
        self.is_made = True
        if before is not None:
            before()
        return self.life.run(self)

    def execute(self, kernel: Kernel, cell: PastCell, on_call: OnCall | None) -> CellResult:
        """Run the cell, or one that has to be run again before it, unless somebody stopped it."""
        with self._lock:
            if self._is_stopped:
                raise CallCancelled("the cell was stopped before it began")
            self._kernel = kernel
            self.has_begun = cell is self.cell
        token = _AROUND.set((*_AROUND.get(), self))
        try:
            return kernel.execute(cell.code, cell.timeout_s, on_call)
        finally:
            _AROUND.reset(token)
            with self._lock:
                self._kernel = None

    def is_around(self, life: KernelLife) -> bool:
        """Whether it runs, in a kernel of this life."""
        return self._kernel is not None and self.life is life

    def stop(self, *, kill: bool = False) -> bool:
        """Interrupt the cell if it runs, and keep it from beginning; ``kill`` ends its kernel.

        Returns:
            Whether it only waited to begin, and so does nothing any more.
        """
        with self._lock:
            self._is_stopped = True
            kernel = self._kernel
        if kernel is not None:
            kernel.close() if kill else kernel.interrupt()
        return self.is_waiting


_AROUND: ContextVar[tuple[Work, ...]] = ContextVar("lllm_cells", default=())
"""The cells by whose calls of services this code was called, outermost first."""


class KernelLife:
    """One kernel after the other, each of which holds what the one before it held, or says that it is lost.

    Args:
        policy: of each of them.
        is_mine: tells which steps of a recording its cells are.
        serve: makes what answers ``CALL_API``, once, when the first kernel starts; None where nothing does.
        start: starts a kernel; None takes one of this process's pool.

    Attributes:
        is_lost: whether earlier cells left something that no kernel has, and nobody was told yet.
    """

    def __init__(
        self,
        policy: SandboxPolicy,
        is_mine: IsMine,
        serve: Callable[[], OnCall] | None = None,
        start: Start | None = None,
    ) -> None:
        self.policy = policy
        self.is_lost = False
        self._is_mine, self._serve, self._start = is_mine, serve, start or start_kernel
        self._lock = threading.Lock()
        self._kernel: Kernel | None = None
        self._on_call: OnCall | None = None
        self._is_closed = False
        self._looks_back = True
        self._past = Past()
        self._number = 0  # of the last cell
        self._built = 0  # how many cells of the past the kernel has run
        self._rebuilt: list[tuple[str, bool]] = []

    @property
    def tier(self) -> str:
        """How the kernel is isolated; empty while there is none."""
        kernel = self._kernel
        return kernel.tier if kernel is not None and kernel.is_alive else ""

    @property
    def knows_nothing(self) -> bool:
        """Whether no cell has left anything, neither in a kernel nor in one that is gone."""
        return not self._past.cells and not self.is_lost

    def run(self, work: Work) -> dict[str, Any]:
        """Run a cell; return what the log keeps of it.

        Raises:
            SandboxUnavailable: no kernel can be started.
            SandboxError: the life was closed meanwhile; or a cell of it called the service that runs this one, and each
                would wait for the other.
            CallCancelled: the cell was stopped before it began.
        """
        if any(outer.is_around(self) for outer in _AROUND.get()):
            raise SandboxError("a cell cannot wait for another one that is to run in the same kernel")
        with self._lock:
            work.is_waiting = False
            kernel = self._make_ready(work)
            work.tells_loss = is_fresh = self.is_lost
            self.is_lost = False
            try:
                result = work.execute(kernel, work.cell, self._on_call)
            except BaseException:
                if work.has_begun:
                    self._note(work, {})
                raise
            is_alive = kernel.is_alive and not result.state_lost
            if not is_alive:
                kernel.close()
                work.tells_loss = True
            self._number += 1
            facts = {"fresh": is_fresh, "alive": is_alive, "number": self._number}
            self._note(work, facts)
            return {"result": replace(result, state_lost=work.tells_loss).to_dict(), **facts}

    def end(self, work: Work) -> None:
        """Remember what came of a cell that was served, and whether anybody was told of a loss.

        A step that failed and ran nothing was none; one that failed in a recording is found there.
        """
        is_told = work.value is not None and "code" in work.about
        if is_told and not work.is_made:
            with self._lock:
                self._past.note(work.about, work.value, work.cell.id)
                self._number = max(self._number, to_number(work.value))
                self.is_lost = False
        elif work.tells_loss and not is_told:  # without the lock: the next cell may have it, and run for long
            self.is_lost = True

    def take_rebuilt(self) -> list[tuple[str, bool]]:
        """Return the ids of cells that were run again since this was last asked, and whether they showed the same."""
        rebuilt, self._rebuilt = self._rebuilt, []
        return rebuilt

    def restart(self, *, is_recorded: bool = False) -> None:
        """End the kernel; the next cell finds a new one.

        Args:
            is_recorded: the run that is gone on with did so: what it did since then is to be made again.
        """
        with self._lock:
            self._forget()
            self._looks_back = self._looks_back and is_recorded
            self.is_lost = False

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

    def _note(self, work: Work, facts: Mapping[str, Any]) -> None:
        """Remember a cell that the kernel has run; what it came to is for others to keep, which may be much."""
        self._past.note(work.about, facts, work.cell.id)
        self._built = len(self._past.cells)

    def _make_ready(self, work: Work) -> Kernel:
        """Return a kernel that holds the past, or a new one where that is lost."""
        if self._looks_back:
            self._look_back()
        if self._kernel is not None and not self._kernel.is_alive:  # it ended between two cells
            self._lose()
        kernel = self._begin()
        if not self._rebuild(work, kernel):
            self._lose()
            kernel = self._begin()
        return kernel

    def _look_back(self) -> None:
        """Take the past of the run that is gone on with, also what functions did that do not run again."""
        steps = [step for step in OUTSIDE.load().earlier(STEP) if self._is_mine(step[0], step[1])]
        earlier, self._looks_back = Past(steps), False
        self._number = max([self._number, *(to_number(value) for _, _, value in steps)])
        if earlier.cells:
            earlier.name_cells(self._past.cells)
            self._past, self.is_lost = earlier, False

    def _begin(self) -> Kernel:
        """Return the kernel, started if there is none."""
        if self._kernel is None and not self._is_closed:
            if self._serve is not None:
                self._on_call, self._serve = self._serve(), None
            self._kernel = self._start(self.policy)
        if self._kernel is None or self._is_closed:
            self.close()
            raise SandboxError("the session was closed meanwhile")
        return self._kernel

    def _rebuild(self, work: Work, kernel: Kernel) -> bool:
        """Run the cells that this kernel has not run; return whether each went as it did."""
        try:
            for cell in self._past.cells[self._built :]:
                on_call = _to_redo(cell)
                if on_call is None:
                    return False
                again = work.execute(kernel, cell, on_call)
                if not cell.comes_to(again) or not kernel.is_alive:
                    return False
                self._rebuilt.append((cell.id, cell.shows(again)))
        except BaseException:
            kernel.close()  # it holds a part of the past, and nobody knows which
            self._kernel, self._built = None, 0
            raise
        self._built = len(self._past.cells)
        return True

    def _lose(self) -> None:
        """Let go of the kernel and of the past, which somebody has to be told."""
        self.is_lost = self.is_lost or bool(self._past.cells)
        self._rebuilt.clear()
        self._forget()

    def _forget(self) -> None:
        if self._kernel is not None:
            self._kernel.close()
        self._kernel, self._past, self._built = None, Past(), 0


def start_kernel(policy: SandboxPolicy) -> Kernel:
    """Return a kernel of this process's pool, for code to be run in it."""
    from lllm.sandbox.pool import find_pool  # noqa: PLC0415 - a replay starts none

    return find_pool(policy).acquire()


def _to_redo(cell: PastCell) -> OnCall | None:
    """Return what answers the calls of a cell that is run again; None where it cannot be: nobody knows how far it came.

    No service is asked twice.
    """
    if cell.result is None or cell.result.status not in ("ok", "error"):
        return None
    if not cell.result.calls:
        return _refuse_call
    return OUTSIDE.load().recall(cell.step) if cell.step else None


def _refuse_call(endpoint: str, params: Any, left_s: float) -> NoReturn:
    del params, left_s
    raise CallRefused(f"{endpoint!r} was not called when this cell ran first")
