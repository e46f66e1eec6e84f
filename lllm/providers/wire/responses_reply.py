"""The OpenAI Responses format, reply side: bytes to one Message. Pure.

A whole reply holds its items; a stream writes them piece by piece, and its last event repeats them all. Both end in the
same reading of the same items. Only named errors leave this file.
"""

from __future__ import annotations

from typing import Any

from lllm.errors import BadReply
from lllm.models.message import Message
from lllm.providers.wire.classify import parse_failure_data, raise_failure
from lllm.providers.wire.draft import NOBODY, Asked, Draft, DraftCall
from lllm.providers.wire.loose import (
    Json,
    parse_json,
    parse_object,
    start_of,
    to_count,
    to_dict,
    to_list,
    to_text,
)
from lllm.providers.wire.responses_items import add_items, to_draft
from lllm.providers.wire.sse import EventDecoder
from lllm.providers.wire.stream import ReplyStream

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})
# What arrives in pieces: field of the item, type of the part there, and the part's own field.
_PIECES = {
    "response.output_text": ("content", "output_text", "text"),
    "response.refusal": ("content", "refusal", "refusal"),
    "response.reasoning_text": ("content", "reasoning_text", "text"),
    "response.reasoning_summary_text": ("summary", "summary_text", "text"),
    "response.function_call_arguments": ("arguments", "arguments", "arguments"),
}
_ITEM_OF = {"output_text": "message", "refusal": "message", "arguments": "function_call"}


def parse_reply(body: bytes, asked: Asked = NOBODY) -> Message[Any]:
    """Return the message of a whole reply. Pure.

    Raises:
        BadReply: it is not the format, or not finished: who asks for ``background`` is given a ticket.
        StatusError: it holds an error, or was cancelled.
    """
    data = parse_object(body)
    _check_ended(data)
    if not isinstance(data.get("output"), list):
        raise BadReply("the reply holds no output", excerpt=start_of(body))
    return to_draft(asked, to_list(data["output"]), data).to_message()


def read_stream(asked: Asked = NOBODY) -> ReplyStream:
    """Return a reader of a streamed reply."""
    return ReplyStream(EventDecoder(), _ResponsesReader(asked))


def _check_ended(response: Json) -> None:
    raise_failure(response)
    status = to_text(response.get("status"))
    if status in ("queued", "in_progress"):
        raise BadReply(
            f"the reply is not there yet: its status is {status!r}",
            retryable=False,
            hint="leave out background: a reply is awaited in the request that asks for it",
        )
    if status in ("failed", "cancelled"):
        raise parse_failure_data(None, {"message": f"the server gave the reply up: its status is {status!r}"})


class _Part:
    """One text of an item, in pieces."""

    def __init__(self, kind: str, field: str) -> None:
        self.kind, self.field = kind, field
        self.pieces: list[str] = []
        self.logprobs: list[Any] = []

    def to_data(self) -> Json:
        return {"type": self.kind, self.field: "".join(self.pieces), "logprobs": self.logprobs}


class _Item:
    """An output item that is still being written.

    Attributes:
        data: the item as it was begun, or as it is when it is done.
        parts: its texts by place: field of the item, and number.
    """

    def __init__(self, data: Json) -> None:
        self.data = data
        self.done = False
        self.parts: dict[tuple[str, int], _Part] = {}
        self.call: DraftCall | None = None

    def to_data(self) -> Json:
        """Return the item; one that never came as a whole is put together from its pieces."""
        if self.done:
            return self.data
        data = dict(self.data)
        for field in ("content", "summary"):
            if parts := [self.parts[place].to_data() for place in sorted(self.parts) if place[0] == field]:
                data[field] = parts
        if arguments := self.parts.get(("arguments", 0)):
            data["arguments"] = "".join(arguments.pieces)
        return data


class _ResponsesReader:
    """Takes events up to the one that says how the response ended. ``[DONE]`` is no event of this format.

    The draft is for showing until then. The last event's items are the reply, unless they say less than what came
    before them: some gateways leave them empty.
    """

    def __init__(self, asked: Asked) -> None:
        self.draft = Draft(asked)
        self.done = False
        self._items: list[_Item] = []
        self._known: dict[int | str, _Item] = {}

    def take(self, name: str, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            return
        event = to_dict(parse_json(data))
        kind = to_text(event.get("type")) or name
        raise_failure(event, kind)
        stem, _, end = kind.rpartition(".")
        if kind in _LAST:
            self._finish({**to_dict(event.get("response")), "status": end})
        elif stem == "response.output_item":
            self._take_item(event, to_dict(event.get("item")), done=end == "done")
        elif stem in _PIECES:
            self._take_piece(event, *_PIECES[stem], done=end == "done")

    def may_end(self) -> bool:
        return False

    def has_reply(self) -> bool:
        return self.done

    def _take_item(self, event: Json, data: Json, *, done: bool) -> None:
        item = self._find(event, to_text(data.get("id")), to_text(data.get("type"))) if done else None
        item = item or self._begin(event, data)
        item.data, item.done = data, done
        if done and not item.parts:
            self._show_whole(item)

    def _take_piece(self, event: Json, field: str, kind: str, name: str, *, done: bool) -> None:
        item_id, item_kind = to_text(event.get("item_id")), _ITEM_OF.get(kind, "reasoning")
        item = self._find(event, item_id, item_kind) or self._begin(event, {"type": item_kind, "id": item_id})
        place = field, to_count(event.get("content_index" if field == "content" else f"{field}_index"))
        part = item.parts.get(place)
        if done and part is not None:  # it only repeats its pieces
            return
        if part is None:
            part = item.parts[place] = _Part(kind, name)
        piece = to_text(event.get(name if done else "delta"))
        self._show(item, kind, piece, first=not part.pieces)
        part.pieces.append(piece)
        part.logprobs += to_list(event.get("logprobs"))

    def _begin(self, event: Json, data: Json) -> _Item:
        item = _Item(data)
        self._items.append(item)
        for key in (event.get("output_index"), to_text(data.get("id"))):
            if isinstance(key, int | str) and key != "":
                self._known[key] = item
        return item

    def _find(self, event: Json, item_id: str, kind: str) -> _Item | None:
        """Return the item that an event goes on with: by place, by id (some change it in mid-item), else the last one.

        llama.cpp tells no place, other servers no id.
        """
        index = event.get("output_index")
        keys = [key for key in (index, item_id) if isinstance(key, int | str) and key != ""]
        found = next((self._known[key] for key in keys if key in self._known), None)
        if found is None and not keys and self._items:
            found = self._items[-1]
        return found if found is not None and found.data.get("type") == kind else None

    def _show(self, item: _Item, kind: str, piece: str, *, first: bool) -> None:
        """Add a piece to the draft."""
        draft = self.draft
        if kind == "output_text":
            draft.add_text(piece)
        elif kind == "refusal":
            draft.add_refusal(piece)
        elif kind == "arguments":
            if item.call is None:
                call_id = to_text(item.data.get("call_id"))
                item.call = draft.add_call(None, call_id, to_text(item.data.get("name")))
            draft.add_arguments(item.call, piece)
        else:
            draft.add_reasoning(f"\n\n{piece}" if first and draft.reasoning else piece)

    def _show_whole(self, item: _Item) -> None:
        """Add an item of which no piece was sent."""
        whole = Draft(NOBODY)
        add_items(whole, [item.data])
        for text in whole.text:
            self.draft.add_text(text)
        for text in whole.reasoning:
            self.draft.add_reasoning(text)
        for call in whole.calls:
            self.draft.add_arguments(self.draft.add_call(None, call.id, call.name), call.arguments)

    def _finish(self, response: Json) -> None:
        _check_ended(response)
        shown, asked = self.draft, self.draft.asked
        output = to_list(response.get("output"))
        told = to_draft(asked, output, response)
        if not output or _says_less(told, shown):
            told = to_draft(asked, [item.to_data() for item in self._items], response)
        told.deltas = shown.deltas
        self.draft, self.done = told, True


def _says_less(told: Draft, shown: Draft) -> bool:
    """Whether the last event leaves out something that was shown before."""
    pairs = ((told.text, shown.text), (told.reasoning, shown.reasoning), (told.refusal, shown.refusal))
    return len(told.calls) < len(shown.calls) or any(before and not after for after, before in pairs)
