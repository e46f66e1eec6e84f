"""Where in a run this code stands: its scope, which names what it does, and the event before it.

Both live in context variables, so that a thread or a task that is given a copy of the context knows its place.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from lllm.errors import LLLMError
from lllm.log.scopes import to_scope, to_user_scope

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


def user_scope() -> str:
    """Return the scope of the user's own, or of a run, that this code runs in; empty outside of any."""
    return to_user_scope(SCOPE.get().rstrip("."))


def function_scope(id_: str, attempt: int = 0) -> AbstractContextManager[None]:
    """Give a function that runs ids of its own, derived from its call's, for what it asks the session itself.

    ``attempt`` says how often it was begun before: it must not use the ids of then twice.
    """
    return scoped(f"{to_scope(id_, attempt=attempt)}.")


async def await_cause(error: BaseException) -> None:
    """Let a cancellation that a replay raises come from where it came from, if that takes no longer than it took.

    ``asyncio.timeout`` turns only its own into a TimeoutError.
    """
    if after_s := getattr(error, "after_s", 0.0):
        import asyncio  # noqa: PLC0415 - whoever raised it has it loaded

        await asyncio.sleep(after_s)


def step_scope(id_: str, attempt: int = 0) -> AbstractContextManager[None]:
    """Give a step that runs ids of its own, as :func:`function_scope` does."""
    return scoped(f"{to_scope(id_, is_step=True, attempt=attempt)}.")
