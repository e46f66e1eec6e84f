"""MCP servers as a session knows them: what each offers, asked once, and the one client that reaches them.

The client stands on a floor above; what it must be able to do is said here. It is made when a server is needed for
real, so a replay, to which the log tells what each server offered, makes none.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, Protocol

from lllm.errors import ConfigError, LogError
from lllm.models.mcp import MCP
from lllm.models.offer import Caller, ToolReply, build_offered
from lllm.models.prompt import Prompt
from lllm.registry import MCP_CLIENTS


@lru_cache(256)
def _offered(prompt: Prompt[Any], texts: tuple[str, ...], caller: Caller) -> Prompt[Any]:
    # One prompt for all sessions whose servers say the same: what is made of it is made once, such as its contract.
    return build_offered(prompt, [json.loads(text) for text in texts], caller)


def _has_failed(asked: Future[Any]) -> bool:
    return asked.done() and (asked.cancelled() or asked.exception() is not None)


class Clients(Protocol):
    """The servers of one session. Its methods return at once; what they promise comes when it is there.

    Made with a function that takes a secret out of the log from then on.
    """

    def list_tools(self, server: MCP) -> Future[dict[str, Any]]:
        """Return what a server offers, as it is logged: ``tools``, checked, and who it says that it is.

        Raises:
            ConfigError: through the future: it cannot be reached, or what it says cannot be used.
        """
        ...

    def call_tool(self, server: MCP, tool: str, arguments: Mapping[str, Any]) -> Future[ToolReply]:
        """Call a tool; a server that is gone is started, or reached, again.

        Raises:
            FunctionError: through the future: there is no answer.
        """
        ...

    def close(self) -> None:
        """Stop the servers that were started. Calls under way fail."""
        ...


class Servers:
    """The servers of one session.

    Args:
        hide: takes a secret out of the log.
    """

    def __init__(self, hide: Callable[[str], None]) -> None:
        self._hide = hide
        self._lock = threading.Lock()
        self._clients: Clients | None = None
        self._is_closed = False
        self._asked: dict[str, Future[dict[str, Any]]] = {}
        self._known: dict[str, tuple[MCP, str]] = {}

    def known(self, server: MCP) -> str | None:
        """Return what a server offers, as it was logged; None when nobody has asked it yet.

        Raises:
            ConfigError: another server has its label.
        """
        with self._lock:
            other, text = self._known.get(server.server_label, (server, None))
        if not other.is_same_server(server):
            raise ConfigError(f"two MCP servers have the label {server.server_label!r}", hint="give one another label")
        return text

    def keep(self, server: MCP, text: str) -> None:
        """Remember what a server offers; it is not asked again in this session, whether its list changes or not."""
        with self._lock:
            self._known.setdefault(server.server_label, (server, text))

    def ask(self, server: MCP) -> Future[dict[str, Any]]:
        """Ask a server what it offers. Who asks while another waits for it gets the same answer."""
        with self._lock:
            asked = self._asked.get(server.server_label)
            if asked is None or _has_failed(asked):
                asked = self._asked[server.server_label] = self._connect().list_tools(server)
            return asked

    def call(self, server: MCP, tool: str, arguments: Mapping[str, Any]) -> Future[ToolReply]:
        """Call a tool."""
        with self._lock:
            clients = self._connect()
        return clients.call_tool(server, tool, arguments)

    def offered(self, prompt: Prompt[Any], caller: Caller) -> Prompt[Any]:
        """Return a prompt with the functions of its servers, which all have been asked.

        Raises:
            ConfigError: what they offer cannot be put together.
        """
        texts = tuple(self._known[server.server_label][1] for server in prompt.mcp_servers_list)
        return _offered(prompt, texts, caller)

    def close(self) -> None:
        """Stop what was started; nothing is reached any more."""
        with self._lock:
            self._is_closed = True
            clients, self._clients = self._clients, None
        if clients is not None:
            clients.close()

    def _connect(self) -> Clients:
        if self._is_closed:
            raise LogError("the session is closed, and its MCP servers with it")
        if self._clients is None:
            self._clients = MCP_CLIENTS.load()(self._hide)
        assert self._clients is not None
        return self._clients
