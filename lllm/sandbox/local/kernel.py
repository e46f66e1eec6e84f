"""A kernel on this machine: started in a sandbox, asked one cell at a time, ended with all that it started."""

from __future__ import annotations

import select
import threading
import time

from lllm.errors import SandboxUnavailable
from lllm.sandbox.cell import START_S, CellResult, OnCall
from lllm.sandbox.host.results import to_died
from lllm.sandbox.isolation.isolator import Isolator
from lllm.sandbox.local.cell_run import CellRun
from lllm.sandbox.local.link import Link
from lllm.sandbox.local.warden import WARDEN
from lllm.sandbox.policy import SandboxPolicy

_KNOWN = {"", "timeout", "output", "it was closed"}
"""Why a kernel was killed, where whoever ran its last cell, or closed it, knows."""


class LocalKernel:
    """One kernel in a sandbox on this machine.

    Args:
        isolator: what shuts it in.
        policy: how much it may use.

    Raises:
        SandboxUnavailable: it did not come up; the message holds what it said.
    """

    def __init__(self, isolator: Isolator, policy: SandboxPolicy) -> None:
        self.policy = policy
        self._link = Link(isolator, policy)
        self._process = self._link.process
        self._running = threading.Lock()
        self._is_ready = self._is_closed = False

    @property
    def tier(self) -> str:
        """How it is isolated: ``A``, ``B`` or ``none``."""
        return self._process.tier

    @property
    def pid(self) -> int:
        """The host's number of the sandbox's first process, for whoever watches it from outside."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can run another cell."""
        return not self._is_closed and self._link.is_open

    def wait_ready(self, timeout_s: float = START_S) -> None:
        """Wait until it has come up.

        Raises:
            SandboxUnavailable: it did not.
        """
        if self._is_ready:
            return
        end_s = time.monotonic() + timeout_s
        poll = select.poll()  # select() knows no descriptor above 1023
        poll.register(self._process.control, select.POLLIN)
        while not self._is_ready:
            ready = poll.poll(max(0.0, end_s - time.monotonic()) * 1000)
            if ready:
                self._link.messages.read()
                self._is_ready = self._link.messages.next() is not None
            if not self._is_ready and (not ready or not self._link.messages.is_open):
                said = self._link.read_output().decode("utf-8", "replace").strip()
                self.close()
                raise SandboxUnavailable(f"the kernel did not start: {said[-2000:] or 'it said nothing'}")
        self._process.offer_at_oom()

    def execute(self, code: str, timeout_s: float | None = None, on_call: OnCall | None = None) -> CellResult:
        """Run one cell to its end; see ``Kernel``.

        What breaks into the wait, such as Ctrl-C, first stops the cell and is then raised again.
        """
        try:
            with self._running:
                return self._execute(code, self.policy.timeout_s if timeout_s is None else timeout_s, on_call)
        finally:
            if self._is_closed:  # meanwhile, by another thread
                self._let_go()

    def _execute(self, code: str, timeout_s: float, on_call: OnCall | None) -> CellResult:
        if not self.is_alive:
            why = self._process.why_killed or self._process.read_end()
            told = "" if why in _KNOWN else f": {why}"
            return to_died(f"the kernel has ended before this cell{told}")
        self.wait_ready()
        run = CellRun(self._link, code, timeout_s, on_call)
        WARDEN.watch(self._process)
        try:
            return run.to_end()
        except BaseException:
            run.stop()
            raise
        finally:
            if self.is_alive:
                WARDEN.rest(self._process)
            else:
                WARDEN.forget(self._process)

    def interrupt(self) -> None:
        """Interrupt the cell that runs; does nothing between cells."""
        self._process.interrupt()

    def close(self) -> None:
        """End it and all that it started, also under a cell that runs, which then ends as ``died``."""
        self._is_closed = True
        self._process.kill("it was closed")
        self._let_go()

    def _let_go(self) -> None:
        """Close what is read from, unless a cell still reads it: then whoever runs the cell does."""
        WARDEN.forget(self._process)
        if self._running.acquire(blocking=False):
            try:
                self._process.close()
            finally:
                self._running.release()
