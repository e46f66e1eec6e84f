"""Where in a run this code stands: its scope, which names what it does, and the event before it.

Both live in context variables, so that a thread or a task that is given a copy of the context knows its place.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from lllm.errors import LLLMError

SCOPE: ContextVar[str] = ContextVar("lllm_scope", default="")
# The last event of this thread or task: a mark of its session, and its seq.
BEFORE: ContextVar[tuple[object, int]] = ContextVar("lllm_before", default=(None, 0))


class ReplayStopped(BaseException):
    """The replay is over. A BaseException, so that no ``except Exception`` of the user goes on, or tries for ever."""

    def __init__(self, failure: LLLMError) -> None:
        super().__init__(str(failure))
        self.failure = failure


@contextmanager
def scoped(scope: str) -> Generator[None]:
    """Put the block into a scope."""
    token = SCOPE.set(scope)
    try:
        yield
    finally:
        SCOPE.reset(token)


def function_scope(id_: str, attempt: int = 0) -> AbstractContextManager[None]:
    """Give a function that runs ids of its own, derived from its call's id, for what it asks the session itself.

    Args:
        id_: of the call, or of the step.
        attempt: 0 for the first; a function that is run again after a crash must not use its first ids twice.
    """
    again = f"+{attempt}" if attempt else ""
    return scoped(f"{id_.replace('/', '-')}{again}.")
