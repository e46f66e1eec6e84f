"""What differs from run to run, and what user code does to the world: a replay gets the recorded value of each.

A step's intent is logged before it runs, its value after. So a session that died in the middle of one can tell, when it
is resumed, that the step may have happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from lllm.errors import ConfigError, LogFenced, LogPoisoned
from lllm.llm.effects import MISSING, Tape
from lllm.llm.kept import listed, path_of, to_line
from lllm.llm.place import ReplayStopped, await_cause, step_scope
from lllm.log.base import SessionLog
from lllm.models.plain import to_plain

About = Mapping[str, Any] | None
"""What a step is about, as JSON data: a replay holds today's step to it. None where its name says all."""


class Owner(Protocol):
    """The session whose values these are."""

    tape: Tape | None
    journal: SessionLog

    @property
    def closed(self) -> bool:
        """Whether it takes no more events."""
        ...

    def next_id(self, strand: str) -> str:
        """Return the next id of a strand in the current scope."""
        ...

    def last(self) -> int:
        """Return the seq of the event before this one in the same thread or task."""
        ...

    def log(self, kind: str, id: str, data: dict[str, Any], cause: int = 0) -> int:  # noqa: A002 - the envelope's word
        """Append one event."""
        ...


def take_value(owner: Owner, name: str, make: Callable[[], Any]) -> Any:
    """Make a value that nothing in the world notices, such as the time, and log it."""
    id_, cause = owner.next_id("v"), owner.last()
    with _making(owner, name, id_, cause):
        value = _recorded(owner, id_, name)
        plain = _to_kept(name, make() if value is MISSING else value)
    owner.log("value", id_, {"name": name, "value": plain}, cause)
    return plain


def run_step(owner: Owner, name: str, make: Callable[[], Any], *, repeatable: bool, about: About = None) -> Any:
    """Log that a step is about to run, and what it is about; run it, and log its value."""
    id_, cause = _begin(owner, name, about, repeatable=repeatable)
    if not repeatable and owner.journal.needs_barrier:
        owner.journal.barrier()
    with _making(owner, name, id_, cause):
        value = _recorded(owner, id_, name, about)
        plain = _to_kept(name, make() if value is MISSING else value)
    owner.log("value", id_, {"name": name, "value": plain}, cause)
    return plain


async def arun_step(
    owner: Owner, name: str, make: Callable[[], Awaitable[Any]], *, repeatable: bool, about: About = None
) -> Any:
    """Async twin of :func:`run_step`."""
    id_, cause = _begin(owner, name, about, repeatable=repeatable)
    if not repeatable and owner.journal.needs_barrier:
        await asyncio.to_thread(owner.journal.barrier)
    with _making(owner, name, id_, cause):
        value = await _arecorded(owner, id_, name, about)
        plain = _to_kept(name, await make() if value is MISSING else value)
    owner.log("value", id_, {"name": name, "value": plain}, cause)
    return plain


def _begin(owner: Owner, name: str, about: About, *, repeatable: bool) -> tuple[str, int]:
    id_, cause = owner.next_id("v"), owner.last()
    told: dict[str, Any] = {"name": name}
    if about is not None:
        told["about"] = about
    if repeatable:
        told["repeatable"] = True
    return id_, owner.log("step", id_, told, cause)


def _recorded(owner: Owner, id_: str, name: str, about: About = None) -> Any:
    return MISSING if owner.tape is None else owner.tape.value(id_, name, about)


async def _arecorded(owner: Owner, id_: str, name: str, about: About) -> Any:
    try:
        return _recorded(owner, id_, name, about)
    except asyncio.CancelledError as error:
        await await_cause(error)
        raise


@contextmanager
def _making(owner: Owner, name: str, id_: str, cause: int) -> Generator[None]:
    """Give what makes a value ids of its own, and log what it raises, cancellation and exit included."""
    attempt = 0 if owner.tape is None else owner.tape.attempt(id_)
    try:
        with step_scope(id_, attempt):
            yield
    except (ReplayStopped, LogPoisoned, LogFenced):  # no end of the step, but of all
        raise
    except BaseException as error:
        if not owner.closed:
            owner.log("value", id_, {"name": name, "error": to_line(error), **path_of(type(error))}, cause)
        raise


def _to_kept(name: str, value: Any) -> Any:
    """Return a value as the log keeps it.

    Raises:
        ConfigError: a replay would get another one back.
    """
    plain = to_plain(value)[0]
    if plain != listed(value):
        raise ConfigError(
            f"step {name!r} returned {type(value).__name__}, which a log cannot hold",
            hint="return str, numbers, lists and dicts with text keys",
        )
    return plain
