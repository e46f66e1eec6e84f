"""Requests of the chat format, to the byte: what a server's prompt cache and a replay compare."""

from __future__ import annotations

import json

import pytest
from chat_values import ask, history
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.models.message import Image, Message, Native
from lllm.models.request import Contract, ModelRequest
from lllm.providers.presets import PRESETS
from lllm.providers.wire.chat_request import build_request, encode_message, encoder_of
from lllm.providers.wire.profile import Profile

LOCAL, OPENAI = PRESETS["local"], PRESETS["openai"]
PNG = Image("QUJD")
CALL = FunctionCall("c1", "add", '{"a": 1}')
GOLDEN = [
    (Message(Roles.SYSTEM, "Be brief."), b'{"role":"system","content":"Be brief."}'),
    (Message(Roles.USER, "hé\ud800"), b'{"role":"user","content":"h\\u00e9\\ud800"}'),
    (Message(Roles.ASSISTANT, "", creator="x", reasoning="hm"), b'{"role":"assistant","content":""}'),
    (
        Message(Roles.ASSISTANT, "", function_calls=(CALL,)),
        (
            b'{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",'
            b'"function":{"name":"add","arguments":"{\\"a\\": 1}"}}]}'
        ),
    ),
    (
        Message(Roles.ASSISTANT, "Wait.", function_calls=(FunctionCall("c1", "f", "{oops"),)),
        (
            b'{"role":"assistant","content":"Wait.","tool_calls":[{"id":"c1","type":"function",'
            b'"function":{"name":"f","arguments":"{\\"invalid\\":\\"{oops\\"}"}}]}'
        ),
    ),
    (
        Message(Roles.ASSISTANT, "", function_calls=(FunctionCall("c1", "f", ""),)),
        (
            b'{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",'
            b'"function":{"name":"f","arguments":"{}"}}]}'
        ),
    ),
    (Message(Roles.ASSISTANT, "", refusal="I will not."), b'{"role":"assistant","content":"I will not."}'),
    (Message(Roles.TOOL, "3", tool_call_id="c1"), b'{"role":"tool","tool_call_id":"c1","content":"3"}'),
    (
        Message(Roles.USER, "What?", images=(Image("QUJD", "image/jpeg"),), extra={"mine": 1}),
        (
            b'{"role":"user","content":[{"type":"text","text":"What?"},'
            b'{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,QUJD"}}]}'
        ),
    ),
]


@pytest.mark.parametrize(("message", "wire"), GOLDEN)
def test_a_message_has_one_form_on_the_wire(message, wire):
    """A byte that changes costs the server's prompt cache; what a strict server refuses costs the dialog."""
    assert encode_message(message) == wire
    request = build_request(ModelRequest(Contract("m"), history(message)), LOCAL)
    assert request.body == b'{"model":"m","messages":[' + wire + b"]}"


def test_a_whole_request_to_the_byte():
    """Everything that a contract can ask for, in the place where servers look for it."""
    add = Function("add", "Add.", {"a": {"type": "integer"}}, required=["a"])
    strict = Function("sub", "Subtract.", strict=True)
    request = ask(
        functions=(add, strict),
        format_name="Answer",
        format_schema={"type": "object"},
        params={"temperature": 0, "max_tokens": 5, "stop": ["x"], "seed": None, "top_logprobs": 2},
        extra_body={"top_k": 3},
        stream=True,
    )
    wire = build_request(request, OPENAI)
    assert (wire.method, wire.url) == ("POST", "https://api.openai.com/v1/chat/completions")
    assert json.loads(wire.body) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "add",
                    "description": "Add.",
                    "parameters": {
                        "type": "object",
                        "properties": {"a": {"type": "integer"}},
                        "required": ["a"],
                        "additionalProperties": False,
                    },
                },
            },
            {
                "type": "function",
                "function": {
                    "name": "sub",
                    "description": "Subtract.",
                    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
                    "strict": True,
                },
            },
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "Answer", "schema": {"type": "object"}}},
        "temperature": 0,
        "max_completion_tokens": 5,
        "stop": ["x"],
        "top_logprobs": 2,
        "logprobs": True,
        "stream": True,
        "stream_options": {"include_usage": True},
        "top_k": 3,
    }


def test_servers_differ_by_their_profile_alone():
    """One record of data for each; a contract that two servers share is rendered for each of them."""
    request = ask(
        Message(Roles.SYSTEM, "s"),
        Message(Roles.ASSISTANT, "a", reasoning="hm", native=Native("odd")),
        params={"max_tokens": 5},
        format_schema={"type": "object"},
        stream=True,
    )
    odd = Profile(
        name="odd",
        base_url="http://odd/v1/",
        system_role="developer",
        stream_usage=False,
        json_mode="json_object",
        send_reasoning=True,
    )
    plain, other = (json.loads(build_request(request, profile).body) for profile in (LOCAL, odd))
    assert plain["stream_options"] == {"include_usage": True}
    assert plain["messages"][1] == {"role": "assistant", "content": "a"}
    assert "stream_options" not in other
    assert other["response_format"] == {"type": "json_object"}
    assert other["messages"][0]["role"] == "developer"
    assert other["messages"][1]["reasoning_content"] == "hm"
    assert "response_format" not in json.loads(
        build_request(request, Profile(name="n", base_url="http://n", json_mode="none")).body
    )


def test_a_second_turn_encodes_only_what_is_new(monkeypatch):
    """Turn 1000 of a dialog must not cost a thousand encodings."""
    encoded = []

    def counting(message, before):
        encoded.append(message.content)
        return encode_message(message, before)

    monkeypatch.setattr("lllm.providers.wire.chat_request.encoder_of", lambda *_, **__: counting)
    first = ask("one", "two")
    build_request(first, LOCAL)
    frames = dict(first.contract.rendered)
    grown = first.history.append(Message(Roles.USER, "three"), '"three"')
    build_request(ModelRequest(first.contract, grown), LOCAL)
    assert encoded == ["one", "two", "three"]
    assert all(first.contract.rendered[key] is frame for key, frame in frames.items())


def test_an_encoder_is_the_same_object_each_time():
    """Histories keep bytes under the encoder: another object would encode everything again."""
    assert encoder_of("developer", "odd") is encoder_of("developer", "odd")
    assert encoder_of("system", "odd") is not encoder_of("system", "odd", "reasoning")


@given(st.lists(st.text(), max_size=4), st.dictionaries(st.text(max_size=3), st.integers(), max_size=3))
def test_a_body_is_json_whatever_the_texts(texts, extra):
    """Prompts hold quotes, controls and half characters; a body that is no JSON is a lost call."""
    extra = {f"x{key}": value for key, value in extra.items()}
    data = json.loads(build_request(ask(*(texts or ["x"]), extra_body=extra), LOCAL).body)
    assert [message["content"] for message in data["messages"]] == (texts or ["x"])
    assert extra.items() <= data.items()


def test_a_strict_server_hears_that_the_model_answered_results():
    """Mistral's refuses whoever speaks behind results before it did: a final word of ours, or pictures."""
    strict = Profile(name="strict", base_url="http://s/v1", bridge_results=True)
    asked = Message(Roles.ASSISTANT, function_calls=(FunctionCall("c", "look", "{}"),))
    plain, shown = Message(Roles.TOOL, "1", tool_call_id="c"), Message(Roles.TOOL, "1", tool_call_id="c", images=(PNG,))

    def roles(*messages, profile=strict):
        told = json.loads(build_request(ask("go", asked, *messages), profile).body)["messages"]
        return [message["role"] for message in told][2:]

    said, answered = Message(Roles.USER, "Answer now."), Message(Roles.ASSISTANT, "Well.")
    assert roles(plain) == ["tool"]
    assert roles(plain, plain, answered, said) == ["tool", "tool", "assistant", "user"]
    assert roles(plain, said) == ["tool", "assistant", "user"]
    assert roles(plain, Message(Roles.SYSTEM, "s")) == ["tool", "assistant", "system"]
    assert roles(shown) == ["tool", "assistant", "user"]
    assert roles(shown, answered) == ["tool", "assistant", "user", "assistant"]
    assert roles(shown, said) == ["tool", "assistant", "user", "user"]
    assert roles(plain, said, profile=OPENAI) == ["tool", "user"]
    assert roles(shown, said, profile=OPENAI) == ["tool", "user", "user"]


def test_what_was_sent_is_sent_again_before_what_is_new():
    """Else no server could keep what it has read."""
    strict = Profile(name="strict", base_url="http://s/v1", bridge_results=True)
    asked = Message(Roles.ASSISTANT, function_calls=(FunctionCall("c", "look", "{}"),))
    told = ["go", asked, Message(Roles.TOOL, "1", tool_call_id="c", images=(PNG,)), Message(Roles.ASSISTANT, "Well.")]
    for profile in (strict, OPENAI):
        first, second = (build_request(ask(*told[:count]), profile).body for count in (3, 4))
        assert second.startswith(first[: first.rindex(b"]")])


def test_a_choice_among_no_functions_is_not_sent():
    """OpenAI refuses it, and the last step of a call offers no functions."""
    params = {"tool_choice": "required", "parallel_tool_calls": False}
    bare = json.loads(build_request(ask(params=params, extra_body={"tools": []}), OPENAI).body)
    assert {*bare} == {"model", "messages"}
    offered = json.loads(build_request(ask(params=params, functions=(Function("f"),)), OPENAI).body)
    assert (offered["tool_choice"], offered["parallel_tool_calls"]) == ("required", False)
    told = ask(extra_body={"tools": [{"type": "web_search"}], "tool_choice": "auto"})
    assert json.loads(build_request(told, OPENAI).body)["tool_choice"] == "auto"


def test_tools_of_the_server_join_functions_in_chat():
    """A search of the web may not cost the model its functions; one of a function's name stands in its place."""
    marked = {"type": "function", "function": {"name": "f", "parameters": {}}, "cache_control": {"type": "ephemeral"}}
    request = ask(functions=(Function("f"), Function("g")), extra_body={"tools": [{"type": "openrouter:x"}, marked]})
    tools = json.loads(build_request(request, OPENAI).body)["tools"]
    assert tools[0] == marked
    assert [tool.get("function", tool).get("name") for tool in tools] == ["f", "g", None]
    assert tools[2] == {"type": "openrouter:x"}


@pytest.mark.parametrize("tools", ["web_search", {"type": "web_search"}])
def test_tools_that_are_no_list_are_refused(tools):
    """A tool that is quietly left out is missed much later."""
    with pytest.raises(ConfigError, match="tools is a list"):
        build_request(ask(extra_body={"tools": tools}), OPENAI)


def test_extra_body_has_the_last_word_but_not_over_the_dialog():
    """A vendor's field may replace ours; messages in it would be asked but never logged."""
    body = build_request(ask(extra_body={"model": "other", "temperature": 1}, params={"temperature": 0}), LOCAL).body
    assert body.startswith(b'{"model":"other","messages":[')
    assert json.loads(body)["temperature"] == 1
    with pytest.raises(ConfigError, match="messages"):
        build_request(ask(extra_body={"messages": []}), LOCAL)


@pytest.mark.parametrize(
    "url",
    [
        "api.example",
        "ftp://x",
        "http://",
        "http://u:secret@x/v1",
        "http://x/v1?key=secret",
        "http://[x",
        "http://x:99999",
    ],
)
def test_a_base_url_that_cannot_work_is_refused_without_showing_secrets(url):
    """A typo is found at start, not at the first paid call; and what stands in it may be a password."""
    with pytest.raises(ConfigError) as caught:
        Profile(name="x", base_url=url)
    assert "secret" not in str(caught.value) + caught.value.hint
