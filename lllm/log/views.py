"""A session as people look at it: its dialogs, its messages, what was shown, and all of them in order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from lllm.log.base import ReplayableLogBase
from lllm.log.envelope import Event

# Each message is logged once, in the event that brought it.
COLLECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "dialog.open": "dialogs",
        "message": "messages",
        "model.reply": "messages",
        "function.result": "messages",
        "frontend": "frontend",
    }
)


class ReplaySession:
    """One session of a log, read once and verified when it is first looked at.

    Every entry is a dict with the keys ``collection``, ``kind``, ``seq``, ``ts``, ``id`` and ``data``, the event's own
    facts: for a message ``data["message"]`` has its role and content.

    Args:
        log: where the session is.
        session: its name, a unique start of it, or ``last``.

    Raises:
        SessionNotFound: no such session.
        LogCorrupt: from the attributes, when the session is damaged.
    """

    def __init__(self, log: ReplayableLogBase, session: str) -> None:
        self._log = log
        self.session = log.resolve(session)

    @cached_property
    def activities(self) -> list[dict[str, Any]]:
        """Entries of all three collections in the order in which they happened."""
        return [to_entry(event) for event in self._log.read_run(self.session) if event.kind in COLLECTIONS]

    @property
    def dialogs(self) -> list[dict[str, Any]]:
        """How each dialog began: its agent, its parent and where it was forked off."""
        return self._of("dialogs")

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Every message of every dialog."""
        return self._of("messages")

    @property
    def frontend(self) -> list[dict[str, Any]]:
        """Everything that was shown."""
        return self._of("frontend")

    def _of(self, collection: str) -> list[dict[str, Any]]:
        return [entry for entry in self.activities if entry["collection"] == collection]


def to_entry(event: Event) -> dict[str, Any]:
    """Return one event as an entry of its collection. Pure."""
    return {
        "collection": COLLECTIONS[event.kind],
        "kind": event.kind,
        "seq": event.seq,
        "ts": event.ts,
        "id": event.id,
        "data": event.data,
    }
