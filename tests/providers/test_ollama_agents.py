"""Whole agents on a server that is as strict as Ollama's; and Ollama's own client on that server, as its judge."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec

import pytest
from chat_values import ask
from ollama_server import OllamaServer

from lllm.const import Roles
from lllm.errors import BadRequest, NotFound
from lllm.llm import Agent, TextEvent
from lllm.log import LocalFileLog
from lllm.models.function import Function
from lllm.models.message import Image, Message
from lllm.providers import build_provider
from lllm.replay import replay


def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@pytest.fixture(scope="module")
def server():
    with OllamaServer() as running:
        yield running


@pytest.fixture
def make_agent(server, tmp_path):
    """Make an agent on the server; its log is in the test's own folder."""
    made = []

    def make(*functions, api="ollama", **options):
        config = {"base_url": server.url, "api": api, "timeout_s": 20, "send_reasoning": True}
        provider = build_provider("ollama", config)
        log = LocalFileLog("ollama", {"log_dir": str(tmp_path)})
        agent = Agent.quick("Be kind.", model="tiny", provider=provider, functions=functions, log=log, **options)
        made.append((agent, provider))
        return agent

    yield make
    for agent, provider in made:
        agent.close()
        provider.close()


def replays(agent, text):
    """Whether the session replays as it ran, without a request."""
    agent.close()

    def again(session):
        dialog = agent.init_dialog(session=session)
        dialog.send_message(text)
        agent.call(dialog)

    return replay(agent.log_base, "last", run=again).status == "same"


@pytest.mark.parametrize("text", ["hello", "think", "sum"])
def test_an_agent_on_ollama_streams_what_it_logs(make_agent, server, text):
    """Text, thought and call, there and back; and the log replays without the server."""
    agent = make_agent(add)
    dialog = agent.init_dialog()
    dialog.send_message(text)
    events = list(agent.stream(dialog))
    said = {"hello": "Good day.", "think": "four", "sum": "It is 5."}[text]
    assert events[-1].message.content == said
    assert "".join(event.text for event in events if isinstance(event, TextEvent)) == said
    sent = server.seen[-1][1]
    assert (sent["stream"], sent["truncate"]) == (True, False)
    if text == "sum":
        call, result = sent["messages"][-2:]
        assert call["tool_calls"][0]["function"] == {"name": "add", "arguments": {"a": 2, "b": 3}}
        assert result == {"role": "tool", "content": "5", "tool_name": "add", "tool_call_id": "call_1"}
    before = len(server.seen)
    assert replays(agent, text)
    assert len(server.seen) == before


def test_a_thought_goes_back_in_the_next_turn(make_agent, server):
    """As the server's own documentation asks for; the whole reply is read like the streamed one."""
    agent = make_agent()
    dialog = agent.init_dialog()
    assert agent.ask("think", dialog).reasoning == "hm"
    assert agent.ask("hello", dialog).content == "Good day."
    assert server.seen[-1][1]["messages"][2] == {"role": "assistant", "content": "four", "thinking": "hm"}
    assert server.seen[-1][1]["stream"] is False


def test_an_agent_asks_one_question_of_generate(make_agent, server):
    """The plainer route takes the system's words beside the prompt."""
    agent = make_agent(api="ollama_generate")
    assert agent.ask("hello").content == "Good day."
    route, sent = server.seen[-1]
    assert (route, sent["prompt"], sent["system"]) == ("generate", "hello", "Be kind.")
    assert replays(agent, "hello")


def test_a_model_that_ollama_has_not_is_not_found(server):
    """A typo in its name is the commonest fault; and what the server refuses is told in its own words."""
    provider = build_provider("ollama", {"base_url": server.url})
    with pytest.raises(NotFound, match="model 'nope' not found"):
        provider.send(ask(model="nope"))
    with pytest.raises(BadRequest, match="invalid think value"):
        provider.send(ask(model="tiny", params={"reasoning_effort": "hard"}))
    with pytest.raises(BadRequest, match="between 0 and 20"):
        provider.send(ask(model="tiny", params={"top_logprobs": 21}))
    provider.close()


needs_client = pytest.mark.skipif(find_spec("ollama") is None, reason="the package ollama is not in this interpreter")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    },
}
PICTURE = "iVBORw0KGgo="


def plain(body):
    """A body without what only one of the two says: what stands for nothing, and what lllm adds on purpose."""
    if isinstance(body, dict):
        kept = {key: plain(value) for key, value in body.items() if value is not None}
        return {key: value for key, value in kept.items() if key not in ("truncate", "additionalProperties")}
    return [plain(item) for item in body] if isinstance(body, list) else body


class TestOfficialClient:
    """What the server sends is what Ollama's own client takes; what lllm sends is what that client sends."""

    pytestmark = needs_client

    @pytest.mark.parametrize("stream", [False, True])
    @pytest.mark.parametrize("text", ["hello", "think", "sum"])
    def test_both_read_the_same(self, server, text, stream):
        """Text, thought and calls."""
        import ollama

        with ollama.Client(server.url) as client:
            got = client.chat("tiny", [{"role": "user", "content": text}], tools=[TOOL], stream=stream)
            parts = list(got) if stream else [got]
        provider = build_provider("ollama", {"base_url": server.url})
        add_ = Function("add", "Add.", {"a": {"type": "integer"}}, required=["a"])
        ours = provider.send(ask(text, model="tiny", stream=stream, functions=(add_,)))
        provider.close()
        assert ours.content == "".join(part.message.content or "" for part in parts)
        assert ours.reasoning == "".join(part.message.thinking or "" for part in parts)
        calls = [call.function for part in parts for call in part.message.tool_calls or ()]
        assert [(c.name, c.arguments) for c in ours.function_calls] == [(c.name, c.arguments) for c in calls]
        told = (parts[-1].prompt_eval_count, parts[-1].eval_count)
        assert (ours.usage.prompt_tokens, ours.usage.completion_tokens) == told

    def test_both_ask_the_same(self, server):
        """Every field that the client has a word for stands where the client puts it."""
        import ollama

        messages = [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "u", "images": [PICTURE]},
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "hello"},
        ]
        options = {"temperature": 0.5, "num_predict": 5, "stop": ["x"], "seed": 1, "num_ctx": 4096}
        shared = {"options": options, "format": SCHEMA, "think": "low", "logprobs": True, "top_logprobs": 2}
        with ollama.Client(server.url) as client:
            client.chat("tiny", messages, tools=[TOOL], keep_alive="5m", **shared)
        request = ask(
            Message(Roles.SYSTEM, "s"),
            Message(Roles.USER, "u", images=(Image(PICTURE),)),
            Message(Roles.ASSISTANT, "a"),
            "hello",
            model="tiny",
            functions=(Function("add", "Add.", {"a": {"type": "integer"}}, required=["a"]),),
            format_schema=SCHEMA,
            params={
                "temperature": 0.5,
                "max_tokens": 5,
                "stop": ["x"],
                "seed": 1,
                "num_ctx": 4096,
                "reasoning_effort": "low",
                "top_logprobs": 2,
                "keep_alive": "5m",
            },
        )
        asyncio.run(self.send(server, "ollama", request))
        (_, theirs), (_, ours) = server.seen[-2:]
        assert plain(ours) == plain(theirs)

        with ollama.Client(server.url) as client:
            client.generate("tiny", "hello", system="s", images=[PICTURE], **shared)
        question = Message(Roles.USER, "hello", images=(Image(PICTURE),))
        params = {name: value for name, value in request.contract.params.items() if name != "keep_alive"}
        one = ask(Message(Roles.SYSTEM, "s"), question, model="tiny", format_schema=SCHEMA, params=params)
        asyncio.run(self.send(server, "ollama_generate", one))
        (route, theirs), (same, ours) = server.seen[-2:]
        assert (route, same) == ("generate", "generate")
        assert plain(ours) == {key: value for key, value in plain(theirs).items() if value != ""}

    @staticmethod
    async def send(server, api, request):
        provider = build_provider("ollama", {"base_url": server.url, "api": api})
        await provider.asend(request)
        await provider.aclose()
