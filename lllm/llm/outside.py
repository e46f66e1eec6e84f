"""What rooms below the session do to the world for it, such as a proxy's call or a cell: as a step of the run.

They know no session. They find these functions through the port ``OUTSIDE``, so that what they do is logged, and is
served from the log in a replay, wherever a session is open; and is just done where none is.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from lllm.errors import ProxyError
from lllm.llm.current import refuse_in_replay
from lllm.llm.services import load_proxy
from lllm.llm.session import current_session
from lllm.llm.stream import telling
from lllm.llm.values import About, arun_step, run_step
from lllm.log.scopes import to_scope
from lllm.proxies.flow import PROXY, to_answer

_LONGEST_NAP_S = 0.25  # on an event loop, where another thread's cancel wakes nobody


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
    with telling(session.listen, name, about) as tell:
        value = run_step(session, name, make, repeatable=repeatable, about=about)
        tell(value)
    return value


async def aperform(name: str, about: About, make: Callable[[], Awaitable[Any]], *, repeatable: bool = False) -> Any:
    """Async twin of :func:`perform`."""
    session = current_session()
    if session is None or session.closed:
        refuse_in_replay()
        return await make()
    with telling(session.listen, name, about) as tell:
        value = await arun_step(session, name, make, repeatable=repeatable, about=about)
        tell(value)
    return value


def earlier(name: str) -> list[tuple[str, Mapping[str, Any], Any]]:
    """Return the recorded steps of a name in the run that this session goes on with: id, about, value or error.

    Nothing where it does not go on with any, or is a replay: nothing has to be made again there.
    """
    session = current_session()
    tape = None if session is None or session.offline else session.tape
    return [] if tape is None else tape.earlier(name)


def recall(id_: str) -> Callable[[str, Any, float], Any]:
    """Return what answers the services' calls of recorded step ``id_`` again, as they were answered then.

    It takes endpoint, parameters and seconds, and raises ProxyError for a call that is not the next recorded one: while
    something is made again, nothing goes out.
    """
    inside = f"{to_scope(id_, is_step=True)}."
    left = deque((about, value) for step, about, value in earlier(PROXY) if step.startswith(inside))
    return partial(_answer, left)


def _answer(left: deque[tuple[Mapping[str, Any], Any]], endpoint: str, params: Any, _left_s: float) -> Any:
    if not left or (left[0][0].get("endpoint"), left[0][0].get("params")) != (endpoint, params):
        raise ProxyError(f"the recording has no call of {endpoint} here")
    told = left.popleft()[1]
    if isinstance(told, BaseException):  # it was broken off
        raise ProxyError(str(told))
    return to_answer(told)


def serve(metadata: Mapping[str, Any]) -> Callable[[str, Any, float], Any]:
    """Return what answers the calls of cells with the proxies of a notebook's metadata.

    Args:
        metadata: ``proxies`` (paths), ``cutoff_date``, ``deploy_mode``.

    Raises:
        NotRegisteredError: it names a proxy that there is not.
    """
    proxy = load_proxy(metadata.get("proxies"), metadata)
    return lambda endpoint, params, left_s: proxy(endpoint, params, timeout_s=left_s)


def pause(seconds: float) -> None:
    """Wait, unless the session that this code runs in is cancelled meanwhile, which raises CallCancelled."""
    session = current_session()
    if session is None:
        time.sleep(seconds)
    else:
        session.wait(seconds)


async def apause(seconds: float) -> None:
    """Async twin of :func:`pause`."""
    session, end_s = current_session(), time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        await asyncio.sleep(left_s if session is None else min(left_s, _LONGEST_NAP_S))
        if session is not None:
            session.check_cancelled()


def hide(secret: str) -> None:
    """Keep a secret out of the log of the session that this code runs in, from now on."""
    session = current_session()
    if session is not None:
        session.redact.add(secret)
