"""The content blocks of an Anthropic reply, whole or while they are written. Pure."""

from __future__ import annotations

import json
from typing import Any, cast

from lllm.errors import BadReply
from lllm.providers.wire.draft import Draft, DraftCall
from lllm.providers.wire.loose import Json, can_be_logged, clean, to_arguments_text, to_dict, to_list, to_text

_OWN = frozenset({"text", "tool_use"})
"""Kinds of blocks that a message holds in fields of its own: a reply of these alone is built anew when it is sent."""

_ADDED = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
_SET = {"signature_delta": ("signature",), "compaction_delta": ("content", "encrypted_content")}


class _Block:
    """A block and what was added to it, by field; ``call`` is the function call that it is."""

    __slots__ = ("call", "data", "pieces")

    def __init__(self, data: Json, call: DraftCall | None) -> None:
        self.data, self.call = data, call
        self.pieces: dict[str, list[Any]] = {}

    @property
    def kind(self) -> str:
        return to_text(self.data.get("type"))

    @property
    def takes_input(self) -> bool:
        """Whether it is a use of a tool, ours or the server's."""
        return self.kind.endswith("tool_use")

    def to_native(self) -> Json:
        """Return the block as it would stand in a whole reply."""
        data = dict(self.data)
        for field in ("text", "thinking"):
            if field in self.pieces:
                data[field] = clean(to_text(data.get(field)) + "".join(self.pieces[field]))
        if "citations" in self.pieces:
            data["citations"] = to_list(data.get("citations")) + self.pieces["citations"]
        if self.takes_input:  # llama.cpp begins it without one
            data["input"] = _to_input("".join(self.pieces.get("partial_json", ()))) or to_dict(data.get("input"))
        return data


class Blocks:
    """Fills a draft with blocks, whole ones or pieces of them."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._all: list[_Block] = []
        self._by_index: dict[Any, _Block] = {}
        self._last_use: _Block | None = None

    def begin(self, index: Any, data: Json) -> _Block:
        """Take a block, or the beginning of one."""
        kind, draft = data.get("type"), self._draft
        call = None
        if kind == "text":
            draft.add_text(to_text(data.get("text")))
        elif kind == "thinking":
            draft.add_reasoning(to_text(data.get("thinking")))
        elif kind == "tool_use":
            call = draft.add_call(index, to_text(data.get("id")), to_text(data.get("name")))
        block = _Block(dict(data), call)
        self._all.append(block)
        if block.takes_input:
            self._last_use = block
        self._by_index[index if isinstance(index, int) else None] = block
        return block

    def add(self, index: Any, delta: Json) -> None:
        """Take a piece of a block; kinds of pieces that are unknown are passed over.

        Raises:
            BadReply: it is a piece of arguments, and no call has begun.
        """
        kind = to_text(delta.get("type"))
        if kind in _ADDED:
            if piece := to_text(delta.get(_ADDED[kind])):
                self._add_piece(self._find(index, kind), _ADDED[kind], piece)
        elif block := self._by_index.get(index if isinstance(index, int) else None):
            block.data.update({name: delta[name] for name in _SET.get(kind, ()) if name in delta})
            if kind == "citations_delta":
                block.pieces.setdefault("citations", []).append(delta.get("citation"))

    def _find(self, index: Any, kind: str) -> _Block:
        """Return the block of a piece: servers number them wrongly, or forget to begin one."""
        block = self._by_index.get(index if isinstance(index, int) else None)
        if kind != "input_json_delta":
            return block if block and block.kind == _ADDED[kind] else self.begin(index, {"type": _ADDED[kind]})
        if block is None or not block.takes_input:
            block = self._last_use
        if block is None:
            raise BadReply("the reply holds arguments of a call that never began")
        return block

    def _add_piece(self, block: _Block, field: str, piece: str) -> None:
        block.pieces.setdefault(field, []).append(piece)
        if field == "text":
            self._draft.add_text(piece)
        elif field == "thinking":
            self._draft.add_reasoning(piece)
        elif block.call is not None:
            self._draft.add_arguments(block.call, piece)

    def close(self) -> None:
        """Put into the draft what is known when all blocks are whole.

        Raises:
            BadReply: a block that the server wants back holds what no JSON can.
        """
        for block in self._all:
            if block.call is not None and not block.call.pieces:
                given = block.data.get("input")
                self._draft.add_arguments(block.call, to_arguments_text({} if given is None else given))
        if any(block.kind not in _OWN for block in self._all):
            self._draft.native = [_checked(block.to_native()) for block in self._all]
            self._draft.has_native = True


def _to_input(text: str) -> Json:
    """Return arguments that came as text as the object that a whole reply holds."""
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return cast("Json", value) if isinstance(value, dict) else {"invalid": text}


def _checked(block: Json) -> Json:
    """Return a block that any log can hold and any Python can read back."""
    if not can_be_logged(block):
        raise BadReply("the reply holds a number that no JSON can, or is nested too deep")
    return block
