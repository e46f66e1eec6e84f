"""Recorded exchanges of the Responses format: every reply means what it says, and requests can be said in our words."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from chat_values import SHARED
from responses_words import express, normal

from lllm.errors import BadReply, BadRequest
from lllm.models.message import Message
from lllm.providers import parse_exchange
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.profile import Profile
from lllm.providers.wire.responses_reply import read_stream
from lllm.providers.wire.responses_request import build_request

SERVER = Profile(name="responses", base_url="http://r/v1", api="responses")
FILE = SHARED / "wire" / "responses.jsonl"
RECORDED = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
FAULTS = SHARED / "provider_faults.jsonl"
FINISHES = {"completed": "stop", "complete": "stop"}

pytestmark = pytest.mark.skipif(not RECORDED, reason="the recorded exchanges are not beside this repository")


def is_streamed(recorded):
    return recorded["response"].startswith("event:")


def read_plainly(recorded):
    """What a recorded reply says, read without any tolerance; a stream is read by its pieces, not by its last event."""
    if not is_streamed(recorded):
        data = json.loads(recorded["response"])
        return data, data["output"]
    items, data = [], None
    for line in recorded["response"].splitlines():
        event = json.loads(line[6:]) if line.startswith("data: ") else {"type": ""}
        match event["type"]:
            case "response.output_item.added":
                assert event["output_index"] == len(items)
                items.append(event["item"] | {"content": [], "arguments": ""})
            case "response.output_text.delta":
                items[event["output_index"]]["content"].append({"type": "output_text", "text": event["delta"]})
            case "response.function_call_arguments.delta":
                items[event["output_index"]]["arguments"] += event["delta"]
            case "response.completed":
                data = event["response"]
    return data, items


@pytest.mark.parametrize("recorded", RECORDED, ids=[recorded["id"] for recorded in RECORDED])
def test_a_recorded_exchange_means_what_it_says(recorded):
    """Five real services: whoever reads one of them wrongly loses text, a call, encrypted reasoning or money."""
    body = recorded["response"].encode()
    got = parse_exchange("responses", recorded["status"], recorded["headers"], body)
    if recorded["status"] != 200:
        assert type(got) is BadRequest
        assert got.message.endswith(json.loads(body)["error"]["message"])
        return
    data, items = read_plainly(recorded)
    if data["status"] == "queued":
        assert isinstance(got, BadReply)
        assert not got.retryable
        return
    assert isinstance(got, Message), got
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    assert got.content == "".join(part["text"] for part in parts if part["type"] == "output_text")
    calls = [(item["call_id"], item["name"], item["arguments"]) for item in items if item["type"] == "function_call"]
    assert [(call.id, call.name, call.raw_arguments) for call in got.function_calls] == calls
    assert got.finish == ("function_calls" if calls else FINISHES[data["status"]])
    assert got.model == data["model"]
    usage = data["usage"]
    counts = [usage["input_tokens"], usage["output_tokens"], usage["input_tokens_details"]["cached_tokens"]]
    counts += [usage["output_tokens_details"]["reasoning_tokens"]]
    counts += [usage["input_tokens_details"].get("cache_write_tokens", 0)]
    mine = got.usage
    told = [mine.prompt_tokens, mine.completion_tokens, mine.cached_prompt_tokens, mine.reasoning_tokens]
    assert [*told, mine.cache_write_tokens] == counts


@pytest.mark.parametrize("recorded", RECORDED, ids=[recorded["id"] for recorded in RECORDED])
def test_what_only_the_server_understands_is_kept_as_it_came(recorded):
    """Encrypted reasoning that is changed, or parted from what followed it, makes the next request fail."""
    got = parse_exchange("responses", recorded["status"], recorded["headers"], recorded["response"].encode())
    if not isinstance(got, Message):
        return
    output = read_plainly(recorded)[0]["output"]
    kinds = {item["type"] for item in output}
    if any(
        item["type"] == "reasoning" and not (item.get("encrypted_content") or item.get("content")) for item in output
    ):
        assert got.native is None
    elif kinds - {"message", "function_call"} or any(item.get("phase") or item.get("namespace") for item in output):
        assert list(got.native.items) == output
    else:
        assert got.native is None


@pytest.mark.parametrize("recorded", [r for r in RECORDED if is_streamed(r)], ids=lambda recorded: recorded["id"])
def test_a_recorded_stream_means_the_same_in_pieces_and_without_its_last_word(recorded):
    """How bytes are cut is chance, and some gateways leave the last event's items empty."""
    body = recorded["response"].encode()
    whole = parse_exchange("responses", 200, recorded["headers"], body)
    asked = Asked(family="responses")
    stream = read_stream(asked)
    deltas = [delta for at in range(0, len(body), 7) for delta in stream.feed(body[at : at + 7])]
    assert stream.end() == whole
    assert "".join(delta.text for delta in deltas if delta.kind == "text") == whole.content
    assert "".join(delta.text for delta in deltas if delta.kind == "reasoning") == whole.reasoning
    start, event = body.rsplit(b"event: response.completed", 1)
    last = json.loads(event.split(b"data: ", 1)[1])
    last["response"]["output"] = []
    empty = read_stream(asked)
    empty.feed(start + b"data: " + json.dumps(last).encode() + b"\n\n")
    # An encryption is another one each time, and one recording lacks the ends of three items.
    assert shown(empty.end()) == shown(whole)


def shown(message):
    kept = [(item["type"], item["id"]) for item in message.native.items] if message.native else []
    return repr(replace(message, native=None)), kept


@pytest.mark.parametrize("name", ["rs_failed", "rs_incomplete_filter", "rs_sse_failed_event", "rs_sse_error_event"])
def test_a_recorded_fault_ends_as_is_proposed(name):
    """The named error says whether it is worth another try, and holds the text so far."""
    fault = next(f for f in map(json.loads, FAULTS.read_text().splitlines()) if f["name"] == name)
    body = fault.get("body") or "".join(fault["chunks"])
    got, expected = parse_exchange("responses", 200, fault["headers"], body.encode()), fault["expect"]
    if expected["outcome"] == "ok":
        assert (got.content, got.finish) == (expected["text"], expected["finish"])
    else:
        assert (type(got).__name__, got.retryable) == (expected["error"], expected["retryable"])
        assert got.partial == expected.get("partial", "")


OWN = 95
NEEDED = {
    "extra_body: a tool of type code_interpreter": 5,
    "extra_body: a tool of type file_search": 4,
    "extra_body: a tool of type image_generation": 1,
    "extra_body: a tool of type mcp": 2,
    "extra_body: a tool of type namespace": 1,
    "extra_body: a tool of type tool_search": 30,
    "extra_body: a tool of type web_search": 11,
    "extra_body: background": 5,
    "extra_body: context_management": 4,
    "extra_body: include code_interpreter_call.outputs": 3,
    "extra_body: include file_search_call.results": 1,
    "extra_body: moderation": 1,
    "extra_body: previous_response_id": 3,
    "extra_body: prompt_cache_options": 2,
    "extra_body: provider": 2,
    "extra_body: text": 6,
    "extra_body: tools.defer_loading": 29,
    "extra_body: tools.parameters without additionalProperties": 2,
    "extra_body: tools.parameters.description": 22,
    "native: additional_tools": 17,
    "native: input_file by file_data": 8,
    "native: input_file by file_id": 2,
    "native: input_file by file_url": 3,
    "native: input_image by file_id": 2,
    "native: prompt_cache_breakpoint": 2,
    "native: tool_search_output": 6,
}
REFUSED = {"conversation": 6}
"""How many recorded requests need a field of the server's own, its own items in a message, or cannot be asked at all."""


def test_recorded_requests_can_be_said():
    """What can be said only past our own words is counted by the reason, so that a user can be told of it."""
    reasons, own, refused = Counter(), 0, Counter()
    for recorded in RECORDED:
        body = normal(json.loads(recorded["request"]))
        if "conversation" in body:
            refused["conversation"] += 1
            continue
        request, why = express(body)
        assert normal(json.loads(build_request(request, SERVER).body)) == body, recorded["id"]
        reasons.update(why)
        own += not why
    assert dict(reasons) == NEEDED
    assert dict(refused) == REFUSED
    assert own == OWN
