"""What some servers of the chat format add to a reply and want back as it came, or refuse the dialog. Pure.

Reasoning that is signed or encrypted comes in ``reasoning_details`` ("Preserving reasoning", openrouter.ai; Snowflake
has it, too); Gemini's signatures in ``extra_content``, of a call or of the whole ("Thought signatures", ai.google.dev;
both read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lllm.providers.wire.draft import Draft, DraftCall
from lllm.providers.wire.loose import Json, can_be_logged, to_dict, to_list

_WRITTEN = frozenset({"text", "summary", "data"})
"""Fields of a detail that a stream sends in pieces; the others come once."""


class Extras:
    """What is added to one reply, whole or in pieces: the draft's ``late`` pieces."""

    def __init__(self) -> None:
        self._details: list[tuple[Json, dict[str, list[str]]]] = []  # a detail, and its fields that come in pieces
        self._calls: dict[int, Json] = {}  # by the identity of the call, which the draft keeps
        self._content: Json = {}

    def add_detail(self, detail: Json) -> None:
        """Take one of ``reasoning_details`` as it is."""
        self._details.append((detail, {}))

    def add_piece(self, detail: Json) -> None:
        """Take a piece of one: it goes on with the last one if index and type do."""
        if not self._details or not _goes_on(self._details[-1][0], detail):
            self._details.append(({}, {}))
        data, pieces = self._details[-1]
        for name, value in detail.items():
            if name in _WRITTEN and isinstance(value, str):
                pieces.setdefault(name, []).append(value)
            elif value is not None:
                data[name] = value
            else:
                data.setdefault(name, None)

    def add_call(self, call: DraftCall, extra: Json) -> None:
        """Take the ``extra_content`` of a call."""
        self._calls[id(call)] = extra

    def add_content(self, extra: Json) -> None:
        """Take the ``extra_content`` of the message, or a piece of it."""
        self._content.update(extra)

    def to_items(self, calls: list[DraftCall]) -> list[Mapping[str, Any]]:
        """Return what was added as one piece, in the words of the format; none if no log can hold it."""
        item: Json = {}
        if self._details:
            item["reasoning_details"] = [_joined(*detail) for detail in self._details]
        if self._content:
            item["extra_content"] = self._content
        if self._calls:
            extras = [self._calls.get(id(call)) for call in calls]
            item["tool_calls"] = [{"extra_content": extra} if extra else {} for extra in extras]
        return [item] if can_be_logged(item) else []


def _goes_on(data: Json, detail: Json) -> bool:
    return all(detail.get(name) == data.get(name) for name in ("index", "type"))


def _joined(data: Json, pieces: Mapping[str, list[str]]) -> Json:
    return {**data, **{name: "".join(texts) for name, texts in pieces.items()}}


def extras_of(draft: Draft) -> Extras:
    """Return where a draft keeps what is added to its reply."""
    if not isinstance(draft.late, Extras):
        draft.late, draft.has_native = Extras(), True
    return draft.late


def add_added(draft: Draft, part: Json, *, whole: bool) -> None:
    """Take what is added to a ``message`` (``whole``) or ``delta``; calls are taken where they are read."""
    for detail in filter(None, map(to_dict, to_list(part.get("reasoning_details")))):
        extras = extras_of(draft)
        (extras.add_detail if whole else extras.add_piece)(detail)
    if extra := to_dict(part.get("extra_content")):
        extras_of(draft).add_content(extra)


def put_back(data: Json, item: Mapping[str, Any]) -> None:
    """Put what was added to a reply back into its message."""
    data.update({name: item[name] for name in ("reasoning_details", "extra_content") if item.get(name)})
    for call, extra in zip(to_list(data.get("tool_calls")), to_list(item.get("tool_calls")), strict=False):
        call.update(to_dict(extra))
