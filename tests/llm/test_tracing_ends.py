"""How spans end: with their call, whatever ends it, and one span for all attempts at a model call."""

from __future__ import annotations

import asyncio
import threading

import pytest
from opentelemetry.trace import StatusCode
from trace_world import NOWHERE
from world import World, calls

from lllm import Function
from lllm.errors import CallCancelled, LimitExceeded, ModelBehaviorError, RateLimited, Unauthorized
from lllm.llm import Limits, TextEvent
from lllm.llm.trace import find_tracing
from lllm.models import Prompt
from lllm.providers.base import Delta
from lllm.providers.mock import MockProvider
from lllm.testing import function_model


@pytest.mark.parametrize("face", ["sync", "async"])
def test_attempts_at_one_call_are_events_of_one_span(spans, face):
    """The convention: a span covers the operation with all its retries. Two spans would be two calls on a bill."""
    limited = {"error": {"type": "RateLimited", "message": NOWHERE, "status": 429, "retry_after_s": 0.001}}
    World(limited, limited, "ok").ask_on(face)
    span = spans.one("chat")
    assert [event.name for event in span.events] == ["lllm.model.error"] * 2
    assert dict(span.events[0].attributes) == {
        "error.type": "RateLimited",
        "http.response.status_code": 429,
        "lllm.effect.id": "1/s0",
    }
    assert (span.status.status_code, span.attributes["lllm.recall"]) == (StatusCode.UNSET, 2)
    assert "error.type" not in span.attributes
    assert span.attributes["lllm.effect.id"] == "1/s2"


def test_a_call_that_stays_refused_ends_its_spans_as_errors(spans):
    """Alerts count spans with this status; the parents fail with the child."""
    world = World({"error": {"type": "Unauthorized", "message": NOWHERE}})
    with pytest.raises(Unauthorized), world.session:
        world.ask()
    for span in spans.all:
        assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "Unauthorized")
    assert len(spans.all) == 3
    assert NOWHERE not in spans.text


def test_a_call_that_fails_at_last_ended_with_its_last_attempt(spans):
    """What comes after it (the log, the user's handler) is not the model's time."""
    world = World({"error": {"type": "RateLimited", "retry_after_s": 0.001}}, {"error": {"type": "Unauthorized"}})
    with pytest.raises(Unauthorized):
        world.ask()
    span = spans.one("chat")
    assert span.end_time <= spans.one("invoke_agent").end_time
    assert span.events[-1].timestamp >= span.events[0].timestamp
    assert abs(span.end_time - span.events[-1].timestamp) < 1_000_000_000
    assert span.attributes["error.type"] == "Unauthorized"


def test_a_retry_that_tells_the_model_its_fault_is_another_call(spans):
    """It is another request, with other tokens."""
    prompt = Prompt(path="p", prompt="x", format=int)
    World("five", "5", prompt=prompt).ask()
    assert [span.attributes["lllm.effect.id"] for span in spans.named("chat")] == ["1/s0", "1/s1"]
    assert {span.status.status_code for span in spans.all} == {StatusCode.UNSET}
    with pytest.raises(ModelBehaviorError):
        World("five", prompt=prompt, max_exception_retry=0).ask()
    assert spans.named("invoke_agent")[-1].attributes["error.type"] == "ModelBehaviorError"


@pytest.mark.parametrize("face", ["sync", "async"])
def test_a_function_that_raises_is_an_error_and_its_call_is_none(spans, face):
    """The model reads the error and goes on; only the function failed."""

    def breaks() -> str:
        """Break."""
        raise ValueError(NOWHERE)

    World(calls(("breaks", {})), "ok", functions=(breaks,)).ask_on(face)
    span = spans.one("execute_tool")
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "ValueError")
    assert span.status.description is None
    assert spans.one("invoke_agent").status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("face", ["sync", "async"])
def test_a_function_that_never_returns_ends_its_span_with_its_time(spans, face):
    """Its thread is left behind; a span that waits for it would never be sent."""
    free = threading.Event()

    def hangs() -> str:
        """Hang."""
        free.wait(30)
        return "late"

    world = World(calls(("hangs", {})), "ok", functions=(Function.from_callable(hangs, timeout_s=0.3),))
    try:
        world.ask_on(face)
        assert spans.one("execute_tool").attributes["error.type"] == "FunctionTimeout"
    finally:
        free.set()
    assert len(spans.named("execute_tool")) == 1


def test_a_deadline_ends_every_span(spans):
    """The call is over for its caller, whatever a thread still does."""
    free = threading.Event()
    hangs = Function.from_callable(lambda: free.wait(30), name="hangs", description="Hang.")
    world = World(calls(("hangs", {})), "ok", functions=(hangs,), limits=Limits(deadline_s=0.5))
    try:
        with pytest.raises(LimitExceeded):
            world.ask()
        told = {span.name: span.attributes.get("error.type") for span in spans.all}
    finally:
        free.set()
    assert told == {"invoke_agent agent": "LimitExceeded", "chat m1": None, "execute_tool hangs": "LimitExceeded"}


def interrupt():
    """Stop."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["model", "function"])
def test_ctrl_c_ends_every_span(spans, place):
    """What was interrupted is what somebody wants to look at."""
    functions = (Function.from_callable(interrupt, name="stop"),)
    provider = function_model(lambda _: interrupt()) if place == "model" else None
    world = World(calls(("stop", {})), functions=functions, provider=provider)
    with pytest.raises(KeyboardInterrupt):
        world.ask()
    ended = {span.name: span.attributes.get("error.type") for span in spans.all}
    last = "chat m1" if place == "model" else "execute_tool stop"
    assert (ended["invoke_agent agent"], ended[last]) == ("KeyboardInterrupt", "KeyboardInterrupt")


def test_what_broke_into_a_second_attempt_is_what_its_span_failed_of(spans):
    """Not the first attempt's failure, which was got over."""
    replies = iter([RateLimited("busy", retry_after_s=0.001)])
    with pytest.raises(KeyboardInterrupt):
        World(provider=function_model(lambda _: next(replies, None) or interrupt())).ask()
    span = spans.one("chat")
    assert (span.attributes["error.type"], len(span.events)) == ("KeyboardInterrupt", 1)


@pytest.mark.parametrize("place", ["model", "function", "wait"])
def test_a_cancelled_task_ends_every_span(spans, place):
    """As an exporter sends only what has ended."""

    async def main():
        here = asyncio.Event()

        async def waits():
            """Wait."""
            here.set()
            await asyncio.Event().wait()

        functions = (waits,)
        world = {
            "model": lambda: World(provider=function_model(lambda _: waits())),
            "function": lambda: World(calls(("waits", {})), functions=functions),
            "wait": lambda: World({"error": {"type": "RateLimited", "retry_after_s": 30}}),
        }[place]()
        task = asyncio.create_task(world.aask())
        while not (task.done() or here.is_set() or world.events("wait")):  # noqa: ASYNC110 - a wait tells nobody
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    told = {span.name: span.attributes.get("error.type") for span in spans.all}
    cancelled = "asyncio.exceptions.CancelledError"
    assert told.pop("invoke_agent agent") == cancelled
    assert (
        told
        == {
            "model": {"chat m1": cancelled},
            "function": {"chat m1": None, "execute_tool waits": told.get("execute_tool waits")},
            "wait": {"chat m1": "RateLimited"},
        }[place]
    )
    assert told.get("execute_tool waits", cancelled) in ("CancelledError", cancelled)


class Endless(MockProvider):
    """A model that speaks until nobody listens any more."""

    def send(self, request, *, timeout_s=None, on_delta=None):
        while True:
            on_delta(Delta("text", "on and "))

    async def asend(self, request, *, timeout_s=None, on_delta=None):
        while True:
            on_delta(Delta("text", "on and "))
            await asyncio.sleep(0)


@pytest.mark.parametrize("face", ["sync", "async"])
def test_a_stream_that_is_left_ends_every_span(spans, face):
    """Leaving the loop cancels the call."""
    world = World(provider=Endless())
    world.dialog.send_message("go")

    async def leave():
        events = world.agent.astream(world.dialog)
        async for event in events:
            if isinstance(event, TextEvent):
                break
        await events.aclose()

    if face == "async":
        asyncio.run(leave())
    else:
        events = world.agent.stream(world.dialog)
        next(event for event in events if isinstance(event, TextEvent))
        events.close()
    left = "CallCancelled" if face == "sync" else "asyncio.exceptions.CancelledError"
    assert {span.name: span.attributes["error.type"] for span in spans.all} == {
        "invoke_agent agent": left,
        "chat m1": left,
    }


def test_a_session_that_is_cancelled_ends_its_spans(spans):
    """From another thread, while the call waits for a retry."""
    world = World({"error": {"type": "RateLimited", "retry_after_s": 30}})
    world.agent.provider = function_model(lambda _: world.session.cancel() or RateLimited("busy", retry_after_s=30))
    with pytest.raises(CallCancelled), world.session:
        world.ask()
    told = {span.name: span.attributes["error.type"] for span in spans.all}
    assert told == {"chat m1": "RateLimited", "invoke_agent agent": "CallCancelled", "invoke_workflow": "CallCancelled"}


def test_who_comes_too_late_changes_nothing_and_makes_no_noise(spans, caplog):
    """A function that returns after its call has given it up still tells its span so."""
    world = World("ok")
    span = find_tracing().start("late", {}, world.session)
    span.end("FunctionTimeout")
    span.tell({"lllm.late": "yes"}, {"lllm.result": "late"})
    span.end()
    told = spans.one("late")
    assert (told.attributes["error.type"], told.attributes.get("lllm.late")) == ("FunctionTimeout", None)
    assert caplog.records == []
