"""The Anthropic format against llama.cpp's server, which nobody here wrote."""

from __future__ import annotations

import pytest
from chat_values import ask

from lllm.const import Finish, Roles
from lllm.errors import ContextOverflow
from lllm.models.function import Function
from lllm.models.message import Message
from lllm.providers.http import HTTPProvider
from lllm.providers.wire.profile import Profile

pytestmark = [pytest.mark.server, pytest.mark.parametrize("stream", [False, True])]

ADD = Function("add", "Add.", {"a": {"type": "integer"}, "b": {"type": "integer"}}, required=["a", "b"])
WEATHER = Function("get_weather", "Tell the weather.", {"city": {"type": "string"}}, required=["city"])
SYSTEM = Message(Roles.SYSTEM, "You help.")


@pytest.fixture
def server(llama_server):
    """A provider at the server's Anthropic route."""
    profile = Profile(name="llamacpp", api="anthropic", base_url=llama_server.removesuffix("/v1"), timeout_s=60)
    provider = HTTPProvider(profile)
    yield provider
    provider.close()


def say(*messages, **options):
    options.setdefault("params", {"max_tokens": 60, "temperature": 0})
    return ask(*messages, model="tiny", **options)


def test_an_answer(server, stream):
    """The plainest call; what is shown while it streams is what arrives."""
    seen = []
    message = server.send(say("hello", stream=stream), on_delta=seen.append)
    assert (message.content, message.finish) == ("Hello! How can I help you?", Finish.STOP)
    assert message.usage.prompt_tokens > message.usage.cached_prompt_tokens
    assert message.usage.completion_tokens > 3
    assert "".join(delta.text for delta in seen) == (message.content if stream else "")


def test_a_function_call_and_its_answer(server, stream):
    """Two requests: the model asks, we answer in the format's turns, it goes on."""
    first = server.send(say(SYSTEM, "sum", functions=(ADD,), stream=stream))
    (call,) = first.function_calls
    assert (call.name, call.arguments, first.finish) == ("add", {"a": 2, "b": 3}, Finish.FUNCTION_CALLS)
    told = Message(Roles.TOOL, "5", tool_call_id=call.id)
    second = server.send(say(SYSTEM, "sum", first, told, functions=(ADD,), stream=stream))
    assert second.content == "Tool said so; done now."


def test_parallel_calls_stay_two(server, stream):
    """Their blocks are open side by side, and each has its own id."""
    message = server.send(say("both", functions=(ADD, WEATHER), stream=stream))
    assert [(call.name, call.arguments) for call in message.function_calls] == [
        ("add", {"a": 1, "b": 1}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert len({call.id for call in message.function_calls}) == 2


def test_an_answer_that_is_cut_off_says_so(server, stream):
    """Whoever takes half an answer for a whole one finds out much later."""
    message = server.send(say("loop", params={"max_tokens": 9}, stream=stream))
    assert message.finish is Finish.LENGTH
    assert message.usage.completion_tokens == 9


def test_a_dialog_that_is_too_long_has_a_name(server, stream):
    """The machine must know that asking again is no use."""
    with pytest.raises(ContextOverflow):
        server.send(say("word " * 4000, stream=stream))
