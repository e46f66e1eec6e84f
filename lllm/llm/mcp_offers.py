"""How a turn comes by the functions of its MCP servers, and how one of them is called."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

from lllm.errors import FunctionError
from lllm.llm.effects import Effect, ListTools
from lllm.llm.mcp_servers import Servers
from lllm.llm.session import Session, current_session
from lllm.llm.terms import Terms
from lllm.models.mcp import MCP
from lllm.models.offer import ToolReply
from lllm.utils import encode_json

_GLANCE_S = 0.25

Left = Callable[[], float | None]
"""Returns the seconds that are left, or None; raises when nobody waits any more, or none are."""


def offer_tools(terms: Terms, session: Session, id_: str) -> Generator[Effect, Any, Terms]:
    """Return the terms of a turn with the functions of its prompt's servers, which are asked once a session."""
    prompt = terms.prompt
    if not prompt.mcp_servers_list:
        return terms
    servers = _servers(session)
    for number, server in enumerate(prompt.mcp_servers_list, 1):
        if servers.known(server) is not None:
            continue
        text: str = yield ListTools(id_, server, prompt.mcp_servers_list[number:])
        # Whoever asks a model with these functions must not ask before it is in the log what they are.
        session.log_once("offer", offer_id(server), partial(json.loads, text))
        servers.keep(server, text)
    return replace(terms, prompt=servers.offered(prompt, _caller))


def _servers(session: Session) -> Servers:
    return session.belongings.get(Servers, lambda: Servers(session.redact.add))


def offer_id(server: MCP) -> str:
    """Return the id of the event that tells what a server offers."""
    return f"offer/{server.server_label}"


def ask_server(session: Session, asked: ListTools, left: Left) -> str:
    """Ask a server what it offers; blocking. What is returned is what the log may have of it: no secrets."""
    return session.redact(encode_json(_wait(_begin(session, asked), left)))


async def aask_server(session: Session, asked: ListTools, left: Left) -> str:
    """Async twin of :func:`ask_server`."""
    return session.redact(encode_json(await _await(_begin(session, asked), left)))


def _begin(session: Session, asked: ListTools) -> Future[dict[str, Any]]:
    servers = _servers(session)
    first = servers.ask(asked.server)
    for server in asked.soon:
        if servers.known(server) is None:
            servers.ask(server)
    return first


def _wait(asked: Future[Any], left: Left) -> Any:
    for pause_s in _pauses(asked, left):
        try:
            return asked.result(pause_s)
        except TimeoutError:
            continue
    return asked.result(0)


async def _await(asked: Future[Any], left: Left) -> Any:
    answer = asyncio.wrap_future(asked)
    answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # when we are gone, nobody asks
    for pause_s in _pauses(asked, left):
        await asyncio.wait({answer}, timeout=pause_s)  # which does not cancel it with us: others may wait for it
    return asked.result(0)


def _pauses(asked: Future[Any], left: Left) -> Iterator[float]:
    """Yield how long to wait before looking whether anybody still waits, until the answer is there."""
    while not asked.done():
        left_s = left()
        yield _GLANCE_S if left_s is None else min(_GLANCE_S, left_s)


def _caller(server: MCP, tool: str) -> Callable[..., Any]:
    """Return what calls a tool: through the session that it is called in, so that it is the same in all of them."""

    async def call(**arguments: Any) -> ToolReply:
        session = current_session()
        if session is None:
            raise FunctionError(f"{tool} of MCP server {server.server_label!r} is called outside of any session")
        try:
            return await asyncio.wrap_future(_servers(session).call(server, tool, arguments))
        except FunctionError as error:
            return ToolReply(error.message, is_error=True)

    return call
