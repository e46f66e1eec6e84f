"""What a person sees of a run while it runs: text as it arrives, functions, cells, services, and what failed."""

from __future__ import annotations

import sys
import threading

from lllm.cli.screen import Screen
from lllm.cli.watch_text import fit_line
from lllm.cli.watched import Watched
from lllm.llm.stream import FunctionEvent, ReasoningEvent, StateEvent, StepEvent, StreamEvent, TextEvent


class Watcher:
    """A listener that writes to stderr. Safe between threads; each thread's text begins a line of its own."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lock = threading.Lock()
        self._watched = Watched()
        self._source: tuple[int, str] | None = None  # whose unfinished line the cursor is in

    def __call__(self, event: StreamEvent) -> None:
        """Show one event."""
        with self._lock:
            match event:
                case TextEvent(text):
                    self._piece(text, "dim")
                case ReasoningEvent(text):
                    self._piece(text, "dim italic")
                case FunctionEvent():
                    for told in self._watched.tell_function(event):
                        self._line(told, "cyan")
                case StepEvent():
                    for told in self._watched.tell_step(event):
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
        self._watched.leave()
        self._source = source
        self._screen.say(text, style, end="")

    def _line(self, text: str, style: str) -> None:
        """Write lines, each of which fits the terminal as wide as it is now."""
        self._end_line()
        width = self._screen.console(sys.stderr).width
        self._screen.say("\n".join(fit_line(line, width) for line in text.split("\n")), style)

    def _end_line(self) -> None:
        if self._source is not None:
            self._source = None
            self._screen.say("")
