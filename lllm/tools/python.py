"""``run_python``: a function that any prompt can list, by which a model runs code in a sandboxed kernel.

One kernel serves the cells of one session, or of one scope of it where work runs side by side. It starts with the first
cell, and ends with the session, or with the item of a map, or the inner run, that it served. Each cell is a step of the
session: in the log with its outputs and with what it called. A replay serves the function's results and starts no
kernel. A session that goes on, resumed or forked, has a new kernel, which first runs the recorded cells again, with the
recorded answers of the services that they called.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from functools import partial
from typing import Any

from lllm.llm.belongings import Belongings
from lllm.llm.outside import perform
from lllm.llm.place import user_scope
from lllm.llm.session import Session, current_session
from lllm.log.scopes import scope_of, to_user_scope
from lllm.models.function import Function
from lllm.sandbox.cell import STEP, CellResult, OnCall
from lllm.sandbox.life import KernelLife, Start, Work
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.shown.display import to_text

DESCRIPTION = (
    "Run Python code in a sandboxed Jupyter kernel and read what it prints, shows, returns or raises. Variables and "
    "files in the working folder stay for the next call. There is no network and nobody to ask for input. "
    "CALL_API(endpoint, params) calls a service that the instructions name and returns its answer as Python data."
)
_CODE = {"type": "string", "description": "Python code; the value of its last line is shown"}


class PythonTool:
    """What stands behind one ``run_python``.

    Args:
        policy: of its kernels.
        timeout_s: of one cell; None takes the policy's.
        limit_chars: of the text that the model reads of a cell.
        name: of the function; by it a run that goes on tells the cells of one from those of another.
        start: starts a kernel; None takes one of this process's pool.
    """

    def __init__(
        self,
        policy: SandboxPolicy,
        timeout_s: float | None,
        limit_chars: int,
        name: str = "run_python",
        start: Start | None = None,
    ) -> None:
        self.policy, self.timeout_s, self.limit_chars = policy, timeout_s, limit_chars
        self._name, self._start = name, start
        self._loose = Belongings()  # of code that runs outside of any session
        atexit.register(self._loose.close)

    def run(self, code: str) -> str:
        """Run one cell in the kernel of the current session; return what the model reads of it."""
        about: dict[str, Any] = {"function": self._name, "code": code}
        if self.timeout_s is not None:
            about["timeout_s"] = self.timeout_s
        with Work(self._find_life(), about, code) as work:
            work.value = perform(STEP, about, work.make, repeatable=True)
        return to_text(CellResult.from_dict(work.value["result"]), self.limit_chars)

    def _find_life(self) -> KernelLife:
        """Return the life of the kernel that code runs in here: that of the session, or of the user's scope of it."""
        session, scope = current_session(), user_scope()
        serve = None if session is None else partial(_serve, session)
        held = self._loose if session is None else session.belongings
        make = partial(KernelLife, self.policy, partial(_is_of, self._name, scope), serve, self._start)
        return held.get(self, make, scope)


def _is_of(name: str, scope: str, id_: str, about: Mapping[str, Any]) -> bool:
    """Whether a step was a cell of this function in this scope: of no notebook, and in no other kernel."""
    return about.get("function") == name and to_user_scope(scope_of(id_)) == scope


def _serve(session: Session) -> OnCall:
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
    tool = PythonTool(policy or SandboxPolicy(), timeout_s, limit_chars, name)
    return Function(
        name, description, {"code": _CODE}, required=["code"], function=tool.run, repeatable=True, allow_repeat=True
    )


run_python = python_function()
"""Runs Python in a sandbox with the default limits. List it in a prompt's ``functions_list``."""
