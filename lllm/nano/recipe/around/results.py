"""What a function answers with: printed text, and errors in the form in which ``run_python`` tells them. Pure.

Nothing is run here: see ``slips``.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from lllm.nano.recipe.around.slips import SLIPS, Fault
from lllm.sandbox.shown.display import STATE_LOST

_RULE = "-" * 75
_WIDTH = 75


class WrongCall(NamedTuple):
    """A call that fails.

    Attributes:
        code: with a slip in it.
        error: that its function answers with.
    """

    code: str
    error: str


_LOST = (
    "CellTimeout: the cell did not end within 60 s and was interrupted",
    "CellTimeout: the cell did not end within 10 s, nor when it was interrupted",
    "KernelDied: the kernel's process ended by itself",
    "Error: TimeoutError: no answer within 30 s",
    "Error: the kernel is starting; call again",
    "Error: ConnectionError: the sandbox did not answer",
    "(no output)",
    "KeyboardInterrupt",
    "MemoryError",
    "OSError: [Errno 24] Too many open files",
)


def build_result(random: Random, printed: str) -> str:
    """Return what a function answers with that printed a text: that, now and then with a line break behind it."""
    text = printed.rstrip("\n")
    chance = random.random()
    if chance < 0.02:
        return f"{STATE_LOST}\n{text}"
    return f"{text}\n" if chance < 0.15 else text


def build_lost_call(random: Random, code: str) -> WrongCall:
    """Return a right call that failed for no fault of its own; it is to be made again as it is."""
    return WrongCall(code, random.choice(_LOST))


def build_wrong_call(random: Random, code: str) -> WrongCall:
    """Return a call with a slip in its code, and the error that its function answers with.

    The code must be one that works and prints with ``print``.
    """
    slips = list(SLIPS)
    random.shuffle(slips)
    for slip in slips:
        made = slip(random, code)
        if made is not None:
            wrong, fault = made
            return WrongCall(wrong, _render(random, wrong, fault))
    raise ValueError(f"no slip is possible in {code!r}")


def _render(random: Random, code: str, fault: Fault) -> str:
    """Return the text of an error: as ``run_python`` tells it, mostly, else in short."""
    line = f"{fault.kind}: {fault.text}"
    chance = random.random()
    if chance < 0.5:
        return _as_syntax(code, fault) if fault.kind == "SyntaxError" else _as_trace(random, code, fault)
    if chance < 0.75:
        return line
    if chance < 0.9:
        return f"Error: {line}"
    shown = code.split("\n")[fault.line - 1]
    return f'Traceback (most recent call last):\n  File "<stdin>", line {fault.line}, in <module>\n    {shown}\n{line}'


def _as_syntax(code: str, fault: Fault) -> str:
    shown = code.split("\n")[fault.line - 1]
    at = {"incomplete input": len(shown), "unmatched ')'": len(shown) - 1}.get(fault.text, shown.find("= ") + 2)
    count = 1
    return f"  Cell In[{count}], line {fault.line}\n    {shown}\n    {' ' * at}^\n{fault.kind}: {fault.text}"


def _as_trace(random: Random, code: str, fault: Fault) -> str:
    count = random.choice((1, 1, 1, 2, 3))
    title = f"{fault.kind}{'Traceback (most recent call last)'.rjust(_WIDTH - len(fault.kind))}"
    lines = [
        f"----> {number} {text}" if number == fault.line else f"      {number} {text}"
        for number, text in enumerate(code.split("\n"), 1)
    ]
    told = f"{fault.kind}: {fault.text}"
    return "\n".join([_RULE, title, f"Cell In[{count}], line {fault.line}", *lines, "", told])
