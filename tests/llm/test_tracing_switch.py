"""When spans are made, what it costs when they are not, and what a broken tracer breaks: nothing."""

from __future__ import annotations

import sys

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from trace_world import Spans, look_up
from world import World, facts

from lllm.const import Roles
from lllm.llm.trace import find_tracing, traced
from lllm.llm.trace_model import ModelSpan
from lllm.models import Message

ASKS = {"calls": [{"name": "look_up", "arguments": {"word": "sky"}}]}


def test_nobody_is_traced_who_did_not_ask(monkeypatch):
    """OpenTelemetry is imported in this process, and no provider is set for it."""
    assert find_tracing() is None
    with traced(TracerProvider()):
        assert find_tracing() is not None
        monkeypatch.setenv("LLLM_TRACE", "0")
        assert find_tracing() is None


def test_the_sdks_own_switch_holds(monkeypatch):
    """OTEL_SDK_DISABLED turns the SDK's spans into nothing; then ours are not made at all."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with traced(TracerProvider()):
        assert find_tracing() is None


def test_who_does_not_trace_pays_next_to_nothing():
    """Counted, since it is the same on every machine: what of our tracing a call with a function enters."""
    world = World(ASKS, "ok", functions=(look_up,))
    entered = []

    def note(frame, event, _arg):
        if event in ("call", "c_call") and "trace" in frame.f_code.co_filename.rpartition("/")[2]:
            entered.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        world.ask()
    finally:
        sys.setprofile(None)
    assert len(entered) <= 8, entered


def test_a_broken_processor_does_not_break_the_call():
    """A run does not depend on who watches it."""

    class Broken(SpanProcessor):
        def on_start(self, span, parent_context=None):
            raise OSError("disk full")

        def on_end(self, span):
            raise OSError("disk full")

    provider = TracerProvider()
    provider.add_span_processor(Broken())
    with traced(provider), pytest.warns(RuntimeWarning, match="tracing failed: OSError: disk full"):
        assert World("ok").ask()[0].content == "ok"


def answer(reply):
    """Have the span of a model call take a reply."""
    span = ModelSpan(find_tracing().start("chat", {}, World("x").session), None)
    with span.attempt("1/s0") as seen:
        seen(reply)


def test_a_reply_that_cannot_be_told_goes_on_to_the_log():
    """It is paid for. A provider of the user's may put anything into it, and only the log may refuse it."""
    spans = Spans()
    reply = Message(Roles.ASSISTANT, "ok", images=(None,))
    with traced(spans.provider, content=True), pytest.warns(RuntimeWarning, match="tracing failed: AttributeError"):
        answer(reply)
    assert len(spans.named("chat")) == 1


def test_nothing_of_a_trace_is_logged(spans, monkeypatch):
    """A traced run replays like any other: its log is the same."""
    watched = World(ASKS, "ok", functions=(look_up,))
    watched.ask()
    assert len(spans.all) == 4
    monkeypatch.setenv("LLLM_TRACE", "0")
    quiet = World(ASKS, "ok", functions=(look_up,))
    quiet.ask()
    assert len(spans.all) == 4
    assert facts(quiet.events()) == facts(watched.events())
