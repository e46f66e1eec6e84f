"""What a turn asks its driver to do. Values: a driver performs them live, from a tape, sync or async."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from lllm.models.function import Function, FunctionCall
from lllm.models.mcp import MCP
from lllm.models.request import ModelRequest
from lllm.providers.base import Provider


@dataclass(frozen=True, slots=True)
class AskModel:
    """Make one model call; answer with its Message, or raise a ProviderError."""

    id: str
    provider: Provider
    request: ModelRequest


@dataclass(frozen=True, slots=True)
class Job:
    """One function to run, with arguments that fit.

    Attributes:
        attempt: how often it was begun before, by a process that died.
        watch: what is around it while it runs, and is given its result; None where nobody watches.
    """

    id: str
    ordinal: int
    function: Function
    call: FunctionCall
    arguments: Mapping[str, Any]
    attempt: int = 0
    watch: Watch | None = None


Watch = Callable[[Job], AbstractContextManager[Callable[[FunctionCall], None]]]


@dataclass(frozen=True, slots=True)
class StartFunctions:
    """Start these functions, at once or one after the other; answer with None."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class NextResult:
    """Answer with ``(ordinal, answered call)`` of the started function that returns next."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait, then answer with None."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Sync:
    """Make the log durable, then answer with None."""


@dataclass(frozen=True, slots=True)
class ListTools:
    """Ask a server what it offers; answer with that as JSON text.

    Attributes:
        soon: servers that are asked next, and may begin to start meanwhile.
    """

    id: str
    server: MCP
    soon: tuple[MCP, ...] = ()


@dataclass(frozen=True, slots=True)
class Parse:
    """Run the user's parser; answer with its value, or raise what it raises."""

    parse: Callable[[], Any]


Effect = AskModel | StartFunctions | NextResult | Sleep | Sync | ListTools | Parse


class DeadlineHit(BaseException):
    """The call's time is up. A BaseException, so that no function or parser of the user can swallow it."""


class Effects(Protocol):
    """Performs effects for one call: live, or from a recording."""

    def perform(self, effect: Effect) -> Any:
        """Perform one effect, blocking."""
        ...

    async def aperform(self, effect: Effect) -> Any:
        """Perform one effect on the running event loop."""
        ...


MISSING: Any = object()
"""What a tape answers for a value that it does not have, and that is to be made now."""


class Tape(Protocol):
    """A recording that stands in for the world: models, functions, clocks and chance.

    Attributes:
        offline: nothing may be done for real. Otherwise what the recording lacks is.
    """

    offline: bool

    def effects(self, live: Callable[[], Effects], listen: Callable[[Any], None] | None = None) -> Effects:
        """Return what performs the effects of one call.

        Args:
            live: makes what performs them for real; not used offline.
            listen: told of each recorded text, in one piece.
        """
        ...

    def is_spent(self, dialog_id: str) -> bool | None:
        """Return whether the dialog's next call found the session's budget spent; None when that is not recorded."""
        ...

    def begun(self, id: str) -> int | None:  # noqa: A002 - the envelope's own word
        """Return how many items of a map had begun when one of them failed; None when it did not fail."""
        ...

    def value(self, id: str, name: str, about: Mapping[str, Any] | None = None) -> Any:  # noqa: A002 - as above
        """Return the recorded value ``id``, which code calls ``name``, or MISSING when it is to be made now.

        Args:
            id: of the value.
            name: of the step, or of what is asked, such as ``now``.
            about: what the step is about, where its name does not say all.

        Raises:
            ReplayStopped: there is none, and offline there must be one.
            BaseException: what was raised in place of a value when it was recorded.
        """
        ...

    def earlier(self, name: str) -> list[tuple[str, Mapping[str, Any], Any]]:
        """Return the recorded steps of a name, in order: id, what each was about, its value or the error it raised.

        For who has to make again, in a run that goes on, what such steps left in a process that is gone.
        """
        ...

    def next_number(self, prefix: str, cause: int) -> int | None:
        """Return the number that was drawn for ``prefix`` right after event ``cause`` in its thread; None if none."""
        ...

    def first_free(self, prefix: str, first: int) -> int:
        """Return what to count from under ``prefix`` where nothing was recorded."""
        ...

    def key(self, id: str) -> str | None:  # noqa: A002 - the envelope's own word
        """Return the recorded key of an idempotent function's call; None when there is none."""
        ...

    def attempt(self, id: str) -> int:  # noqa: A002 - the envelope's own word
        """Return how often the step ``id`` was begun before, and never ended."""
        ...
