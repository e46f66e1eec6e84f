"""A chat server on loopback for plain clients, and an environment without anybody's keys."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from client_values import ChatServer
from fault_server import FaultServer


@pytest.fixture(scope="session")
def _faults():
    with FaultServer() as server:
        yield server


@pytest.fixture
def server(_faults):
    return ChatServer(_faults)


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """No project, no keys, no addresses of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    names = (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OLLAMA_HOST",
        "LLLM_CONFIG",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
    )
    more = ("BACKEND", "MODEL", "API_KEY", "API_BASE", "TEMPERATURE", "MAX_TOKENS", "TOP_P", "TIMEOUT", "ENABLE_CACHE")
    lex = ("LOCAL_MODEL", "CLOUD_API_KEY", "CLOUD_BASE_URL", "CLOUD_MODEL")
    for name in (*names, *(f"LLM_{end}" for end in (*more, "CACHE_DIR")), *(f"LEX_LLM_{end}" for end in lex)):
        monkeypatch.delenv(name, raising=False)
