"""Requests of Ollama's own format, to the byte."""

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
from lllm.models.message import Image, Message, Native, to_result_message
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.formats import load_format
from lllm.providers.wire.ollama_request import build_request, encode_message, encoder_of
from lllm.providers.wire.profile import Profile

OLLAMA = Profile(name="ollama", base_url="http://localhost:11434", api="ollama")
GENERATE = Profile(name="ollama", base_url="http://localhost:11434", api="ollama_generate")
CALLS = (FunctionCall("c1", "add", '{"a": 1}'), FunctionCall("c2", "sub", "{oops"))
GOLDEN = [
    (Message(Roles.SYSTEM, "Be brief."), b'{"role":"system","content":"Be brief."}'),
    (Message(Roles.USER, "hé\ud800"), b'{"role":"user","content":"h\\u00e9\\ud800"}'),
    (Message(Roles.ASSISTANT, "", refusal="I will not."), b'{"role":"assistant","content":"I will not."}'),
    (
        Message(Roles.ASSISTANT, "", function_calls=CALLS, reasoning="hm", native=Native("ollama")),
        (
            b'{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"add",'
            b'"arguments":{"a":1}}},{"id":"c2","type":"function","function":{"name":"sub",'
            b'"arguments":{"invalid":"{oops"}}}]}'
        ),
    ),
    (
        Message(Roles.USER, "What?", images=(Image("QUJD", "image/jpeg"),), extra={"mine": 1}),
        b'{"role":"user","content":"What?","images":["QUJD"]}',
    ),
    (Message(Roles.TOOL, "3", tool_call_id="c1"), b'{"role":"tool","content":"3","tool_call_id":"c1"}'),
]


def body_of(request, profile=OLLAMA):
    return json.loads(load_format(profile.api).build_request(request, profile).body)


@pytest.mark.parametrize(("message", "wire"), GOLDEN)
def test_an_ollama_message_has_one_form_on_the_wire(message, wire):
    """Arguments are an object here and pictures bare data; what differs is refused or quietly left out."""
    assert encode_message(message) == wire
    request = build_request(ModelRequest(Contract("m"), history(message)), OLLAMA)
    assert request.url == "http://localhost:11434/api/chat"
    assert request.body == b'{"model":"m","messages":[' + wire + b'],"stream":false,"truncate":false}'


def test_a_result_names_its_function_where_the_message_before_tells():
    """Templates of older models know a result by its function's name, newer ones by the id."""
    results = [Message(Roles.TOOL, "1", tool_call_id=call.id) for call in CALLS]
    dialog = history("go", Message(Roles.ASSISTANT, function_calls=CALLS), *results)
    first, second = body_of(ModelRequest(Contract("m"), dialog))["messages"][2:]
    assert first == {"role": "tool", "content": "1", "tool_name": "add", "tool_call_id": "c1"}
    assert second == {"role": "tool", "content": "1", "tool_call_id": "c2"}
    turned = history("go", Message(Roles.ASSISTANT, function_calls=CALLS), *reversed(results))
    assert body_of(ModelRequest(Contract("m"), turned))["messages"][2]["tool_name"] == "sub"
    named = history("go", to_result_message(CALLS[1], "1"))
    assert body_of(ModelRequest(Contract("m"), named))["messages"][1]["tool_name"] == "sub"


def test_tools_in_extra_body_join_the_functions_of_ollama():
    """In every format a tool of the user's own stands beside the functions, not in place of all of them."""
    mine = {"type": "function", "function": {"name": "g", "parameters": {}}}
    body = body_of(ask(functions=(Function("f"),), extra_body={"tools": [mine]}))
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f", "g"]


def test_a_whole_ollama_request():
    """What the sampler wants stands under options, in the server's own words; the rest beside it."""
    request = ask(
        functions=(Function("add", "Add.", {"a": {"type": "integer"}}, required=["a"], strict=True),),
        format_schema={"type": "object"},
        params={
            "temperature": 0,
            "max_tokens": 5,
            "stop": "x",
            "seed": None,
            "top_logprobs": 2,
            "reasoning_effort": "high",
            "tool_choice": "auto",
            "num_ctx": 8192,
        },
        extra_body={"keep_alive": "5m", "options": {"mirostat": 1, "temperature": 1}},
        stream=True,
    )
    assert body_of(request) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "truncate": False,
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
            }
        ],
        "format": {"type": "object"},
        "options": {"temperature": 1, "stop": ["x"], "num_predict": 5, "num_ctx": 8192, "mirostat": 1},
        "logprobs": True,
        "top_logprobs": 2,
        "think": "high",
        "keep_alive": "5m",
    }


@pytest.mark.parametrize("profile", [OLLAMA, GENERATE], ids=["chat", "generate"])
@pytest.mark.parametrize("stream", [False, True])
def test_whether_to_stream_is_always_said(profile, stream):
    """The server streams unless it is told not to; a reply in pieces that nobody asked for is lost."""
    assert body_of(ask(stream=stream), profile)["stream"] is stream


@pytest.mark.parametrize(
    ("given", "think"), [("none", False), ("minimal", "low"), ("medium", "medium"), ("xhigh", "max"), (True, True)]
)
def test_how_long_to_think_is_said_in_the_servers_words(given, think):
    """A word that it does not know is a refused request."""
    assert body_of(ask(params={"reasoning_effort": given}))["think"] == think


@pytest.mark.parametrize(
    ("json_mode", "format_"), [("json_schema", {"type": "object"}), ("json_object", "json"), ("none", None)]
)
def test_a_schema_is_asked_for_as_far_as_the_profile_says(json_mode, format_):
    """A model that is held to a schema can call no functions, so that it must be possible not to ask."""
    profile = Profile(name="o", base_url="http://o", api="ollama", json_mode=json_mode)
    assert body_of(ask(format_schema={"type": "object"}), profile).get("format") == format_


def test_thinking_goes_back_to_its_own_family_alone():
    """Somebody else's thoughts are no part of the dialog."""
    thought = Message(Roles.ASSISTANT, "a", reasoning="hm", native=Native("ollama"))
    foreign = Message(Roles.ASSISTANT, "a", reasoning="hm", native=Native("deepseek"))
    profile = Profile(name="mine", family="ollama", base_url="http://o", api="ollama", send_reasoning=True)
    sent = body_of(ask("hi", thought, foreign), profile)["messages"]
    assert [message.get("thinking") for message in sent] == [None, "hm", None]
    assert "thinking" not in json.dumps(body_of(ask("hi", thought)))
    assert encoder_of("ollama") is encoder_of("ollama")


@pytest.mark.parametrize(
    ("contract", "says"),
    [
        ({"params": {"tool_choice": "required"}}, "no tool_choice"),
        ({"params": {"logit_bias": {}}}, "no model argument 'logit_bias'"),
        ({"extra_body": {"messages": []}}, "may not set messages"),
        ({"extra_body": {"stream": True}}, "may not set stream"),
        ({"extra_body": {"options": 3}}, "options must be a mapping"),
    ],
)
def test_what_ollama_has_no_word_for_is_refused(contract, says):
    """The server ignores unknown fields in silence, and the answer would be to another question."""
    with pytest.raises(ConfigError, match=says):
        body_of(ask(**contract))


@pytest.mark.parametrize("profile", [OLLAMA, GENERATE], ids=["chat", "generate"])
def test_a_picture_by_address_is_refused(profile):
    """The server does not fetch; it would take the address for base64."""
    with pytest.raises(ConfigError, match="not by their address"):
        body_of(ask(Message(Roles.USER, "?", images=(Image(url="http://x/y.png"),))), profile)


def test_generate_asks_one_question():
    """The plainest route, for a prompt without a dialog."""
    picture = Message(Roles.USER, "What?", images=(Image("QUJD"),))
    request = ask(Message(Roles.SYSTEM, "Be brief."), picture, params={"temperature": 0, "max_tokens": 5})
    assert load_format("ollama_generate").build_request(request, GENERATE).url == "http://localhost:11434/api/generate"
    assert body_of(request, GENERATE) == {
        "model": "m",
        "stream": False,
        "truncate": False,
        "options": {"temperature": 0, "num_predict": 5},
        "prompt": "What?",
        "system": "Be brief.",
        "images": ["QUJD"],
    }


@pytest.mark.parametrize(
    "request_",
    [
        ask("one", Message(Roles.ASSISTANT, "two"), "three"),
        ask(Message(Roles.ASSISTANT, "x")),
        ask("one", "two"),
        ask(Message(Roles.SYSTEM, "s")),
        ask(functions=(Function("f"),)),
    ],
    ids=["dialog", "assistant", "two users", "system alone", "functions"],
)
def test_generate_refuses_what_is_a_dialog(request_):
    """A dialog that is squeezed into a prompt would be another dialog."""
    with pytest.raises(ConfigError) as caught:
        body_of(request_, GENERATE)
    assert "'ollama'" in caught.value.hint


def test_generate_sends_no_prompt_that_extra_body_makes():
    """What is asked is what is logged."""
    with pytest.raises(ConfigError, match="may not set prompt"):
        body_of(ask(extra_body={"prompt": "other"}), GENERATE)


@given(st.lists(st.text(), min_size=1, max_size=4), st.sampled_from(["chat", "generate"]))
def test_an_ollama_body_is_json_whatever_the_texts(texts, route):
    """Prompts hold quotes, controls and half characters; a body that is no JSON is a lost call."""
    if route == "generate":
        assert body_of(ask(texts[0]), GENERATE)["prompt"] == texts[0]
    else:
        assert [message["content"] for message in body_of(ask(*texts))["messages"]] == texts


def test_a_second_turn_on_ollama_encodes_only_what_is_new(monkeypatch):
    """Turn 1000 of a dialog must not cost a thousand encodings."""
    encoded = []

    def counting(message, before):
        encoded.append(message.content)
        return encode_message(message, before)

    monkeypatch.setattr("lllm.providers.wire.ollama_request.encoder_of", lambda *_: counting)
    first = ask("one", "two")
    build_request(first, OLLAMA)
    frames = dict(first.contract.rendered)
    grown = first.history.append(Message(Roles.USER, "three"), '"three"')
    build_request(ModelRequest(first.contract, grown), OLLAMA)
    assert encoded == ["one", "two", "three"]
    assert all(first.contract.rendered[key] is frame for key, frame in frames.items())
