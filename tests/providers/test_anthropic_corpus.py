"""Recorded exchanges of Anthropic's API: every reply means what it says, and most requests can be said in our words."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from anthropic_words import express, normal
from chat_values import SHARED

from lllm.errors import BadRequest, NotFound
from lllm.models.message import Message
from lllm.providers import parse_exchange
from lllm.providers.wire.anthropic_request import build_request
from lllm.providers.wire.profile import Profile

SERVER = Profile(name="anthropic", base_url="http://a", api="anthropic", system_turns=True)
FILE = SHARED / "wire" / "anthropic.jsonl"
RECORDED = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
FAILURES = {400: BadRequest, 404: NotFound}
FINISHES = {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "function_calls", "max_tokens": "length"}

pytestmark = pytest.mark.skipif(not RECORDED, reason="the recorded exchanges are not beside this repository")


def read_plainly(recorded):
    """What a recorded reply says, read without any tolerance: its blocks, why it ended, and its usage."""
    if "event-stream" not in recorded["headers"]["content-type"]:
        data = json.loads(recorded["response"])
        return data["content"], data["stop_reason"], data["usage"]
    blocks, finish, usage, written = [], None, {}, {}
    for line in recorded["response"].splitlines():
        event = json.loads(line[6:]) if line.startswith("data: ") else {"type": ""}
        if event["type"] == "message_start":
            usage = dict(event["message"]["usage"])
        elif event["type"] == "content_block_start":
            blocks.append(dict(event["content_block"]))
        elif event["type"] == "message_delta":
            finish = event["delta"]["stop_reason"]
            usage |= event["usage"]
        elif event["type"] == "content_block_delta":
            add(blocks[event["index"]], event["delta"], written.setdefault(event["index"], []))
    for index, pieces in written.items():
        if any(pieces):
            blocks[index]["input"] = json.loads("".join(pieces))
    return blocks, finish, usage


def add(block, delta, pieces):
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        case "input_json_delta":
            pieces.append(delta["partial_json"])
        case other:
            raise AssertionError(other)


def texts(blocks, kind, field):
    return "".join(block[field] for block in blocks if block["type"] == kind)


@pytest.mark.parametrize("recorded", RECORDED, ids=[recorded["id"] for recorded in RECORDED])
def test_a_recorded_exchange_means_what_it_says(recorded):
    """Whoever reads one of them wrongly loses text, a call, signed thinking or money."""
    body = recorded["response"].encode()
    got = parse_exchange("anthropic", recorded["status"], recorded["headers"], body)
    if recorded["status"] != 200:
        assert type(got) is FAILURES[recorded["status"]]
        assert got.message.endswith(json.loads(body)["error"]["message"])
        return
    assert isinstance(got, Message), got
    blocks, finish, usage = read_plainly(recorded)
    assert got.content == texts(blocks, "text", "text")
    assert got.reasoning == texts(blocks, "thinking", "thinking")
    calls = [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    assert [(call.id, call.name, call.arguments) for call in got.function_calls] == calls
    assert got.finish == FINISHES[finish]
    foreign = any(block["type"] not in ("text", "tool_use") for block in blocks)
    assert (list(got.native.items) if got.native else None) == (blocks if foreign else None)
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    told = (usage["input_tokens"] + read + written, usage["output_tokens"], read, written)
    mine = got.usage
    assert (mine.prompt_tokens, mine.completion_tokens, mine.cached_prompt_tokens, mine.cache_write_tokens) == told
    assert mine.reasoning_tokens == (usage.get("output_tokens_details") or {}).get("thinking_tokens", 0)


OWN = 98
NEEDED = {
    "extra_body: a tool of the server": 53,
    "extra_body: cache_control": 5,
    "extra_body: container": 2,
    "extra_body: input_schema.description": 30,
    "extra_body: mcp_servers": 3,
    "extra_body: output_config.task_budget": 1,
    "extra_body: tools.defer_loading": 61,
    "native: container_upload": 3,
    "native: document": 6,
    "native: document of a file or in a result": 4,
    "native: image of a file or in a result": 2,
    "native: text cache_control": 3,
    "native: tool_addition": 7,
    "native: tool_reference of a file or in a result": 25,
    "native: tool_result is_error": 2,
    "system_turns: a system message amid the dialog": 18,
}
"""How many recorded requests need a field of the server's own, its own blocks in a message, or a setting."""


def test_recorded_requests_can_be_said():
    """What can be said only past our own words is counted by the reason, so that a user can be told of it."""
    reasons, own = Counter(), 0
    for recorded in RECORDED:
        body = normal(json.loads(recorded["request"]))
        request, why = express(body)
        assert normal(json.loads(build_request(request, SERVER).body)) == body, recorded["id"]
        reasons.update(why)
        own += not why
    assert dict(reasons) == NEEDED
    assert own == OWN
