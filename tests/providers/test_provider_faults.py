"""What servers are known to do wrong, over a real socket: each fault ends in the reply or the named error that it should."""

from __future__ import annotations

import asyncio
import json

import pytest
from chat_values import SHARED, ask

from lllm import errors
from lllm.errors import LLLMError
from lllm.providers.http import HTTPProvider
from lllm.providers.wire.profile import Profile

FILE = SHARED / "provider_faults.jsonl"
FAULTS = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
APIS = {"openai_chat": "chat", "openai_responses": "responses", "anthropic": "anthropic"}
"""Wire formats by the name that a fault gives them; those of Ollama are in test_ollama_replies, health in test_health."""

KNOWN = [fault for fault in FAULTS if fault["api"] in APIS]
KEY = "sk-SECRET123"

SAME = {"Timeout": "ProviderTimeout", "EmptyReply": "BadReply", "RequestTooLarge": "BadRequest"}
"""Errors that have another name here; a reply without a message is no wire format, so it is a BadReply."""

DISAGREE = {
    "200_think_tags_in_content": {"text": "<think>\nhm\n</think>\n\nhey", "thinking": ""},
    # Text is what the model wrote; a prompt's parser may look for tags, a provider may not guess them.
    "keepalive_reset_before_any_byte": {"outcome": "error", "error": "ConnectionLost", "retryable": True},
    # Here the connection is new, so the server may have done the work before the reset: the machine decides and logs it.
    # A connection that the server closes while it waits is replaced without a word (see test_transport).
}


def expected(fault):
    return {**fault["expect"], **DISAGREE.get(fault["name"], {})}


def run(provider, request, seen, use_async):
    if use_async:

        async def call():
            try:
                return await provider.asend(request, timeout_s=limit_s(request), on_delta=seen.append)
            finally:
                await provider.aclose()

        return asyncio.run(call())
    try:
        return provider.send(request, timeout_s=limit_s(request), on_delta=seen.append)
    finally:
        provider.close()


def limit_s(request):
    return request.contract.extra_body["limit_s"]


@pytest.mark.skipif(not KNOWN, reason="the list of faults is not beside this repository")
@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("fault", KNOWN, ids=[fault["name"] for fault in KNOWN])
def test_a_known_fault_ends_as_it_should(fault, use_async, fault_server):
    """A fault that is taken for a reply poisons a dialog; a reply that is taken for a fault is paid for twice."""
    profile = Profile(name="faulty", api=APIS[fault["api"]], base_url=fault_server.add(fault), api_key_env="KEY")
    provider = HTTPProvider(profile, environ={"KEY": KEY})
    slow = fault.get("close") == "hang" or fault.get("delay_ms")
    request = ask(stream=fault.get("stream", False), extra_body={"limit_s": 0.4 if slow else 20})
    want, seen = expected(fault), []
    if want["outcome"] == "error":
        with pytest.raises(LLLMError) as caught:
            run(provider, request, seen, use_async)
        check_error(caught.value, want)
        assert "".join(d.text for d in seen if d.kind == "text") == caught.value.partial
        return
    message = run(provider, request, seen, use_async)
    check_message(message, want)
    if fault.get("stream") and "event-stream" in fault["headers"]["content-type"]:
        assert "".join(d.text for d in seen if d.kind == "text") == message.content


def check_error(error, want):
    assert isinstance(error, getattr(errors, SAME.get(want["error"], want["error"]))), repr(error)
    assert error.retryable == want["retryable"]
    assert error.provider == "faulty"
    if "retry_after" in want:
        assert error.retry_after_s == want["retry_after"]
    if "partial" in want:
        assert error.partial == want["partial"]
    assert want.get("message_contains", "") in str(error)
    assert KEY not in repr(vars(error)) + str(error)


def check_message(message, want):
    assert message.content == (want.get("text") or "")
    assert message.finish == {"tool_calls": "function_calls"}.get(want["finish"], want["finish"])
    assert message.reasoning == want.get("thinking", "")
    assert message.refusal == want.get("refusal", "")
    calls = want.get("calls", [])
    assert [call.name for call in message.function_calls] == [call["name"] for call in calls]
    assert len({call.id for call in message.function_calls}) == len(calls)
    for call, told in zip(message.function_calls, calls, strict=True):
        assert (None if call.fault else call.arguments) == told["args"]
        assert call.raw_arguments == told.get("raw", call.raw_arguments)
    if usage := want.get("usage"):
        got = message.usage
        assert (got.prompt_tokens, got.completion_tokens) == (usage["input"], usage["output"])
        assert got.cached_prompt_tokens == usage.get("cache_read", 0)
