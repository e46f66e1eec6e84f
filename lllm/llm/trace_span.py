"""One span of OpenTelemetry. What goes wrong with it becomes a warning: a run does not depend on who watches it."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from lllm.llm.trace_facts import error_type, to_facts
from lllm.log.redact import Redactor
from lllm.models.plain import show
from lllm.otel import names
from lllm.utils import visible

if TYPE_CHECKING:
    from opentelemetry.trace import Span


@contextmanager
def harmless() -> Generator[None]:
    """Turn what a tracer raises, or what cannot be told, into a warning."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a processor or a sampler may raise anything
        warnings.warn(f"tracing failed: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=4)


class OpenSpan:
    """A span that is under way. It ends once, whoever comes first: its own thread, or the call that gave it up."""

    def __init__(self, span: Span, redact: Redactor, *, content: bool) -> None:
        self.span = span
        self._redact, self._content = redact, content
        self._ended = Lock()

    @property
    def tells_content(self) -> bool:
        """Whether content is to be put on it; where a sampler has dropped it, nobody would read it."""
        return self._content and self.span.is_recording()

    @contextmanager
    def current(self) -> Generator[None]:
        """Make it the current span of the block: spans that begin there are its children."""
        from opentelemetry import context, trace  # noqa: PLC0415 - loaded already

        token = context.attach(trace.set_span_in_context(self.span))
        try:
            yield
        finally:
            context.detach(token)

    def tell(self, facts: Mapping[str, Any], content: Mapping[str, str] | None = None) -> None:
        """Add attributes; ``content``, which is JSON or plain text, only where it is asked for, without secrets."""
        if self._ended.locked():  # a function came back after its call had given it up
            return
        with harmless():
            told = to_facts(facts)
            if content and self.tells_content:
                told |= to_facts({key: self._clean(text) for key, text in content.items()})
            self.span.set_attributes(told)

    def note(self, name: str, facts: Mapping[str, Any]) -> None:
        """Add an event."""
        with harmless():
            self.span.add_event(name, to_facts(facts))

    def end(self, error: BaseException | str | None = None, note: str = "", at_ns: int | None = None) -> None:
        """End it, unless it has ended.

        Args:
            error: what it failed of, or the name of that; None when it did not fail.
            note: the error's text, told only where content is.
            at_ns: when it ended, in nanoseconds since 1970; None is now.
        """
        if not self._ended.acquire(blocking=False):
            return
        with harmless():
            if error is not None:
                self._fail(error_type(error), note or show(error))
            self.span.end(at_ns)

    def _fail(self, kind: str, note: str) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - loaded already

        self.span.set_attribute(names.ERROR_TYPE, kind)
        told = visible(self._redact.redact_text(note)) if self._content else None
        self.span.set_status(StatusCode.ERROR, told or None)

    def _clean(self, text: str) -> str:
        """Return text without secrets, of which JSON may hold some that are escaped."""
        return self._redact(text) if text[:1] in "[{" else self._redact.redact_text(text)
