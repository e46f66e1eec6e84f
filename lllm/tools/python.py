"""``run_python``: a function that any prompt can list, by which a model runs code in a sandboxed kernel.

One kernel serves the cells of one session, or of one scope of it where work runs side by side; it starts with the first
cell and ends with the session. Each cell is a step of the session: in the log with its outputs and with what it called.
A replay serves the function's results and starts no kernel. A session that goes on, resumed or forked, has a new
kernel, which first runs the recorded cells again, with the recorded answers of the services that they called.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping
from typing import Any

from lllm.errors import FunctionError, SandboxError
from lllm.llm.belongings import Belongings
from lllm.llm.outside import earlier, perform, recall
from lllm.llm.place import SCOPE
from lllm.llm.session import Session, current_session
from lllm.log.scopes import scope_of, to_user_scope
from lllm.models.function import Function
from lllm.sandbox.cell import STEP, CellResult, Kernel, OnCall
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.shown.display import to_text

DESCRIPTION = (
    "Run Python code in a sandboxed Jupyter kernel and read what it prints, shows, returns or raises. Variables and "
    "files in the working folder stay for the next call. There is no network and nobody to ask for input. "
    "CALL_API(endpoint, params) calls a service that the instructions name and returns its answer as Python data."
)
_CODE = {"type": "string", "description": "Python code; the value of its last line is shown"}


class Interpreter:
    """The kernel of one session or scope: started at the first cell, replaced when it dies.

    Args:
        policy: its limits.
        scope: of the session, whose cells these are.
    """

    def __init__(self, policy: SandboxPolicy, scope: str = "") -> None:
        self._policy, self._scope = policy, scope
        self._lock = threading.Lock()
        self._kernel: Kernel | None = None
        self._looks_back = True
        self._is_lost = self._is_closed = False

    def run(self, code: str, timeout_s: float | None, on_call: OnCall | None) -> CellResult:
        """Run one cell, one at a time."""
        with self._lock:
            kernel = self._use_kernel()
            result = kernel.execute(code, timeout_s, on_call)
            if not kernel.is_alive:
                self._drop()
            return self._with_loss(result)

    def close(self) -> None:
        """End the kernel, also under a cell that runs."""
        self._is_closed = True
        kernel = self._kernel
        if kernel is not None:
            kernel.close()

    def _use_kernel(self) -> Kernel:
        if self._kernel is not None and self._kernel.is_alive:
            return self._kernel
        if self._kernel is not None:  # it ended between two cells: what an earlier one left running may have done it
            self._drop()
            self._is_lost = True
        kernel = self._start()
        if self._looks_back and not self._rebuild(kernel):
            self._is_lost, kernel = True, self._start()
        self._looks_back = False
        return kernel

    def _start(self) -> Kernel:
        from lllm.sandbox.pool import find_pool  # noqa: PLC0415 - not before code is to be run

        kernel = self._kernel = find_pool(self._policy).acquire()
        if self._is_closed:
            kernel.close()
            raise SandboxError("the session was closed meanwhile")
        return kernel

    def _rebuild(self, kernel: Kernel) -> bool:
        """Return whether a kernel holds the past now; one that holds a part of it is ended: nobody knows which."""
        is_done = False
        try:
            is_done = rebuild(kernel, self._scope)
        finally:
            if not is_done:
                self._drop()
        return is_done

    def _drop(self) -> None:
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            kernel.close()

    def _with_loss(self, result: CellResult) -> CellResult:
        """Say once that what earlier cells did is gone, where it could not be rebuilt."""
        is_lost, self._is_lost = self._is_lost, False
        return CellResult.from_dict({**result.to_dict(), "state_lost": True}) if is_lost else result


def rebuild(kernel: Kernel, scope: str) -> bool:
    """Run the recorded cells of a scope again; return whether each came to what it came to then.

    What they call is answered from the recording: no service is asked twice.
    """
    for id_, about, was in _live_cells(scope):
        if was is None or was.status not in ("ok", "error"):  # nobody knows how far it came
            return False
        now = kernel.execute(about["code"], about.get("timeout_s"), recall(id_))
        if (now.status, now.ename) != (was.status, was.ename) or not kernel.is_alive:
            return False
    return True


def _live_cells(scope: str) -> list[tuple[str, Mapping[str, Any], CellResult | None]]:
    """Return the recorded cells whose effects the last kernel of a scope held; None of one that was broken off."""
    found: list[tuple[str, Mapping[str, Any], CellResult | None]] = []
    for id_, about, value in earlier(STEP):
        if "sandbox" in about or to_user_scope(scope_of(id_)) != scope:
            continue  # a notebook session's, or another scope's
        was = None if isinstance(value, BaseException) else CellResult.from_dict(value)
        if was is not None and was.state_lost:
            found.clear()
        if was is None or not was.state_lost or was.status in ("ok", "error"):
            found.append((id_, about, was))
    return found


class PythonTool:
    """What stands behind one ``run_python``.

    Args:
        policy: of its kernels.
        timeout_s: of one cell; None takes the policy's.
        limit_chars: of the text that the model reads of a cell.
    """

    def __init__(self, policy: SandboxPolicy, timeout_s: float | None, limit_chars: int) -> None:
        self.policy, self.timeout_s, self.limit_chars = policy, timeout_s, limit_chars
        self._loose = Belongings()  # of code that runs outside of any session
        atexit.register(self._loose.close)

    def run(self, code: str) -> str:
        """Run one cell in the kernel of the current session; return what the model reads of it."""
        session = current_session()
        about: dict[str, Any] = {"code": code}
        if self.timeout_s is not None:
            about["timeout_s"] = self.timeout_s
        value = perform(STEP, about, lambda: self._run(session, code), repeatable=True)
        return to_text(CellResult.from_dict(value), self.limit_chars)

    def _run(self, session: Session | None, code: str) -> dict[str, Any]:
        on_call = None if session is None else _to_on_call(session)
        return self._interpreter(session).run(code, self.timeout_s, on_call).to_dict()

    def _interpreter(self, session: Session | None) -> Interpreter:
        if session is None:
            return self._loose.get("", lambda: Interpreter(self.policy))
        scope = to_user_scope(SCOPE.get().rstrip("."))
        make = lambda: Interpreter(self.policy, scope)  # noqa: E731 - used in the next line
        return session.belongings.get((self, scope), make)


def _to_on_call(session: Session) -> OnCall:
    """Return what answers ``CALL_API`` in a session: its proxy."""
    return lambda endpoint, params, left_s: session.proxy(endpoint, params, timeout_s=left_s)


def python_function(
    *,
    policy: SandboxPolicy | None = None,
    timeout_s: float | None = None,
    limit_chars: int = 10_000,
    name: str = "run_python",
    description: str = DESCRIPTION,
) -> Function:
    """Return a function by which a model runs Python in a sandbox of its own.

    Args:
        policy: limits of the kernel; the default's are in its reference.
        timeout_s: seconds that one cell may take; None takes the policy's.
        limit_chars: of the text that the model reads of a cell; the log keeps all that the policy allows.
        name: what the model calls it.
        description: what the model is told.
    """
    tool = PythonTool(policy or SandboxPolicy(), timeout_s, limit_chars)
    return Function(
        name, description, {"code": _CODE}, required=["code"], function=tool.run, repeatable=True, allow_repeat=True
    )


run_python = python_function()
"""Runs Python in a sandbox with the default limits. List it in a prompt's ``functions_list``."""


def _read_docs(endpoints: list[str]) -> str:
    session = current_session()
    if session is None:
        raise FunctionError("no session is open here, so no proxies are active")
    return session.proxy.retrieve_api_docs(endpoints)


api_docs = Function(
    "api_docs",
    "Read the documentation of service endpoints: their parameters and what they answer.",
    {"endpoints": {"type": "array", "items": {"type": "string"}, "description": "such as fred/series/observations"}},
    required=["endpoints"],
    function=_read_docs,
    repeatable=True,
)
"""Tells a model about the endpoints of the active proxies. List it beside ``run_python``."""
