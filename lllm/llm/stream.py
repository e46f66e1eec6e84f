"""What a caller can watch while a call runs. It is presentation: the log is the same with and without a watcher."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lllm.llm.dialog import Dialog
from lllm.llm.kept import to_line
from lllm.llm.place import SCOPE
from lllm.models.function import FunctionCall
from lllm.models.message import Message
from lllm.providers.base import Delta, OnDelta

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextEvent:
    """A piece of a reply's text. A StateEvent with ``event="ModelReplied"`` and state AWAIT_MODEL takes it back."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningEvent:
    """A piece of what the model thinks aloud."""

    text: str


@dataclass(frozen=True, slots=True)
class FunctionEvent:
    """A function starts, or (``done``) has its result in ``call``.

    Attributes:
        ordinal: its place among the calls of its reply, from 0.
        id: of the call, in the log.
    """

    ordinal: int
    call: FunctionCall
    done: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class StepEvent:
    """A cell, a call of a service or the like begins, or (``done``) has ended. Told to the listener of a run alone.

    Attributes:
        name: what the log calls it, such as ``cell`` or ``proxy``.
        about: what it is about, JSON data.
        value: what came of it, JSON data.
        error: what was raised in place of a value; empty where nothing was.
        scope: what it is done in, as the log names it: a function's call, another step; empty outside of any.
    """

    name: str
    about: Any
    done: bool = False
    value: Any = None
    error: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class StateEvent:
    """The machine moved to ``state`` because of ``event``."""

    state: str
    event: str


@dataclass(frozen=True)
class FinishedEvent(Generic[T]):
    """The call is over; what ``Agent.call`` returns."""

    message: Message[T]
    dialog: Dialog
    calls: list[FunctionCall]


ProgressEvent = TextEvent | ReasoningEvent | FunctionEvent | StepEvent | StateEvent
StreamEvent = ProgressEvent | FinishedEvent[Any]
Listener = Callable[[ProgressEvent], None]

LEFT = "the caller left the stream"  # why a call was cancelled; a replay ends its stream at these words


@contextmanager
def telling(listen: Listener | None, name: str, about: Any) -> Generator[Callable[[Any], None]]:
    """Tell a listener that a step begins, then its value, with what this gives, or what was raised in its place."""
    tell = listen or _tell_nobody
    scope = SCOPE.get().rstrip(".")
    tell(StepEvent(name, about, scope=scope))
    try:
        yield lambda value: tell(StepEvent(name, about, done=True, value=value, scope=scope))
    except BaseException as error:
        tell(StepEvent(name, about, done=True, error=to_line(error), scope=scope))
        raise


def _tell_nobody(_event: ProgressEvent) -> None:
    """Do nothing."""


def on_delta(listen: Listener) -> OnDelta:
    """Return what a provider calls with each piece of a reply."""

    def tell(delta: Delta) -> None:
        if delta.kind == "text":
            listen(TextEvent(delta.text))
        elif delta.kind == "reasoning":
            listen(ReasoningEvent(delta.text))

    return tell
