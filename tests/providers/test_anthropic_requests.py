"""Requests of the Anthropic format, to the byte: turns, and that every prefix of a dialog keeps its bytes."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from chat_values import ask, history
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.models.history import History
from lllm.models.message import Image, Message, Native, to_result_message
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.anthropic_request import NOTHING, build_request, encode_message, encoder_of, to_choice
from lllm.providers.wire.anthropic_schema import to_strict_schema
from lllm.providers.wire.profile import Profile
from lllm.utils import encode_json

SERVER = Profile(name="anthropic", api="anthropic", base_url="http://a")
CALLS = (FunctionCall("c1", "add", '{"a": 1}'), FunctionCall("c2", "add", "{oops"))
THINKING = {"type": "thinking", "thinking": "hm", "signature": "SIG"}
TEXT = {"type": "text", "text": "x"}


def message(role, content="", **more):
    return Message(Roles(role), content, **more)


def body_of(*messages, profile=SERVER, **more):
    return json.loads(build_request(ask(*messages, **more), profile).body)


def test_a_whole_request_to_the_byte():
    """Everything that a contract can ask for, under the format's own names."""
    add = Function("add", "Add.", {"a": {"type": "integer", "minimum": 1}}, required=["a"])
    request = ask(
        message("system", "Be brief."),
        "hé",
        functions=(add, Function("sub", "Subtract.", {"a": {"type": "integer", "minimum": 1}}, strict=True)),
        format_name="Answer",
        format_schema={"type": "object", "properties": {"n": {"type": "integer"}}},
        params={
            "temperature": 0,
            "top_p": 1,
            "top_k": 3,
            "max_tokens": 5,
            "stop": "x",
            "thinking": {"type": "adaptive"},
            "reasoning_effort": "low",
            "metadata": {"user_id": "u"},
            "service_tier": "auto",
            "tool_choice": "required",
            "parallel_tool_calls": False,
        },
        extra_body={"cache_control": {"type": "ephemeral"}},
        stream=True,
    )
    wire = build_request(request, SERVER)
    assert (wire.method, wire.url) == ("POST", "http://a/v1/messages")
    assert wire.body == (
        b'{"model":"m","system":[{"type":"text","text":"Be brief."}],'
        b'"messages":[{"role":"user","content":[{"type":"text","text":"h\\u00e9"}]}],'
        b'"max_tokens":5,"temperature":0,"top_p":1,"top_k":3,"stop_sequences":["x"],"thinking":{"type":"adaptive"},'
        b'"metadata":{"user_id":"u"},"service_tier":"auto","tools":[{"name":"add","description":"Add.",'
        b'"input_schema":{"type":"object","properties":{"a":{"type":"integer","minimum":1}},"required":["a"],'
        b'"additionalProperties":false}},{"name":"sub","description":"Subtract.","input_schema":{"type":"object",'
        b'"properties":{"a":{"type":"integer","description":"{\\"minimum\\":1}"}},"required":[],'
        b'"additionalProperties":false},"strict":true}],'
        b'"tool_choice":{"type":"any","disable_parallel_tool_use":true},"output_config":{"effort":"low","format":'
        b'{"type":"json_schema","schema":{"type":"object","properties":{"n":{"type":"integer"}},'
        b'"additionalProperties":false}}},"stream":true,"cache_control":{"type":"ephemeral"}}'
    )


def test_the_least_request_says_what_the_server_demands():
    """A limit on the reply is not optional in this format, and neither is its version."""
    wire = build_request(ask(), Profile(name="x", api="anthropic", base_url="http://x", max_tokens=7))
    assert json.loads(wire.body).keys() == {"model", "messages", "max_tokens"}
    assert json.loads(wire.body)["max_tokens"] == 7
    assert [value for name, value in wire.headers if name == "anthropic-version"] == ["2023-06-01"]
    newer = Profile(name="x", api="anthropic", base_url="http://x", headers=(("Anthropic-Version", "2026-10-21"),))
    headers = build_request(ask(), newer).headers
    assert [value for name, value in headers if name.lower() == "anthropic-version"] == ["2026-10-21"]


def test_neighbours_of_one_side_stand_in_one_turn():
    """The server refuses results that do not all come directly behind their calls."""
    body = body_of(
        "Add.",
        message("assistant", "Wait.", function_calls=CALLS),
        message("tool", "3", tool_call_id="c1"),
        message("tool", "", tool_call_id="c2"),
        "Go on.",
        message("assistant", "One"),
        message("assistant", "two."),
    )
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Add."}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Wait."},
                {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "add", "input": {"invalid": "{oops"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "3"},
                {"type": "tool_result", "tool_use_id": "c2"},
                {"type": "text", "text": "Go on."},
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "two."}]},
    ]


@pytest.mark.parametrize("system_turns", [False, True])
def test_a_later_system_message_is_a_turn_of_its_own(system_turns):
    """Only some models know system turns; to the others, what the system says later is said by the user."""
    profile = Profile(name="x", api="anthropic", base_url="http://x", system_turns=system_turns)
    late = {"role": "system" if system_turns else "user", "content": [{"type": "text", "text": "late"}]}
    user = {"role": "user", "content": [{"type": "text", "text": "u"}]}
    system = message("system", "late")
    assert body_of("u", system, profile=profile)["messages"] == [user, late]
    assert body_of("u", system, system, "u", profile=profile)["messages"] == [user, late, late, user]
    body = body_of(message("system", "s"), system, "u", profile=profile)
    assert (body["system"], body["messages"]) == ([{"type": "text", "text": "s"}], [late, user])


@pytest.mark.parametrize("leading", ["", " \n"])
def test_a_blank_system_message_is_not_sent(leading):
    """The server refuses a blank text; a prompt without a system text must still work."""
    body = body_of(message("system", leading), "u")
    assert "system" not in body
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "u"}]}]


def test_a_dialog_of_a_system_message_alone_and_of_nothing_is_json():
    """The server refuses both, and says so in words that a user can read."""
    assert body_of(message("system", "s"))["messages"] == []
    request = ModelRequest(Contract("m"), History())
    assert json.loads(build_request(request, SERVER).body)["messages"] == []


@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_message_without_text_still_has_a_block(role, text):
    """An empty reply and the complaint about it stay in a dialog; blank texts and empty turns are refused."""
    assert body_of(message(role, text))["messages"] == [{"role": role, "content": [{"type": "text", "text": NOTHING}]}]
    turn = body_of(message("assistant", text, function_calls=CALLS[:1]))["messages"][0]
    assert [block["type"] for block in turn["content"]] == ["tool_use"]
    assert body_of(message("assistant", refusal="No."))["messages"][0]["content"] == [{"type": "text", "text": "No."}]


def test_pictures_go_where_they_belong():
    """As bytes or as an address; in a result they stand inside it."""
    data, url = Image("QUJD", "image/jpeg"), Image(url="http://x/y.png")
    blocks = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "QUJD"}},
        {"type": "image", "source": {"type": "url", "url": "http://x/y.png"}},
    ]
    said = [{"type": "text", "text": "What?"}, *blocks]
    assert body_of(message("user", "What?", images=(data, url)))["messages"][0]["content"] == said
    seen = body_of(message("tool", "What?", tool_call_id="c", images=(data, url)))["messages"][0]["content"]
    assert seen == [{"type": "tool_result", "tool_use_id": "c", "content": said}]
    assert body_of(message("user", images=(data,)))["messages"][0]["content"] == blocks[:1]


def test_the_family_gets_its_own_pieces_back_and_nobody_else_does():
    """Signed thinking must come back untouched; a foreign signature is refused, and so is a blank text."""
    items = (THINKING, {"type": "text", "text": "\n\n"}, TEXT)
    reply = message("assistant", "x", reasoning="hm", native=Native("anthropic", items))
    assert body_of(reply)["messages"][0]["content"] == [THINKING, TEXT]
    other = Profile(name="other", api="anthropic", base_url="http://x")
    assert body_of(reply, profile=other)["messages"][0]["content"] == [TEXT]
    kin = Profile(name="other", family="anthropic", api="anthropic", base_url="http://x")
    assert body_of(reply, profile=kin)["messages"][0]["content"] == [THINKING, TEXT]
    bare = message("assistant", "x", native=Native("anthropic"))  # from another format of the family
    assert body_of(bare)["messages"][0]["content"] == [TEXT]
    blank = message("assistant", native=Native("anthropic", items[1:2]))
    assert body_of(blank)["messages"][0]["content"] == [{"type": "text", "text": NOTHING}]


def test_a_paused_turn_is_sent_back_as_one_turn():
    """The server goes on with its own search where it broke off: the pieces stand in their order, unchanged."""
    use = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    paused = message("assistant", "", native=Native("anthropic", (THINKING, use)))
    assert body_of(message("user", "go"), paused)["messages"][-1] == {"role": "assistant", "content": [THINKING, use]}
    rest = message("assistant", "x", native=Native("anthropic", (found, TEXT)))
    turns = body_of(message("user", "go"), paused, rest, message("user", "more"))["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[1]["content"] == [THINKING, use, found, TEXT]


def test_a_failed_function_says_so():
    """A model that reads an error as a result builds on it."""
    call = FunctionCall("c", "f", "{}")
    failed = to_result_message(call.answered(None, "Error: no", "no"), "Error: no")
    good = to_result_message(call.answered(1, "1"), "1")
    results = body_of(failed, good)["messages"][0]["content"]
    block = {"type": "tool_result", "tool_use_id": "c"}
    assert results == [{**block, "content": "Error: no", "is_error": True}, {**block, "content": "1"}]


def test_a_user_may_send_blocks_that_have_no_other_words():
    """Documents and cache marks: what is said to one family only is kept apart from what everybody reads."""
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}}
    result = {"type": "tool_result", "tool_use_id": "c", "content": "no", "is_error": True}
    messages = [
        message("user", "see d", native=Native("anthropic", (document,))),
        message("tool", "no", native=Native("anthropic", (result,))),
    ]
    assert body_of(*messages)["messages"] == [{"role": "user", "content": [document, result]}]


@pytest.mark.parametrize(
    ("choice", "parallel", "wanted"),
    [
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("auto", True, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", True, {"type": "any"}),
        (
            {"type": "function", "function": {"name": "f"}},
            False,
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        ({"type": "tool", "name": "f"}, True, {"type": "tool", "name": "f"}),
    ],
)
def test_a_choice_of_functions_is_said_in_the_formats_words(choice, parallel, wanted):
    """One spelling for all servers; the format's own is taken too."""
    assert to_choice(choice, parallel=parallel) == wanted


def test_a_choice_is_not_sent_where_there_is_nothing_to_choose():
    """The last step of a call offers no functions, and the server refuses a choice without them."""
    assert "tool_choice" not in body_of(params={"tool_choice": "auto"})
    web = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    assert body_of(params={"tool_choice": "auto"}, extra_body=web)["tool_choice"] == {"type": "auto"}


def test_tools_of_the_server_join_the_functions():
    """A search of the web may not cost the model its functions; a mark on a function is said in its place."""
    web, toolset = (
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "mcp_toolset", "mcp_server_name": "x"},
    )
    marked = {"name": "add", "input_schema": {"type": "object"}, "defer_loading": True}
    functions = (Function("add"), Function("sub"))
    tools = body_of(functions=functions, extra_body={"tools": [toolset, web, marked]})["tools"]
    assert [tool.get("name") for tool in tools] == ["add", "sub", None, "web_search"]
    assert (tools[0], tools[2]) == (marked, toolset)
    assert body_of(functions=functions, extra_body={"tools": []})["tools"] == body_of(functions=functions)["tools"]


@pytest.mark.parametrize("choice", ["sometimes", {"name": "f"}, 3])
def test_an_unknown_choice_is_named(choice):
    """A typo would otherwise be a refused call."""
    with pytest.raises(ConfigError, match="tool_choice"):
        to_choice(choice, parallel=True)


@pytest.mark.parametrize("name", ["seed", "logprobs", "frequency_penalty"])
def test_what_the_format_has_no_word_for_is_refused(name):
    """A request without the seed would be another request, and nobody would notice."""
    with pytest.raises(ConfigError, match=f"the anthropic format has no model argument '{name}'"):
        body_of(params={name: 1})
    assert name not in body_of(params={name: None})


@pytest.mark.parametrize("name", ["messages", "system", "stream"])
def test_extra_body_has_the_last_word_but_not_over_the_dialog(name):
    """A field of the server's own may replace ours; a dialog in it would be asked and never logged."""
    with pytest.raises(ConfigError, match=name):
        body_of(extra_body={name: []})
    request = ask(params={"max_tokens": 1}, extra_body={"max_tokens": 2, "model": "other"})
    body = build_request(request, SERVER).body
    assert body.startswith(b'{"model":"other","messages":[')
    assert body.endswith(b'],"max_tokens":2}')


def test_servers_differ_by_their_profile_alone():
    """Servers that imitate the format know no schemas of replies; one contract is rendered for each dialect."""
    request = ask(format_schema={"type": "object"})
    plain = Profile(name="p", api="anthropic", base_url="http://p", json_mode="none", max_tokens=9)
    assert "output_config" in json.loads(build_request(request, SERVER).body)
    body = json.loads(build_request(request, plain).body)
    assert "output_config" not in body
    assert body["max_tokens"] == 9


OPEN = {
    "type": "object",
    "description": "d",
    "properties": {
        "minimum": {"type": "integer", "minimum": 1, "description": "n"},
        "list": {"type": "array", "minItems": 2, "items": {"type": "object", "properties": {}}},
        "either": {"oneOf": [{"$ref": "#/$defs/A"}, {"type": "string", "pattern": "a"}]},
        "any": True,
        "said": {"default": {"properties": 1}, "enum": [{"minimum": 1}]},
    },
    "additionalProperties": {"type": "string"},
    "$defs": {"A": {"properties": {"x": {"type": "array", "minItems": 1}, "y": {"type": "array", "minItems": 0}}}},
}
STRICT = {
    "type": "object",
    "description": "d",
    "properties": {
        "minimum": {"type": "integer", "description": 'n\n\n{"minimum":1}'},
        "list": {
            "type": "array",
            "items": {"type": "object", "properties": {}, "additionalProperties": False},
            "description": '{"minItems":2}',
        },
        "either": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "string", "description": '{"pattern":"a"}'}]},
        "any": True,
        "said": {"default": {"properties": 1}, "enum": [{"minimum": 1}]},
    },
    "additionalProperties": {"type": "string"},
    "$defs": {
        "A": {
            "properties": {"x": {"type": "array", "minItems": 1}, "y": {"type": "array", "minItems": 0}},
            "additionalProperties": False,
        }
    },
}


def test_a_schema_is_held_to_what_the_server_accepts():
    """Pydantic writes open objects and bounds, and the server refuses both; the model still reads of the bounds."""
    assert to_strict_schema(OPEN) == STRICT
    assert to_strict_schema(STRICT) == STRICT


BOUNDS = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
]
BOUNDS += ["minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "format"]


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bound_is_told_to_the_model_and_not_to_the_server(name):
    """One keyword that the server does not know is a refused call."""
    assert to_strict_schema({"type": "string", name: 3}) == {"type": "string", "description": f'{{"{name}":3}}'}


@pytest.mark.parametrize(
    "name", ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"]
)
def test_a_usual_format_is_kept(name):
    """The model is held to it, which is more than being told."""
    assert to_strict_schema({"type": "string", "format": name}) == {"type": "string", "format": name}


def test_schemas_under_an_older_name_are_closed_too():
    """``definitions`` is what drafts before 2019 call ``$defs``; a list of items is passed on as it is."""
    closed = {"type": "object", "additionalProperties": False}
    schema = {"definitions": {"A": {"type": "object"}}, "allOf": [{"type": "object"}, True], "items": [1]}
    assert to_strict_schema(schema) == {"definitions": {"A": closed}, "allOf": [closed, True], "items": [1]}


roles = st.sampled_from(list(Roles))
texts = st.text(max_size=3) | st.just(" ")
calls = st.lists(st.builds(FunctionCall, st.text(max_size=2), st.just("f"), texts), max_size=2).map(tuple)
natives = st.none() | st.builds(Native, st.sampled_from(["anthropic", "x"]), st.just((THINKING,)))
messages = st.builds(Message, roles, texts, function_calls=calls, native=natives)


@given(st.lists(messages, max_size=6), st.booleans())
def test_a_body_is_json_and_keeps_to_the_format_whatever_the_dialog(dialog, system_turns):
    """No turn without content, no blank text, and each side's neighbours together unless the system speaks."""
    profile = Profile(name="anthropic", api="anthropic", base_url="http://a", system_turns=system_turns)
    request = ModelRequest(Contract("m"), history(*dialog))
    body = json.loads(build_request(request, profile).body)
    blocks = [block for turn in body["messages"] for block in turn["content"]] + body.get("system", [])
    assert all(turn["content"] for turn in body["messages"])
    assert all(block["text"].strip() for block in blocks if block["type"] == "text")
    if not any(said.role is Roles.SYSTEM for said in dialog[1:]):
        assert all(one["role"] != two["role"] for one, two in pairwise(body["messages"]))
    assert body == json.loads(build_request(ModelRequest(Contract("m"), history(*dialog)), profile).body)


@given(st.lists(messages, min_size=1, max_size=6))
def test_every_prefix_of_a_dialog_keeps_its_bytes(dialog):
    """The server's cache, and ours, are worth what two turns have in common."""
    whole = history(*dialog)
    encoder = encoder_of("anthropic", system_turns=False)
    parts = whole.encoded(encoder)
    for length in range(len(dialog)):
        assert history(*dialog[:length]).encoded(encoder) == parts[:length]
    body = build_request(ModelRequest(Contract("m"), whole), SERVER).body
    assert body.startswith(b'{"model":"m",' + b"".join(parts).removesuffix(b","))


def test_a_second_turn_encodes_only_what_is_new(monkeypatch):
    """Turn 1000 of a dialog must not cost a thousand encodings."""
    encoded = []

    def counting(said, before):
        encoded.append(said.content)
        return encode_message(said, before)

    monkeypatch.setattr("lllm.providers.wire.anthropic_request.encoder_of", lambda *_, **__: counting)
    first = ask("one", "two")
    build_request(first, SERVER)
    frames = dict(first.contract.rendered)
    grown = first.history.append(message("user", "three"), '"three"')
    body = json.loads(build_request(ModelRequest(first.contract, grown), SERVER).body)
    assert encoded == ["one", "two", "three"]
    assert [block["text"] for block in body["messages"][0]["content"]] == encoded
    assert all(first.contract.rendered[key] is frame for key, frame in frames.items())


def test_an_encoder_is_the_same_object_each_time():
    """Histories keep bytes under the encoder: another object would encode everything again."""
    assert encoder_of("a", system_turns=True) is encoder_of("a", system_turns=True)
    assert encoder_of("a", system_turns=True) is not encoder_of("a", system_turns=False)


def test_half_characters_and_quotes_survive():
    """Prompts hold anything; a body that is no JSON is a lost call."""
    text = 'a"\\\n\ud800'
    assert body_of(text)["messages"][0]["content"][0]["text"] == text
    assert encode_json(text) in build_request(ask(text), SERVER).body.decode()
