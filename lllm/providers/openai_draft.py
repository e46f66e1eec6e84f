"""A chat reply that is still being written, from whole bodies and from pieces of a stream alike. Pure.

Servers differ in what they leave out, repeat and put elsewhere; each tolerance below names what it is for.
"""

from __future__ import annotations

import json
from typing import Any

from lllm.const import CompletionCost, Finish, Roles, find_model_card
from lllm.models.call import FunctionCall
from lllm.models.message import Message, TokenLogprob
from lllm.providers.base import Delta
from lllm.providers.loose import Json, clean, to_count, to_dict, to_list, to_logprob, to_text

_FINISHES = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.FUNCTION_CALLS,
    "function_call": Finish.FUNCTION_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
    "refusal": Finish.REFUSAL,
}


class DraftCall:
    """A function call that is still being written."""

    __slots__ = ("id", "index", "name", "pieces")

    def __init__(self, index: int | None, call_id: str, name: str) -> None:
        self.index, self.id, self.name = index, call_id, name
        self.pieces: list[str] = []

    @property
    def arguments(self) -> str:
        """What has arrived of the arguments."""
        return "".join(self.pieces)

    def is_whole(self) -> bool:
        """Whether the arguments are a complete JSON object."""
        if not self.pieces[-1].rstrip().endswith("}"):  # cheap, for servers that repeat the name in every piece
            return False
        try:
            return isinstance(json.loads(self.arguments), dict)
        except (ValueError, RecursionError):
            return False


class Draft:
    """A reply that is still being written."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.calls: list[DraftCall] = []
        self.logprobs: list[TokenLogprob] = []
        self.finish = ""
        self.model = ""
        self.usage: Json = {}
        self.deltas: list[Delta] = []

    @property
    def partial(self) -> str:
        """The text so far."""
        return clean("".join(self.text))

    def add_choice(self, choice: Json, part: Json, *, whole: bool) -> None:
        """Take a choice and its ``message`` (``whole``) or ``delta``."""
        self._add_content(part.get("content"))
        # A server that sends both names sends the same text twice.
        self._add_reasoning(to_text(part.get("reasoning_content")) or to_text(part.get("reasoning")))
        if refusal := to_text(part.get("refusal")):
            self.refusal.append(refusal)
        entries = to_list(part.get("tool_calls"))
        legacy = to_dict(part.get("function_call"))  # the form before tools; Snowflake always sends it, mostly empty
        if not entries and any(legacy.values()):
            entries = [{"index": 0, "function": legacy}]
        for entry in entries:
            self._add_call(to_dict(entry), whole=whole)
        if isinstance(choice.get("logprobs"), dict):
            self.logprobs += [_logprob(to_dict(item)) for item in to_list(choice["logprobs"].get("content"))]
        self.finish = to_text(choice.get("finish_reason")) or self.finish

    def _add_content(self, content: Any) -> None:
        if isinstance(content, str):
            if content:
                self.text.append(content)
                self.deltas.append(Delta("text", clean(content)))
            return
        for item in to_list(content):  # Mistral sends parts, and its reasoning as one of them
            part = to_dict(item)
            if part.get("type") == "thinking":
                self._add_reasoning("".join(to_text(to_dict(x).get("text")) for x in to_list(part.get("thinking"))))
            else:
                self._add_content(to_text(part.get("text")))

    def _add_reasoning(self, text: str) -> None:
        if text:
            self.reasoning.append(text)
            self.deltas.append(Delta("reasoning", clean(text)))

    def _add_call(self, entry: Json, *, whole: bool) -> None:
        function = to_dict(entry.get("function"))
        name, call_id = to_text(function.get("name")), to_text(entry.get("id"))
        given = function.get("arguments")
        # Some servers send the object in place of its text. Not encode_json: what is wrong is for the model to mend.
        piece = given if isinstance(given, str) else "" if given is None else json.dumps(given)
        index = entry.get("index") if isinstance(entry.get("index"), int) else None
        call = None if whole else self._find_call(index, call_id, name)
        if call is None or _begins_anew(call, call_id, name, piece):
            call = DraftCall(index, call_id, name)
            self.calls.append(call)
        call.id, call.name = call.id or call_id, call.name or name
        call.pieces.append(piece)
        position = next(i for i in range(len(self.calls) - 1, -1, -1) if self.calls[i] is call)
        self.deltas.append(Delta("call", clean(piece), position, clean(call.name)))

    def _find_call(self, index: int | None, call_id: str, name: str) -> DraftCall | None:
        """Return the call that a delta goes on with: by index, else by id, else the last one."""
        if index is not None:
            return next((call for call in reversed(self.calls) if call.index == index), None)
        if call_id:
            known = next((call for call in reversed(self.calls) if call.id == call_id), None)
            if known is not None or name:
                return known
        return self.calls[-1] if self.calls else None

    def to_message(self, asked_model: str) -> Message[Any]:
        """Return the reply; its price is that of ``asked_model``, or of the model that the server names."""
        calls = self._function_calls()
        refusal = clean("".join(self.refusal))
        return Message(
            role=Roles.ASSISTANT,
            content=clean("".join(self.text)),
            function_calls=calls,
            model=clean(self.model) or asked_model,
            usage=_priced(self.usage, asked_model, self.model),
            finish=_finish(self.finish, bool(calls), bool(refusal)),
            logprobs=tuple(self.logprobs),
            reasoning=clean("".join(self.reasoning)),
            refusal=refusal,
        )

    def _function_calls(self) -> tuple[FunctionCall, ...]:
        """Return the calls; an id that is missing or taken becomes ``call_<position>``, or the next free number."""
        taken: set[str] = {call.id for call in self.calls}
        used: set[str] = set()
        calls: list[FunctionCall] = []
        for position, draft in enumerate(self.calls):
            call_id, number = draft.id, position
            while not call_id or call_id in used:
                call_id = f"call_{number}"
                number += len(self.calls)
                if call_id in taken:
                    call_id = ""
            used.add(call_id)
            calls.append(FunctionCall(clean(call_id), clean(draft.name), clean(draft.arguments)))
        return tuple(calls)


def _begins_anew(call: DraftCall, call_id: str, name: str, piece: str) -> bool:
    """Whether a delta for the place of ``call`` starts another call: some servers give every call the index 0.

    Only a delta with a name can. It does when its id or name is another, or when the call before it is complete.
    """
    if not name or not call.name:
        return False
    if name != call.name or (call_id and call.id and call_id != call.id):
        return True
    return bool(piece) and call.is_whole()


def _finish(raw: str, has_calls: bool, refused: bool) -> Finish:
    finish = _FINISHES.get(raw, Finish.UNKNOWN)
    if has_calls and finish in (Finish.STOP, Finish.UNKNOWN):  # several servers say "stop" beside calls
        return Finish.FUNCTION_CALLS
    return Finish.REFUSAL if refused else finish


def _priced(usage: Json, asked_model: str, model: str) -> CompletionCost:
    if not usage:
        return CompletionCost()
    prompt, completion = to_dict(usage.get("prompt_tokens_details")), to_dict(usage.get("completion_tokens_details"))
    cost = CompletionCost(
        to_count(usage.get("prompt_tokens")),
        to_count(usage.get("completion_tokens")),
        to_count(prompt.get("cached_tokens")) or to_count(usage.get("prompt_cache_hit_tokens")),  # the latter: DeepSeek
        to_count(completion.get("reasoning_tokens")),
    )
    priced = find_model_card(asked_model).price(cost)
    return find_model_card(model).price(cost) if priced.cost_usd is None else priced


def _logprob(item: Json) -> TokenLogprob:
    top = (
        (clean(to_text(t.get("token"))), to_logprob(t.get("logprob")))
        for t in map(to_dict, to_list(item.get("top_logprobs")))
    )
    return TokenLogprob(clean(to_text(item.get("token"))), to_logprob(item.get("logprob")), tuple(top))
