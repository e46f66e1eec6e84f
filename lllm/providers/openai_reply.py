"""The OpenAI chat-completions format, reply side: bytes to one Message. Pure.

A whole body and a stream fill the same Draft, so both give the same message. Only named errors leave this file.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lllm.errors import BadReply, ProviderError, StreamTruncated
from lllm.models.message import Message
from lllm.providers.base import Delta
from lllm.providers.classify import parse_failure_data
from lllm.providers.loose import Json, parse_json, to_count, to_dict, to_list, to_text
from lllm.providers.openai_draft import Draft
from lllm.providers.sse import EventDecoder


def _first_choice(data: Json) -> Json | None:
    """Return the choice with the lowest index; servers may send several, in any order."""
    choices = [choice for choice in map(to_dict, to_list(data.get("choices"))) if choice]
    return min(choices, key=lambda choice: to_count(choice.get("index")), default=None)


def _usage_of(data: Json) -> Json:
    return to_dict(data.get("usage")) or to_dict(to_dict(data.get("x_groq")).get("usage"))


def raise_failure(data: Json, name: str = "") -> None:
    """Raise the error that a body of status 200 holds, if it holds one."""
    if data.get("error") or name == "error" or data.get("object") == "error":
        raise parse_failure_data(None, data)


def parse_reply(body: bytes, *, model: str = "") -> Message[Any]:
    """Return the message of a whole reply. Pure.

    Args:
        body: the body of a response with status 200.
        model: the model that was asked, for the price.

    Raises:
        BadReply: it is not the format, or holds no choice.
        StatusError: it holds an error, as gateways send them.
    """
    data = parse_json(body)
    if not isinstance(data, dict):
        raise BadReply("the reply is JSON, but no object", excerpt=body[:200].decode("utf-8", "replace"))
    data = to_dict(data)
    raise_failure(data)
    choice = _first_choice(data)
    message = to_dict(choice and choice.get("message"))
    raise_failure(choice or {})
    if not choice or not message:
        raise BadReply("the reply holds no message", excerpt=body[:200].decode("utf-8", "replace"))
    draft = Draft()
    draft.model, draft.usage = to_text(data.get("model")), _usage_of(data)
    draft.add_choice(choice, message, whole=True)
    return draft.to_message(model)


class ChatStream:
    """Reads a streamed reply: feed it bytes, then ask for the message.

    Args:
        model: the model that was asked, for the price.
    """

    def __init__(self, *, model: str = "") -> None:
        self._model = model
        self._decoder = EventDecoder()
        self._draft = Draft()
        self._seen_choice = False
        self._done = False

    @property
    def partial(self) -> str:
        """The text so far."""
        return self._draft.partial

    @property
    def complete(self) -> bool:
        """Whether the server has said that the reply is whole."""
        return self._done

    def feed(self, chunk: bytes) -> list[Delta]:
        """Return the pieces that ``chunk`` completes.

        Raises:
            BadReply: an event is no JSON, or too long.
            StatusError: an event is an error.
        """
        try:
            for name, data in self._decoder.feed(chunk):
                self._take(name, data)
        except ProviderError as error:
            error.partial = self.partial
            raise
        deltas, self._draft.deltas = self._draft.deltas, []
        return deltas

    def end(self) -> Message[Any]:
        """Return the message, now that no more bytes come.

        Raises:
            StreamTruncated: neither a finish reason nor ``[DONE]`` came; holds the text so far.
            BadReply: the stream held no choice.
        """
        with suppress(BadReply):  # of the event that the stream was cut in
            if pending := self._decoder.end():
                self._take(*pending)
        if not self._done and not self._draft.finish:
            raise StreamTruncated("the stream ended before the reply was whole", partial=self.partial)
        if not self._seen_choice:
            raise BadReply("the stream holds no message")
        return self._draft.to_message(self._model)

    def _take(self, name: str, data: bytes) -> None:
        if self._done:
            return
        if data.strip() == b"[DONE]":
            self._done = True
            return
        event = to_dict(parse_json(data))
        raise_failure(event, name)
        self._draft.model = self._draft.model or to_text(event.get("model"))
        self._draft.usage = (
            _usage_of(event) or self._draft.usage
        )  # cumulative where it is repeated: the last one counts
        for choice in map(to_dict, to_list(event.get("choices"))):
            if to_count(choice.get("index")) == 0:
                raise_failure(choice)
                self._seen_choice = True
                self._draft.add_choice(choice, to_dict(choice.get("delta")), whole=False)
