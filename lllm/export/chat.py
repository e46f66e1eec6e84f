"""What each dialog holds, as chat messages of OpenAI's format: what a model would be sent next. Pure.

The fields are those of https://platform.openai.com/docs/api-reference/chat/create (read 2026-11): ``role, content,
tool_calls, tool_call_id``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lllm.const import Finish
from lllm.export.facts import dict_of, dicts_of, number_of, text_of
from lllm.log.envelope import Event


@dataclass(slots=True)
class Chat:
    """One dialog: its id, its agent, and its messages, oldest first, those of its parent included."""

    id: str
    agent: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(slots=True)
class _Round:
    """A reply that asks for functions, and the paused ones before it.

    They enter the dialog with the last of the results, as a server wants it.
    """

    reply: dict[str, Any]
    missing: int
    before: list[dict[str, Any]]
    results: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


def to_chats(events: Iterable[Event]) -> list[Chat]:
    """Return the dialogs of a run, in the order in which they were opened."""
    chats: dict[str, Chat] = {}
    replies: dict[str, dict[str, Any]] = {}
    rounds: dict[str, _Round] = {}
    paused: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        id_ = event.id.partition("/")[0]
        if event.kind == "dialog.open":
            chats[id_] = _fork(id_, event.data, chats)
            continue
        message = to_chat_message(dict_of(event.data, "message"))
        chat = chats.get(id_) or Chat(id_)
        if event.kind == "message" and "branch" not in event.data:
            chats.setdefault(id_, chat).messages.append(message)
        elif event.kind == "model.reply":
            asked = len(message.get("tool_calls", ()))
            if asked:
                rounds[event.id] = _Round(message, asked, paused.pop(id_, []))
            elif event.data.get("finish") == Finish.PAUSE:
                paused.setdefault(id_, []).append(message)
            replies[id_] = message
        elif event.kind == "message":
            rounds.pop(event.id.removesuffix("/x"), None)
            paused.pop(id_, None)
        elif event.kind == "function.result":
            _take(rounds, event, message, chat)
        elif event.kind == "call.close":
            chat.messages += _last_turn(event, paused.pop(id_, []), replies.pop(id_, None))
    return list(chats.values())


def _fork(id_: str, data: dict[str, Any], chats: dict[str, Chat]) -> Chat:
    parent = chats.get(text_of(data, "parent"))
    shared = parent.messages[: max(0, int(number_of(data, "at") or 0))] if parent else []
    return Chat(id_, text_of(data, "agent"), list(shared))


def _last_turn(end: Event, paused: list[dict[str, Any]], reply: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield what enters the dialog at the end of a call: nothing when it failed."""
    if end.data.get("outcome") == "done" and reply is not None:
        yield from (message for message in paused if message is not reply)
        yield reply


def _take(rounds: dict[str, _Round], event: Event, message: dict[str, Any], chat: Chat) -> None:
    """Keep a function's result; with the last one, the round enters the dialog, in the order of its reply."""
    step, _, ordinal = event.id.rpartition("/f")
    if (round_ := rounds.get(step)) is None:
        return
    round_.results[ordinal] = message
    if len(round_.results) == round_.missing:
        results = sorted(round_.results.items(), key=lambda item: (len(item[0]), item[0]))
        chat.messages += [*round_.before, round_.reply, *(result for _, result in results)]
        del rounds[step]


def to_chat_message(message: dict[str, Any]) -> dict[str, Any]:
    """Return one logged message in the shape of OpenAI's chat format."""
    told: dict[str, Any] = {"role": text_of(message, "role"), "content": _content(message)}
    if calls := dicts_of(message, "calls"):
        told["tool_calls"] = [
            {
                "id": text_of(call, "id"),
                "type": "function",
                "function": {"name": text_of(call, "name"), "arguments": text_of(call, "arguments")},
            }
            for call in calls
        ]
    for key in ("tool_call_id", "refusal"):
        if text := text_of(message, key):
            told[key] = text
    return told


def _content(message: dict[str, Any]) -> Any:
    text, images = text_of(message, "content"), dicts_of(message, "images")
    if not images:
        return text
    urls = [f"data:{text_of(image, 'media_type')};base64,{text_of(image, 'base64')}" for image in images]
    parts = [{"type": "text", "text": text}] if text else []
    return [*parts, *({"type": "image_url", "image_url": {"url": url}} for url in urls)]
