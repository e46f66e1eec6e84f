"""Requests of the Responses format, to the byte: what a server's prompt cache and a replay compare."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from chat_values import ask, history
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.models.message import Image, Message, Native, message_from_dict, message_to_dict
from lllm.models.request import Contract, ModelRequest
from lllm.providers.presets import PRESETS
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.profile import Profile
from lllm.providers.wire.responses_reply import parse_reply
from lllm.providers.wire.responses_request import build_request, encode_message, encoder_of
from lllm.utils import encode_json

OWN = Profile(name="own", base_url="http://own/v1", api="responses")
CALL = FunctionCall("c1", "add", '{"a": 1}')
CALL_WIRE = b'{"type":"function_call","call_id":"c1","name":"add","arguments":"{\\"a\\": 1}"}'
PICTURE = b'{"type":"input_image","detail":"auto","image_url":"data:image/jpeg;base64,QUJD"}'
GOLDEN = [
    (Message(Roles.SYSTEM, "Be brief."), b'{"role":"system","content":"Be brief."}'),
    (Message(Roles.USER, "hé\ud800"), b'{"role":"user","content":"h\\u00e9\\ud800"}'),
    (Message(Roles.ASSISTANT, "", creator="x", reasoning="hm"), b'{"type":"message","role":"assistant","content":""}'),
    (Message(Roles.ASSISTANT, "", function_calls=(CALL,)), CALL_WIRE),
    (
        Message(Roles.ASSISTANT, "Wait.", function_calls=(CALL, CALL)),
        b'{"type":"message","role":"assistant","content":"Wait."},' + CALL_WIRE + b"," + CALL_WIRE,
    ),
    (
        Message(Roles.ASSISTANT, "", function_calls=(FunctionCall("c1", "add", "{oops"),)),
        CALL_WIRE.replace(b'{\\"a\\": 1}', b'{\\"invalid\\":\\"{oops\\"}'),
    ),
    (
        Message(Roles.ASSISTANT, "", function_calls=(FunctionCall("c1", "add", ""),)),
        CALL_WIRE.replace(b'\\"a\\": 1', b""),
    ),
    (
        Message(Roles.ASSISTANT, "", refusal="I will not."),
        b'{"type":"message","role":"assistant","content":"I will not."}',
    ),
    (Message(Roles.TOOL, "3", tool_call_id="c1"), b'{"type":"function_call_output","call_id":"c1","output":"3"}'),
    (
        Message(Roles.USER, "What?", images=(Image("QUJD", "image/jpeg"),), extra={"mine": 1}),
        b'{"role":"user","content":[{"type":"input_text","text":"What?"},' + PICTURE + b"]}",
    ),
    (
        Message(Roles.TOOL, tool_call_id="c1", images=(Image("QUJD", "image/jpeg"),)),
        b'{"type":"function_call_output","call_id":"c1","output":[' + PICTURE + b"]}",
    ),
]


@pytest.mark.parametrize(("message", "wire"), GOLDEN)
def test_a_message_has_one_form_on_the_wire(message, wire):
    """A byte that changes costs the server's prompt cache; what a strict server refuses costs the dialog."""
    assert encode_message(message) == wire
    request = build_request(ModelRequest(Contract("m"), history(message, message)), OWN)
    assert request.body == b'{"model":"m","input":[' + wire + b"," + wire + b'],"store":false}'


def body_of(request, profile=OWN):
    return json.loads(build_request(request, profile).body)


def test_a_whole_request():
    """Everything that a contract can ask for, in the place where servers look for it."""
    add = Function("add", "Add.", {"a": {"type": "integer"}}, required=["a"])
    request = ask(
        functions=(add, Function("sub", "Subtract.", strict=True)),
        format_name="Answer",
        format_schema={"type": "object"},
        params={
            "temperature": 0,
            "max_tokens": 5,
            "top_p": None,
            "top_logprobs": 2,
            "parallel_tool_calls": False,
            "tool_choice": {"type": "function", "function": {"name": "add"}},
            "reasoning_effort": "low",
            "verbosity": "low",
            "truncation": "auto",
        },
        extra_body={"prompt_cache_retention": "24h"},
        stream=True,
    )
    wire = build_request(request, OWN)
    assert (wire.method, wire.url) == ("POST", "http://own/v1/responses")
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    integer = {"type": "integer"}
    assert json.loads(wire.body) == {
        "model": "m",
        "input": [{"role": "user", "content": "hello"}],
        "store": False,
        "temperature": 0,
        "max_output_tokens": 5,
        "top_logprobs": 2,
        "parallel_tool_calls": False,
        "tool_choice": {"type": "function", "name": "add"},
        "truncation": "auto",
        "tools": [
            {
                "type": "function",
                "name": "add",
                "description": "Add.",
                "parameters": {**schema, "properties": {"a": integer}, "required": ["a"]},
                "strict": False,
            },
            {"type": "function", "name": "sub", "description": "Subtract.", "parameters": schema, "strict": True},
        ],
        "reasoning": {"effort": "low"},
        "text": {
            "verbosity": "low",
            "format": {"type": "json_schema", "name": "Answer", "schema": {"type": "object"}},
        },
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "stream": True,
        "prompt_cache_retention": "24h",
    }


def test_servers_differ_by_their_profile_alone():
    """One record of data for each; a contract that two servers share is rendered for each of them."""
    request = ask(Message(Roles.SYSTEM, "s"), format_schema={"type": "object"})
    plain = body_of(request)
    odd = body_of(request, Profile(name="odd", base_url="http://odd", system_role="developer", json_mode="json_object"))
    assert (plain["input"][0]["role"], odd["input"][0]["role"]) == ("system", "developer")
    assert plain["text"]["format"]["name"] == "reply"
    assert odd["text"] == {"format": {"type": "json_object"}}
    assert "text" not in body_of(request, Profile(name="none", base_url="http://n", json_mode="none"))


OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
    {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "annotations": [], "text": "hé"}],
    },
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "add", "arguments": '{"a": 1}'},
]


def replied(*items):
    """A reply of our server, as it comes back out of a log."""
    body = encode_json({"output": items, "status": "completed"}).encode()
    return message_from_dict(json.loads(encode_json(message_to_dict(parse_reply(body, Asked("m", "own"))))))


def test_what_the_server_wants_back_is_sent_as_it_came():
    """The service refuses reasoning that is parted from the item, with its own id, that followed it."""
    assert body_of(ask("hi", replied(*OUTPUT)))["input"][1:] == OUTPUT


def test_no_other_server_is_sent_it():
    """It is encrypted for one family; to the others it is rubbish, and somebody else's."""
    other = Profile(name="other", base_url="http://other", api="responses")
    plain = [{"type": "message", "role": "assistant", "content": "hé"}, json.loads(CALL_WIRE)]
    assert body_of(ask("hi", replied(*OUTPUT)), other)["input"][1:] == plain
    kin = Profile(name="kin", base_url="http://kin", api="responses", family="own")
    assert body_of(ask("hi", replied(*OUTPUT)), kin)["input"][1:] == OUTPUT


@pytest.mark.parametrize(
    "changed",
    [
        {"content": "other"},
        {"refusal": "No."},
        {"function_calls": ()},
        {"function_calls": (FunctionCall("c1", "add", '{"a": 2}'),)},
        {"native": Native("own", ({"type": "thinking", "thinking": "x", "signature": "y"},))},
        {"native": Native("own")},
    ],
)
def test_a_reply_that_somebody_changed_is_sent_as_it_reads_now(changed):
    """Whoever edits the past of a fork must not have the old words sent; nor does a provider's new format read them."""
    message = replace(replied(*OUTPUT), **changed)
    items = body_of(ask("hi", message))["input"][1:]
    assert items == body_of(ask("hi", replace(message, native=None)))["input"][1:]


@pytest.mark.parametrize(
    ("changed", "sent"),
    [
        ({"arguments": "{oops"}, {"arguments": '{"invalid":"{oops"}'}),
        ({"call_id": ""}, {"call_id": "fc_1"}),
        ({"arguments": ' {"a": 1}'}, {"arguments": ' {"a": 1}'}),
    ],
)
def test_a_call_that_no_server_would_take_back_is_put_right(changed, sent):
    """One whose arguments are no JSON, or that has no id, would be refused in each further turn of the dialog."""
    items = body_of(ask("hi", replied(OUTPUT[0], OUTPUT[2] | changed)))["input"][1:]
    assert items == [OUTPUT[0], OUTPUT[2] | sent]


def test_a_user_may_say_what_we_have_no_word_for():
    """A file is an item of the server's own."""
    item = {"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}
    assert body_of(ask(Message(Roles.USER, "see", native=Native("own", (item,)))))["input"] == [item]


@pytest.mark.parametrize(
    "model", ["o3-mini", "gpt-5.6-sol", "openai/gpt-5", "openai.gpt-5.4", "ft:o4-mini:me", "codex-mini"]
)
def test_models_that_reason_are_asked_for_their_reasoning(model):
    """Nothing is stored, so what they thought is lost unless it comes with the reply."""
    assert body_of(ask(model=model))["include"] == ["reasoning.encrypted_content"]


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4.1-mini", "chatgpt-4o-latest", "gpt-5-chat-latest", "llama3", "gpt-oss"]
)
def test_other_models_are_not_asked_for_it(model):
    """They answer the question with status 400."""
    assert "include" not in body_of(ask(model=model))
    assert body_of(ask(model=model, params={"reasoning": {"effort": "low"}}))["include"] == [
        "reasoning.encrypted_content"
    ]


def test_log_probabilities_have_to_be_included():
    """The number alone is accepted, and brings none."""
    wanted = ["message.output_text.logprobs"]
    assert body_of(ask(params={"top_logprobs": 2}))["include"] == wanted
    told = body_of(ask(params={"logprobs": True}))
    assert (told["include"], "logprobs" in told) == (wanted, False)
    assert "include" not in body_of(ask(params={"logprobs": False}))


def test_extra_body_adds_to_what_is_asked():
    """A tool of the server's beside functions, one more field of an answer: neither may cost what was asked before."""
    request = ask(
        model="gpt-5",
        functions=(Function("add", "Add."),),
        format_schema={"type": "object"},
        params={"reasoning_effort": "low", "temperature": 0},
        extra_body={
            "tools": [{"type": "web_search"}],
            "include": ["file_search_call.results", "reasoning.encrypted_content"],
            "reasoning": {"summary": "auto"},
            "text": {"verbosity": "low"},
            "temperature": 1,
            "store": True,
        },
    )
    body = body_of(request)
    assert [tool["type"] for tool in body["tools"]] == ["function", "web_search"]
    assert body["include"] == ["reasoning.encrypted_content", "file_search_call.results"]
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert {*body["text"]} == {"format", "verbosity"}
    assert (body["temperature"], body["store"]) == (1, True)
    assert body_of(request) == body_of(request)
    assert body_of(ask(model="gpt-5", extra_body={"include": None}))["include"] is None


@pytest.mark.parametrize("name", ["input", "stream", "conversation"])
def test_extra_body_may_not_hold_the_dialog(name):
    """What is asked there is never logged; and a conversation that the server keeps would be told all again."""
    with pytest.raises(ConfigError, match=name):
        build_request(ask(extra_body={name: "x"}), OWN)


@pytest.mark.parametrize(("params", "words"), [({"seed": 1}, "'seed'"), ({"reasoning": "low"}, "an object")])
def test_what_the_format_has_no_word_for_is_refused(params, words):
    """A request without it would be another one than was asked for."""
    with pytest.raises(ConfigError, match=words):
        build_request(ask(params=params), OWN)


def test_a_tool_of_a_functions_name_stands_in_its_place():
    """A field that only one server knows is said of a function without its being offered twice."""
    marked = {"type": "function", "name": "f", "parameters": {}, "defer_loading": True}
    request = ask(functions=(Function("f"), Function("g")), extra_body={"tools": (marked, {"type": "web_search"})})
    tools = body_of(request)["tools"]
    assert tools[0] == marked
    assert [tool.get("name") for tool in tools] == ["f", "g", None]


def test_nothing_is_chosen_where_nothing_is_offered():
    """After the last allowed round no functions are offered, and a choice among none is refused."""
    params = {"tool_choice": "required", "parallel_tool_calls": True}
    assert {*body_of(ask(params=params))} == {"model", "input", "store"}
    assert body_of(ask(params=params, functions=(Function("f"),)))["tool_choice"] == "required"
    assert body_of(ask(params=params, extra_body={"tools": [{"type": "web_search"}]}))["tool_choice"] == "required"
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}
    assert body_of(ask(params={"tool_choice": allowed}, functions=(Function("f"),)))["tool_choice"] == allowed


def test_a_second_turn_encodes_only_what_is_new(monkeypatch):
    """Turn 1000 of a dialog must not cost a thousand encodings."""
    encoded = []

    def counting(message, before):
        encoded.append(message.content)
        return encode_message(message, before)

    monkeypatch.setattr("lllm.providers.wire.responses_request.encoder_of", lambda *_: counting)
    first = ask("one", "two")
    build_request(first, OWN)
    frames = dict(first.contract.rendered)
    grown = first.history.append(Message(Roles.USER, "three"), '"three"')
    build_request(ModelRequest(first.contract, grown), OWN)
    assert encoded == ["one", "two", "three"]
    assert frames
    assert all(first.contract.rendered[key] is frame for key, frame in frames.items())


def test_an_encoder_is_the_same_object_each_time():
    """Histories keep bytes under the encoder: another object would encode everything again."""
    assert encoder_of("developer", "odd") is encoder_of("developer", "odd")
    assert encoder_of("developer", "odd") is not encoder_of("developer", "own")


@given(st.lists(st.text(), max_size=4), st.dictionaries(st.text(max_size=3), st.integers(), max_size=3))
def test_a_body_is_json_whatever_the_texts(texts, extra):
    """Prompts hold quotes, controls and half characters; a body that is no JSON is a lost call."""
    extra = {f"x{key}": value for key, value in extra.items()}
    data = body_of(ask(*(texts or ["x"]), extra_body=extra), PRESETS["openai"])
    assert [item["content"] for item in data["input"]] == (texts or ["x"])
    assert extra.items() <= data.items()
