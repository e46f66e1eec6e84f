"""What servers of the chat format add to a reply, and what a user's message may hold beside text and pictures."""

from __future__ import annotations

import json

import pytest
from chat_values import ask, chunk, reply, sse
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import Roles
from lllm.models.message import Message, Native, message_from_dict, message_to_dict
from lllm.providers.wire.chat_reply import parse_reply, read_stream
from lllm.providers.wire.chat_request import build_request
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.profile import Profile

MINE = Profile(name="mine", base_url="http://m/v1")
DETAILS = [
    {"type": "reasoning.text", "text": "hm, so", "signature": "c2ln", "index": 0, "format": None},
    {"type": "reasoning.encrypted", "data": "gAAA", "index": 1},
]
SIGNED = {"google": {"thought_signature": "c2ln"}}
CALLS = [
    {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": SIGNED},
    {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
]
PIECES = [
    {"type": "reasoning.text", "text": "hm", "index": 0, "format": None},
    {"type": "reasoning.text", "text": ", so", "signature": None, "index": 0},
    {"type": "reasoning.text", "signature": "c2ln", "index": 0},
    {"type": "reasoning.encrypted", "data": "gA", "index": 1},
    {"type": "reasoning.encrypted", "data": "AA", "index": 1},
]


def whole():
    body = reply(
        "tool_calls", content="x", reasoning="hm, so", reasoning_details=DETAILS, tool_calls=CALLS, extra_content=SIGNED
    )
    return parse_reply(body, Asked(family="mine"))


def streamed(pieces):
    deltas = [chunk(reasoning_details=[piece]) for piece in pieces]
    calls = [chunk(tool_calls=[{"index": number, **call}]) for number, call in enumerate(CALLS)]
    stream = read_stream(Asked(family="mine"))
    stream.feed(sse(*deltas, chunk(reasoning="hm, so", content="x"), *calls, chunk("tool_calls", extra_content=SIGNED)))
    return stream.end()


def sent(message, profile=MINE):
    return json.loads(build_request(ask("hi", message), profile).body)["messages"][-1]


def test_what_was_added_is_sent_back_as_it_came_also_from_a_log():
    """Gemini refuses a call without its signature, Claude a thought without its own: the dialog would end there."""
    for message in (whole(), streamed(PIECES)):
        back = sent(message_from_dict(json.loads(json.dumps(message_to_dict(message)))))
        assert back["reasoning_details"] == DETAILS
        assert back["tool_calls"] == CALLS
        assert back["extra_content"] == SIGNED
        assert "reasoning" not in back


def test_no_other_server_is_sent_it():
    """A strict one refuses fields that it does not know; and what it says is nobody else's business."""
    back = sent(whole(), Profile(name="other", base_url="http://o/v1"))
    assert back.keys() == {"role", "content", "tool_calls"}
    assert [call.keys() for call in back["tool_calls"]] == [{"id", "type", "function"}] * 2


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_in_the_open_goes_back_under_the_name_that_the_server_knows(field):
    """DeepSeek and z.ai say reasoning_content; Cerebras, Groq and Ollama say reasoning."""
    profile = Profile(name="mine", base_url="http://m/v1", send_reasoning=True, reasoning_field=field)
    assert sent(whole(), profile)[field] == "hm, so"


def test_details_of_a_whole_reply_are_never_joined():
    """Two that look alike are two: only a stream sends pieces."""
    twice = [DETAILS[1], DETAILS[1]]
    message = parse_reply(reply(content="x", reasoning_details=twice), Asked(family="mine"))
    assert message.native == Native("mine", ({"reasoning_details": twice},))


def test_a_user_may_say_what_only_one_server_understands():
    """A document, a sound, a mark for the cache: the parts are sent as they are, and only there."""
    parts = ({"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}}, {"type": "file", "file": {}})
    for role in (Roles.SYSTEM, Roles.USER, Roles.TOOL):
        message = Message(role, "look", tool_call_id="a", native=Native("mine", parts))
        assert sent(message)["content"] == list(parts)
        assert sent(message, Profile(name="other", base_url="http://o/v1"))["content"] == "look"
    assert sent(Message(Roles.USER, "look", native=Native("mine")))["content"] == "look"


@pytest.mark.parametrize("detail", [{"x": float("nan")}, {"x": json.loads("[" * 300 + "]" * 300)}])
def test_what_no_log_can_hold_is_left_out(detail):
    """The reply is worth more than what was added to it."""
    message = parse_reply(
        json.dumps({"choices": [{"message": {"content": "x", "reasoning_details": [detail]}}]}).encode()
    )
    assert (message.content, message.native) == ("x", Native(""))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_details_in_pieces_of_any_size_are_the_same(sizes):
    """How a server cuts its words is chance."""
    text, pieces = "abcdefghij", []
    for size in sizes:
        pieces.append({"type": "reasoning.text", "text": text[:size], "index": 0})
        text = text[size:]
    pieces += [{"type": "reasoning.text", "text": text, "index": index} for index, text in enumerate([text, "k"])]
    (item,) = streamed(pieces).native.items
    assert item["reasoning_details"] == [
        {"type": "reasoning.text", "text": "abcdefghij", "index": 0},
        {"type": "reasoning.text", "text": "k", "index": 1},
    ]
