"""What a person sees of a run while it runs: text as it arrives, functions, cells, services, and what failed."""

from __future__ import annotations

import threading

from lllm.cli.screen import Screen, preview
from lllm.export.asked import parse_asked, render_call, tell_step
from lllm.llm.stream import FunctionEvent, ReasoningEvent, StateEvent, StepEvent, StreamEvent, TextEvent
from lllm.models.function import FunctionCall

MAX_LINES, MAX_CHARS, MAX_LINE_CHARS = 24, 2400, 100


class Watcher:
    """A listener that writes to stderr. Safe between threads; each thread's text begins a line of its own."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lock = threading.Lock()
        self._source: tuple[int, str] | None = None  # whose unfinished line the cursor is in

    def __call__(self, event: StreamEvent) -> None:
        """Show one event."""
        with self._lock:
            match event:
                case TextEvent(text):
                    self._piece(text, "dim")
                case ReasoningEvent(text):
                    self._piece(text, "dim italic")
                case FunctionEvent(_, call, done):
                    self._line(render_result(call) if done else render_asked(call), "cyan")
                case StepEvent():
                    if told := render_step(event):
                        self._line(told, "cyan")
                case StateEvent():
                    self._state(event)
                case _:
                    self._end_line()

    def end(self) -> None:
        """Finish the last line."""
        with self._lock:
            self._end_line()

    def _state(self, event: StateEvent) -> None:
        match event.event, event.state:
            case "ModelReplied", "AWAIT_MODEL":
                self._line("that reply cannot be used; the model is told why and asked again", "yellow")
            case "ModelFailed", "WAITING":
                self._line("the model call failed; it is repeated after a pause", "yellow")
            case _, "FAILED":
                self._line("the call failed", "red")
            case _:
                self._end_line()

    def _piece(self, text: str, style: str) -> None:
        source = (threading.get_ident(), style)
        if self._source != source:
            self._end_line()
        self._source = source
        self._screen.say(text, style, end="")

    def _line(self, text: str, style: str) -> None:
        self._end_line()
        self._screen.say(text, style)

    def _end_line(self) -> None:
        if self._source is not None:
            self._source = None
            self._screen.say("")


def render_asked(call: FunctionCall) -> str:
    """Return what a model calls: on one line, or its code and other long texts in lines of their own. Pure."""
    if not parse_asked(call.raw_arguments).texts:
        return f"{call.name}({preview(call.raw_arguments)})"
    return _cut(render_call(call.name, call.raw_arguments))


def render_result(call: FunctionCall) -> str:
    """Return what came of a call: one line of it, or of what was asked for in many lines, its first ones. Pure."""
    if not parse_asked(call.raw_arguments).texts:
        return f"  = {preview(call.result_str)}"
    return "  = " + _cut(call.result_str.strip("\n")).replace("\n", "\n    ")


def render_step(event: StepEvent) -> str:
    """Return on one line that a cell or a service's call begins, or what came of it; empty for other steps. Pure."""
    data = {"name": event.name, "value": event.value} if event.done else {"name": event.name, "about": event.about}
    if event.error:
        return f"  {event.name} failed: {preview(event.error)}"
    told = tell_step(data, limit_chars=MAX_LINE_CHARS)
    return f"  {told}" if told else ""


def _cut(text: str) -> str:
    """Return the first lines of a text, and how many more there are."""
    lines = text[:MAX_CHARS].split("\n")
    shown = "\n".join(lines[:MAX_LINES])
    return shown if len(shown) == len(text) else f"{shown} … [{len(text) - len(shown)} more characters]"
