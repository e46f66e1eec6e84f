"""``CognitiveAgent``: a goal, any model that can be called, and functions."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from lllm.clients import CognitiveAgent, CognitiveConfig, LLMConfig, LLMProvider, LLMResponse
from lllm.const import Roles
from lllm.errors import RateLimited
from lllm.llm import Session
from lllm.log import MemoryLog
from lllm.models import Function, FunctionCall
from lllm.replay import replay
from lllm.testing import scripted_model


class MockLLM:
    """What a user's own test writes: no class of ours, just ``call``."""

    def __init__(self, *replies):
        self.replies, self.asked, self.options = list(replies), [], []

    async def call(self, messages, **kwargs):
        self.asked.append(list(messages))
        self.options.append(kwargs)
        return self.replies.pop(0)


class SyncLLM(MockLLM):
    def call(self, messages, **kwargs):
        self.asked.append(list(messages))
        return self.replies.pop(0)


def text(content):
    return LLMResponse(content=content, usage={"prompt_tokens": 10, "completion_tokens": 5})


def wants(name, arguments, content=""):
    return LLMResponse(content=content, finish_reason="tool_calls", tool_calls=(FunctionCall("c1", name, arguments),))


def run(llm, goal="Find it.", tools=(), **config):
    return asyncio.run(CognitiveAgent(llm, CognitiveConfig(**config), tools=tools).run(goal))


@pytest.mark.parametrize("kind", [MockLLM, SyncLLM])
def test_an_answer_ends_it(kind):
    llm = kind(text("Done."))
    result = run(llm, system_prompt="You search.")
    assert (result.answer, result.finished, result.iterations) == ("Done.", True, 1)
    assert result.usage == {"prompt_tokens": 10, "completion_tokens": 5}
    assert [(m.role, m.content) for m in llm.asked[0]] == [(Roles.SYSTEM, "You search."), (Roles.USER, "Find it.")]


def test_a_config_may_be_left_out():
    llm = MockLLM(text("x"))
    assert asyncio.run(CognitiveAgent(llm).run("g")).answer == "x"
    assert [m.role for m in llm.asked[0]] == [Roles.USER]
    assert llm.options == [{}]


def look(city: str) -> str:
    """Look."""
    return f"sunny in {city}"


async def alook(city: str) -> str:
    """Look."""
    return f"sunny in {city}"


@pytest.mark.parametrize("function", [look, alook])
def test_what_the_model_asks_for_is_run_and_told(function):
    llm = MockLLM(wants(function.__name__, {"city": "Rome"}), text("Sunny."))
    result = run(llm, tools=[function])
    assert (result.answer, result.iterations) == ("Sunny.", 2)
    assert [(m.role, m.content) for m in llm.asked[1]][-1] == (Roles.TOOL, "sunny in Rome")
    assert llm.asked[1][-1].tool_call_id == "c1"
    assert [f.name for f in llm.options[0]["tools"]] == [function.__name__]


async def abad(city: str) -> str:
    """Fail."""
    raise ValueError(city)


def bad(city: str) -> str:
    """Fail."""
    raise ValueError(city)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("look", {}), "city"),
        (("look", "{oops"), "JSON"),
        (("lock", {}), "there is no function 'lock'"),
        (("bad", {"city": "x"}), "ValueError: x"),
        (("abad", {"city": "x"}), "ValueError: x"),
    ],
)
def test_what_goes_wrong_is_told_to_the_model(call, told):
    """It may do better next time; the agent's program goes on."""
    llm = MockLLM(wants(*call), text("ok"))
    assert run(llm, tools=[look, bad, abad]).finished
    assert told in llm.asked[1][-1].content


def test_a_model_that_never_ends_is_stopped():
    llm = MockLLM(*(wants("look", {"city": "a"}, f"thinking {i}") for i in range(9)))
    result = run(llm, tools=[look], max_iterations=3)
    assert (result.finished, result.iterations, result.answer) == (False, 3, "thinking 2")


def test_the_models_errors_are_the_callers():
    llm = LLMProvider(LLMConfig(model="m"), provider=scripted_model(RateLimited("no", retryable=False)))
    with pytest.raises(RateLimited):
        run(llm)


def test_it_works_with_the_direct_client():
    replies = ({"calls": [{"name": "look", "arguments": {"city": "Rome"}}]}, "Sunny.")
    llm = LLMProvider(LLMConfig(model="m"), provider=scripted_model(*replies))
    result = run(llm, tools=[look])
    assert (result.answer, result.iterations) == ("Sunny.", 2)
    assert result.usage["prompt_tokens"] > 0


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_replay_runs_no_function_again(is_async):
    """What a function did to the world is done; a replay gives the model what it said then."""
    ran, log = [], MemoryLog()

    def count(city: str) -> str:
        ran.append(city)
        if len(ran) == 2:
            raise ValueError("no")
        return f"{len(ran)} times"

    async def acount(city: str) -> str:
        return count(city)

    wanted = [{"calls": [{"name": "count", "arguments": {"city": city}}]} for city in ("Rome", "Oslo")]
    tool = Function.from_callable(acount if is_async else count, name="count")

    def program(session):
        llm = LLMProvider(LLMConfig(model="m"), provider=scripted_model(*wanted, "done"))
        found = run(llm, tools=[tool])
        session.result = [found.answer, [message.content for message in found.messages]]

    with Session.open(log, "s", header={"task": "t"}) as session, session.active():
        program(session)
    assert session.result[0] == "done"
    assert "ValueError: no" in str(session.result)
    assert (replay(log, "s", program).status, ran) == ("same", ["Rome", "Oslo"])


def test_a_reply_may_lack_what_a_careful_one_has():
    found = run(SimpleNamespace(call=lambda _: SimpleNamespace(content=None, usage={"prompt_tokens": None})))
    assert (found.answer, found.finished, found.usage["prompt_tokens"]) == ("", True, 0)
