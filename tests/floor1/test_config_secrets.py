"""Which values are secrets, and what stands in a log in their place."""

from __future__ import annotations

import pytest

from lllm.config import load_agent_config
from lllm.config.secret import REDACTED, find_secrets, is_secret, to_public
from lllm.utils import Secret

SECRET_KEYS = ["api_key", "OPENAI_API_KEY", "x-api-key", "apiKey", "token", "access_token", "db_password", "passwd"]
SECRET_KEYS += ["Client_Secret", "Authorization", "Cookie", "set-cookie", "AWS_SECRET_ACCESS_KEY", "credentials"]
PLAIN_KEYS = ["api_key_env", "max_tokens", "prompt_cache_key", "sort_key", "key", "stop_token_ids", "token_budget", ""]


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_a_text_under_a_key_that_names_a_secret_is_one(key):
    """People write such keys in many ways."""
    assert is_secret(key, "text")
    assert list(find_secrets({"db": {key: ["one", "two"]}})) == ["one", "two"]


@pytest.mark.parametrize("key", PLAIN_KEYS)
def test_a_key_that_only_holds_such_a_word_is_data(key):
    """A value that is taken out of the header is missing in a replay, which then differs."""
    assert not is_secret(key, "text")
    assert to_public({key: "text"}) == {key: "text"}


@pytest.mark.parametrize("value", [5, 1.5, True, None, ""])
def test_only_a_text_can_be_a_secret(value):
    """A number says nothing about whoever set it; an empty text says that there is none."""
    assert not is_secret("token", value)
    assert to_public({"token": value}) == {"token": value}
    assert not list(find_secrets({"token": value}))


def test_a_secret_is_one_under_any_key():
    """Code may mark what no rule about names would find."""
    assert to_public({"x": Secret("s"), "y": ("a", Secret("t")), 1: object}) == {
        "x": REDACTED,
        "y": ["a", REDACTED],
        "1": str(object),
    }
    assert list(find_secrets({"x": Secret("s"), "y": "plain"})) == ["s"]


def test_what_stands_in_the_place_of_a_secret_is_none():
    """A replay builds its agents from a header; what was redacted there must not be redacted again."""
    public = to_public({"password": "hunter2"})
    assert to_public(public) == public
    assert not list(find_secrets(public))


def test_a_file_marks_the_same_texts(tmp_path):
    """One rule: what `config show` hides is what the log hides."""
    lines = [f"    {key}: text" for key in (*SECRET_KEYS, *PLAIN_KEYS[:-1])]
    path = tmp_path / "agent.yaml"
    path.write_text("\n".join(["provider_config:", "  headers:", *lines]))
    headers = load_agent_config(path, env={}).values["provider_config"]["headers"]
    assert [key for key, value in headers.items() if isinstance(value, Secret)] == SECRET_KEYS
