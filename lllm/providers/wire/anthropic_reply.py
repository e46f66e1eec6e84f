"""The Anthropic Messages format, reply side: bytes to one Message. Pure.

A whole reply is a list of content blocks; a stream begins the same blocks and adds to them. Text and calls become the
message's own; if there is any block of another kind (signed thinking, what a tool of the server did), all of them are
kept as they came, because the server wants them back in their order. Only named errors leave this file.
"""

from __future__ import annotations

from typing import Any

from lllm.const import CompletionCost, Finish
from lllm.errors import BadReply
from lllm.models.message import Message
from lllm.providers.wire.anthropic_blocks import Blocks
from lllm.providers.wire.classify import raise_failure
from lllm.providers.wire.draft import NOBODY, Asked, Draft
from lllm.providers.wire.loose import Json, parse_json, parse_object, start_of, to_count, to_dict, to_list, to_text
from lllm.providers.wire.sse import EventDecoder
from lllm.providers.wire.stream import ReplyStream

_FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.FUNCTION_CALLS,
    "pause_turn": Finish.PAUSE,
    "compaction": Finish.PAUSE,
    "refusal": Finish.REFUSAL,
}


def parse_reply(body: bytes, asked: Asked = NOBODY) -> Message[Any]:
    """Return the message of a whole reply. Pure.

    Raises:
        BadReply: it is not the format, or holds no content.
        StatusError: it holds an error, as gateways send them.
    """
    data = parse_object(body)
    raise_failure(data, to_text(data.get("type")))
    content = data.get("content")
    if not isinstance(content, list):
        raise BadReply("the reply holds no message", excerpt=start_of(body))
    draft = Draft(asked)
    draft.model, draft.usage = to_text(data.get("model")), _to_usage(to_dict(data.get("usage")))
    blocks = Blocks(draft)
    for index, block in enumerate(map(to_dict, to_list(content))):
        blocks.begin(index, block)
    blocks.close()
    _take_end(draft, data)
    return draft.to_message()


def read_stream(asked: Asked = NOBODY) -> ReplyStream:
    """Return a reader of a streamed reply."""
    return ReplyStream(EventDecoder(), _EventReader(asked))


class _EventReader:
    """Takes events until ``message_stop``; what their name says, their data says too, so the name may be missing."""

    def __init__(self, asked: Asked) -> None:
        self.draft = Draft(asked)
        self.done = False
        self._blocks = Blocks(self.draft)
        self._usage: Json = {}
        self._began = False

    def take(self, name: str, data: bytes) -> None:
        if data.strip() == b"[DONE]":  # the last word of another format, which proxies add
            return
        event = to_dict(parse_json(data))
        kind = to_text(event.get("type")) or name
        raise_failure(event, name if name == "error" else kind)  # llama.cpp says so in the name alone
        index = event.get("index")
        match kind:
            case "message_start":
                self._began = True
                message = to_dict(event.get("message"))
                self.draft.model = to_text(message.get("model"))
                self._take_usage(message)
            case "content_block_start":
                self._blocks.begin(index, to_dict(event.get("content_block")))
            case "content_block_delta":
                self._blocks.add(index, to_dict(event.get("delta")))
            case "message_delta":
                self._take_usage(event)
                _take_end(self.draft, to_dict(event.get("delta")))
            case "message_stop":
                self._blocks.close()
                self.done = True
            case _:
                pass

    def _take_usage(self, told: Json) -> None:
        """Take counts: each is the sum so far, and one that is left out stays as it was."""
        self._usage.update({name: count for name, count in to_dict(told.get("usage")).items() if count is not None})
        self.draft.usage = _to_usage(self._usage)

    def may_end(self) -> bool:
        return False

    def has_reply(self) -> bool:
        return self._began or bool(self.draft.text or self.draft.calls)


def _take_end(draft: Draft, told: Json) -> None:
    """Take why the model stopped; a refusal may say why."""
    reason = to_text(told.get("stop_reason"))
    if reason:
        draft.finish = _FINISHES.get(reason, Finish.UNKNOWN)
    if reason == "refusal":
        draft.add_refusal(to_text(to_dict(told.get("stop_details")).get("explanation")))


def _to_usage(told: Json) -> CompletionCost | None:
    """Return the tokens of a reply; the format counts those from and to a cache apart from the others."""
    if not told:
        return None
    read, written = to_count(told.get("cache_read_input_tokens")), to_count(told.get("cache_creation_input_tokens"))
    return CompletionCost(
        to_count(told.get("input_tokens")) + read + written,
        to_count(told.get("output_tokens")),
        read,
        to_count(to_dict(told.get("output_tokens_details")).get("thinking_tokens")),
        cache_write_tokens=written,
    )
