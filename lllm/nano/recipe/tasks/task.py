"""One thing that nano is asked, and the code that answers it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple


class Task(NamedTuple):
    """A question and its code.

    Attributes:
        kind: of the skill, such as ``arithmetic``.
        family: of wordings, such as ``sum-in-words``.
        question: as somebody would put it.
        code: Python that prints the answer, always in the same words for the same operation.
    """

    kind: str
    family: str
    question: str
    code: str


Make = Callable[[Random], Task]
