"""Chats as numbers: tokens, which of them are learned, and batches of about one length. Endless.."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from lllm.nano.recipe.chats import Chat, build_chat

_POOL = 32
"""Batches that are filled at once, so that each can have chats of about one length."""


class Row(NamedTuple):
    """One chat.

    Attributes:
        tokens: all of it.
        learned: of each token, whether the model is to say it.
    """

    tokens: list[int]
    learned: list[bool]


def to_row(tokenizer: Any, chat: Chat) -> Row:
    """Return a chat as tokens. Each piece is cut by itself: none of its tokens reaches into the next."""
    tokens: list[int] = []
    learned: list[bool] = []
    for piece, encoded in zip(chat.pieces, tokenizer.encode_batch_fast([p.text for p in chat.pieces]), strict=True):
        tokens += encoded.ids
        learned += [piece.learned] * len(encoded.ids)
    return Row(tokens, learned)


def build_rows(tokenizer: Any, stream: str, longest: int) -> Iterator[tuple[Chat, Row]]:
    """Yield chats of at most ``longest`` tokens; ``stream`` names a sequence of them that is always the same."""
    number = 0
    while True:
        chat = build_chat(Random(f"{stream}/{number}"))
        number += 1
        row = to_row(tokenizer, chat)
        if len(row.tokens) <= longest:
            yield chat, row


def build_batches(tokenizer: Any, stream: str, size: int, longest: int = 1024) -> Iterator[tuple[list[Row], int]]:
    """Yield rows that have at most ``size`` places when filled up to the longest, and that longest's length."""
    rows = build_rows(tokenizer, stream, longest)
    random = Random(f"{stream}/order")
    while True:
        pool: list[Row] = []
        places = 0
        while places < size * _POOL:
            pool.append(next(rows)[1])
            places += len(pool[-1].tokens)
        batches = _cut(sorted(pool, key=lambda row: len(row.tokens)), size)
        random.shuffle(batches)
        yield from ((batch, len(batch[-1].tokens)) for batch in batches)


def _cut(rows: list[Row], size: int) -> list[list[Row]]:
    batches: list[list[Row]] = [[]]
    for row in rows:
        if batches[-1] and (len(batches[-1]) + 1) * len(row.tokens) > size:
            batches.append([])
        batches[-1].append(row)
    return batches


def fill(rows: list[Row], length: int) -> tuple[list[list[int]], list[list[bool]]]:
    """Return tokens and marks as lists of one length; what is filled in is never learned."""
    tokens = [row.tokens + [0] * (length - len(row.tokens)) for row in rows]
    return tokens, [row.learned + [False] * (length - len(row.learned)) for row in rows]
