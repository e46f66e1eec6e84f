"""Budgets, deadlines and cancelling: every way in which a call ends early is bounded, named and logged."""

from __future__ import annotations

import asyncio
import threading

import pytest
from world import World, add, calls

from lllm.const import CompletionCost, Roles
from lllm.errors import BadRequest, CallCancelled, LimitExceeded, ProviderTimeout, RateLimited, UserCodeError
from lllm.llm.limits import Limits
from lllm.models import Function, FunctionCall, Message, Prompt
from lllm.testing import function_model

FACES = pytest.mark.parametrize("face", ["sync", "async"])
SOON = Limits(deadline_s=0.05)


@pytest.fixture
def never():
    """An event that nobody sets before the test is over."""
    event = threading.Event()
    yield event
    event.set()


def ends_in(world, face, limit, **options):
    with pytest.raises(LimitExceeded) as caught:
        world.ask_on(face, **options)
    assert caught.value.limit == limit
    assert caught.value.where
    return caught.value


@FACES
def test_a_call_that_needs_more_tokens_than_it_may_use_stops(face):
    """The reply that crossed the line is paid for and logged; nothing is asked after it."""
    world = World(calls(("add", {"a": 1, "b": 2})), "never", functions=[add], limits=Limits())
    world.agent.limits = Limits(max_tokens=1)
    ends_in(world, face, "tokens")
    assert len(world.requests) == 1
    assert world.ends[0]["reason"] == "tokens"
    assert world.events("function.call") == []


def test_an_answer_over_the_token_limit_is_still_an_answer():
    """It is paid for already: to throw it away would help nobody."""
    world = World("fine")
    world.agent.limits = Limits(max_tokens=1)
    assert world.ask()[0].content == "fine"


def test_a_call_that_costs_too_much_stops():
    """Money is counted as far as prices are known."""
    asked = (FunctionCall("1", "add", {"a": 1, "b": 2}),)
    dear = Message(Roles.ASSISTANT, function_calls=asked, usage=CompletionCost(5, 5, cost_usd=0.5))
    world = World(dear, "never", functions=[add])
    world.agent.limits = Limits(max_cost_usd=0.4)
    assert "$0.5000" in str(ends_in(world, "sync", "cost"))


@FACES
def test_a_sessions_budget_covers_all_its_calls(face):
    """The second call finds nothing left, and asks nothing."""
    world = World("one", "never", limits=Limits(max_tokens=2))
    world.ask_on(face)
    ends_in(world, face, "session")
    assert len(world.requests) == 1
    assert world.ends[1]["reason"] == "session_budget"


def test_tokens_of_parallel_calls_are_all_counted():
    """Two threads that add at once must not lose one of the sums."""
    world = World()
    one = CompletionCost(1, 0)
    world.session.map(lambda _: [world.session.spend(one) for _ in range(200)], range(8))
    assert world.session.usage.total_tokens == 1600


def test_the_deadline_is_told_to_the_provider():
    """Only the transport can end a request that is under way; a time-out at the deadline is the deadline."""
    told = []

    class Slow:
        name = "slow"

        def describe(self):
            return {"name": "slow"}

        def send(self, request, *, timeout_s=None, on_delta=None):
            told.append(timeout_s)
            threading.Event().wait(timeout_s)
            raise ProviderTimeout("no answer in time")

    world = World(provider=Slow())
    world.agent.limits = SOON
    assert "deadline passed during model call 1/s0" in str(ends_in(world, "sync", "deadline"))
    assert 0 < told[0] <= 0.05
    assert world.ends == [{"outcome": "failed", "reason": "deadline", "during": "model call 1/s0"}]


def test_the_deadline_ends_an_async_model_call():
    """Whatever the provider does, the event loop stops waiting for it."""

    async def respond(request):
        await asyncio.Event().wait()

    world = World(provider=function_model(respond))
    world.agent.limits = SOON
    ends_in(world, "async", "deadline")
    assert world.ends[0]["during"] == "model call 1/s0"


@FACES
def test_the_deadline_ends_the_wait_for_functions(face, never):
    """A function that hangs costs no more than the call's own time."""

    def hang() -> None:
        never.wait()

    world = World(calls(("hang", {})), "never", functions=[hang])
    world.agent.limits = SOON
    ends_in(world, face, "deadline")
    assert world.ends[0]["during"] == "function hang"


def test_no_function_begins_after_the_deadline():
    """A reply that came too late may still ask for functions; none of them is run."""
    ran = []

    def look() -> None:
        ran.append(1)

    def respond(request):
        threading.Event().wait(0.06)
        return calls(("look", {}))

    world = World(provider=function_model(respond), functions=[look])
    world.agent.limits = SOON
    ends_in(world, "sync", "deadline")
    assert ran == []


@FACES
def test_the_deadline_ends_the_wait_for_a_looping_parser(face, never):
    """The parser's thread cannot be killed, but the caller goes on."""

    def parse(text):
        never.wait()

    world = World("x", prompt=Prompt(path="t/loop", prompt="x", parser=parse))
    world.agent.limits = SOON
    ends_in(world, face, "deadline")
    assert world.ends[0]["during"] == "the parser"


def test_a_looping_parser_does_not_stop_the_event_loop(never):
    """Other tasks of an async program must go on while one parser hangs."""
    ticks = []

    def parse(text):
        never.wait()

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0)

    async def main(world):
        other = asyncio.create_task(tick())
        with pytest.raises(LimitExceeded):
            await world.aask()
        other.cancel()

    world = World("x", prompt=Prompt(path="t/loop", prompt="x", parser=parse))
    world.agent.limits = SOON
    asyncio.run(main(world))
    assert len(ticks) > 10


def test_a_parser_under_a_deadline_still_tells_the_model_what_is_wrong():
    """Running it in another thread must not change what its errors mean, nor those of its bugs."""
    world = World("x", "4", prompt=Prompt(path="t/n", prompt="n", parser=int))
    world.agent.limits = Limits(deadline_s=30)

    with pytest.raises(UserCodeError, match="ValueError"):
        asyncio.run(world.aask())


@FACES
def test_the_deadline_ends_a_wait_between_attempts(face):
    """The server asks for a minute; the call has a moment."""
    world = World(RateLimited("429", retry_after_s=60), "never")
    world.agent.limits = SOON
    ends_in(world, face, "deadline")
    assert world.ends[0]["during"] == "the wait of 1/s0"


def test_the_sessions_deadline_counts_for_every_call(never):
    """The nearer of the two deadlines is the one that holds."""

    def hang() -> None:
        never.wait()

    world = World(calls(("hang", {})), "never", functions=[hang], limits=SOON)
    world.agent.limits = Limits(deadline_s=60)
    ends_in(world, "sync", "deadline")


@FACES
def test_another_thread_can_cancel_a_call_that_waits_for_a_function(face, never):
    """A stop button works while a function hangs."""
    started = threading.Event()

    def hang() -> None:
        started.set()
        never.wait()

    def press():
        started.wait(10)
        world.session.cancel()

    world = World(calls(("hang", {})), "never", functions=[Function.from_callable(hang, timeout_s=60)])
    button = threading.Thread(target=press)
    button.start()
    with pytest.raises(CallCancelled):
        world.ask_on(face)
    button.join()
    assert world.ends[0]["reason"] == "cancelled"


def test_cancelling_ends_async_functions_too():
    """A task that runs on would write to a log that is closed by then."""
    stopped = []

    async def hang() -> None:
        world.session.cancel()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    world = World(calls(("hang", {})), "never", functions=[hang])
    with pytest.raises(CallCancelled):
        asyncio.run(world.aask())
    assert stopped == [True]


@FACES
def test_another_thread_can_cancel_a_call_that_waits_between_attempts(face):
    """Nobody should sit out a minute that they no longer want."""
    world = World(RateLimited("429", retry_after_s=100), "never")
    button = threading.Timer(0.02, world.session.cancel)
    button.start()
    with pytest.raises(CallCancelled):
        world.ask_on(face)
    button.join()
    assert world.ends[0]["reason"] == "cancelled"


@FACES
def test_a_cancel_during_the_model_call_lets_no_function_begin(face):
    """The next effect is the first that does not happen."""
    ran = []

    def look() -> None:
        ran.append(1)

    def respond(request):
        world.session.cancel()
        return calls(("look", {}))

    world = World(provider=function_model(respond), functions=[look])
    with pytest.raises(CallCancelled):
        world.ask_on(face)
    assert ran == []
    assert len(world.events("model.reply")) == 1


@FACES
def test_a_cancelled_session_asks_no_model(face):
    """The request is in the log, as intent; it was never sent."""
    world = World("never")
    world.session.cancel()
    with pytest.raises(CallCancelled):
        world.ask_on(face)
    assert world.requests == []
    assert world.kinds[-2:] == ["model.request", "call.close"]


@FACES
@pytest.mark.parametrize("where", ["model", "parser"])
def test_ctrl_c_goes_on_and_the_log_says_cancelled(face, where):
    """An interrupted run is not a broken log."""

    def interrupt(*_args):
        raise KeyboardInterrupt

    prompt = Prompt(path="t/p", prompt="x", parser=interrupt if where == "parser" else None)
    world = World("x", prompt=prompt, provider=function_model(interrupt) if where == "model" else None)
    with pytest.raises(KeyboardInterrupt):
        world.ask_on(face)
    assert world.ends[0]["reason"] == "cancelled"


@pytest.mark.parametrize("inside", ["model", "function"])
def test_a_cancelled_task_is_logged_and_stays_cancelled(inside):
    """The cancelling of asyncio must reach the task that asked for it, and leave a whole log."""

    async def main():
        begun = asyncio.Event()

        async def hang() -> None:
            begun.set()
            await asyncio.Event().wait()

        async def respond(request):
            await hang()

        hanging = function_model(respond)
        world = World(provider=hanging) if inside == "model" else World(calls(("hang", {})), functions=[hang])
        task = asyncio.create_task(world.aask())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        left = [t for t in asyncio.all_tasks() if t.get_name().startswith("lllm-")]
        await asyncio.gather(*left, return_exceptions=True)
        return world, left

    world, left = asyncio.run(main())
    assert all(task.done() for task in left)
    assert world.ends[0]["reason"] == "cancelled"


def test_a_failed_call_does_not_end_the_session():
    """The user may catch the error and ask again."""
    world = World(BadRequest("no"), "fine")
    with pytest.raises(BadRequest):
        world.ask()
    assert world.agent.call(world.dialog)[0].content == "fine"
    assert [end["outcome"] for end in world.ends] == ["failed", "done"]
