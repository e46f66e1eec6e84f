"""Providers from config files: every wrong word is found before the first call."""

from __future__ import annotations

import sys

import pytest
from chat_values import ask

from lllm.errors import ConfigError
from lllm.providers import HTTPProvider, build_provider, list_providers, register_provider
from lllm.providers.build import _BUILDERS


def shout(request):
    return request.history[-1].content.upper()


@pytest.mark.parametrize(
    ("name", "config", "says", "hint"),
    [
        ("opnai", {}, "no provider 'opnai'", "did you mean 'openai'?"),
        ("zzz", {}, "no provider 'zzz'", "known: anthropic, deepseek"),
        ("openai", {"base_ulr": "x"}, "no setting 'base_ulr'", "did you mean 'base_url'?"),
        ("mock", {"reply": ["x"]}, "no setting 'reply'", "did you mean 'replies'?"),
        ("mock", {"replies": "x"}, "replies is a list", ""),
        ("mock", {"function": "no_such_module:f"}, "cannot be loaded", "module:name"),
        ("mock", {"function": "sys:maxsize"}, "is no function", ""),
        ("openai_compatible", {}, "needs base_url", "base_url:"),
        ("openai", {"timeout_s": "fast"}, "timeout_s has the wrong type: str", ""),
        ("openai", {"timeout_s": True}, "timeout_s has the wrong type: bool", ""),
        ("openai", {"timeout_s": 0}, "more than 0", ""),
        ("openai", {"json_mode": "maybe"}, "json_mode is one of json_schema", ""),
        ("openai", {"base_url": "localhost"}, "no http address", "http://"),
        ("openai", {"api_key": 3}, "api_key is a text", "api_key_env"),
        ("openai", {"headers": "x"}, "headers is a mapping", ""),
        ("openai", {"headers": {"x": "a\r\nb"}}, "header 'x' cannot be sent", ""),
        ("openai", {"headers": {"Authorization": "Bearer x"}}, "into logs", "api_key_env"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_was_meant(name, config, says, hint):
    """A typo that is ignored is a setting that silently does nothing."""
    with pytest.raises(ConfigError) as caught:
        build_provider(name, config)
    assert says in str(caught.value)
    assert hint in caught.value.hint


def test_presets_can_be_overridden():
    """Names and addresses change faster than releases."""
    config = {
        "base_url": "http://x/v1/",
        "timeout_s": 5,
        "headers": {"X-Team": "a"},
        "json_mode": "none",
        "stream_usage": False,
    }
    provider = build_provider("openai", config)
    assert isinstance(provider, HTTPProvider)
    profile = provider.profile
    assert (profile.base_url, profile.timeout_s, profile.headers) == ("http://x/v1", 5, (("x-team", "a"),))
    assert (profile.json_mode, profile.stream_usage, profile.max_tokens_field) == (
        "none",
        False,
        "max_completion_tokens",
    )
    assert build_provider("local").describe() == {
        "name": "local",
        "api": "chat",
        "base_url": "http://localhost:8000/v1",
    }
    assert build_provider("openai_compatible", {"base_url": "http://y"}).name == "openai_compatible"


def test_the_mock_can_be_chosen_from_a_file(monkeypatch):
    """A config switches a whole system to a model that costs nothing."""
    assert build_provider("mock", {"replies": ["a"]}).send(ask()).content == "a"
    assert build_provider("mock", {"rules": [{"when": ".", "reply": "b"}]}).send(ask()).content == "b"
    monkeypatch.setitem(sys.modules, "shouting", sys.modules[__name__])
    assert build_provider("mock", {"function": "shouting:shout"}).send(ask("hey")).content == "HEY"


def test_a_provider_of_ones_own_has_a_name_too(monkeypatch):
    """Somebody else's server needs no change here; a name that is taken is not taken over by accident."""
    monkeypatch.setattr("lllm.providers.build._BUILDERS", dict(_BUILDERS))
    mine = build_provider("mock")
    register_provider("mine", lambda config: mine)
    assert build_provider("mine") is mine
    assert "mine" in list_providers()
    with pytest.raises(ConfigError, match="registered already"):
        register_provider("mine", lambda config: build_provider("mock"))
    register_provider("mine", lambda config: build_provider("mock"), overwrite=True)
    assert build_provider("mine") is not mine


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, 0, -1])
def test_a_time_limit_is_one_that_clocks_know(value):
    """Sockets and event loops fail with errors of their own on others, after the call has begun."""
    with pytest.raises(ConfigError, match="timeout_s must be more than 0"):
        build_provider("local", {"timeout_s": value})


@pytest.mark.parametrize("header", ["content-length", "Transfer-Encoding", "Host"])
def test_a_header_that_frames_the_request_is_refused(header):
    """A second length lets one request pass for two."""
    with pytest.raises(ConfigError, match="frames the request"):
        build_provider("local", {"headers": {header: "5"}})


@pytest.mark.parametrize("name", [3, "a\nb", "\x1b[2J"])
def test_a_name_is_a_text_that_can_be_shown(name):
    with pytest.raises(ConfigError, match="name is a text"):
        build_provider("local", {"name": name})
