"""One task through one system of agents, in a session of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lllm.const import CompletionCost
from lllm.llm.session import Session
from lllm.models.plain import to_plain

OnOpen = Callable[[Session], None]


@dataclass(frozen=True, slots=True)
class Work:
    """A task and how it is called.

    Attributes:
        session: the session's name; None makes one from the time and the task.
        id: what people call the task in a batch.
        kwargs: passed to the system's ``call``.
    """

    task: Any
    session: str | None = None
    id: str = ""
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])


def run_work(system: Any, work: Work, on_open: OnOpen) -> Any:
    """Run a task and return the result; ``on_open`` is given the session as soon as there is one."""
    with _opened(system, work, on_open) as session:
        return system.run_in(session, work.task, work.kwargs)


async def arun_work(system: Any, work: Work, on_open: OnOpen) -> Any:
    """Async twin of :func:`run_work`, for an ``AsyncAgentBase``."""
    with _opened(system, work, on_open) as session:
        return await system.arun_in(session, work.task, work.kwargs)


@contextmanager
def _opened(system: Any, work: Work, on_open: OnOpen) -> Generator[Session]:
    with system.open_session(work.task, work.session, **work.kwargs) as session:
        on_open(session)
        yield session


def to_data(value: Any) -> Any:
    """Return a result as JSON data; what JSON cannot hold becomes its text. Pure."""
    return to_plain(value)[0]


def to_text(value: Any) -> str:
    """Return a result as it is printed: text as it is, other values as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(to_data(value), indent=2, ensure_ascii=False)


def usage_to_dict(usage: CompletionCost) -> dict[str, Any]:
    """Return tokens and money as JSON data; ``cost_usd`` is null when a price is unknown. Pure."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cost_usd": usage.cost_usd,
    }
