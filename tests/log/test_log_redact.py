import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.errors import ConfigError
from lllm.log.redact import Redactor
from lllm.utils import encode_json

KEYS = [
    "sk-proj-abcdefghij0123456789ABCDEFGHIJ",
    "Bearer abcdefghijklmnopqrst0123456789",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "xoxb-123456789012-abcdefghij",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("around", ["{}", "key={} and more", "line\n{}\n", '"{}"', "\u00e4{}\u00e4"])
def test_a_text_that_looks_like_a_key_is_taken_out(key, around):
    """Models repeat what they read, so a key must not reach the disk through an answer either."""
    clean = Redactor()(encode_json({"a": [around.format(key)]}))
    assert json.loads(clean) == {"a": [around.format("[redacted]")]}


@pytest.mark.parametrize(
    "text",
    [
        "task-management-for-everyone-in-2024-and-later",
        "sk-learn-style-estimators-and-transformers",
        "the bearer responsibilities and internationalizations",
        "sk-1",
    ],
)
def test_ordinary_words_stay(text):
    """What is redacted is lost to replay, so a false alarm costs as much as a miss."""
    data = encode_json({"text": text})
    assert Redactor()(data) is data


def test_a_known_secret_is_taken_out_whatever_it_looks_like():
    """Most keys have no shape of their own; the host knows them."""
    redact = Redactor(secrets=["correct horse battery"])
    assert redact('{"a":"say correct horse battery!"}') == '{"a":"say [redacted]!"}'


def test_a_secret_that_is_learned_later_is_taken_out_from_then_on():
    """Keys are read on first use, long after the log was made."""
    redact = Redactor()
    redact.add("hunter2-hunter2")
    assert redact('{"a":"hunter2-hunter2"}') == '{"a":"[redacted]"}'


def test_a_secret_that_holds_another_leaves_nothing_behind():
    """Replacing the shorter one first would leave the rest of the longer one readable."""
    redact = Redactor(secrets=["password", "password-and-salt"])
    assert redact('{"a":"password-and-salt"}') == '{"a":"[redacted]"}'


@given(st.text(min_size=8), st.text(), st.text())
def test_no_secret_survives_in_text_or_in_json_inside_text(secret, before, after):
    """Function arguments travel as JSON in a string, where quotes and backslashes are escaped once more."""
    redact = Redactor(shapes={}, secrets=[secret])
    inner = encode_json({"key": secret})
    clean = json.loads(redact(encode_json({"text": before + secret + after, "arguments": inner})))
    assert secret not in clean["text"].replace("[redacted]", "\0")
    assert json.loads(clean["arguments"]) == {"key": "[redacted]"}


def test_a_secret_that_stands_only_in_json_inside_text_is_found():
    """Its quotes are escaped twice there, so the plain secret is nowhere in the line."""
    data = encode_json({"arguments": encode_json({"key": 'pass"word"9'})})
    assert json.loads(json.loads(Redactor(secrets=['pass"word"9'])(data))["arguments"]) == {"key": "[redacted]"}


def test_keys_of_a_dict_are_redacted_too():
    """A secret is no less secret on the left of a colon."""
    assert Redactor(secrets=["swordfish-9"])('{"swordfish-9":1}') == '{"[redacted]":1}'


def test_a_pattern_never_eats_across_strings():
    """A greedy pattern applied to the JSON text would swallow whole fields and still leave valid JSON."""
    clean = Redactor(["a.*z", "^first$"])('{"x":"a1","y":"2z","n":[1,null,"a-z","first"]}')
    assert json.loads(clean) == {"x": "a1", "y": "2z", "n": [1, None, "[redacted]", "[redacted]"]}


def test_a_pattern_may_name_a_character_that_json_escapes():
    """Patterns mean the text that people see, not its encoding."""
    assert (
        json.loads(Redactor(["née+", '"quoted"'])(encode_json({"a": 'née "quoted"'})))["a"] == "[redacted] [redacted]"
    )


def test_text_without_secrets_comes_back_as_the_same_object():
    """The common case may not pay for parsing."""
    data = encode_json({"text": "hello " * 50})
    assert Redactor(secrets=["a secret key"])(data) is data


def test_short_secrets_are_left_alone():
    """A key called "none" would otherwise blot out the word in every answer."""
    assert Redactor(secrets=["none", ""])('{"a":"none"}') == '{"a":"none"}'


def test_deeply_nested_data_is_redacted_without_recursion():
    """Arguments that a model wrote may be nested as deep as the JSON parser allows."""
    text = '{"a":' + "[" * 900 + '"swordfish-9"' + "]" * 900 + "}"
    assert "swordfish" not in Redactor(secrets=["swordfish-9"])(text)


def test_text_that_is_not_json_is_redacted_as_text():
    """A caller with a bad text must still not leak."""
    assert Redactor(secrets=["swordfish-9"])("{swordfish-9") == "{[redacted]"


def test_a_bad_pattern_is_the_users_to_fix():
    """It comes from a config file."""
    with pytest.raises(ConfigError, match=r"'\('"):
        Redactor(["("])
