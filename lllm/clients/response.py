"""What a plain client answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lllm.const import Finish
from lllm.models.call import FunctionCall
from lllm.models.message import Message

_FINISHES = {Finish.FUNCTION_CALLS: "tool_calls"}


@dataclass(frozen=True, slots=True)
class LLMResponse:
    """A model's reply.

    Attributes:
        content: the text.
        finish_reason: ``stop``, ``length``, ``tool_calls``, ``content_filter``, ``refusal``, ``pause`` or ``unknown``.
        usage: ``prompt_tokens, completion_tokens, total_tokens, cached_prompt_tokens, reasoning_tokens``.
        tool_calls: the functions that the model asks for, in its order; nothing has been run.
        model: the server's own name for the model.
        cached: it came from the client's cache, and cost nothing.
        cost_usd: US dollars; None when the price is unknown.
        message: the reply with everything that is known of it; None in a response that was made by hand.
    """

    content: str
    finish_reason: str = "stop"
    usage: Mapping[str, int] = field(default_factory=dict[str, int])
    tool_calls: tuple[FunctionCall, ...] = ()
    model: str = ""
    cached: bool = False
    cost_usd: float | None = None
    message: Message[Any] | None = field(default=None, repr=False, compare=False)

    @property
    def tokens_used(self) -> int:
        """Prompt and completion tokens together."""
        return self.usage.get("prompt_tokens", 0) + self.usage.get("completion_tokens", 0)


def to_response(message: Message[Any]) -> LLMResponse:
    """Return a reply in the plain form. Pure."""
    usage = message.usage
    return LLMResponse(
        content=message.content or message.refusal,
        finish_reason=_FINISHES.get(message.finish, message.finish.value),
        usage={
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "cached_prompt_tokens": usage.cached_prompt_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
        },
        tool_calls=message.function_calls,
        model=message.model,
        cached=message.cached,
        cost_usd=usage.cost_usd,
        message=message,
    )
