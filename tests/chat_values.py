"""Requests for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

from lllm.const import Roles
from lllm.models.history import History
from lllm.models.message import Message, message_to_dict
from lllm.models.request import Contract, ModelRequest
from lllm.utils import encode_json

SHARED = Path(__file__).parents[1].parent / "shared"


def history(*messages):
    """A history of messages; a plain text is a user's."""
    grown = History()
    for message in messages:
        value = message if isinstance(message, Message) else Message(Roles.USER, message)
        grown = grown.append(value, encode_json(message_to_dict(value)))
    return grown


def ask(*messages, stream=False, model="m", **contract):
    """A request that asks ``messages``, or just says hello."""
    return ModelRequest(Contract(model, **contract), history(*(messages or ("hello",))), stream=stream)


def sse(*chunks, done=True):
    """A streamed body that holds ``chunks``."""
    return b"".join(b"data: %b\n\n" % encode_json(c).encode() for c in chunks) + (b"data: [DONE]\n\n" if done else b"")


def chunk(finish=None, **delta):
    """One piece of a streamed reply."""
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def reply(finish="stop", usage=None, **message):
    """A whole reply as bytes."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}
    return encode_json({"model": "m", "choices": [choice], "usage": usage}).encode()
