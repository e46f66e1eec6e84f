"""A reply that is still being written, whatever the format: whole bodies and pieces of a stream fill the same. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from lllm.const import CompletionCost, Finish, Roles, find_model_card
from lllm.errors import BadReply
from lllm.models.call import FunctionCall
from lllm.models.message import Message, Native, TokenLogprob
from lllm.providers.base import Delta
from lllm.providers.wire.loose import Json, clean, to_dict, to_list, to_logprob, to_text


class Asked(NamedTuple):
    """Who was asked: the model, for the price, and the family of servers, for what only it wants back."""

    model: str = ""
    family: str = ""


NOBODY = Asked()
MAX_CALLS = 1000
"""Most function calls of a reply: more are a server's attack, or a model that repeats itself until it is stopped."""

MAX_CHECKS = 100
"""How often the arguments of one call are read while they arrive; each time takes as long as they are."""


class DraftCall:
    """A function call that is still being written.

    Attributes:
        key: what the server's pieces name it by, such as an index.
    """

    __slots__ = ("_checks", "id", "key", "name", "pieces")

    def __init__(self, key: Any, call_id: str, name: str) -> None:
        self.key, self.id, self.name = key, call_id, name
        self.pieces: list[str] = []
        self._checks = 0

    @property
    def arguments(self) -> str:
        """What has arrived of the arguments."""
        return "".join(self.pieces)

    def is_whole(self) -> bool:
        """Whether the arguments are a complete JSON object."""
        if not self.pieces[-1].rstrip().endswith("}"):  # cheap, for servers that repeat the name in every piece
            return False
        self._checks += 1
        if self._checks > MAX_CHECKS:
            return False
        try:
            return isinstance(json.loads(self.arguments), dict)
        except (ValueError, RecursionError):
            return False


class Late(Protocol):
    """Native pieces that are put together when the reply is whole."""

    def to_items(self, calls: list[DraftCall]) -> list[Mapping[str, Any]]:
        """Return them, for the calls of the reply."""
        ...


class Draft:
    """A reply that is still being written.

    Attributes:
        usage: tokens so far, None when the server has told of none.
        native: pieces that only the server's own family understands.
        late: further pieces for ``native``, or None.
        has_native: the family wants ``native``, or the reasoning, back.
        deltas: what was added since a reader last took them.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.calls: list[DraftCall] = []
        self.logprobs: list[TokenLogprob] = []
        self.finish: Finish | None = None
        self.model = ""
        self.usage: CompletionCost | None = None
        self.native: list[Mapping[str, Any]] = []
        self.late: Late | None = None
        self.has_native = False
        self.deltas: list[Delta] = []

    @property
    def partial(self) -> str:
        """The text so far."""
        return clean("".join(self.text))

    def add_text(self, text: str) -> None:
        """Add to the text."""
        if text:
            self.text.append(text)
            self.deltas.append(Delta("text", clean(text)))

    def add_reasoning(self, text: str, *, goes_back: bool = False) -> None:
        """Add to what the model thinks aloud; where the text itself ``goes_back``, the message says whose it is."""
        if text:
            self.has_native = self.has_native or goes_back
            self.reasoning.append(text)
            self.deltas.append(Delta("reasoning", clean(text)))

    def add_refusal(self, text: str) -> None:
        """Add to the words with which the model refuses."""
        if text:
            self.refusal.append(text)

    def add_call(self, key: Any, call_id: str, name: str) -> DraftCall:
        """Begin another function call.

        Raises:
            BadReply: there are too many.
        """
        if len(self.calls) >= MAX_CALLS:
            raise BadReply(f"the reply holds more than {MAX_CALLS:,} function calls", retryable=False)
        call = DraftCall(key, call_id, name)
        self.calls.append(call)
        return call

    def find_call(self, key: Any) -> DraftCall | None:
        """Return the newest call that the server names by ``key``."""
        return next((call for call in reversed(self.calls) if call.key == key), None)

    def add_arguments(self, call: DraftCall, piece: str) -> None:
        """Add to the arguments of a call."""
        call.pieces.append(piece)
        position = next(i for i in range(len(self.calls) - 1, -1, -1) if self.calls[i] is call)
        self.deltas.append(Delta("call", clean(piece), position, clean(call.name)))

    def add_logprobs(self, items: Any) -> None:
        """Add tokens, each ``{token, logprob, top_logprobs: [{token, logprob}]}``."""
        self.logprobs += [_to_logprob(to_dict(item)) for item in to_list(items)]

    def to_message(self) -> Message[Any]:
        """Return the reply; its price is that of the model asked, or of the model that the server names."""
        calls = self._function_calls()
        native = [*self.native, *(self.late.to_items(self.calls) if self.late else ())]
        refusal = clean("".join(self.refusal))
        return Message(
            role=Roles.ASSISTANT,
            content=clean("".join(self.text)),
            function_calls=calls,
            model=clean(self.model) or self.asked.model,
            usage=_priced(self.usage, self.asked.model, self.model),
            finish=_finish(self.finish, bool(calls), bool(refusal)),
            logprobs=tuple(self.logprobs),
            reasoning=clean("".join(self.reasoning)),
            refusal=refusal,
            native=Native(self.asked.family, tuple(native)) if self.has_native else None,
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


def _finish(told: Finish | None, has_calls: bool, refused: bool) -> Finish:
    finish = told or Finish.UNKNOWN
    if has_calls and finish in (Finish.STOP, Finish.UNKNOWN):  # several servers say "stop" beside calls
        return Finish.FUNCTION_CALLS
    return Finish.REFUSAL if refused else finish


def _priced(usage: CompletionCost | None, asked_model: str, model: str) -> CompletionCost:
    if usage is None:
        return CompletionCost()
    priced = find_model_card(asked_model).price(usage)
    return find_model_card(model).price(usage) if priced.cost_usd is None else priced


def _to_logprob(item: Json) -> TokenLogprob:
    top = (
        (clean(to_text(t.get("token"))), to_logprob(t.get("logprob")))
        for t in map(to_dict, to_list(item.get("top_logprobs")))
    )
    return TokenLogprob(clean(to_text(item.get("token"))), to_logprob(item.get("logprob")), tuple(top))
