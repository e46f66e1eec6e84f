"""Words that have one spelling everywhere, and what is known of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

VERSION = "0.1.0"
"""Of lllm; the same as in pyproject.toml, which a test checks."""


class Roles(StrEnum):
    """Who speaks a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Modalities(StrEnum):
    """What a message carries."""

    TEXT = "text"
    IMAGE = "image"
    FUNCTION_CALL = "function_call"


class APITypes(StrEnum):
    """Which wire format a model is spoken to in."""

    COMPLETION = "completion"
    RESPONSE = "response"


class Providers(StrEnum):
    """Providers that come with lllm; a name that is not here may be registered."""

    MOCK = "mock"
    OPENAI = "openai"


class Features(StrEnum):
    """What a model can do, as far as its card says."""

    FUNCTION_CALL = "function_call"
    STRUCTURED_OUTPUT = "structured_output"
    STREAMING = "streaming"
    LOGPROBS = "logprobs"
    IMAGE_INPUT = "image_input"
    WEB_SEARCH = "web_search"
    COMPUTER_USE = "computer_use"


class RCollections(StrEnum):
    """The three views of a session's log."""

    DIALOGS = "dialogs"
    MESSAGES = "messages"
    FRONTEND = "frontend"


class Finish(StrEnum):
    """Why a model stopped, one spelling for all wire formats."""

    STOP = "stop"
    LENGTH = "length"
    FUNCTION_CALLS = "function_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CompletionCost:
    """Tokens and money of one or more model calls. ``cost_usd`` is None when a price is unknown, never 0.

    Attributes:
        prompt_tokens: all that was read, from a cache of the server's or not.
        cached_prompt_tokens: the part of them that came from such a cache.
        cache_write_tokens: the part of them that was put into one.
        reasoning_tokens: the part of the completion tokens that nobody sees.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_prompt_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    cache_write_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: CompletionCost) -> CompletionCost:
        known = self.cost_usd is not None and other.cost_usd is not None
        return CompletionCost(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_prompt_tokens + other.cached_prompt_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            (self.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
            self.cache_write_tokens + other.cache_write_tokens,
        )


NO_COST = CompletionCost(cost_usd=0.0)
"""The sum over no calls: it costs nothing, which is known."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model. Prices are US dollars for a million tokens, None when unknown.

    Attributes:
        max_tokens: size of the context window in tokens.
        max_output_tokens: most tokens of one reply.
    """

    name: str
    provider: str = ""
    max_tokens: int | None = None
    max_output_tokens: int | None = None
    input_price: float | None = None
    cached_input_price: float | None = None
    cache_write_price: float | None = None
    output_price: float | None = None
    features: frozenset[Features] = field(default_factory=frozenset[Features])
    snapshots: tuple[str, ...] = ()

    def price(self, usage: CompletionCost) -> CompletionCost:
        """Return ``usage`` with its money filled in, or as it is when a price is unknown.

        What came from a cache, and what was put into one, is a part of the prompt tokens, and costs
        ``cached_input_price`` and ``cache_write_price`` where those are known.
        """
        if self.input_price is None or self.output_price is None:
            return usage
        cached_price = self.input_price if self.cached_input_price is None else self.cached_input_price
        written_price = self.input_price if self.cache_write_price is None else self.cache_write_price
        fresh = usage.prompt_tokens - usage.cached_prompt_tokens - usage.cache_write_tokens
        money = fresh * self.input_price + usage.cached_prompt_tokens * cached_price
        money += usage.cache_write_tokens * written_price + usage.completion_tokens * self.output_price
        return replace(usage, cost_usd=money / 1_000_000)


_CARDS: dict[str, ModelCard] = {}
MODEL_CARDS: Mapping[str, ModelCard] = _CARDS


def register_model_card(card: ModelCard) -> None:
    """Make ``card`` known under its name and the names of its snapshots; a later card replaces an earlier one."""
    for name in (card.name, *card.snapshots):
        _CARDS[name] = card


def find_model_card(name: str) -> ModelCard:
    """Return the card of a model; one without facts for a model that nobody has registered."""
    return _CARDS.get(name) or ModelCard(name)


register_model_card(ModelCard("mock", provider="mock", input_price=0.0, output_price=0.0))
