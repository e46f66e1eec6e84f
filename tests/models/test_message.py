"""Messages: values that survive the way into a log and back."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import CompletionCost, Finish, Modalities, Roles
from lllm.models import Attempt, FunctionCall, Image, Message, TokenLogprob
from lllm.models.message import (
    Native,
    message_from_dict,
    message_to_dict,
    reply_facts_from_dict,
    reply_facts_to_dict,
    to_result_message,
)
from lllm.utils import encode_json

TEXT = st.text(st.characters(exclude_categories=()), max_size=8)  # lone surrogates too
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(Roles),
    content=TEXT,
    creator=TEXT,
    function_calls=st.lists(st.builds(FunctionCall, TEXT, TEXT, TEXT), max_size=3).map(tuple),
    tool_call_id=TEXT,
    images=st.lists(st.builds(Image, TEXT, TEXT), max_size=2).map(tuple),
    reasoning=TEXT,
    refusal=TEXT,
    native=st.none()
    | st.builds(Native, TEXT, st.lists(st.dictionaries(TEXT, TEXT, max_size=2), max_size=2).map(tuple)),
    extra=st.dictionaries(TEXT, st.integers() | TEXT | st.none(), max_size=2),
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 10**9)
USAGES = st.builds(CompletionCost, COUNT, COUNT, COUNT, COUNT, st.none() | FINITE, cache_write_tokens=COUNT)
LOGPROBS = st.builds(TokenLogprob, TEXT, FINITE, st.lists(st.tuples(TEXT, FINITE), max_size=3).map(tuple))


def through_json(data):
    return json.loads(encode_json(data))


@given(MESSAGES)
def test_a_message_survives_the_log(message):
    """A replay speaks with the same messages, to the last surrogate."""
    data = message_to_dict(message)
    assert message_from_dict(data) == message
    assert message_from_dict(through_json(data)) == message
    assert message_to_dict(message_from_dict(through_json(data))) == data


@given(MESSAGES, USAGES, st.sampled_from(Finish), TEXT, st.lists(LOGPROBS, max_size=3).map(tuple), st.booleans())
def test_what_is_known_of_a_reply_survives_the_log(message, usage, finish, model, logprobs, cached):
    """Costs and probabilities of a replayed reply are those of the real one."""
    reply = dataclasses.replace(message, usage=usage, finish=finish, model=model, logprobs=logprobs, cached=cached)
    facts = reply_facts_from_dict(through_json(reply_facts_to_dict(reply)))
    assert message_from_dict(message_to_dict(reply), **facts) == reply


def test_empty_fields_are_left_out():
    """Every byte of a message is written once a turn and read for years."""
    assert message_to_dict(Message(Roles.USER, "")) == {"role": "user", "content": ""}
    assert "logprobs" not in reply_facts_to_dict(Message(Roles.ASSISTANT))


def test_an_answer_knows_its_function_and_the_log_tells_of_neither():
    """Some servers want the name and the failure; the call tells both, and logs of before must still replay."""
    call = FunctionCall("c", "f", "{}")
    good, bad = to_result_message(call.answered(1, "1"), "1"), to_result_message(call.answered(None, "", "no"), "no")
    assert [(m.role, m.content, m.function_name, m.is_error) for m in (good, bad)] == [
        (Roles.TOOL, "1", "f", False),
        (Roles.TOOL, "no", "f", True),
    ]
    assert message_to_dict(bad) == {"role": "tool", "content": "no", "creator": "function", "tool_call_id": "c"}


def test_all_fields_have_their_names_in_the_log():
    """Old logs are read by new code, so these names stay."""
    message = Message(
        Roles.ASSISTANT,
        "hi",
        "coder",
        (FunctionCall("c1", "f", '{"a": 1}'),),
        "c0",
        (Image("aGk="),),
        reasoning="hm",
        refusal="no",
        native=Native("f", ({"sealed": "x"},)),
        extra={"k": 1},
    )
    assert message_to_dict(message) == {
        "role": "assistant",
        "content": "hi",
        "creator": "coder",
        "calls": [{"id": "c1", "name": "f", "arguments": '{"a": 1}'}],
        "tool_call_id": "c0",
        "images": [{"media_type": "image/png", "base64": "aGk="}],
        "reasoning": "hm",
        "refusal": "no",
        "native": {"family": "f", "items": [{"sealed": "x"}]},
        "extra": {"k": 1},
    }
    reply = Message(Roles.ASSISTANT, usage=CompletionCost(1, 2, 3, 4, 0.5), model="m", finish=Finish.LENGTH)
    assert reply_facts_to_dict(reply) == {"usage": [1, 2, 3, 4], "cost_usd": 0.5, "finish": "length", "model": "m"}
    kept = Message(Roles.ASSISTANT, usage=CompletionCost(1, 2, 3, 4, cache_write_tokens=5), model="m", cached=True)
    assert reply_facts_to_dict(kept) == {"usage": [1, 2, 3, 4, 5], "cached": True, "model": "m"}


def test_what_a_message_carries_follows_from_its_fields():
    """Nobody has to say it twice."""
    call, image = FunctionCall("1", "f", ""), Image("aGk=")
    assert Message(Roles.USER, "x").modality is Modalities.TEXT
    assert Message(Roles.USER, images=(image,)).modality is Modalities.IMAGE
    assert Message(Roles.ASSISTANT, function_calls=(call,), images=(image,)).modality is Modalities.FUNCTION_CALL
    assert Message(Roles.ASSISTANT, function_calls=(call,)).is_function_call
    assert not Message(Roles.ASSISTANT).is_function_call


def test_parsing_makes_another_message():
    """The reply as it came is already logged, and stays as it is."""
    reply = Message(Roles.ASSISTANT, "5", usage=CompletionCost(1, 1, cost_usd=0.0))
    attempts = (Attempt("five", "no number"),)
    parsed = reply.with_parsed(5, attempts)
    assert (parsed.parsed, parsed.execution_attempts, parsed.content, parsed.cost) == (5, attempts, "5", reply.usage)
    assert (reply.parsed, reply.execution_attempts) == (None, ())


def test_a_message_cannot_be_changed():
    """Dialogs share their messages."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Message(Roles.USER).content = "other"
    assert Message(Roles.USER).extra is not Message(Roles.USER).extra


def test_another_creator_is_another_message():
    """The model's name for itself is not the agent's."""
    reply = Message(Roles.ASSISTANT, "5", model="m", parsed=5)
    named = reply.by("coder", {"k": 1})
    assert named == dataclasses.replace(reply, creator="coder", extra={"k": 1})
    assert (reply.creator, reply.extra) == ("", {})
