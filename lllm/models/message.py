"""One entry of a dialog, as a value: it has no identity, no clock and no store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from lllm.const import NO_COST, APITypes, CompletionCost, Finish, Modalities, Roles
from lllm.models.call import FunctionCall
from lllm.models.image import Image

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token of a reply, its natural log-probability, and the likeliest tokens at that place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A reply that could not be used: its text, and what the model was told."""

    content: str
    error_message: str


@dataclass(frozen=True, slots=True)
class Native:
    """What one family of servers wants back as it came, such as signed reasoning. No other family is sent it.

    Attributes:
        family: whose it is: ``Profile.family`` of the provider that the reply came from.
        items: pieces of the reply in that family's own form, in the order of the reply.
    """

    family: str
    items: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)  # no slots: with them, typing cannot make Message[X](...)
class Message(Generic[T]):
    """One entry of a dialog.

    Attributes:
        content: the text; a caption when there are images.
        creator: who made it: an agent's name, ``user``, ``function``, ``exception``.
        function_calls: what the model asks for, in its order.
        tool_call_id: which call this message answers; only with role ``tool``.
        parsed: what the prompt's parser made of the text; None for messages that were not parsed.
        finish: why the model stopped.
        reasoning: what the model thought aloud, as far as its server tells.
        native: what the model's server wants back as it came.
        cached: it came from a cache of ours, and cost nothing.
        extra: the user's own data; it is logged and never sent.
        execution_attempts: replies of the same step that could not be used, oldest first. They are not in the dialog.
        function_name, is_error: with role ``tool``, whose answer it is, and whether it is a failure, for servers that
            have words for it. The call and its result tell both, so the message is logged without them.
    """

    role: Roles
    content: str = ""
    creator: str = ""
    function_calls: tuple[FunctionCall, ...] = ()
    tool_call_id: str = ""
    images: tuple[Image, ...] = ()
    parsed: T = cast("T", None)  # noqa: RUF009 - a cast is no call at run time worth a factory
    model: str = ""
    usage: CompletionCost = NO_COST
    finish: Finish = Finish.STOP
    logprobs: tuple[TokenLogprob, ...] = ()
    reasoning: str = ""
    refusal: str = ""
    native: Native | None = None
    cached: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    execution_attempts: tuple[Attempt, ...] = ()
    api_type: APITypes = APITypes.COMPLETION
    function_name: str = ""
    is_error: bool = False

    @property
    def modality(self) -> Modalities:
        """What the message carries."""
        if self.function_calls:
            return Modalities.FUNCTION_CALL
        return Modalities.IMAGE if self.images else Modalities.TEXT

    @property
    def is_function_call(self) -> bool:
        """Whether the model asks for functions."""
        return bool(self.function_calls)

    @property
    def cost(self) -> CompletionCost:
        """Tokens and money of this reply alone."""
        return self.usage

    def with_parsed(self, parsed: U, attempts: tuple[Attempt, ...] = ()) -> Message[U]:
        """Return the message with the parser's result and the failed attempts that led to it."""
        return cast("Message[U]", self._having(parsed=parsed, execution_attempts=attempts))

    def by(self, creator: str, extra: Mapping[str, Any]) -> Message[T]:
        """Return the message as ``creator``'s, with the user's own data."""
        return self._having(creator=creator, extra=extra)

    def _having(self, **changed: Any) -> Message[T]:
        """Return a copy with other fields. ``dataclasses.replace`` takes ten times as long, at each reply."""
        copy: Message[T] = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, **changed)
        return copy


def to_result_message(call: FunctionCall, text: str) -> Message[Any]:
    """Return ``text`` as what the model reads of an answered call. Pure."""
    failed = bool(call.error_message)
    return Message(
        Roles.TOOL,
        text,
        "function",
        tool_call_id=call.id,
        images=call.images,
        function_name=call.name,
        is_error=failed,
    )


def message_to_dict(message: Message[Any]) -> dict[str, Any]:
    """Return what a message holds when it enters a dialog, as plain JSON data. Pure.

    This is what is logged and what a request's fingerprint covers. Empty fields are left out. Keys:
    ``role, content, creator, calls[{id,name,arguments}], tool_call_id, images[{media_type,base64} or {url}], reasoning,
    refusal, native{family,items}, extra``.
    """
    data: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.creator:
        data["creator"] = message.creator
    if message.function_calls:
        data["calls"] = [{"id": c.id, "name": c.name, "arguments": c.raw_arguments} for c in message.function_calls]
    if message.tool_call_id:
        data["tool_call_id"] = message.tool_call_id
    if message.images:
        data["images"] = [
            {"url": i.url} if i.url else {"media_type": i.media_type, "base64": i.base64} for i in message.images
        ]
    for name in ("reasoning", "refusal"):
        if text := getattr(message, name):
            data[name] = text
    if message.native:
        data["native"] = {"family": message.native.family, "items": list(message.native.items)}
    if message.extra:
        data["extra"] = dict(message.extra)
    return data


def message_from_dict(data: Mapping[str, Any], **facts: Any) -> Message[Any]:
    """Return the message of :func:`message_to_dict`; ``facts`` are further fields, such as ``usage``. Pure."""
    return Message(
        role=Roles(data["role"]),
        content=data["content"],
        creator=data.get("creator", ""),
        function_calls=tuple(FunctionCall(c["id"], c["name"], c["arguments"]) for c in data.get("calls", ())),
        tool_call_id=data.get("tool_call_id", ""),
        images=tuple(Image(**image) for image in data.get("images", ())),
        reasoning=data.get("reasoning", ""),
        refusal=data.get("refusal", ""),
        native=Native(told["family"], tuple(told["items"])) if (told := data.get("native")) else None,
        extra=data.get("extra", {}),
        **facts,
    )


def reply_facts_to_dict(message: Message[Any]) -> dict[str, Any]:
    """Return what is known of a reply beside its text: ``usage, model, cost_usd, finish, logprobs, cached``. Pure.

    An unknown price, and the ordinary finish ``stop``, are left out. ``usage`` is prompt, completion, cached prompt and
    reasoning tokens, and as a fifth number those written to a cache, if there are any.
    """
    usage = message.usage
    counts = [usage.prompt_tokens, usage.completion_tokens, usage.cached_prompt_tokens, usage.reasoning_tokens]
    if usage.cache_write_tokens:
        counts.append(usage.cache_write_tokens)
    data: dict[str, Any] = {"usage": counts, "model": message.model}
    if usage.cost_usd is not None:
        data["cost_usd"] = usage.cost_usd
    if message.finish is not Finish.STOP:
        data["finish"] = message.finish.value
    if message.cached:
        data["cached"] = True
    if message.logprobs:
        data["logprobs"] = [[lp.token, lp.logprob, [list(pair) for pair in lp.top]] for lp in message.logprobs]
    return data


def reply_facts_from_dict(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of :func:`reply_facts_to_dict` as arguments of Message. Pure."""
    *counts, written = (*data["usage"], 0)[:5]
    return {
        "usage": CompletionCost(*counts, cost_usd=data.get("cost_usd"), cache_write_tokens=written),
        "cached": data.get("cached", False),
        "finish": Finish(data.get("finish", Finish.STOP)),
        "model": data["model"],
        "logprobs": tuple(
            TokenLogprob(token, logprob, tuple((t, p) for t, p in top))
            for token, logprob, top in data.get("logprobs", ())
        ),
    }
