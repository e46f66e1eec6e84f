"""What a session ran: the agent system, the task and the arguments that its header names, through today's code."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from lllm.config.secret import REDACTED
from lllm.errors import ConfigError
from lllm.llm.base import build_agent
from lllm.llm.place import ReplayStopped
from lllm.llm.prompts import PROMPT_REGISTRY
from lllm.llm.session import Session

Run = Callable[[Session], Any]
"""What a session ran; it may be async."""


def agent_type_of(header: Mapping[str, Any]) -> str:
    """Return the agent type of a session.

    Raises:
        ConfigError: no AgentBase made it.
    """
    kind = header.get("agent_type")
    if not kind:
        raise ConfigError(
            "this session was not made by an AgentBase, so there is no code to run it through",
            hint="from Python: lllm.replay.replay(log, session, run=your_function)",
        )
    return str(kind)


def run_of(system: Any, header: Mapping[str, Any]) -> Run:
    """Return the run of a system that a header tells: its task, and its arguments."""

    def run(session: Session) -> Any:
        begin = system.arun_in if system.is_async else system.run_in
        return begin(session, header.get("task"), header.get("kwargs") or {})

    return run


def kept(session: Session, result: Any) -> Any:
    """Make a result the session's, and return it."""
    session.result = result
    return result


async def kept_later(session: Session, result: Any) -> Any:
    """Async twin of :func:`kept`."""
    return kept(session, await result)


def build_live(header: Mapping[str, Any]) -> Any:
    """Return the agent system of a header, ready to ask models.

    Raises:
        ConfigError: no AgentBase made the session, or its config held a secret, which no log keeps.
        NotRegisteredError: the agent type is not registered any more.
    """
    config: Mapping[str, Any] = header.get("config") or {}
    if lost := sorted(_redacted(config, "")):
        raise ConfigError(
            f"the session's config held secrets, which its log does not keep: {', '.join(lost)}",
            hint="name the config with -c, or name the variable that holds the key: api_key_env",
        )
    return build_agent(config, agent_type=agent_type_of(header))


def _redacted(value: Any, path: str) -> Generator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():  # pyright: ignore[reportUnknownVariableType] - JSON
            yield from _redacted(part, f"{path}.{key}" if path else str(key))  # pyright: ignore[reportUnknownArgumentType]
    elif value == REDACTED:
        yield path


@contextmanager
def prompts_replaced(texts: Mapping[str, str]) -> Generator[None]:
    """While the block runs, give registered prompts other texts.

    Args:
        texts: by the prompt's key.

    Raises:
        NotRegisteredError: there is no such prompt.
        ConfigError: a text does not fit its prompt, such as a brace that nobody closes.
    """
    before = {key: PROMPT_REGISTRY[key] for key in texts}
    origins = {key: PROMPT_REGISTRY.origin(key) for key in texts}
    changed = {key: replace(before[key], prompt=text) for key, text in texts.items()}  # all, before any is replaced
    for key, prompt in changed.items():
        PROMPT_REGISTRY.register(key, prompt, origin=origins[key], overwrite=True)
    try:
        yield
    finally:
        for key, prompt in before.items():
            PROMPT_REGISTRY.register(key, prompt, origin=origins[key], overwrite=True)


def run_live(session: Session, run: Run) -> Any:
    """Run code in a session that goes on, and return its result.

    Raises:
        ReplayDiverged: today's code does not do what was recorded.
        Exception: whatever the run raises; the session's log says so, too.
    """
    try:
        with session:
            result = finished(run(session))
            return kept(session, result) if session.result is None else result
    except ReplayStopped as stop:
        raise stop.failure from None


def finished(result: Any) -> Any:
    """Return a result; of an awaitable, what it returns, on a loop of its own."""
    if not inspect.isawaitable(result):
        return result

    async def main() -> Any:
        return await result

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    with ThreadPoolExecutor(1) as pool:  # a notebook's loop is running in this thread
        return pool.submit(copy_context().run, asyncio.run, main()).result()
