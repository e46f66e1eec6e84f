"""What a provider is to the rest of lllm: one attempt at one model call, sync or async.

Retries, waits and budgets belong to the machine; here a call ends in a Message or in one ProviderError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lllm.const import APITypes
from lllm.errors import ConfigError
from lllm.models.message import Message
from lllm.models.request import ModelRequest


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply that is still being written: for showing, never for logging.

    Attributes:
        kind: ``text``, ``reasoning``, or ``call`` for a piece of a function call's arguments.
        text: the piece.
        index: which function call of the reply, from 0; 0 for text and reasoning.
        name: name of the function; only with ``call``.
    """

    kind: Literal["text", "reasoning", "call"]
    text: str
    index: int = 0
    name: str = ""


OnDelta = Callable[[Delta], None]


class Provider(Protocol):
    """A model behind a name. All methods may be called from many threads and tasks at once.

    One that has a key also has a method ``secrets() -> tuple[str, ...]``; see :func:`secrets_of`. One that keeps
    replies also has a method ``judged``; see :func:`judged_of`.
    """

    @property
    def name(self) -> str:
        """Name under which it was configured."""
        ...

    def send(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Make one attempt and return the model's reply.

        Args:
            request: what the model is asked; ``request.stream`` decides whether the reply comes in pieces.
            timeout_s: seconds for the whole attempt; None takes the provider's own.
            on_delta: called with each piece, in order; what it raises ends the attempt.

        Raises:
            ProviderError: the attempt failed; ``retryable`` says whether the caller may try again.
            ConfigError: nothing was sent, because a key or an address is missing.
        """
        ...

    async def asend(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Make one attempt, as :meth:`send` does; cancelling the task closes the connection."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what a log keeps of the provider: ``name, api, base_url``; never a secret."""
        ...

    def close(self) -> None:
        """Close connections that no call uses; a later call opens new ones."""
        ...

    async def aclose(self) -> None:
        """Close connections of the running event loop that no call uses."""
        ...


def check_api(provider: Provider, api_type: APITypes) -> None:
    """Refuse a provider that speaks another format than is asked for; a model in the process speaks all.

    Raises:
        ConfigError: the responses format is asked for, and the provider speaks another; or there is no such format.
    """
    if api_type not in tuple(APITypes):  # a text will do as well
        raise ConfigError(f"there is no api_type {api_type!r}", hint=f"known: {', '.join(APITypes)}")
    api = provider.describe().get("api")
    if api_type == APITypes.RESPONSE and api not in ("responses", "mock", "mlx"):
        raise ConfigError(
            f"api_type 'response' is asked for, and provider {provider.name!r} speaks {api!r}",
            hint="build_provider(name, config, api='responses'), or use completion",
        )


def secrets_of(provider: Provider) -> tuple[str, ...]:
    """Return what must stand in no log: the key that the provider would send right now, and the like. Cheap."""
    secrets: Callable[[], tuple[str, ...]] | None = getattr(provider, "secrets", None)
    return secrets() if secrets is not None else ()


def judged_of(provider: Provider) -> Callable[..., None] | None:
    """Return whom to tell what a reply was worth: ``judged`` of a provider that keeps replies, or of one around it.

    Most have none. It is called ``judged(request, reply, usable=...)``, once for each reply, by whoever knows: a turn,
    when the reply was parsed. What nobody spoke for is not kept. It returns at once and raises nothing.
    """
    return getattr(provider, "judged", None)
