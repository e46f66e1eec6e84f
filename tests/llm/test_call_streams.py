"""Watching a call: what is told, what happens when nobody watches any more, and that the log does not care."""

from __future__ import annotations

import asyncio
import threading

import pytest
from world import World, add, calls

from lllm.errors import BadRequest, CallCancelled, ModelBehaviorError, RateLimited
from lllm.llm import FinishedEvent, FunctionEvent, ReasoningEvent, Session, StateEvent, TextEvent, outside
from lllm.log import MemoryLog
from lllm.models import Prompt
from lllm.providers.base import Delta


def watch(world, face):
    world.dialog.send_message("go")
    if face == "sync":
        return list(world.agent.stream(world.dialog))

    async def main():
        return [event async for event in world.agent.astream(world.dialog)]

    return asyncio.run(main())


FACES = pytest.mark.parametrize("face", ["sync", "async"])


@FACES
def test_a_stream_tells_text_functions_and_states_in_order(face):
    """A terminal or a page shows what happens while it happens."""
    script = ({"text": "one moment", "calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}, "it is 3")
    world = World(*script, functions=[add])
    events = watch(world, face)
    told = [
        e.event if isinstance(e, StateEvent) else e.text if isinstance(e, TextEvent) else type(e).__name__
        for e in events
    ]
    assert told == [
        "Called",
        "one",
        " moment",
        "ModelReplied",
        "FunctionEvent",
        "FunctionEvent",
        "FunctionReturned",
        "it",
        " is",
        " 3",
        "ModelReplied",
        "FinishedEvent",
    ]
    functions = [e for e in events if isinstance(e, FunctionEvent)]
    assert [(e.done, e.call.result_str) for e in functions] == [(False, ""), (True, "3")]
    assert events[-1].message is world.dialog.tail
    assert [e.state for e in events if isinstance(e, StateEvent)][-1] == "DONE"


@FACES
def test_thinking_aloud_is_told_apart_from_the_answer(face):
    """What is shown in grey is not the reply."""
    events = watch(World({"text": "four", "reasoning": "two and two"}), face)
    assert "".join(e.text for e in events if isinstance(e, ReasoningEvent)) == "two and two"
    assert "".join(e.text for e in events if isinstance(e, TextEvent)) == "four"


@FACES
def test_a_state_event_takes_an_unusable_reply_back(face):
    """Its text was shown already; the viewer must learn that it does not count."""
    events = watch(World("x", "3", prompt=Prompt(path="t/n", prompt="n", format=int)), face)
    states = [(e.state, e.event) for e in events if isinstance(e, StateEvent)]
    assert states == [("AWAIT_MODEL", "Called"), ("AWAIT_MODEL", "ModelReplied"), ("DONE", "ModelReplied")]


@FACES
def test_errors_are_raised_from_the_loop(face):
    """As from a plain call, with the last state told before."""
    world = World(*"xyz", prompt=Prompt(path="t/n", prompt="n", format=int), max_exception_retry=0)
    with pytest.raises(ModelBehaviorError):
        watch(world, face)
    with pytest.raises(BadRequest):
        watch(World(BadRequest("no")), face)


@pytest.mark.parametrize("leave_at", [StateEvent, TextEvent, FunctionEvent])
def test_leaving_a_stream_early_cancels_the_call(leave_at):
    """Who stops listening stops paying; the log says so, and no thread is left at work."""
    gate = threading.Event()

    def slow() -> None:
        gate.wait()

    world = World({"text": "a b", "calls": [{"name": "slow", "arguments": {}}]}, "never", functions=[slow])
    world.dialog.send_message("go")
    stream = world.agent.stream(world.dialog)
    try:
        for event in stream:
            if isinstance(event, leave_at):
                break
        stream.close()
    finally:
        gate.set()
    assert world.ends[0]["reason"] == "cancelled"
    assert len(world.requests) <= 1
    assert not [t for t in threading.enumerate() if t.name == "lllm-stream"]


@pytest.mark.parametrize("leave_at", [StateEvent, TextEvent, FunctionEvent])
def test_leaving_an_async_stream_early_cancels_the_call(leave_at):
    """The twin: its task is gone when the generator is closed."""

    async def slow() -> None:
        await asyncio.Event().wait()

    async def main():
        world = World({"text": "a b", "calls": [{"name": "slow", "arguments": {}}]}, "never", functions=[slow])
        world.dialog.send_message("go")
        stream = world.agent.astream(world.dialog)
        async for event in stream:
            if isinstance(event, leave_at):
                break
        await stream.aclose()
        return world, [
            task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.cancelling()
        ]

    world, left = asyncio.run(main())
    assert left == []
    assert world.ends[0]["reason"] == "cancelled"


def test_a_cancel_ends_a_reply_that_is_still_being_written():
    """A stop button must not wait for the end of a long answer."""
    told = []

    class Talks:
        name = "talks"

        def describe(self):
            return {"name": "talks"}

        def send(self, request, *, timeout_s=None, on_delta=None):
            for piece in range(1000):
                told.append(piece)
                if piece == 3:
                    world.session.cancel()
                on_delta(Delta("text", "x"))

    world = World(provider=Talks())
    world.dialog.send_message("go")
    with pytest.raises(CallCancelled):
        list(world.agent.stream(world.dialog))
    assert told == [0, 1, 2, 3]
    assert world.ends[0]["reason"] == "cancelled"


def test_leaving_during_a_wait_does_not_sit_it_out():
    """The server asked for a minute; the user is gone in a moment."""
    world = World(RateLimited("429", retry_after_s=100), "never")
    world.dialog.send_message("go")
    stream = world.agent.stream(world.dialog)
    for event in stream:
        if isinstance(event, StateEvent) and event.state == "WAITING":
            break
    stream.close()
    assert world.ends[0]["reason"] == "cancelled"


@FACES
def test_a_sessions_listener_hears_every_call(face):
    """A command line watches calls that it did not make itself."""
    heard = []
    world = World("hello", functions=[add])
    world.session.listen = heard.append
    world.ask_on(face)
    assert [e.text for e in heard if isinstance(e, TextEvent)] == ["hello"]
    assert not [e for e in heard if isinstance(e, FinishedEvent)]


def test_a_listener_that_fails_is_told_no_more():
    """One warning says it; a warning a step would bury what the run itself says."""
    told = []

    def broken(event):
        told.append(event)
        raise BrokenPipeError

    with Session.open(MemoryLog(), "s") as session:
        session.listen = broken
        with pytest.warns(RuntimeWarning, match="a listener failed") as warned:
            assert [outside.perform("proxy", {"n": n}, lambda: 1) for n in range(3)] == [1, 1, 1]
    assert (len(told), len(warned)) == (1, 1)


@FACES
def test_a_listener_that_fails_does_not_cost_the_reply(face):
    """Showing is presentation: a closed terminal must not lose what was paid for."""

    def broken(event):
        raise BrokenPipeError

    world = World(calls(("add", {"a": 1, "b": 2})), "fine", functions=[add])
    world.session.listen = broken
    with pytest.warns(RuntimeWarning, match="a listener failed: BrokenPipeError"):
        reply, _, _ = world.ask_on(face)
    assert reply.content == "fine"
    assert world.ends == [{"outcome": "done"}]
