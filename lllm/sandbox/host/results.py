"""How it is told that a cell lost its kernel, and how texts are taken that a kernel said. Pure."""

from __future__ import annotations

from typing import Any

from lllm.sandbox.cell import CellResult, Status
from lllm.sandbox.shown.mended import mend_text

_TEXT_CHARS = 10_000


def explain_loss(why: str, timeout_s: float) -> tuple[Status, str, str]:
    """Return status, name and text of a cell whose kernel is gone.

    Args:
        why: ``timeout``, ``output``, or in words what ended the kernel; empty where nobody ended it.
        timeout_s: seconds that the cell had.
    """
    if why == "timeout":
        return "timeout", "CellTimeout", f"the cell did not end within {timeout_s:g} s, nor when it was interrupted"
    if why == "output":
        return "output_limit", "OutputLimit", "the cell wrote more than it may, and went on"
    return "died", "KernelDied", why or "the kernel's process ended by itself"


def to_died(why: str) -> CellResult:
    """Return the result of a cell that found no kernel to run in."""
    return CellResult("died", ename="KernelDied", evalue=why, state_lost=True)


def read_text(value: Any, most: int = _TEXT_CHARS) -> str:
    """Return a text that a kernel said, cut and fit to be stored; an empty one in place of anything else."""
    return mend_text(value[:most]) if isinstance(value, str) else ""
