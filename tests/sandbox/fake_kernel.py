"""A kernel in this process, for tests of what stands around one: it keeps variables, and dies or hangs when told to."""

from __future__ import annotations

import asyncio
import io
import threading
from contextlib import redirect_stdout

from lllm.errors import LLLMError
from lllm.sandbox.cell import Called, CellResult
from lllm.sandbox.shown.outputs import OutputFold


class FakeKernel:
    """Runs code by ``exec``. ``DIE`` ends it, ``HANG`` waits for an interrupt, ``DEAF`` for its end."""

    tier = "none"

    def __init__(self, policy=None, began_to_hang=None):
        self.policy = policy
        self.began_to_hang = began_to_hang
        self.ran = []
        self.is_alive = True
        self.hangs = threading.Event()
        self._interrupted = threading.Event()
        self._variables = {}

    def execute(self, code, timeout_s=None, on_call=None):
        """Run one cell."""
        assert self.is_alive
        self.ran.append(code)
        calls, text = [], io.StringIO()
        error = None
        if code in ("DIE", "HANG", "DEAF"):
            return self._end(code, timeout_s)
        self._variables["CALL_API"] = lambda endpoint, params=None: self._call(calls, on_call, endpoint, params)
        with redirect_stdout(text):
            try:
                exec(code, self._variables)
            except Exception as raised:  # noqa: BLE001 - whatever a cell raises
                error = raised
        fold = OutputFold(1 << 20, 1000)
        fold.add({"msg_type": "stream", "content": {"name": "stdout", "text": text.getvalue()}})
        count = len(self.ran)
        if error is None:
            return CellResult("ok", fold.outputs(), count, calls=tuple(calls))
        name = type(error).__name__
        return CellResult("error", fold.outputs(), count, name, str(error), (f"{name}: {error}",), calls=tuple(calls))

    def interrupt(self):
        """End a ``HANG``."""
        self._interrupted.set()

    def close(self):
        """End it."""
        self.is_alive = False
        self._interrupted.set()

    def _end(self, code, timeout_s):
        if code == "DIE":
            self.is_alive = False
            return CellResult("died", ename="KernelDied", evalue="it used too much", state_lost=True)
        self._interrupted.clear()
        self.hangs.set()
        self.began_to_hang.set()
        self._interrupted.wait(5.0 if timeout_s is None else timeout_s)  # a test that fails must end
        while code == "DEAF" and self.is_alive:
            self._interrupted.clear()
            assert self._interrupted.wait(5.0)
        self.hangs.clear()
        if not self.is_alive:
            return CellResult("died", ename="KernelDied", evalue="it was closed", state_lost=True)
        return CellResult("timeout", (), len(self.ran), "CellTimeout", "the cell was interrupted")

    def _call(self, calls, on_call, endpoint, params):
        try:
            answer = on_call(endpoint, params or {}, 1.0)
        except LLLMError as error:
            calls.append(Called(endpoint, params or {}, error.message))
            raise RuntimeError(error.message) from error
        calls.append(Called(endpoint, params or {}))
        return answer


class Kernels:
    """Starts kernels, and knows them all."""

    def __init__(self):
        self.started = []
        self._began_to_hang = threading.Event()

    def __call__(self, policy):
        self.started.append(FakeKernel(policy, self._began_to_hang))
        return self.started[-1]

    async def hang(self):
        """Wait until a cell hangs."""
        assert await asyncio.to_thread(self._began_to_hang.wait, 5.0)

    @property
    def ran(self):
        """The code that each of them ran."""
        return [kernel.ran for kernel in self.started]
