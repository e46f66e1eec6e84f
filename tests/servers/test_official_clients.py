"""The official clients of three services against our own server.

What we imitate is what they expect, and what they send is what we send.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from format_replies import Call, Reply
from format_server import FormatServer

from lllm.const import Roles
from lllm.models.function import Function
from lllm.models.history import History
from lllm.models.message import Message
from lllm.models.request import Contract, ModelRequest
from lllm.providers.http import HTTPProvider
from lllm.providers.wire.profile import Profile

CALL = Call("call_a", "add", '{"a":1,"b":[2,{"c":null}]}')
SAID = Reply("Good day, Jörg 😀.", reasoning="Whom?", calls=(CALL, Call("call_b", "now")))
KEY = "sk-1"
LIMITED = Reply(status=429, fault="slow down", headers=(("retry-after", "7"), ("x-request-id", "r-1")))
REFUSED = Reply(status=401, fault="no such key")
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}
ADD = Function("add", "Add.", SCHEMA["properties"], required=["a"])


@pytest.fixture(scope="module")
def server():
    """A server that speaks every format."""
    with FormatServer() as running:
        yield running


def check(text, reasoning, calls, tokens):
    """What a client made of the reply is what was said; calls are (id, name, arguments), tokens (prompt, reply)."""
    assert (text, reasoning) == (SAID.text, SAID.reasoning)
    assert calls == [(call.id, call.name, json.loads(call.arguments)) for call in SAID.calls]
    assert tokens == (SAID.tokens[0], SAID.tokens[2])


def our_request(server, api, *messages, stream=False, params=None, functions=()):
    """The body and the headers that our provider sends for the same question."""
    server.say(Reply("x"))
    extra = {"key_header": "x-api-key"} if api == "anthropic" else {}
    profile = Profile(name=api, api=api, base_url=server.base_url(api), api_key_env="KEY", **extra)
    history = History()
    for message in messages:
        history = history.append(message, message.content)
    provider = HTTPProvider(profile, environ={"KEY": KEY})
    contract = Contract("m", functions, params=params or {})
    try:
        provider.send(ModelRequest(contract, history, stream=stream))
    finally:
        provider.close()
    return server.seen[-1]


def told(role, text="", **more):
    return Message(Roles(role), text, **more)


# --- openai, chat


def openai_client(server, kind="OpenAI"):
    openai = pytest.importorskip("openai")
    return getattr(openai, kind)(api_key=KEY, base_url=f"{server.url}/v1", max_retries=0)


def check_chat(message, usage):
    calls = [(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]
    check(message.content, message.reasoning_content, calls, (usage.prompt_tokens, usage.completion_tokens))
    assert (usage.prompt_tokens_details.cached_tokens, usage.completion_tokens_details.reasoning_tokens) == (3, 2)


ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def test_openai_reads_our_chat(server):
    """The format that most servers imitate."""
    server.say(SAID)
    with openai_client(server) as client:
        whole = client.chat.completions.create(**ASKED)
    check_chat(whole.choices[0].message, whole.usage)
    assert whole.choices[0].finish_reason == "tool_calls"


def test_openai_reads_our_chat_as_a_stream(server):
    """Its own accumulator puts the pieces together."""
    server.say(SAID)
    with openai_client(server) as client:
        asking = client.chat.completions.stream(**ASKED, stream_options={"include_usage": True})
        with asking as stream:
            thoughts = [e.chunk.choices for e in stream if e.type == "chunk"]
            last = stream.get_final_completion()
    message = last.choices[0].message
    message.reasoning_content = "".join(getattr(c[0].delta, "reasoning_content", None) or "" for c in thoughts if c)
    check_chat(message, last.usage)


def test_the_async_openai_reads_our_chat(server):
    """The other half of its users."""
    server.say(SAID)

    async def call():
        async with openai_client(server, "AsyncOpenAI") as client:
            return await client.chat.completions.create(**ASKED)

    whole = asyncio.run(call())
    check_chat(whole.choices[0].message, whole.usage)


def test_openai_names_our_refusals(server):
    """The same status, the same words, the same header."""
    openai = pytest.importorskip("openai")
    with openai_client(server) as client:
        for reply, error in ((LIMITED, openai.RateLimitError), (REFUSED, openai.AuthenticationError)):
            server.say(reply)
            with pytest.raises(error, match=reply.fault) as caught:
                client.chat.completions.create(**ASKED)
            assert (caught.value.status_code, caught.value.code) == (reply.status, "told")


def test_openai_sends_what_we_send_in_chat(server):
    """A dialog with a call and its result, and a function on offer: the bodies are one as JSON."""
    tool = {"name": "add", "description": "Add.", "parameters": SCHEMA}
    call = {"id": "call_a", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_a", "content": "1"},
    ]
    server.say(Reply("x"))
    with openai_client(server) as client:
        tools = [{"type": "function", "function": tool}]
        client.chat.completions.create(model="m", messages=messages, tools=tools, temperature=0.5)
    theirs = server.seen[-1]
    ours = our_request(server, "chat", *DIALOG, params={"temperature": 0.5}, functions=(ADD,))
    assert (ours.path, ours.body) == (theirs.path, theirs.body)
    assert ours.headers["authorization"] == theirs.headers["authorization"]
    assert ours.headers["content-type"] == theirs.headers["content-type"]


def a_call():
    from lllm.models.call import FunctionCall

    return FunctionCall("call_a", "add", '{"a":1}')


DIALOG = (
    told("system", "Be brief."),
    told("user", "hello"),
    told("assistant", function_calls=(a_call(),)),
    told("tool", "1", tool_call_id="call_a"),
)


# --- openai, responses


def check_response(response):
    kinds = {item.type: item for item in response.output}
    calls = [(i.call_id, i.name, json.loads(i.arguments)) for i in response.output if i.type == "function_call"]
    usage = response.usage
    reasoning = kinds["reasoning"].content[0].text
    check(response.output_text, reasoning, calls, (usage.input_tokens, usage.output_tokens))
    assert (usage.input_tokens_details.cached_tokens, usage.output_tokens_details.reasoning_tokens) == (3, 2)
    assert response.status == "completed"


def test_openai_reads_our_responses(server):
    """Whole, streamed through its own accumulator, and async."""
    server.say(SAID)
    with openai_client(server) as client:
        check_response(client.responses.create(model="m", input="hello"))
        with client.responses.stream(model="m", input="hello") as stream:
            seen = [event.type for event in stream]
            check_response(stream.get_final_response())
    assert "response.function_call_arguments.delta" in seen

    async def call():
        async with openai_client(server, "AsyncOpenAI") as client:
            return await client.responses.create(model="m", input="hello")

    check_response(asyncio.run(call()))


def test_openai_sends_what_we_send_in_responses(server):
    """The same dialog as in chat; an assistant's text and a call are items of their own."""
    call = {"type": "function_call", "call_id": "call_a", "name": "add", "arguments": '{"a":1}'}
    items = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        call,
        {"type": "function_call_output", "call_id": "call_a", "output": "1"},
    ]
    tool = {"type": "function", "name": "add", "description": "Add.", "parameters": SCHEMA, "strict": False}
    server.say(Reply("x"))
    with openai_client(server) as client:
        client.responses.create(model="m", input=items, tools=[tool], max_output_tokens=9, store=False)
    theirs = server.seen[-1]
    ours = our_request(server, "responses", *DIALOG, params={"max_tokens": 9}, functions=(ADD,))
    assert (ours.path, ours.body) == (theirs.path, theirs.body)


# --- anthropic


def anthropic_client(server, kind="Anthropic"):
    anthropic = pytest.importorskip("anthropic")
    return getattr(anthropic, kind)(api_key=KEY, base_url=server.url, max_retries=0)


def check_anthropic(message):
    kinds = {block.type: block for block in message.content}
    calls = [(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"]
    usage = message.usage
    tokens = usage.input_tokens + usage.cache_read_input_tokens, usage.output_tokens
    check(kinds["text"].text, kinds["thinking"].thinking, calls, tokens)
    assert kinds["thinking"].signature == "c2ln"
    assert message.stop_reason == "tool_use"


QUESTION = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}


def test_anthropic_reads_our_messages(server):
    """Whole, streamed through its own accumulator, and async."""
    server.say(SAID)
    with anthropic_client(server) as client:
        check_anthropic(client.messages.create(**QUESTION))
        with client.messages.stream(**QUESTION) as stream:
            assert "".join(stream.text_stream) == SAID.text
            check_anthropic(stream.get_final_message())

    async def call():
        async with anthropic_client(server, "AsyncAnthropic") as client:
            return await client.messages.create(**QUESTION)

    check_anthropic(asyncio.run(call()))


def test_anthropic_names_our_refusals(server):
    """The same status and the same words."""
    anthropic = pytest.importorskip("anthropic")
    with anthropic_client(server) as client:
        for reply, error in ((LIMITED, anthropic.RateLimitError), (REFUSED, anthropic.AuthenticationError)):
            server.say(reply)
            with pytest.raises(error, match=reply.fault) as caught:
                client.messages.create(**QUESTION)
            assert caught.value.status_code == reply.status


def test_anthropic_sends_what_we_send(server):
    """The bodies are one as JSON; of the two headers, the version may be older than the client's."""
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "hello"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_a", "name": "add", "input": {"a": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_a", "content": "1"}]},
    ]
    tool = {"name": "add", "description": "Add.", "input_schema": SCHEMA}
    system = [{"type": "text", "text": "Be brief."}]
    server.say(Reply("x"))
    with anthropic_client(server) as client:
        client.messages.create(**{**QUESTION, "messages": messages}, tools=[tool], system=system, stop_sequences=["x"])
    theirs = server.seen[-1]
    ours = our_request(server, "anthropic", *DIALOG, params={"max_tokens": 9, "stop": "x"}, functions=(ADD,))
    assert (ours.path, ours.body) == (theirs.path, {k: v for k, v in theirs.body.items() if k != "stream"})
    assert ours.headers["content-type"] == theirs.headers["content-type"]
    # Since 2.0 its client names a later version and sends the key as a bearer's. We keep to what all servers know.
    assert KEY in (theirs.headers.get("x-api-key"), theirs.headers.get("authorization", "").removeprefix("Bearer "))
    assert (ours.headers["x-api-key"], ours.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert theirs.headers["anthropic-version"] >= ours.headers["anthropic-version"]


# --- ollama


@pytest.fixture
def ollama_client(server):
    ollama = pytest.importorskip("ollama")
    client = ollama.Client(host=server.url)
    yield client
    client.close()


def check_ollama(text, thinking, calls, last):
    check(text, thinking, [(c.id, c.name, c.arguments) for c in calls], (last.prompt_eval_count, last.eval_count))
    assert (last.done, last.done_reason) == (True, "stop")


def named(calls):
    """Its type of a call has no id, so that the ids that were said stand for it."""
    ids = [call.id for call in SAID.calls]
    return [Call(i, call.function.name, dict(call.function.arguments)) for i, call in zip(ids, calls, strict=True)]


def test_ollama_reads_our_chat(server, ollama_client):
    """Whole, in lines, and async."""
    server.say(SAID)
    asked = {"model": "m", "messages": ASKED["messages"]}
    whole = ollama_client.chat(**asked)
    check_ollama(whole.message.content, whole.message.thinking, named(whole.message.tool_calls), whole)
    parts = list(ollama_client.chat(**asked, stream=True))
    calls = [call for part in parts for call in part.message.tool_calls or ()]
    thinking = "".join(part.message.thinking or "" for part in parts)
    check_ollama("".join(part.message.content or "" for part in parts), thinking, named(calls), parts[-1])

    async def call():
        other = pytest.importorskip("ollama").AsyncClient(host=server.url)
        try:
            return await other.chat(**asked)
        finally:
            await other.close()

    later = asyncio.run(call())
    check_ollama(later.message.content, later.message.thinking, named(later.message.tool_calls), later)


def test_ollama_reads_our_generate(server, ollama_client):
    """The older route, which knows no calls."""
    server.say(Reply("Good day.", reasoning="Whom?"))
    whole = ollama_client.generate(model="m", prompt="hello")
    assert (whole.response, whole.thinking, whole.eval_count) == ("Good day.", "Whom?", 7)
    parts = list(ollama_client.generate(model="m", prompt="hello", stream=True))
    assert "".join(part.response for part in parts) == "Good day."
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]


def test_ollama_names_our_refusals(server, ollama_client):
    """It has one error for all, with the status and the words."""
    ollama = pytest.importorskip("ollama")
    for reply in (LIMITED, REFUSED):
        server.say(reply)
        with pytest.raises(ollama.ResponseError, match=reply.fault) as caught:
            ollama_client.chat(model="m", messages=ASKED["messages"])
        assert caught.value.status_code == reply.status


def test_ollama_sends_what_we_send(server, ollama_client):
    """Its client leaves out what is not said; we say how it must not cut our dialog, and whose the calls are."""
    call = {"function": {"name": "add", "arguments": {"a": 1}}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "1", "tool_name": "add"},
    ]
    tool = {"type": "function", "function": {"name": "add", "description": "Add.", "parameters": SCHEMA}}
    server.say(Reply("x"))
    ollama_client.chat(model="m", messages=messages, tools=[tool], options={"temperature": 0.5})
    theirs = server.seen[-1]
    ours = our_request(server, "ollama", *DIALOG, params={"temperature": 0.5}, functions=(ADD,))
    assert ours.path == theirs.path
    assert ours.body.pop("truncate") is False
    assert [ours.body["messages"][2]["tool_calls"][0].pop(name) for name in ("id", "type")] == ["call_a", "function"]
    assert ours.body["messages"][3].pop("tool_call_id") == "call_a"
    del ours.body["tools"][0]["function"]["parameters"]["additionalProperties"]  # its type has no such field
    assert ours.body["messages"][2].pop("content") == ""
    assert ours.body == theirs.body
