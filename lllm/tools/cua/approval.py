"""What waits for somebody's decision, and who decides."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from lllm.llm.place import user_scope
from lllm.tools.cua.action import to_line

_TERMINAL = Lock()
"""Work that runs side by side asks one question after the other: an answer is to the last one on the screen."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What waits for a decision.

    Attributes:
        kind: ``leave``, ``download``, ``file``, ``password``, or ``safety`` for a check of the model's own vendor.
        what: the address, the file, or what the vendor says.
    """

    kind: str
    what: str

    def tell(self) -> str:
        """Return the question."""
        told = {
            "leave": "go to",
            "download": "save",
            "file": "hand over",
            "password": "type into a password field at",
            "safety": "go on in spite of a safety check:",
        }.get(self.kind, self.kind)
        return f"May the model {told} {self.what}?"


Approve = Callable[[Approval], bool]
"""Decides; called in a thread of its own, while the browser waits. Only True is a yes."""


def ask_at_terminal(approval: Approval) -> bool:
    """Ask whoever sits at the terminal; nobody does where standard input is none, and that is a no."""
    try:
        is_there = sys.stdin.isatty()
    except (AttributeError, ValueError):  # a program without a console, or one that has closed it
        is_there = False
    if not is_there:
        return False
    place = user_scope()  # such as the item of a map: others may ask about the same
    with _TERMINAL:
        _forget_typed()
        sys.stderr.write(f"\n{f'[{place}] ' if place else ''}{to_line(approval.tell())} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")


def _forget_typed() -> None:
    """Take no answer that was typed before the question."""
    try:
        import termios  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    with suppress(termios.error, OSError, ValueError, TypeError):  # no terminal that could be asked to
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
