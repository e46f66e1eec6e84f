"""What one cell came to, and what a kernel is to whoever runs cells in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from lllm.errors import CellTimeout, KernelDied, OutputLimit, SandboxError

STEP = "cell"
"""What the log calls the step that a cell is, and what else a notebook session does to the world."""

START_S = 30.0
"""Seconds in which a kernel has to have come up."""

Status = Literal["ok", "error", "timeout", "died", "output_limit"]

OnCall = Callable[[str, Any, float], Any]
"""Answers ``CALL_API(endpoint, params)`` on the host, within so many seconds, with plain JSON data.

What it raises as an LLLMError the cell sees as an exception of the same text.
"""


@dataclass(frozen=True, slots=True)
class Called:
    """One ``CALL_API`` of a cell, as the host saw it.

    Attributes:
        endpoint: what was asked for.
        params: JSON data.
        error: what it was told in place of an answer; empty when it got one.
    """

    endpoint: str
    params: Any
    error: str = ""


@dataclass(frozen=True, slots=True)
class CellResult:
    """What one cell came to. Nothing in it is evidence but ``calls``: the cell's own code could have written the rest.

    Attributes:
        status: ``ok``; ``error``: it raised; ``timeout``: it did not end in time; ``died``: its kernel ended, or was
            killed for what it used; ``output_limit``: it wrote more than it may.
        outputs: as in a notebook (nbformat 4.5): ``stream``, ``display_data``, ``execute_result``, ``error``; capped.
        execution_count: number of the cell in its kernel, from 1; 0 when it never ran.
        ename: type of what it raised, or of the named error that ended it, such as ``CellTimeout``; empty for ``ok``.
        evalue: its text.
        traceback: its lines, without colours; empty where there is none.
        state_lost: the kernel was replaced: variables and files of earlier cells are gone.
        calls: the services that it called, in order.
        tier: how its kernel was isolated: ``A``, ``B``, ``remote`` or ``none``.
        background: text that was written between this cell and the one before it, by what earlier cells left running.
    """

    status: Status
    outputs: tuple[Mapping[str, Any], ...] = ()
    execution_count: int = 0
    ename: str = ""
    evalue: str = ""
    traceback: tuple[str, ...] = ()
    state_lost: bool = False
    calls: tuple[Called, ...] = ()
    background: str = ""
    tier: str = ""

    def raise_for_status(self) -> CellResult:
        """Return this result where it is ``ok``, for code that has no use for any other.

        Raises:
            CellTimeout: the cell did not end in time.
            KernelDied: its kernel ended.
            OutputLimit: it wrote more than it may.
            SandboxError: it raised something of its own, which the text names.
        """
        if self.status == "ok":
            return self
        if self.status == "error":
            raise SandboxError(f"the cell raised {self.ename}: {self.evalue}")
        raise _ENDS[self.status](self.evalue)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data, which a log gives back as it is: with lists."""
        told = asdict(self)
        return {**told, **{key: list(told[key]) for key in ("outputs", "traceback", "calls")}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CellResult:
        """Return the result of :meth:`to_dict`'s data."""
        told = dict(data)
        told |= {key: tuple(told.get(key, ())) for key in ("outputs", "traceback")}
        told["calls"] = tuple(Called(**call) for call in told.get("calls", ()))
        return cls(**told)


_ENDS: Mapping[Status, type[SandboxError]] = {
    "timeout": CellTimeout,
    "died": KernelDied,
    "output_limit": OutputLimit,
}


class Kernel(Protocol):
    """One running kernel. It serves one session, one cell at a time."""

    @property
    def tier(self) -> str:
        """How it is isolated: ``A``, ``B``, ``remote`` or ``none``."""
        ...

    @property
    def is_alive(self) -> bool:
        """Whether it can run another cell."""
        ...

    def execute(self, code: str, timeout_s: float | None = None, on_call: OnCall | None = None) -> CellResult:
        """Run one cell to its end, blocking; whatever happens in it is in the result.

        Args:
            code: of the cell.
            timeout_s: seconds until it is interrupted; None takes the policy's.
            on_call: answers its ``CALL_API``; None refuses each.
        """
        ...

    def interrupt(self) -> None:
        """Interrupt the cell that runs, as Ctrl-C does. Safe from any thread; does nothing between cells."""
        ...

    def close(self) -> None:
        """End it and all that it started. Closing twice does nothing."""
        ...
