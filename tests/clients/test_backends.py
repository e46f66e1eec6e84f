"""``get_llm_client``: a backend chosen by the environment, and one interface for all of them."""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import replace

import pytest
from client_values import JSON, chat, streamed

from lllm.clients import (
    LLMClient,
    LLMConfig,
    MLXBackend,
    MockBackend,
    OllamaBackend,
    RemoteBackend,
    get_llm_client,
)
from lllm.errors import ConfigError, LimitExceeded
from lllm.llm import Session
from lllm.log import MemoryLog
from lllm.models import Prompt
from lllm.replay import replay
from lllm.testing import scripted_model

UNCACHED = LLMConfig(model="m", enable_cache=False)


def run(client, action):
    async def go():
        async with client:
            return await action(client)

    return asyncio.run(go())


def generate(client, *args, **options):
    return run(client, lambda it: it.generate(*args, **options))


def test_without_a_word_the_mock_answers():
    client = get_llm_client()
    assert isinstance(client, MockBackend)
    assert generate(client, "Hello.").content


def test_an_unknown_backend_is_the_mock_with_a_warning():
    """Nothing is sent to anybody because of a typo."""
    with pytest.warns(UserWarning, match="no backend 'olama'.*known: ollama"):
        client = get_llm_client(LLMConfig(backend="olama", enable_cache=False))
    assert isinstance(client, MockBackend)


@pytest.mark.parametrize(
    ("backend", "kind"),
    [("ollama", OllamaBackend), ("remote", RemoteBackend), ("mock", MockBackend), ("mlx", MLXBackend)],
)
def test_each_backend_has_its_name(backend, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(get_llm_client(LLMConfig(backend=backend, model="m", enable_cache=False)), kind)


def test_the_environment_says_everything(server, monkeypatch, tmp_path):
    url = server.serve(chat())
    told = {
        "BACKEND": "remote",
        "MODEL": "tiny",
        "API_KEY": "sk-from-the-environment",
        "API_BASE": url,
        "TEMPERATURE": "0.7",
        "MAX_TOKENS": "512",
        "TOP_P": "0.9",
        "TIMEOUT": "30",
        "ENABLE_CACHE": "false",
        "CACHE_DIR": str(tmp_path / "cache"),
    }
    for name, value in told.items():
        monkeypatch.setenv(f"LLM_{name}", value)
    client = get_llm_client()
    assert client.config.timeout_ms == 30_000
    assert generate(client, "Hello.", "Be brief.").tokens_used == 15
    (asked,) = server.requests
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello."},
    ]
    assert (asked["model"], asked["temperature"], asked["top_p"]) == ("tiny", 0.7, 0.9)
    assert 512 in (asked.get("max_tokens"), asked.get("max_completion_tokens"))
    assert "authorization: bearer sk-from-the-environment" in server.heads[0]
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("LLM_TIMEOUT", "soon"), ("LLM_MAX_TOKENS", "1.5"), ("LLM_ENABLE_CACHE", "maybe")]
)
def test_a_variable_that_is_no_number_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        get_llm_client()


def test_an_empty_variable_says_nothing(monkeypatch):
    monkeypatch.setenv("LLM_TEMPERATURE", " ")
    monkeypatch.setenv("LLM_MODEL", "")
    assert get_llm_client().config.temperature is None


def test_ollama_is_spoken_to_in_its_own_format(server, monkeypatch):
    body = '{"model":"qwen","message":{"role":"assistant","content":"hi"},"done":true,"prompt_eval_count":3,"eval_count":2}'
    monkeypatch.setenv("OLLAMA_HOST", server.serve({"status": 200, "headers": JSON, "body": body}))
    client = OllamaBackend(LLMConfig(model="qwen", max_tokens=7, enable_cache=False))
    response = generate(client, "Hello.")
    assert (response.content, response.tokens_used) == ("hi", 5)
    assert server.requests[0]["options"] == {"num_predict": 7}
    assert "/api/chat" in server.heads[0]


@pytest.mark.parametrize(
    ("config", "api", "key"),
    [
        ({"model": "gpt-4"}, "chat", "OPENAI_API_KEY"),
        ({"model": "claude-x"}, "anthropic", "ANTHROPIC_API_KEY"),
        ({"model": "m", "api": "anthropic", "base_url": "http://x", "api_key": "k"}, "anthropic", "ANTHROPIC_API_KEY"),
        ({"model": "claude-x", "base_url": "http://gate/v1", "api_key": "k"}, "chat", "OPENAI_API_KEY"),
        # No key of a service is sent to an address that is not the service's.
        ({"model": "m", "base_url": "http://x/v1"}, "chat", ""),
        ({"model": "m", "api": "anthropic", "base_url": "http://x"}, "anthropic", ""),
    ],
)
def test_a_remote_model_is_spoken_to_in_its_own_format(config, api, key):
    profile = RemoteBackend(LLMConfig(**config, enable_cache=False)).provider.profile
    assert (profile.api, profile.api_key_env) == (api, key)


def test_anthropics_key_is_sent_in_its_own_header(server):
    body = '{"type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}'
    url = server.serve({"status": 200, "headers": JSON, "body": body})
    config = LLMConfig(model="c", api="anthropic", base_url=url, api_key="k1", enable_cache=False)
    assert generate(RemoteBackend(config), "Hello.").content == "hi"
    assert "x-api-key: k1" in server.heads[0]
    assert "authorization" not in server.heads[0]


def test_a_conversation():
    client = MockBackend(UNCACHED, provider=scripted_model("hello", "bye"))
    said = [{"role": "user", "content": "Hi."}]
    assert run(client, lambda it: it.chat(said)).content == "hello"


def test_a_stream(server):
    config = LLMConfig(model="m", base_url=server.serve(streamed("a", "b")), api_key="k", enable_cache=False)

    async def collect(client):
        return [piece async for piece in client.stream("x")]

    assert run(RemoteBackend(config), collect) == ["a", "b"]


def test_a_prompt_with_fields_is_a_template():
    seen = []
    provider = scripted_model("x")
    client = MockBackend(UNCACHED, provider=Seeing(provider, seen))
    generate(client, Prompt(path="p", prompt="Compare {a} and {b}."), prompt_args={"a": "1", "b": "{a}"})
    assert seen[0].history[-1].content == "Compare 1 and {a}."


class Seeing:
    """A provider that keeps what it was asked."""

    def __init__(self, inner, seen):
        self._inner, self._seen = inner, seen

    def __getattr__(self, name):
        return getattr(self._inner, name)

    async def asend(self, request, **options):
        self._seen.append(request)
        return await self._inner.asend(request, **options)


def test_a_budget_of_tokens_ends_a_client():
    """A loop that went wrong must not spend a month's money over night."""
    client = MockBackend(replace(UNCACHED, budget_tokens=3), provider=scripted_model(*["x"] * 9))

    async def loop(it):
        for count in range(9):
            try:
                await it.generate("a question of some length")
            except LimitExceeded:
                return count
        return 9

    assert 1 <= run(client, loop) < 9


@pytest.mark.parametrize(("answer", "well"), [(chat(), True), ({"status": 401, "headers": JSON, "body": ""}, False)])
def test_health_is_a_yes_or_a_no(server, answer, well):
    config = LLMConfig(model="m", base_url=server.serve(answer), api_key="k", enable_cache=False)
    assert run(RemoteBackend(config), lambda it: it.health_check()) is well


def test_health_never_raises():
    assert run(RemoteBackend(UNCACHED), lambda it: it.health_check()) is False  # there is no key
    gone = LLMConfig(model="m", base_url="http://127.0.0.1:9", enable_cache=False)
    assert run(OllamaBackend(gone), lambda it: it.health_check()) is False
    assert run(MockBackend(UNCACHED), lambda it: it.health_check()) is True


def test_several_backends_live_in_one_program():
    one, other = (MockBackend(UNCACHED, provider=scripted_model(text)) for text in ("one", "other"))
    assert [generate(client, "x").content for client in (one, other)] == ["one", "other"]


# --- the cache -------------------------------------------------------------------------------------------------------


def cached(server, tmp_path, **options):
    url = server.serve(chat())
    return RemoteBackend(LLMConfig(model="m", base_url=url, api_key="k", cache_dir=str(tmp_path / "c"), **options))


def test_what_was_asked_before_is_served_from_the_cache(server, tmp_path):
    client = cached(server, tmp_path)

    async def twice(it):
        return [await it.generate("Hello."), await it.generate("Hello."), await it.generate("Hello.", "Be brief.")]

    first, second, other = run(client, twice)
    assert [r.cached for r in (first, second, other)] == [False, True, False]
    assert (second.content, second.cost_usd, second.tokens_used) == ("hey", 0.0, 15)
    assert len(server.requests) == 2


def test_the_key_is_more_than_prompt_and_system(server, tmp_path):
    """Two texts joined by a mark are not the same two texts, and other parameters are another question."""
    client = cached(server, tmp_path)

    async def ask(it):
        return [
            await it.generate("a::b", "c"),
            await it.generate("a", "b::c"),
            await it.generate("a", "b::c", temperature=1),
        ]

    assert [r.cached for r in run(client, ask)] == [False] * 3


def test_the_cache_can_be_switched_off(server, tmp_path):
    client = cached(server, tmp_path, enable_cache=False)

    async def twice(it):
        return [await it.generate("Hello."), await it.generate("Hello.")]

    assert [r.cached for r in run(client, twice)] == [False, False]
    assert not (tmp_path / "c").exists()


def test_the_base_class_reaches_nothing():
    with pytest.raises(NotImplementedError):
        LLMClient(UNCACHED)


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a session"])
def test_a_budget_holds_wherever_the_client_is_used(inside):
    """Also in a session, which counts for itself, and after the client was closed: the money is the same."""
    client = MockBackend(replace(UNCACHED, budget_tokens=3), provider=scripted_model(*["x"] * 9))
    log = MemoryLog()

    def program(session):
        count = 0
        try:
            for _ in range(9):
                run(client, lambda it: it.generate("a question of some length"))
                count += 1
        except LimitExceeded:
            pass
        if session is not None:
            session.result = count
        return count

    if not inside:
        assert 1 <= program(None) < 9
        return
    with Session.open(log, "s", header={"task": "t"}) as session, session.active():
        made = program(session)
    assert 1 <= made < 9
    assert replay(log, "s", program).status == "same"  # though the budget is spent by now


def test_a_budget_of_nothing_buys_nothing():
    client = MockBackend(replace(UNCACHED, budget_tokens=0))
    with pytest.raises(LimitExceeded):
        generate(client, "x")


def test_a_model_in_the_process_must_be_named():
    """No repository is looked up under a name that nobody gave."""
    with pytest.raises(ConfigError, match="no model is named"):
        MLXBackend(replace(UNCACHED, model=""))
