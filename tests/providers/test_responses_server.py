"""The Responses format at a server that nobody here wrote: llama.cpp, which tells no place of an item and no id twice."""

from __future__ import annotations

import pytest
from chat_values import ask

from lllm.const import Finish, Roles
from lllm.models.function import Function
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers import build_provider

pytestmark = pytest.mark.server

ADD = Function("add", "Add.", {"a": {"type": "integer"}, "b": {"type": "integer"}}, required=["a", "b"])
WEATHER = Function("get_weather", "Tell the weather.", {"city": {"type": "string"}}, required=["city"])


@pytest.fixture
def server(llama_server):
    """A provider at a real server."""
    provider = build_provider(
        "openai_compatible", {"base_url": llama_server, "timeout_s": 60, "api": "responses", "family": "llamacpp"}
    )
    yield provider
    provider.close()


def say(*messages, **options):
    return ask(*messages, model="tiny", params={"max_tokens": 60, "temperature": 0}, **options)


def go_on(request, *messages):
    grown = request.history
    for message in messages:
        grown = grown.append(message, message.content)
    return ModelRequest(request.contract, grown, stream=request.stream)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_and_a_second_turn(server, stream):
    """A server that refuses our form of its own reply ends each dialog at its second turn."""
    seen = []
    first = say(Message(Roles.SYSTEM, "Be brief."), "hello", stream=stream)
    message = server.send(first, on_delta=seen.append)
    assert (message.content, message.finish) == ("Hello! How can I help you?", Finish.STOP)
    assert message.usage.completion_tokens > 3
    assert "".join(delta.text for delta in seen) == (message.content if stream else "")
    again = server.send(go_on(first, message, Message(Roles.USER, "hello")))
    assert again.content == message.content
    assert again.usage.prompt_tokens > message.usage.prompt_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_functions_called_at_once_and_answered(server, stream):
    """Text, two calls, two results, and the reply to them."""
    first = say("both", functions=(ADD, WEATHER), stream=stream)
    message = server.send(first)
    assert [(call.name, call.fault) for call in message.function_calls] == [("add", ""), ("get_weather", "")]
    assert message.finish is Finish.FUNCTION_CALLS
    results = [Message(Roles.TOOL, "3", tool_call_id=call.id) for call in message.function_calls]
    assert server.send(go_on(first, message, *results)).content == "Tool said so; done now."
