"""Which session this code runs in, and whether it may act for real: not where a replay runs it, or may do so."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from lllm.errors import ConfigError
from lllm.llm.effects import Tape


class Running(Protocol):
    """A session, as far as it has to be known here. ``lllm.llm.session.current_session`` returns it as what it is."""

    @property
    def offline(self) -> bool:
        """Whether nothing may be done for real, since the session is replayed."""
        ...


CURRENT: ContextVar[Running | None] = ContextVar("lllm_session", default=None)
# The recordings that are being replayed in this process.
_tapes: set[Tape] = set()


@contextmanager
def replaying(tape: Tape) -> Generator[None]:
    """While the block runs, refuse to act for real in any thread that cannot tell whose code it runs."""
    _tapes.add(tape)
    try:
        yield
    finally:
        _tapes.discard(tape)


def refuse_in_replay() -> None:
    """Refuse to act for real where a replay runs this code, or may do so.

    A plain thread does not know its session. So, while anything is replayed, one without a session may not act.

    Raises:
        ConfigError: this is such a place.
    """
    session = CURRENT.get()
    if _tapes if session is None else session.offline:
        raise ConfigError(
            "a replay is under way, and this would act for real: its session is none of the replay's",
            hint="give work to threads through session.map, or start them with contextvars.copy_context().run",
        )
