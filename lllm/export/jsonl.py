"""A run's events as plain lines, or its dialogs in the shape of OpenAI's chat messages."""

from __future__ import annotations

from collections.abc import Iterator

from lllm.export.chat import to_chats
from lllm.export.formats import Choice
from lllm.export.record import RunRecord
from lllm.utils import encode_json


def render(record: RunRecord, choice: Choice) -> Iterator[str]:
    """Yield one line an event, or one a dialog: keys ``dialog, agent, messages``."""
    if choice.messages:
        for chat in to_chats(record.events()):
            yield encode_json({"dialog": chat.id, "agent": chat.agent, "messages": chat.messages}) + "\n"
        return
    for line in record.lines():
        yield f"{line.text}\n"
