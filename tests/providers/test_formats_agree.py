"""One scripted model, asked in every format, streamed and whole, over a real socket: the same message comes of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from chat_values import ask
from format_replies import Call, Reply
from format_server import FormatServer

from lllm.const import CompletionCost, Finish
from lllm.errors import RateLimited, Unauthorized
from lllm.providers.base import Delta
from lllm.providers.http import HTTPProvider
from lllm.providers.wire.formats import APIS
from lllm.providers.wire.profile import Profile

CALLS = (
    Call("call_a", "add", '{"a":1,"b":[2,{"c":null}]}'),
    Call("call_b", "näme", '{"text":"a\\"\\u0000 \\ud83d\\ude00"}'),
)
REPLIES = {
    "a text": Reply("Good day, Jörg 😀.\n"),
    "a text after a thought": Reply("Four.", reasoning="Two and two\n\nmake four 🤔."),
    "calls": Reply(calls=CALLS),
    "all at once": Reply("I will ask.", reasoning="Whom?", calls=CALLS),
    "one function twice": Reply(calls=(Call("x", "f"), Call("y", "f"))),
    "a text that is cut off": Reply("Half a", cut=True, tokens=(5, 0, 2, 0)),
    "markup": Reply('data: [DONE]\n\nevent: error\r\n\r\n{"error": {}} \u2028 </s>'),
    "nothing": Reply(),
}
WITH_CALLS = [(api, stream) for api in APIS if api != "ollama_generate" for stream in (False, True)]
WITHOUT = [*WITH_CALLS, ("ollama_generate", False), ("ollama_generate", True)]


@pytest.fixture(scope="module")
def server():
    """A server that speaks every format."""
    with FormatServer() as running:
        yield running


def asked(server, api, *, stream, seen=None, use_async=False, key="sk-1"):
    """The message that a provider of a format makes of what the server says next."""
    profile = Profile(name=api, api=api, base_url=server.base_url(api), api_key_env="KEY", timeout_s=20)
    provider = HTTPProvider(profile, environ={"KEY": key})
    watch = None if seen is None else seen.append
    request = ask("hello", stream=stream)
    if not use_async:
        try:
            return provider.send(request, on_delta=watch)
        finally:
            provider.close()

    async def call():
        try:
            return await provider.asend(request, on_delta=watch)
        finally:
            await provider.aclose()

    return asyncio.run(call())


def comparable(message, api):
    """A message without what only one format can tell: pieces of its own, and two of the counts."""
    usage = message.usage
    if api.startswith("ollama"):  # it tells of no cache and of no reasoning
        usage = replace(usage, cached_prompt_tokens=3 if usage.prompt_tokens == 11 else 0)
        usage = replace(usage, reasoning_tokens=2 if usage.prompt_tokens == 11 else 0)
    return replace(message, native=None, usage=usage)


@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", REPLIES)
def test_the_same_reply_is_the_same_message_in_every_format(name, use_async, server):
    """An agent that behaves otherwise at another server, or when it streams, cannot be tested or moved."""
    reply = REPLIES[name]
    server.say(reply)
    ways = WITH_CALLS if reply.calls else WITHOUT
    messages = [comparable(asked(server, api, stream=s, use_async=use_async), api) for api, s in ways]
    first = messages[0]
    assert (first.content, first.reasoning) == (reply.text, reply.reasoning)
    assert [(c.id, c.name, c.raw_arguments) for c in first.function_calls] == [
        (call.id, call.name, call.arguments) for call in reply.calls
    ]
    assert first.finish is reply.finish(Finish.STOP, Finish.LENGTH, Finish.FUNCTION_CALLS)
    prompt, cached, completion, reasoning = reply.tokens
    assert first.usage == CompletionCost(prompt, completion, cached, reasoning)
    for (way, message), (next_way, other) in pairwise(zip(ways, messages, strict=True)):
        assert message == other, (way, next_way)


@pytest.mark.parametrize(("api", "stream"), WITH_CALLS)
def test_what_is_watched_is_what_is_logged(api, stream, server):
    """A user who reads along must not see another reply than the one that counts."""
    seen = []
    server.say(REPLIES["all at once"])
    message = asked(server, api, stream=stream, seen=seen)
    if not stream:
        assert seen == []
        return
    assert "".join(d.text for d in seen if d.kind == "text") == message.content
    assert "".join(d.text for d in seen if d.kind == "reasoning") == message.reasoning
    for index, call in enumerate(message.function_calls):
        pieces = [d for d in seen if d.kind == "call" and d.index == index]
        assert "".join(d.text for d in pieces) == call.raw_arguments
        assert {d.name for d in pieces} == {call.name}
    assert isinstance(seen[0], Delta)


@pytest.mark.parametrize(("api", "stream"), WITHOUT)
def test_a_refusal_has_the_same_name_in_every_format(api, stream, server):
    """Whoever handles a spent quota or a wrong key does it once, for all servers."""
    server.say(Reply(status=429, fault="slow down", headers=(("retry-after", "7"),)))
    with pytest.raises(RateLimited, match="slow down") as caught:
        asked(server, api, stream=stream, key=f"sk-{api}-{stream}")  # all with the same key would be made to wait
    assert (caught.value.retry_after_s, caught.value.retryable, caught.value.provider) == (7, True, api)
    server.say(Reply(status=401, fault="no such key"))
    with pytest.raises(Unauthorized, match="no such key") as refused:
        asked(server, api, stream=stream)
    assert (refused.value.status, refused.value.retryable) == (401, False)
    assert "KEY" in refused.value.hint
