"""The items of an OpenAI Responses reply: what they say, and which of them the server wants back. Pure.

A reply is a list of items: messages, function calls, reasoning, and what tools on the server's side did. The first two
say what every format can say; the others stay with the message as its ``native`` pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lllm.const import CompletionCost, Finish
from lllm.providers.wire.draft import Asked, Draft
from lllm.providers.wire.loose import (
    Json,
    can_be_logged,
    to_arguments_text,
    to_count,
    to_dict,
    to_json,
    to_list,
    to_text,
)

_FINISHES = {
    "completed": Finish.STOP,
    "complete": Finish.STOP,  # so write some that imitate the service
    "max_output_tokens": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
}
_PLAIN_KEYS = {
    "message": frozenset({"type", "id", "role", "status", "content"}),
    "function_call": frozenset({"type", "id", "status", "call_id", "name", "arguments"}),
}
COMPUTER_CALL = "computer_call"
COMPUTER = "computer"
"""Name of the function that answers a ``computer_call``, which has no name of its own."""

CALLS = frozenset({"function_call", COMPUTER_CALL})
_BLANK: tuple[Any, ...] = (None, "", [], {})


def to_draft(asked: Asked, items: Sequence[Any], response: Json) -> Draft:
    """Return the draft of a reply: its items, and what ``response`` says about them all."""
    draft = Draft(asked)
    add_items(draft, items)
    draft.model = to_text(response.get("model"))
    draft.usage = _usage_of(to_dict(response.get("usage")))
    reason = to_text(to_dict(response.get("incomplete_details")).get("reason"))
    draft.finish = _FINISHES.get(reason or to_text(response.get("status")))
    return draft


def _usage_of(usage: Json) -> CompletionCost | None:
    if not usage:
        return None
    read, written = to_dict(usage.get("input_tokens_details")), to_dict(usage.get("output_tokens_details"))
    return CompletionCost(
        to_count(usage.get("input_tokens")),
        to_count(usage.get("output_tokens")),
        to_count(read.get("cached_tokens")),
        to_count(written.get("reasoning_tokens")),
        cache_write_tokens=to_count(read.get("cache_write_tokens")),
    )


def add_items(draft: Draft, items: Sequence[Any]) -> None:
    """Put what output items say into a draft, and the items themselves where words alone do not say it all.

    They are kept all or none. The service refuses reasoning without the item that followed it, under its own id
    ("provided without its required following item"); and reasoning of which there is only an id, where it is not stored
    ("Items are not persisted when `store` is set to false").
    """
    told = [item for item in map(to_dict, items) if item]
    for item in told:
        _add_item(draft, item)
    if not _is_plain(told) and not any(map(_is_reference, told)):
        native = [_without_logprobs(item) for item in told]
        if can_be_logged(native):
            draft.native, draft.has_native = [*native], True


def _add_item(draft: Draft, item: Json) -> None:
    kind = item.get("type")
    if kind == "message":
        _add_content(draft, item.get("content"))
    elif kind == "function_call":
        call_id = to_text(item.get("call_id")) or to_text(item.get("id"))
        draft.add_arguments(
            draft.add_call(None, call_id, to_text(item.get("name"))), to_arguments_text(item.get("arguments"))
        )
    elif kind == COMPUTER_CALL:
        call_id = to_text(item.get("call_id")) or to_text(item.get("id"))
        draft.add_arguments(draft.add_call(None, call_id, COMPUTER), _computer_arguments(item))
    elif kind == "reasoning":
        parts = to_list(item.get("content")) or to_list(item.get("summary"))  # the thoughts, or else what they come to
        for text in filter(None, (to_text(to_dict(part).get("text")) for part in parts)):
            draft.add_reasoning(f"\n\n{text}" if draft.reasoning else text)


def _computer_arguments(item: Json) -> str:
    """Return what a vendor's computer-use tool is to do, as arguments of a function: ``actions`` and what is pending.

    The older tool asks for one ``action``. Actions that are none at all stay as they came, for the function to refuse;
    those of a call that was cut off are no JSON any more, because half of them may not be done.
    """
    action = item.get("action")
    actions = item.get("actions") or ([] if action is None else [action])
    checks = to_list(item.get("pending_safety_checks"))
    text = to_json({"actions": actions, "pending_safety_checks": checks})
    return text[:-1] if item.get("status") in ("in_progress", "incomplete") else text


def _add_content(draft: Draft, content: Any) -> None:
    if isinstance(content, str):
        draft.add_text(content)
    for part in map(to_dict, to_list(content)):
        draft.add_refusal(to_text(part.get("refusal")))
        draft.add_text(to_text(part.get("text")))
        draft.add_logprobs(part.get("logprobs"))


def _is_plain(items: Sequence[Json]) -> bool:
    """Whether a message of any format can say all that the items say: one text at most, then calls."""
    kinds = [item.get("type") for item in items]
    return "message" not in kinds[1:] and all(map(_is_plain_item, items))


def _is_plain_item(item: Json) -> bool:
    known = _PLAIN_KEYS.get(to_text(item.get("type")), frozenset[str]())
    return bool(known) and all(key in known or value in _BLANK for key, value in item.items())


def _is_reference(item: Json) -> bool:
    """Whether an item is no more than an id: reasoning that came neither in the open nor encrypted."""
    return item.get("type") == "reasoning" and not item.get("encrypted_content") and not item.get("content")


def _without_logprobs(item: Json) -> Mapping[str, Any]:
    """Return an item without its log-probabilities: they are many, the message has them, and nobody wants them back."""
    parts = [to_dict(part) for part in to_list(item.get("content"))]
    if not any(part.get("logprobs") for part in parts):
        return item
    return {**item, "content": [{**part, "logprobs": []} for part in parts]}
