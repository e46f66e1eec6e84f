"""Ollama's own format, reply side: bytes to one Message, of ``/api/chat`` and ``/api/generate`` alike. Pure.

Source of the fields: api/types.go and server/routes.go of github.com/ollama/ollama, read 2026-11. Counts that are 0 are
left out, a call may have no id, and every call of a reply may have the index 0; a call always comes whole.
"""

from __future__ import annotations

import json
from typing import Any

from lllm.const import CompletionCost, Finish
from lllm.errors import BadReply, StreamTruncated
from lllm.models.message import Message
from lllm.providers.wire.classify import raise_failure
from lllm.providers.wire.draft import NOBODY, Asked, Draft
from lllm.providers.wire.loose import Json, parse_object, to_count, to_dict, to_list, to_text
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
        raise BadReply("the reply holds no message", excerpt=body[:200].decode("utf-8", "replace"))
    if data.get("done") is False:  # its runner broke off; a proxy may leave the word out
        raise StreamTruncated("the server stopped before the reply was whole", partial=reader.draft.partial)
    return reader.draft.to_message()


def read_stream(asked: Asked = NOBODY) -> ReplyStream:
    """Return a reader of a streamed reply."""
    return ReplyStream(LineDecoder(), _OllamaReader(asked))


def parse_tags(body: bytes) -> tuple[str, ...]:
    """Return the names of the models that ``/api/tags`` lists, in its order. Pure.

    Raises:
        BadReply: it is no such list.
        StatusError: it holds an error.
    """
    data = parse_object(body)
    raise_failure(data)
    if "models" not in data or not isinstance(data["models"], list | None):
        raise BadReply("the reply lists no models", excerpt=body[:200].decode("utf-8", "replace"))
    entries = map(to_dict, to_list(data["models"]))  # null where there are none
    names = (to_text(entry.get("name")) or to_text(entry.get("model")) for entry in entries)
    return tuple(name for name in names if name)


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
        reasoning = to_text(part.get("thinking"))
        draft.add_reasoning(reasoning)
        draft.has_native = draft.has_native or bool(reasoning)  # whose it is; the text itself is in the message
        draft.add_text(to_text(part.get("content")))
        for entry in map(to_dict, to_list(part.get("tool_calls"))):
            _add_call(draft, entry)

    def may_end(self) -> bool:
        return False

    def has_reply(self) -> bool:
        return self._seen_reply


def _add_call(draft: Draft, entry: Json) -> None:
    function = to_dict(entry.get("function"))
    given = function.get("arguments")
    text = given if isinstance(given, str) else "" if given is None else json.dumps(given)
    draft.add_arguments(draft.add_call(None, to_text(entry.get("id")), to_text(function.get("name"))), text)


def _usage_of(data: Json) -> CompletionCost | None:
    asked, answered = to_count(data.get("prompt_eval_count")), to_count(data.get("eval_count"))
    return CompletionCost(asked, answered) if asked or answered else None
