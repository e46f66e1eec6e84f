"""Messages in order, sharing every prefix: a fork costs nothing, and each message is encoded once for each wire.

A history is a handle (trunk, length). Histories grown from one another share a trunk, which is a few lists that only
grow. Appending at the trunk's tip extends it; appending anywhere else copies the lists up to there first, at the speed
of a memory copy. Nothing here walks old messages in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

from lllm.const import Roles
from lllm.models.message import Message

Encoder = Callable[[Message[Any], Message[Any] | None], bytes]
"""Turns a message into bytes, given the message before it (None for the first): some wires join neighbours."""

RoundEncoder = Callable[[Message[Any], Sequence[Message[Any]]], bytes]
"""The same, given the round before it: all messages back to the last that is no function's result, oldest first.

So a result is given the reply that it answers and the results that stand between, and what follows is given them all.
"""


class Trunk:
    """The shared lists. ``tip`` holds the one length at which appending in place is allowed."""

    __slots__ = ("chains", "messages", "tip", "wires")

    def __init__(self) -> None:
        self.messages: list[Message[Any]] = []
        self.chains: list[bytes] = [b""]
        self.wires: dict[Encoder | RoundEncoder, list[bytes]] = {}
        self.tip: list[int] = [0]

    def copy(self, length: int) -> Trunk:
        """Return a trunk of its own with the first ``length`` messages."""
        new = Trunk()
        new.messages = self.messages[:length]
        new.chains = self.chains[: length + 1]
        # list() first, in one bytecode: another thread may add a wire meanwhile.
        new.wires = {encoder: parts[:length] for encoder, parts in list(self.wires.items())}
        new.tip = [length]
        return new


class History:
    """An immutable sequence of messages.

    Attributes:
        chain: 32 bytes that name the whole content: SHA-256 over the chain before and the newest body.
    """

    __slots__ = ("_length", "_trunk", "chain")

    def __init__(self, trunk: Trunk | None = None, length: int = 0) -> None:
        self._trunk = trunk or Trunk()
        self._length = length
        self.chain = self._trunk.chains[length]

    def append(self, message: Message[Any], body: str) -> History:
        """Return a history that is one message longer; ``body`` is the message's canonical JSON.

        O(1) at the tip. Two threads may append to one history: one wins the tip, the other gets a copy.
        """
        trunk, length = self._trunk, self._length
        chain = sha256(self.chain + body.encode()).digest()
        try:
            trunk.tip.remove(length)  # one bytecode-atomic claim in place of a lock
        except ValueError:
            trunk = trunk.copy(length)
            trunk.tip.clear()
        trunk.messages.append(message)
        trunk.chains.append(chain)
        trunk.tip.append(length + 1)
        return History(trunk, length + 1)

    def prefix(self, length: int) -> History:
        """Return the history's first ``length`` messages. O(1).

        Raises:
            IndexError: the history is shorter.
        """
        if not 0 <= length <= self._length:
            raise IndexError(f"a history of {self._length} messages has no prefix of {length}")
        return History(self._trunk, length)

    def encoded(self, encoder: Encoder) -> list[bytes]:
        """Return each message's bytes for one wire, encoding only those that are new since the last call.

        ``encoder`` is a pure function, and the key under which its bytes are kept. What it makes of one may depend
        on the message before, and on nothing else: so every prefix keeps its bytes. The list is the caller's own.
        """
        return self._fill(encoder, _befores)

    def encoded_by_round(self, encoder: RoundEncoder) -> list[bytes]:
        """Do the same for a wire on which a message depends on the whole round before it."""
        return self._fill(encoder, _rounds)

    def _fill(self, encoder: Any, place: Callable[[list[Message[Any]], int, int], Iterable[Any]]) -> list[bytes]:
        trunk, length = self._trunk, self._length
        parts = trunk.wires.setdefault(encoder, [])
        start = len(parts)
        if start < length:
            # Assigning the slice, not extending: a second thread at the same work puts equal bytes in the same places.
            parts[start:length] = map(encoder, trunk.messages[start:length], place(trunk.messages, start, length))
        return parts[:length]  # a copy, because the list grows with the next message

    def last_round(self) -> list[Message[Any]]:
        """Return what a next message would be given as the round before it."""
        (last,) = _rounds(self._trunk.messages, self._length, self._length + 1)
        return last

    @property
    def messages(self) -> tuple[Message[Any], ...]:
        """All messages. O(length)."""
        return tuple(self._trunk.messages[: self._length])

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Message[Any]]:
        return iter(self._trunk.messages[: self._length])

    def __getitem__(self, index: int) -> Message[Any]:
        position = index + self._length if index < 0 else index
        if not 0 <= position < self._length:
            raise IndexError(f"a history of {self._length} messages has no message {index}")
        return self._trunk.messages[position]


def _befores(messages: list[Message[Any]], start: int, stop: int) -> list[Message[Any] | None]:
    """Return the message before each of those from ``start`` up to ``stop``."""
    return [messages[start - 1] if start else None, *messages[start : stop - 1]]


def _rounds(messages: list[Message[Any]], start: int, stop: int) -> Iterator[list[Message[Any]]]:
    """Yield the round before each of the messages from ``start`` up to ``stop``."""
    first = start - 1
    while first > 0 and messages[first].role is Roles.TOOL:
        first -= 1
    for index in range(start, stop):
        if index and messages[index - 1].role is not Roles.TOOL:
            first = index - 1
        yield messages[max(first, 0) : index]
