"""The OpenAI chat-completions format, reply side: bytes to one Message. Pure.

Servers differ in what they leave out, repeat and put elsewhere; each tolerance below names what it is for.
Only named errors leave this file.
"""

from __future__ import annotations

from typing import Any

from lllm.const import CompletionCost, Finish
from lllm.errors import BadReply
from lllm.models.message import Message
from lllm.providers.wire.chat_native import add_added, extras_of
from lllm.providers.wire.classify import raise_failure
from lllm.providers.wire.draft import NOBODY, Asked, Draft, DraftCall
from lllm.providers.wire.loose import (
    Json,
    parse_json,
    parse_object,
    start_of,
    to_arguments_text,
    to_count,
    to_dict,
    to_list,
    to_text,
)
from lllm.providers.wire.sse import EventDecoder
from lllm.providers.wire.stream import ReplyStream

_FINISHES = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.FUNCTION_CALLS,
    "function_call": Finish.FUNCTION_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
    "refusal": Finish.REFUSAL,
}


def parse_reply(body: bytes, asked: Asked = NOBODY) -> Message[Any]:
    """Return the message of a whole reply. Pure.

    Raises:
        BadReply: it is not the format, or holds no choice.
        StatusError: it holds an error, as gateways send them.
    """
    data = parse_object(body)
    raise_failure(data)
    choice = _first_choice(data)
    message = to_dict(choice and choice.get("message"))
    raise_failure(choice or {})
    if not choice or not message:
        raise BadReply("the reply holds no message", excerpt=start_of(body))
    draft = Draft(asked)
    draft.model, draft.usage = to_text(data.get("model")), _usage_of(data)
    add_choice(draft, choice, message, whole=True)
    return draft.to_message()


def read_stream(asked: Asked = NOBODY) -> ReplyStream:
    """Return a reader of a streamed reply."""
    return ReplyStream(EventDecoder(), _ChatReader(asked))


class _ChatReader:
    """Takes chunks until ``[DONE]``; a stream may also just end behind a finish reason."""

    def __init__(self, asked: Asked) -> None:
        self.draft = Draft(asked)
        self.done = False
        self._seen_choice = False

    def take(self, name: str, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            self.done = True
            return
        event = to_dict(parse_json(data))
        raise_failure(event, name)
        draft = self.draft
        draft.model = draft.model or to_text(event.get("model"))
        draft.usage = _usage_of(event) or draft.usage  # cumulative where it is repeated: the last one counts
        for choice in map(to_dict, to_list(event.get("choices"))):
            if to_count(choice.get("index")) == 0:
                raise_failure(choice)
                self._seen_choice = True
                add_choice(draft, choice, to_dict(choice.get("delta")), whole=False)

    def may_end(self) -> bool:
        return self.draft.finish is not None

    def has_reply(self) -> bool:
        return self._seen_choice


def _first_choice(data: Json) -> Json | None:
    """Return the choice with the lowest index; servers may send several, in any order."""
    choices = [choice for choice in map(to_dict, to_list(data.get("choices"))) if choice]
    return min(choices, key=lambda choice: to_count(choice.get("index")), default=None)


def _usage_of(data: Json) -> CompletionCost | None:
    usage = to_dict(data.get("usage")) or to_dict(to_dict(data.get("x_groq")).get("usage"))
    if not usage:
        return None
    prompt, completion = to_dict(usage.get("prompt_tokens_details")), to_dict(usage.get("completion_tokens_details"))
    return CompletionCost(
        to_count(usage.get("prompt_tokens")),
        to_count(usage.get("completion_tokens")),
        to_count(prompt.get("cached_tokens")) or to_count(usage.get("prompt_cache_hit_tokens")),  # the latter: DeepSeek
        to_count(completion.get("reasoning_tokens")),
        cache_write_tokens=to_count(prompt.get("cache_write_tokens")),
    )


def add_choice(draft: Draft, choice: Json, part: Json, *, whole: bool) -> None:
    """Take a choice and its ``message`` (``whole``) or ``delta``."""
    _add_content(draft, part.get("content"))
    # A server that sends both names sends the same text twice.
    draft.add_reasoning(to_text(part.get("reasoning_content")) or to_text(part.get("reasoning")), goes_back=True)
    add_added(draft, part, whole=whole)
    draft.add_refusal(to_text(part.get("refusal")))
    entries = to_list(part.get("tool_calls"))
    legacy = to_dict(part.get("function_call"))  # the form before tools; Snowflake always sends it, mostly empty
    if not entries and any(legacy.values()):
        entries = [{"index": 0, "function": legacy}]
    for entry in entries:
        _add_call(draft, to_dict(entry), whole=whole)
    draft.add_logprobs(to_dict(choice.get("logprobs")).get("content"))
    if reason := to_text(choice.get("finish_reason")):
        draft.finish = _FINISHES.get(reason, Finish.UNKNOWN)


def _add_content(draft: Draft, content: Any) -> None:
    if isinstance(content, str):
        draft.add_text(content)
        return
    for item in to_list(content):  # Mistral sends parts, and its reasoning as one of them
        part = to_dict(item)
        if part.get("type") == "thinking":
            thoughts = "".join(to_text(to_dict(x).get("text")) for x in to_list(part.get("thinking")))
            draft.add_reasoning(thoughts, goes_back=True)
        else:
            draft.add_text(to_text(part.get("text")))


def _add_call(draft: Draft, entry: Json, *, whole: bool) -> None:
    function = to_dict(entry.get("function"))
    name, call_id = to_text(function.get("name")), to_text(entry.get("id"))
    piece = to_arguments_text(function.get("arguments"))
    index = entry.get("index") if isinstance(entry.get("index"), int) else None
    call = None if whole else _find_call(draft, index, call_id, name)
    if call is None or _begins_anew(call, call_id, name, piece):
        call = draft.add_call(index, call_id, name)
    call.id, call.name = call.id or call_id, call.name or name
    draft.add_arguments(call, piece)
    if extra := to_dict(entry.get("extra_content")):
        extras_of(draft).add_call(call, extra)


def _find_call(draft: Draft, index: int | None, call_id: str, name: str) -> DraftCall | None:
    """Return the call that a delta goes on with: by index, else by id, else the last one."""
    if index is not None:
        return draft.find_call(index)
    if call_id:
        known = next((call for call in reversed(draft.calls) if call.id == call_id), None)
        if known is not None or name:
            return known
    return draft.calls[-1] if draft.calls else None


def _begins_anew(call: DraftCall, call_id: str, name: str, piece: str) -> bool:
    """Whether a delta for the place of ``call`` starts another call: some servers give every call the index 0.

    Only a delta with a name can. It does when its id or name is another, or when the call before it is complete.
    """
    if not name or not call.name:
        return False
    if name != call.name or (call_id and call.id and call_id != call.id):
        return True
    return bool(piece) and call.is_whole()
