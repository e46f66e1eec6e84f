"""What rooms below the session do to the world for it, such as a proxy's call or a cell: as a step of the run.

They know no session. They find these functions through the port ``OUTSIDE``, so that what they do is logged, and is
served from the log in a replay, wherever a session is open; and is just done where none is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from lllm.llm.session import current_session, refuse_in_replay
from lllm.llm.values import About, arun_step, run_step


def perform(name: str, about: About, make: Callable[[], Any], *, repeatable: bool = False) -> Any:
    """Do something to the world, as a step of the session that this code runs in.

    Args:
        name: what the log calls it.
        about: what it is about, as JSON data; a replay holds today's to it.
        make: does it, and returns plain JSON data.
        repeatable: doing it twice does no harm.

    Raises:
        ConfigError: a replay is under way, and this code is none of it.
    """
    session = current_session()
    if session is None or session.closed:
        refuse_in_replay()
        return make()
    return run_step(session, name, make, repeatable=repeatable, about=about)


async def aperform(name: str, about: About, make: Callable[[], Awaitable[Any]], *, repeatable: bool = False) -> Any:
    """Async twin of :func:`perform`."""
    session = current_session()
    if session is None or session.closed:
        refuse_in_replay()
        return await make()
    return await arun_step(session, name, make, repeatable=repeatable, about=about)


def hide(secret: str) -> None:
    """Keep a secret out of the log of the session that this code runs in, from now on."""
    session = current_session()
    if session is not None:
        session.redact.add(secret)
