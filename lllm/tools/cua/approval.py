"""What waits for somebody's decision, and who decides."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass


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
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"\n{_printable(approval.tell())} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _printable(text: str) -> str:
    """Return a text that a page may have written, without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "?" for char in text)
