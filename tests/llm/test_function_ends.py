"""What a function may decide for its call: that it is the last one, that it waits for others, or that the call ends."""

from __future__ import annotations

import asyncio
import threading

import pytest
from world import World, calls

from lllm.errors import ApprovalDenied, BrowserUnavailable
from lllm.llm import Session
from lllm.llm.jobs import SKIPPED
from lllm.models import Function, LastResult
from lllm.replay import replay

FACES = ("sync", "async")


def replayed(world, asked="go"):
    """Return how the world's session replays, run by the same agent."""
    world.session.close()

    def run(session):
        dialog = world.agent.init_dialog(session=session)
        dialog.send_message(asked)
        return world.agent.call(dialog)[0].content

    return replay(world.log, "run", run)


@pytest.mark.parametrize("face", FACES)
def test_a_function_may_end_the_rounds(face):
    """The model answers with what there is; nothing is offered any more, though the budget has rounds left."""
    world = World(
        calls(("stop", {})), "the end", functions=[Function("stop", "Stop.", function=lambda: LastResult("stopped"))]
    )
    message, _, made = world.ask_on(face)
    assert (message.content, made[0].result, made[0].is_last) == ("the end", "stopped", True)
    assert [len(request.contract.functions) for request in world.requests] == [1, 0]
    assert [event.data.get("last") for event in world.events("function.result")] == [True]
    assert replayed(world).status == "same"


def test_a_replay_ends_the_rounds_where_they_ended():
    """Without it a replay would offer functions where none were offered, and differ."""
    world = World(calls(("stop", {})), "x", functions=[Function("stop", "", function=LastResult)])
    world.ask()
    events = [dict(event.data) for event in world.events("function.result")]
    assert events[0]["last"] is True
    assert replayed(world).status == "same"


@pytest.mark.parametrize("face", FACES)
def test_serial_functions_run_in_the_order_of_the_reply(face):
    """Clicks must not overtake each other; what is not serial does not wait for them."""
    order, beside, first_runs = [], threading.Event(), threading.Event()

    def click(n: int) -> int:
        order.append(n)
        if n == 1:
            first_runs.set()
            assert beside.wait(5)
            order.append("first is done")
        return n

    def look() -> str:
        assert first_runs.wait(5)
        beside.set()
        return "looked"

    functions = [Function.from_callable(click, serial=True), look]
    world = World(calls(("click", {"n": 1}), ("click", {"n": 2}), ("look", {})), "ok", functions=functions)
    _, _, made = world.ask_on(face)
    assert order == [1, "first is done", 2]
    assert [call.result for call in made] == [1, 2, "looked"]


@pytest.mark.parametrize("face", FACES)
def test_serial_functions_behind_the_last_word_are_not_run(face):
    """Their results say so; what is not serial runs in any case. A replay tells the same."""
    ran = []

    def walk(to: str) -> str | LastResult:
        ran.append(to)
        return LastResult("home") if to == "home" else to

    def look() -> str:
        ran.append("look")
        return "seen"

    steps = [("walk", {"to": to}) for to in ("out", "home", "away", "far")]
    functions = [Function.from_callable(walk, serial=True), look]
    world = World(calls(*steps, ("look", {})), "there", functions=functions)
    message, _, made = world.ask_on(face)
    assert sorted(ran) == ["home", "look", "out"]
    assert [call.result for call in made] == ["out", "home", SKIPPED, SKIPPED, "seen"]
    assert message.content == "there"
    assert replayed(world).status == "same"


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("error", [ApprovalDenied("no"), BrowserUnavailable("none is there", hint="install one")])
@pytest.mark.parametrize("is_async", [False, True])
def test_what_no_model_can_mend_ends_the_call(face, error, is_async):
    """The model would only try again, or make something up."""

    def refuse():
        raise error

    async def arefuse():
        raise error

    function = arefuse if is_async else refuse
    world = World(calls(("act", {})), "never", functions=[Function("act", "", function=function)])

    def run(session):
        world.dialog = world.agent.init_dialog(session=session)
        return world.ask_on(face)

    with pytest.raises(type(error), match=error.message), Session.open(world.log, "s", seed=0) as session:
        run(session)
    assert len(world.requests) == 1
    assert not any(event.kind == "function.result" for event in world.log.read_session("s"))
    report = replay(world.log, "s", run)
    assert (report.status, report.error.partition(":")[0]) == ("same", type(error).__name__)


def test_an_approval_that_is_denied_counts_as_a_cancelled_call():
    """Somebody stopped it: it is no bug of the user's code."""

    def refuse():
        raise ApprovalDenied("no")

    world = World(calls(("act", {})), functions=[Function("act", "", function=refuse)])
    with pytest.raises(ApprovalDenied):
        world.ask()
    assert [end["reason"] for end in world.ends] == ["cancelled"]


def test_a_task_that_is_cancelled_while_serial_functions_wait_starts_none_of_them():
    started = []

    async def act(n: int) -> int:
        started.append(n)
        await asyncio.sleep(10)
        return n

    world = World(
        calls(("act", {"n": 1}), ("act", {"n": 2})), "x", functions=[Function.from_callable(act, serial=True)]
    )

    async def run():
        async with asyncio.timeout(0.1):
            await world.aask()

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert started == [1]
