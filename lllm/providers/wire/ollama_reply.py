"""Ollama's own format, reply side: bytes to one Message, of ``/api/chat`` and ``/api/generate`` alike. Pure.

Source of the fields: api/types.go and server/routes.go of github.com/ollama/ollama, read 2026-11. Counts that are 0 are
left out, a call may have no id, and every call of a reply may have the index 0; a call always comes whole.
"""

from __future__ import annotations

from typing import Any

from lllm.const import CompletionCost, Finish
from lllm.errors import BadReply, StreamTruncated
from lllm.models.message import Message
from lllm.providers.wire.classify import raise_failure
from lllm.providers.wire.draft import NOBODY, Asked, Draft
from lllm.providers.wire.loose import (
    Json,
    parse_object,
    start_of,
    to_arguments_text,
    to_count,
    to_dict,
    to_list,
    to_text,
)
from lllm.providers.wire.ndjson import LineDecoder
from lllm.providers.wire.stream import ReplyStream

_FINISHES = {"stop": Finish.STOP, "length": Finish.LENGTH}
_NO_REPLY = ("load", "unload")
"""Reasons of an answer that tells of the model in memory, and is no reply: the model was not asked."""


def parse_reply(body: bytes, asked: Asked = NOBODY) -> Message[Any]:
    """Return the message of a whole reply. Pure.

    Raises:
        BadReply: it is not the format, or the model was not asked.
        StreamTruncated: the server itself says that the reply is not done.
        StatusError: it holds an error.
    """
    data = parse_object(body)
    reader = _OllamaReader(asked)
    reader.add(data)
    if not reader.has_reply():
        raise BadReply("the reply holds no message", excerpt=start_of(body))
    if data.get("done") is False:  # its runner broke off; a proxy may leave the word out
        raise StreamTruncated("the server stopped before the reply was whole", partial=reader.draft.partial)
    return reader.draft.to_message()


def read_stream(asked: Asked = NOBODY) -> ReplyStream:
    """Return a reader of a streamed reply."""
    return ReplyStream(LineDecoder(), _OllamaReader(asked))


class _OllamaReader:
    """Takes the lines of a stream until one says ``done``; a whole reply is one such line."""

    def __init__(self, asked: Asked) -> None:
        self.draft = Draft(asked)
        self.done = False
        self._seen_reply = False

    def take(self, name: str, data: bytes) -> None:
        del name
        self.add(parse_object(data))

    def add(self, data: Json) -> None:
        """Take one object: a piece of a reply, or the whole of it."""
        raise_failure(data)
        draft, reason = self.draft, to_text(data.get("done_reason"))
        draft.model = draft.model or to_text(data.get("model"))
        self._add_message(data)
        draft.add_logprobs(data.get("logprobs"))
        draft.usage = _usage_of(data)
        if reason:
            draft.finish = _FINISHES.get(reason, Finish.UNKNOWN)
        self.done = data.get("done") is True
        if reason in _NO_REPLY and not (draft.text or draft.calls):
            self._seen_reply = False

    def _add_message(self, data: Json) -> None:
        part, draft = to_dict(data.get("message")), self.draft
        if not part and isinstance(data.get("response"), str):  # as generate says it, all in one object
            part = {**data, "content": data["response"]}
        if not part:
            return
        self._seen_reply = True
        draft.add_reasoning(to_text(part.get("thinking")), goes_back=True)
        draft.add_text(to_text(part.get("content")))
        for entry in map(to_dict, to_list(part.get("tool_calls"))):
            _add_call(draft, entry)

    def may_end(self) -> bool:
        return False

    def has_reply(self) -> bool:
        return self._seen_reply


def _add_call(draft: Draft, entry: Json) -> None:
    function = to_dict(entry.get("function"))
    text = to_arguments_text(function.get("arguments"))
    draft.add_arguments(draft.add_call(None, to_text(entry.get("id")), to_text(function.get("name"))), text)


def _usage_of(data: Json) -> CompletionCost | None:
    asked, answered = to_count(data.get("prompt_eval_count")), to_count(data.get("eval_count"))
    return CompletionCost(asked, answered) if asked or answered else None
