"""Where a call meets what it cannot decide itself: prices, missing settings, a second call on its dialog."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

import pytest
from world import World

from lllm.const import APITypes, CompletionCost, Roles
from lllm.errors import ConfigError, RateLimited
from lllm.llm import Agent, LLMResponder, Session
from lllm.llm.limits import Limits
from lllm.llm.prompts import PROMPT_REGISTRY, register_prompt
from lllm.log import MemoryLog
from lllm.models import Message, Prompt
from lllm.providers.build import build_provider
from lllm.registry import DISCOVERER
from lllm.replay import replay
from lllm.testing import function_model, isolated_registries, scripted_model
from lllm.transport.over_httpx import to_named_error


def test_a_limit_on_money_refuses_a_model_without_a_price():
    """A limit that cannot be counted would be no limit; the one reply that was paid for is in the log."""
    reply = Message(Roles.ASSISTANT, "hi", model="no-such-model", usage=CompletionCost(5, 5))
    world = World(reply, limits=Limits(), provider=None)
    world.agent.limits = Limits(max_cost_usd=1.0)
    with pytest.raises(ConfigError, match="nobody knows what model 'no-such-model' costs"):
        world.ask()
    assert world.ends[0]["reason"] == "config"
    assert len(world.events("model.reply")) == 1


def test_a_missing_setting_is_nobodys_bug():
    """A key that is not set is told as what it is, in the error and in the log."""
    world = World(ConfigError("no key"))
    with pytest.raises(ConfigError, match="no key"):
        world.ask()
    assert world.ends[0]["reason"] == "config"


def test_a_dialog_takes_one_call_at_a_time_in_threads():
    """Two calls would write into each other's history, and no replay could tell them apart."""
    entered, leave = threading.Event(), threading.Event()

    def respond(_request):
        entered.set()
        leave.wait(10)
        return "done"

    world = World(provider=function_model(respond))
    first = threading.Thread(target=world.ask)
    first.start()
    assert entered.wait(10)
    with pytest.raises(ConfigError, match="call is under way on dialog 1"):
        world.agent.call(world.dialog)
    beside = world.dialog.fork()
    leave.set()
    first.join()
    assert world.agent.call(beside)[0].content == "done"
    assert world.ask("again")[0].content == "done"


def test_a_dialog_takes_one_call_at_a_time_in_tasks():
    """The same on one event loop; the call that was first is not disturbed."""
    world = World("one", "two")

    async def both():
        world.dialog.send_message("go")
        return await asyncio.gather(
            world.agent.acall(world.dialog), world.agent.acall(world.dialog), return_exceptions=True
        )

    async def slow(_request):
        await asyncio.sleep(0)
        return "one"

    world.agent.provider = function_model(slow)
    done, refused = asyncio.run(both())
    assert done[0].content == "one"
    assert isinstance(refused, ConfigError)


def test_prompts_of_one_path_that_differ_in_what_we_do_are_two_contracts():
    """What a server cannot notice, a handler's text, still decides what happens; a replay must see it change."""

    def run(session, handler):
        agent = Agent(
            name="a", system_prompt=Prompt(path="p", prompt=""), model="mock", provider=scripted_model("1", "2")
        )
        dialog = agent.init_dialog(session=session)
        for text in ("{error_message}", handler):
            dialog.send_message(Prompt(path="same/path", prompt="go", exception_prompt=text))
            agent.call(dialog)

    log = MemoryLog()
    with Session.open(log, "s") as session:
        run(session, "first {error_message}")
    assert replay(log, "s", run=lambda s: run(s, "first {error_message}")).status == "same"
    report = replay(log, "s", run=lambda s: run(s, "other {error_message}"))
    assert report.status == "differs"
    assert "exception_prompt" in report.difference["pointer"]


def test_what_an_isolated_block_discovers_is_not_lost_with_it():
    """The project's files load once; if that happened inside the block, nobody would find them afterwards."""
    before = DISCOVERER.run
    loaded = []

    def discover():
        if not loaded:
            loaded.append(1)
            register_prompt(Prompt(path="found/once", prompt="x"))

    DISCOVERER.run = discover
    try:
        with isolated_registries():
            assert "found/once" in PROMPT_REGISTRY
        assert "found/once" in PROMPT_REGISTRY
    finally:
        DISCOVERER.run = before


def test_the_facts_of_an_error_are_all_that_a_log_needs():
    """A replay makes the error again; what is left out here cannot be caught or shown there."""
    error = RateLimited("slow down", provider="p", retry_after_s=0.0, status=429, hint="wait", excerpt="{}")
    assert error.to_facts() == {
        "type": "RateLimited",
        "message": "slow down",
        "retryable": True,
        "provider": "p",
        "retry_after_s": 0.0,
        "status": 429,
        "excerpt": "{}",
        "hint": "wait",
    }


def test_the_facts_tell_which_httpx_error_it_also_is():
    """Users may catch either, in a replay too."""
    import httpx

    assert to_named_error(httpx.ReadTimeout("x"), 1.0).to_facts()["also"] == "ReadTimeout"


def test_a_reply_without_a_price_does_not_make_a_session_forget_what_it_spent():
    """An unknown price is unknown; it must not turn the fifty dollars before it into nothing."""
    with Session.open(MemoryLog(), "s", limits=Limits(max_cost_usd=10)) as session:
        session.spend(CompletionCost(1, 1, cost_usd=50.0))
        session.spend(CompletionCost(1, 1))
        assert session.usage.cost_usd is None
        assert session.is_spent("1")


@dataclass
class Answer:
    """What a system may return."""

    total: int


def test_a_result_that_is_a_dataclass_is_kept_and_compared():
    """Were only its type logged, a replay with another answer would say that nothing changed."""
    log = MemoryLog()
    with Session.open(log, "s") as session:
        session.result = Answer(1)
    assert list(log.read_session("s"))[-1].data == {"status": "ok", "result": {"total": 1}}
    assert replay(log, "s", run=lambda _session: Answer(1)).status == "same"
    assert replay(log, "s", run=lambda _session: Answer(2)).status == "differs"


def test_a_result_with_an_address_is_kept_as_its_type_only():
    """Its text would differ from run to run, and every replay would be a false alarm."""
    log = MemoryLog()
    with Session.open(log, "s") as session:
        session.result = [object()]
    assert list(log.read_session("s"))[-1].data == {"status": "ok", "result_type": "list"}


def test_what_no_format_sends_is_refused_before_anything_is_sent():
    """A request without it would be another one than was asked for, and nobody would notice."""
    world = World("never", prompt=Prompt(path="p", prompt="x", allow_web_search=True))
    with pytest.raises(ConfigError, match="cannot be sent yet"):
        world.ask()
    assert world.requests == []


def test_the_responses_format_needs_a_provider_that_speaks_it():
    """An agent that says one format and sends another would be found out in production."""
    options = {"name": "a", "system_prompt": Prompt(path="p", prompt=""), "model": "m"}
    with pytest.raises(ConfigError, match="speaks 'chat'"):
        Agent(**options, provider=build_provider("openai"), api_type=APITypes.RESPONSE)
    world = World("x")
    with pytest.raises(ConfigError, match="speaks 'chat'"):
        LLMResponder(build_provider("openai")).call(world.dialog, Prompt(path="p", prompt=""), "m")
    said = LLMResponder(scripted_model("x")).call(world.dialog, Prompt(path="p", prompt=""), "m")
    assert said.content == "x"


def test_an_agent_that_is_closed_and_used_again_keeps_nothing_of_its_old_sessions():
    """A service that closes after each piece of work must not grow."""
    log = MemoryLog()
    agent = Agent.quick("x", provider=scripted_model("1", "2"), log=log)
    for _ in range(2):
        agent.ask("go")
        closer = agent._closer
        agent.close()
        assert not closer.alive
    assert [info.status for info in log.list_sessions()] == ["ok", "ok"]
