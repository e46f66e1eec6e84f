"""The same request and reply code against servers that nobody here wrote: llama.cpp, mlx-lm and litellm's proxy."""

from __future__ import annotations

import asyncio
import math

import pytest
from chat_values import ask
from model_servers import MLX, SILENT, TRANSLATED, all_ways

from lllm.const import Finish, Roles
from lllm.errors import ProviderError
from lllm.models.function import Function
from lllm.models.message import Message
from lllm.providers import build_provider

pytestmark = pytest.mark.server

ADD = Function("add", "Add.", {"a": {"type": "integer"}, "b": {"type": "integer"}}, required=["a", "b"])
WEATHER = Function("get_weather", "Tell the weather.", {"city": {"type": "string"}}, required=["city"])


@pytest.fixture(params=all_ways())
def server(request):
    """A provider at a real server."""
    provider = build_provider("openai_compatible", request.param.config(request))
    provider.way = request.param
    yield provider
    provider.close()


def say(provider, *messages, **options):
    options.setdefault("params", {"max_tokens": 60, "temperature": 0})
    return ask(*messages, model=provider.way.model, **options)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_streamed_or_not(server, stream):
    """The plainest call; what is shown while it streams is what arrives."""
    seen = []
    message = server.send(say(server, "hello", stream=stream), on_delta=seen.append)
    assert message.content == "Hello! How can I help you?"
    assert message.finish is Finish.STOP
    assert message.usage.completion_tokens > 3
    assert "".join(delta.text for delta in seen) == (message.content if stream else "")


@pytest.mark.parametrize("stream", [False, True])
def test_a_function_call_and_its_answer(server, stream):
    """Two requests: the model asks, we answer in its own wire form, it goes on."""
    first = server.send(say(server, "sum", functions=(ADD,), stream=stream))
    (call,) = first.function_calls
    assert (call.name, call.arguments, first.finish) == ("add", {"a": 2, "b": 3}, Finish.FUNCTION_CALLS)
    told = Message(Roles.TOOL, "5", tool_call_id=call.id)
    second = server.send(say(server, "sum", first, told, functions=(ADD,), stream=stream))
    assert second.content == "Tool said so; done now."


@pytest.mark.parametrize("stream", [False, True])
def test_parallel_calls_stay_two(server, stream):
    """Both in one reply, each with its own id."""
    message = server.send(say(server, "both", functions=(ADD, WEATHER), stream=stream))
    assert [(c.name, c.arguments) for c in message.function_calls] == [
        ("add", {"a": 1, "b": 1}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert len({call.id for call in message.function_calls}) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_cut_off_says_so(server, stream):
    """Whoever takes half an answer for a whole one finds out much later."""
    if server.way in SILENT:
        pytest.skip("llama.cpp calls a response completed that was cut off")
    message = server.send(say(server, "loop", params={"max_tokens": 9}, stream=stream))
    assert message.finish is Finish.LENGTH
    assert message.usage.completion_tokens == 9


def test_a_character_that_comes_in_four_pieces_is_whole(server):
    """Each token of it is one byte of UTF-8."""
    assert server.send(say(server, "unicode", stream=True)).content.startswith("😀")


def test_log_probabilities_are_those_of_the_model(server):
    """Six equal faces: each has the natural logarithm of a sixth."""
    if server.way.api != "chat" or server.way == TRANSLATED:
        pytest.skip("Anthropic's format has none, and llama.cpp tells none in responses")
    params = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 6}
    first = server.send(say(server, "dice", params=params)).logprobs[0]
    assert math.isclose(first.logprob, -math.log(6), abs_tol=1e-3)


def test_many_calls_at_once(server):
    """Connections are not mixed up."""

    async def many():
        try:
            return await asyncio.gather(*[server.asend(say(server, word)) for word in ["hello", "json"] * 4])
        finally:
            await server.aclose()

    assert [m.content for m in asyncio.run(many())] == ["Hello! How can I help you?", '{"ok": true, "n": 3}'] * 4


def test_a_dialog_that_is_too_long_has_a_name(server):
    """The machine must know that asking again is no use."""
    if server.way == MLX:
        pytest.skip("mlx-lm sets no limit")
    with pytest.raises(ProviderError) as caught:
        server.send(say(server, "word " * 4000))
    assert type(caught.value).__name__ == "ContextOverflow"


def test_a_question_that_the_server_refuses_has_a_name(server):
    """The server's own words reach the user."""
    with pytest.raises(ProviderError) as caught:
        server.send(say(server, "hello", params={"temperature": "hot"}))
    assert caught.value.status in (400, 422, 500)
    assert "temperature" in str(caught.value) or "type" in str(caught.value)
