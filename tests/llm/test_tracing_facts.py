"""What spans tell: the names of both tables, and where to find the effect in the log."""

from __future__ import annotations

import json

import pytest
from opentelemetry import trace
from trace_world import Named, look_up
from world import World, calls

from lllm.const import CompletionCost, Roles
from lllm.models import Message
from lllm.providers.http import HTTPProvider
from lllm.providers.wire.profile import Profile


def test_a_model_call_tells_the_names_of_both_tables(spans):
    """Dashboards ask for these names; a renamed one goes dark without a word."""
    usage = CompletionCost(150, 200, 50, 20, 0.25, 10)
    reply = Message(Roles.ASSISTANT, "ok", usage=usage, model="deepseek-chat-v3")
    args = {"temperature": 0.5, "max_tokens": 99, "top_p": 0.9, "seed": 7}
    World(provider=Named([reply]), model_args=args).ask()
    told = dict(spans.one("chat m1").attributes)
    assert told.pop("llm.latency.ms") >= 0
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "deepseek",
        "gen_ai.conversation.id": "run",
        "gen_ai.request.model": "m1",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.seed": 7,
        "gen_ai.response.model": "deepseek-chat-v3",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 150,
        "gen_ai.usage.output_tokens": 200,
        "gen_ai.usage.cache_read.input_tokens": 50,
        "gen_ai.usage.cache_creation.input_tokens": 10,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "server.address": "api.deepseek.com",
        "server.port": 443,
        "llm.provider": "work",
        "llm.model": "m1",
        "llm.tokens.prompt": 150,
        "llm.tokens.completion": 200,
        "lllm.cost_usd": 0.25,
        "lllm.effect.id": "1/s0",
    }


def test_the_other_spans_tell_who_and_where(spans):
    """A span can be found again in the log: by its session, and by its effect's id."""
    world = World(calls(("look_up", {"word": "a"})), "ok", functions=(look_up,))
    with world.session:
        world.ask()
    shared = {"gen_ai.conversation.id": "run"}
    assert dict(spans.one("invoke_workflow").attributes) == shared | {"gen_ai.operation.name": "invoke_workflow"}
    assert dict(spans.one("invoke_agent").attributes) == shared | {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "agent",
        "gen_ai.request.model": "m1",
        "gen_ai.provider.name": "mock",
    }
    assert dict(spans.one("execute_tool").attributes) == shared | {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look_up",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "call_0",
        "lllm.effect.id": "1/s0/f0",
    }
    [event] = world.events("function.call")
    assert event.id == "1/s0/f0"


def test_a_reply_from_the_cache_says_so(spans):
    """Its time and its tokens mean something else."""
    World(provider=Named([Message(Roles.ASSISTANT, "ok", cached=True)])).ask()
    assert spans.one("chat").attributes["lllm.cached"] is True


def test_values_that_no_exporter_could_send_are_told_as_text(spans):
    """One number of 65 bits, or half a character, would lose the whole batch that it is sent with."""
    reply = Message(Roles.ASSISTANT, "ok", model="m\ud800", usage=CompletionCost(1 << 70, 1))
    World(provider=Named([reply]), model_args={"seed": 1 << 80, "temperature": "hot", "max_tokens": True}).ask()
    told = spans.one("chat").attributes
    assert told["gen_ai.usage.input_tokens"] == str(1 << 70)
    assert told["gen_ai.request.seed"] == str(1 << 80)
    assert "\ud800" not in told["gen_ai.response.model"]
    assert {"gen_ai.request.temperature", "gen_ai.request.max_tokens"}.isdisjoint(told)


class Wire:
    """A transport that answers at once, and remembers inside which span it was asked."""

    def __init__(self):
        self.inside = []

    def send(self, wire, secrets, receiver, timeout_s):
        self.inside.append(trace.get_current_span().name)
        receiver.start(200, {"content-type": "application/json"})
        answer = {"model": "m1-2026", "choices": [{"finish_reason": "stop", "message": {"content": "ok"}}]}
        receiver.feed(json.dumps(answer | {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}).encode())

    async def asend(self, wire, secrets, receiver, timeout_s):
        self.send(wire, secrets, receiver, timeout_s)


@pytest.mark.parametrize("face", ["sync", "async"])
def test_a_request_over_http_is_sent_inside_its_span_which_tells_where_to(spans, face):
    """So that the span of an instrumented HTTP client, and the server's behind it, belong to the model call."""
    wire = Wire()
    World(provider=HTTPProvider(Profile(name="mine", base_url="http://[::1]:8000/v1"), transport=wire)).ask_on(face)
    assert wire.inside == ["chat m1"]
    told = spans.one("chat").attributes
    assert (told["server.address"], told["server.port"], told["gen_ai.provider.name"]) == ("::1", 8000, "mine")
    assert (told["gen_ai.response.model"], told["llm.tokens.prompt"], told["llm.tokens.completion"]) == (
        "m1-2026",
        5,
        2,
    )
