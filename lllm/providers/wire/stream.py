"""A streamed reply, in any format: bytes to events by a decoder, events to a draft by a reader. Pure."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol

from lllm.errors import BadReply, ProviderError, StreamTruncated
from lllm.models.message import Message
from lllm.providers.base import Delta
from lllm.providers.wire.draft import Draft


class Decoder(Protocol):
    """Cuts a stream into events, however its bytes were cut."""

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """Return name (empty if it has none) and data of the events that ``chunk`` completes."""
        ...

    def end(self) -> tuple[str, bytes] | None:
        """Return the event that the stream broke off in, if any."""
        ...


class Reader(Protocol):
    """Takes the events of one format.

    Attributes:
        draft: what has been read.
        done: the server has said that the reply is whole; later events are not looked at.
    """

    draft: Draft
    done: bool

    def take(self, name: str, data: bytes) -> None:
        """Take an event.

        Raises:
            BadReply: it is not the format.
            StatusError: it is an error.
        """
        ...

    def may_end(self) -> bool:
        """Whether the reply is whole although no last word came."""
        ...

    def has_reply(self) -> bool:
        """Whether anything was a reply at all."""
        ...


class ReplyStream:
    """Reads a streamed reply: feed it bytes, then ask for the message."""

    def __init__(self, decoder: Decoder, reader: Reader) -> None:
        self._decoder, self._reader = decoder, reader

    @property
    def partial(self) -> str:
        """The text so far."""
        return self._reader.draft.partial

    @property
    def complete(self) -> bool:
        """Whether the server has said that the reply is whole."""
        return self._reader.done

    def feed(self, chunk: bytes) -> list[Delta]:
        """Return the pieces that ``chunk`` completes; those before a fault in it are left to :meth:`take_pieces`.

        Raises:
            BadReply: an event is not the format, or too long.
            StatusError: an event is an error.
        """
        reader = self._reader
        try:
            for name, data in self._decoder.feed(chunk):
                if reader.done:
                    break
                reader.take(name, data)
        except ProviderError as error:
            error.partial = self.partial
            raise
        return self.take_pieces()

    def take_pieces(self) -> list[Delta]:
        """Return the pieces that nobody has taken yet."""
        draft = self._reader.draft
        deltas, draft.deltas = draft.deltas, []
        return deltas

    def end(self) -> Message[Any]:
        """Return the message, now that no more bytes come.

        Raises:
            StreamTruncated: the last event never came; holds the text so far.
            BadReply: the stream held no reply.
        """
        reader = self._reader
        with suppress(BadReply):  # of the event that the stream was cut in
            if (pending := self._decoder.end()) and not reader.done:
                reader.take(*pending)
        if not reader.done and not reader.may_end():
            raise StreamTruncated("the stream ended before the reply was whole", partial=self.partial)
        if not reader.has_reply():
            raise BadReply("the stream holds no message")
        return reader.draft.to_message()
