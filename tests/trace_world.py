"""Spans for tests: the real SDK, what it has recorded, and who is whose parent."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from lllm.providers.mock import MockProvider

# A text that only the user's content holds.
NOWHERE = "words-that-belong-to-the-user"


class Spans:
    """A provider of the SDK that keeps what has ended.

    Attributes:
        provider: to trace with.
    """

    def __init__(self):
        self._kept = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer = self.provider.get_tracer("user")

    @property
    def all(self):
        """Return the spans that have ended, in the order in which they began."""
        return sorted(self._kept.get_finished_spans(), key=lambda span: (span.start_time, span.context.span_id))

    def named(self, start):
        """Return the spans whose name begins with ``start``."""
        return [span for span in self.all if span.name.startswith(start)]

    def one(self, start):
        """Return the only span whose name begins with ``start``."""
        [span] = self.named(start)
        return span

    def parent(self, span):
        """Return the name of a span's parent; None for a root."""
        names = {other.context.span_id: other.name for other in self.all}
        return span.parent and names.get(span.parent.span_id, "?")

    @property
    def tree(self):
        """Return (parent's name, name) of every span, sorted."""
        return sorted((self.parent(span) or "", span.name) for span in self.all)

    @property
    def text(self):
        """Return everything that an exporter would send."""
        return "\n".join(span.to_json() for span in self.all)


class Named(MockProvider):
    """A scripted model that says where it is."""

    name = "work"

    def describe(self):
        return {"name": self.name, "api": "chat", "base_url": "https://api.deepseek.com/v1"}


def look_up(word: str) -> str:
    """Look up a word."""
    return f"{word} is blue"
