"""Recorded requests of the chat format: what 352 calls of real services hold can be said in our words, or why not."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from chat_values import SHARED
from chat_words import express, normal

from lllm.models.message import Message
from lllm.providers import parse_exchange
from lllm.providers.wire.chat_request import build_request
from lllm.utils import encode_json

FILE = SHARED / "wire" / "chat.jsonl"
RECORDED = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []

pytestmark = pytest.mark.skipif(not RECORDED, reason="the recorded exchanges are not beside this repository")

OWN = 234
NEEDED = {
    "extra_body: a tool of type openrouter:advisor": 2,
    "extra_body: a tool of type openrouter:web_search": 4,
    "extra_body: moderation": 4,
    "extra_body: preset": 1,
    "extra_body: prompt_cache_options": 2,
    "extra_body: provider": 7,
    "extra_body: reasoning": 5,
    "extra_body: reasoning_format": 5,
    "extra_body: response_format": 3,
    "extra_body: search_settings": 1,
    "extra_body: thinking": 6,
    "extra_body: tools.cache_control": 4,
    "extra_body: tools.eager_input_streaming": 1,
    "extra_body: tools.parameters without additionalProperties": 6,
    "extra_body: tools.parameters.$defs": 30,
    "extra_body: tools.parameters.description": 1,
    "extra_body: tools.parameters.title": 5,
    "extra_body: web_search_options": 2,
    "native: cache_control": 17,
    "native: document_url": 6,
    "native: file": 9,
    "native: input_audio": 2,
    "native: prompt_cache_breakpoint": 2,
    "native: several texts": 21,
    "native: video_url": 1,
}
"""How many recorded requests need a field of the server's own, or its own parts in a message."""


def test_recorded_requests_can_be_said():
    """What can be said only past our own words is counted by the reason, so that a user can be told of it."""
    reasons, own = Counter(), 0
    for recorded in RECORDED:
        body = normal(json.loads(recorded["request"]))
        request, profile, why = express(body)
        assert normal(json.loads(build_request(request, profile).body)) == body, recorded["id"]
        reasons.update({*why})
        own += not why
    assert own == OWN
    assert dict(sorted(reasons.items())) == NEEDED


def test_what_a_server_adds_to_a_reply_is_kept_as_it_came():
    """Signed or encrypted reasoning and the signature of a call: changed or forgotten, the next turn is refused."""
    kept = Counter()
    for recorded in RECORDED:
        body = recorded["response"]
        if recorded["status"] != 200 or not body.startswith("{") or "choices" not in body:
            continue
        told = json.loads(body)["choices"][0]["message"]
        got = parse_exchange("chat", 200, recorded["headers"], body.encode())
        if not isinstance(got, Message):
            continue
        (item,) = got.native.items if got.native and got.native.items else ({},)
        for name in ("reasoning_details", "extra_content"):
            assert item.get(name) == (told.get(name) or None), recorded["id"]
        kept.update([*item])
        encode_json(item)
    assert kept == {"reasoning_details": 5, "extra_content": 2}
