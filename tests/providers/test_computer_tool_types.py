"""The computer-use tool against the types of the vendor's own client, which are made from its API's description."""

from __future__ import annotations

import json

import pytest
from chat_values import ask
from test_computer_tool import (
    ACTIONS,
    CALLED,
    CHECKS,
    COMPUTER,
    OTHER_SHOT,
    PREVIEW,
    SAID,
    SHOT,
    THOUGHT,
    asked_by,
    body,
    body_of,
    computer,
    moved,
    read,
    result,
)

from lllm.models.function import Function

pytest.importorskip("openai", reason="the vendor's client is not installed")

from openai.types.responses import Response, ResponseInputItemParam, ToolParam
from openai.types.responses.response_create_params import ToolChoice
from pydantic import TypeAdapter

ITEMS = TypeAdapter(list[ResponseInputItemParam])
TOOLS = TypeAdapter(list[ToolParam])
CHOICE = TypeAdapter(ToolChoice)
FACTS = {"object": "response", "created_at": 0, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


def is_known(adapter, value):
    """Whether the client's types hold all of a value: what they do not know, they leave out."""
    kept = adapter.dump_python(adapter.validate_python(value, strict=True), warnings=False)
    return json.loads(json.dumps(kept, default=list)) == value


@pytest.mark.parametrize("vendor", [COMPUTER, PREVIEW])
def test_what_is_offered_is_a_tool_of_the_client(vendor):
    """A field of a wrong name would be refused by the service only."""
    choice = {"type": "function", "name": "computer"}
    told = body_of(ask(functions=(computer(vendor), Function("add", "Add.")), params={"tool_choice": choice}))
    assert is_known(TOOLS, told["tools"])
    assert is_known(CHOICE, told["tool_choice"])


def test_what_is_sent_back_is_an_item_of_the_client():
    """Each kind of item that a dialog with a computer can hold."""
    reply = read(THOUGHT, SAID, moved("c1", ACTIONS, pending_safety_checks=CHECKS), CALLED, moved("c2"), moved("c3"))
    results = (
        result("c1", "note: x", OTHER_SHOT, SHOT),
        result("f1", "a text", SHOT),
        result("c2", "no"),
        result("c3", "", OTHER_SHOT),
    )
    items = body_of(ask("hi", reply, *results, "go on"))["input"]
    assert len(items) == 1 + 6 + 4 + 2 + 1
    for item in items:
        assert is_known(ITEMS, [item])


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action["type"])
def test_what_is_understood_is_a_reply_of_the_client(action):
    """Else our tests would tell of a server that is not there."""
    older = {key: value for key, value in moved().items() if key != "actions"}
    for item in (moved(actions=[action], pending_safety_checks=CHECKS), {**older, "action": action}):
        data = {**FACTS, **json.loads(body(item))}
        (theirs,) = Response.model_validate(data, strict=True).output
        dumped = theirs.model_dump(mode="json", exclude_unset=True)
        assert dumped == item
        assert asked_by(dumped) == asked_by(item)
