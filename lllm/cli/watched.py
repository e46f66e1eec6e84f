"""What is under way while a person watches, and whose lines stand last: so each thing is told once, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lllm.cli.watch_text import find_reason, render_again, render_asked, render_result, render_step
from lllm.export.asked import load_object
from lllm.export.facts import dict_of
from lllm.llm.stream import FunctionEvent, StepEvent
from lllm.log.scopes import scopes_around, to_scope, without_attempts
from lllm.sandbox.cell import STEP


@dataclass(slots=True)
class _Call:
    """A function that is under way; ``reason`` is what the cell that it is failed of, None before one has ended."""

    event: FunctionEvent
    reason: str | None = None


@dataclass(slots=True)
class _Step:
    """A step that is under way; ``among`` tells whether others like it have been since it began."""

    event: StepEvent
    place: str
    among: bool = False

    def begun_as(self, event: StepEvent) -> bool:
        """Whether this is what an event ends."""
        return self.event.name == event.name and self.event.about is event.about


class Watched:
    """Returns what is to be written of each event. Not safe between threads."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}  # by scope
        self._steps: list[_Step] = []
        self._last = ""  # the scope of the call whose lines stand last
        self._crowded: set[str] = set()  # replies that ask for several calls

    def leave(self) -> None:
        """Take note that other lines have been written."""
        self._last = ""

    def tell_function(self, event: FunctionEvent) -> Iterator[str]:
        """Yield a function's call, or its result: after its call, if that is not what stands above."""
        scope = to_scope(event.id)
        if event.ordinal:
            self._crowded.add(_reply_of(event))
        if not event.done:
            self._calls[scope] = _Call(event)
            yield f"{self._number(event) if event.ordinal else ''}{render_asked(event.call)}"
        else:
            call = self._calls.pop(scope, None)
            if call is None:  # it was answered without being run, or run by a process that died
                yield f"{self._number(event)}{render_asked(event.call)}"
            elif self._last != scope:
                yield f"{self._number(event)}{render_again(event.call)}"
            yield render_result(event.call, None if call is None else call.reason)
        self._last = scope

    def tell_step(self, event: StepEvent) -> Iterator[str]:
        """Yield what a step does or has come to, unless the lines of the function that makes it tell the same."""
        place = self._find(event.scope)
        call = self._calls.get(place)
        if call is not None and _is_same(event, call.event):  # an error of it is the function's result, or the run's
            call.reason = find_reason(event) if event.done and not event.error else None
            return
        among = self._note(event, place)
        told = render_step(event, among=among)
        if not told:
            return
        if call is not None and self._last != place:
            yield f"{self._number(call.event)}{render_again(call.event.call)}"
        self._last = place
        yield told

    def _find(self, scope: str) -> str:
        """Return the scope of the innermost call under way that a step is made in; empty outside of any."""
        return next((around for around in scopes_around(without_attempts(scope)) if around in self._calls), "")

    def _note(self, event: StepEvent, place: str) -> bool:
        """Note that a step begins or ends; return whether others like it were under way meanwhile."""
        if event.done:
            ended = next((step for step in self._steps if step.begun_as(event)), None)
            if ended is not None:
                self._steps.remove(ended)
            return ended is not None and ended.among
        step = _Step(event, place)
        for other in self._steps:
            if (other.event.name, other.place) == (event.name, place):
                other.among = step.among = True
        self._steps.append(step)
        return False

    def _number(self, event: FunctionEvent) -> str:
        return f"[{event.ordinal + 1}] " if _reply_of(event) in self._crowded else ""


def _reply_of(event: FunctionEvent) -> str:
    return event.id.rpartition("/")[0]


def _is_same(event: StepEvent, asked: FunctionEvent) -> bool:
    """Whether a cell is what a function's call shows: its code is among the call's arguments."""
    about = dict_of({"about": event.about}, "about")
    texts = load_object(asked.call.raw_arguments).values()
    return event.name == STEP and about.get("function") == asked.call.name and about.get("code") in texts
