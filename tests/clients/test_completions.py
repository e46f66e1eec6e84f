"""``local_complete`` and ``cloud_complete``: everything from the environment, each behind its own gate, and both replay."""

from __future__ import annotations

import asyncio

import pytest
from client_values import JSON, chat

from lllm.clients import acloud_complete, alocal_complete, cloud_complete, local_complete
from lllm.errors import CapabilityDenied, ConfigError, ConnectFailed
from lllm.llm import Session
from lllm.log import MemoryLog
from lllm.replay import replay

GENERATED = {"status": 200, "headers": JSON, "body": '{"model":"llama3","response":"hi","done":true,"eval_count":2}'}


def test_local_is_ollamas_generate(server, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", server.serve(GENERATED))
    assert local_complete("Hello.") == "hi"
    (asked,) = server.requests
    assert (asked["model"], asked["prompt"], asked["stream"]) == ("llama3", "Hello.", False)
    assert "/api/generate" in server.heads[0]


def test_local_has_its_own_model(server, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", server.serve(GENERATED))
    monkeypatch.setenv("LEX_LLM_LOCAL_MODEL", "qwen")
    assert asyncio.run(alocal_complete("Hello.", temperature=0)) == "hi"
    assert (server.requests[0]["model"], server.requests[0]["options"]) == ("qwen", {"temperature": 0})


def test_cloud_is_chat_completions(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.serve(chat()))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-plain")
    assert cloud_complete("Hello.", max_tokens=5) == "hey"
    (asked,) = server.requests
    assert (asked["model"], asked["messages"]) == ("gpt-4o-mini", [{"role": "user", "content": "Hello."}])
    assert "authorization: bearer sk-plain" in server.heads[0]


def test_clouds_own_variables_go_first(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-plain")
    monkeypatch.setenv("LEX_LLM_CLOUD_BASE_URL", server.serve(chat()))
    monkeypatch.setenv("LEX_LLM_CLOUD_API_KEY", "sk-own")
    monkeypatch.setenv("LEX_LLM_CLOUD_MODEL", "other")
    assert asyncio.run(acloud_complete("Hello.")) == "hey"
    assert server.requests[0]["model"] == "other"
    assert "authorization: bearer sk-own" in server.heads[0]


def test_a_changed_environment_counts_at_the_next_call(server, monkeypatch):
    """A notebook sets a variable and asks again."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("LEX_LLM_CLOUD_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(ConnectFailed):
        cloud_complete("x")
    monkeypatch.setenv("LEX_LLM_CLOUD_BASE_URL", server.serve(chat()))
    assert cloud_complete("x") == "hey"


def test_cloud_without_a_key_sends_nothing(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.serve(chat()))
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set"):
        cloud_complete("x")
    assert server.requests == []


def test_each_has_its_own_gate(server, tmp_path, monkeypatch):
    """The grant of one is none of the other; a refusal comes before the key is looked for."""
    (tmp_path / "lllm.toml").write_text("[capabilities]\nllm_cloud = true\n")
    monkeypatch.setenv("OLLAMA_HOST", server.serve(GENERATED))
    with pytest.raises(CapabilityDenied, match="llm_local"):
        local_complete("x")
    assert server.requests == []
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        cloud_complete("x")
    (tmp_path / "lllm.toml").write_text("[capabilities]\nllm_local = true \n")
    assert local_complete("x") == "hi"
    monkeypatch.setenv("LEX_LLM_CLOUD_MODEL", "another")  # what was granted once holds for that client's life
    with pytest.raises(CapabilityDenied, match="llm_cloud"):
        cloud_complete("x")


def test_a_completion_in_a_session_replays_without_a_server(server, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", server.serve(GENERATED))
    log = MemoryLog()

    def program(session):
        session.result = local_complete("Hello.")

    with Session.open(log, "s", header={"task": "t"}) as session, session.active():
        program(session)
    asked = len(server.requests)
    assert replay(log, "s", program).status == "same"
    assert (session.result, len(server.requests)) == ("hi", asked)
