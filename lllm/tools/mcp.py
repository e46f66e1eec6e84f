"""The client of MCP servers: the connections of one session, on an event loop in a thread of their own.

The official SDK is async only. On a loop of its own it serves both faces, and its connections outlive the loops that
async users come and go with. The SDK is imported here when a server is needed, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from importlib.util import find_spec
from typing import Any

from lllm.errors import ConfigError
from lllm.models.mcp import MCP
from lllm.models.offer import ToolReply
from lllm.tools.loop import LoopThread
from lllm.tools.mcp_connection import Connection

_CLOSE_S = 5.0


class MCPClients:
    """The servers of one session; see ``lllm.llm.mcp_servers.Clients``.

    Args:
        hide: takes a secret out of the log.

    Raises:
        ConfigError: the SDK is not installed.
    """

    def __init__(self, hide: Callable[[str], None]) -> None:
        if find_spec("mcp") is None or find_spec("mcp_types") is None:
            raise ConfigError("MCP servers need the SDK `mcp`, version 2", hint="pip install 'lllm[mcp]'")
        self._hide = hide
        self._loop = LoopThread("lllm-mcp")
        self._connections: dict[str, Connection] = {}

    def list_tools(self, server: MCP) -> Future[dict[str, Any]]:
        """Return what a server offers."""
        return self._loop.submit(self._list_tools(server))

    def call_tool(self, server: MCP, tool: str, arguments: Mapping[str, Any]) -> Future[ToolReply]:
        """Call a tool."""
        return self._loop.submit(self._call_tool(server, tool, arguments))

    def close(self) -> None:
        """Stop what was started."""
        self._loop.close(self._close(), _CLOSE_S)

    async def _list_tools(self, server: MCP) -> dict[str, Any]:
        return await self._connection(server).list_tools()

    async def _call_tool(self, server: MCP, tool: str, arguments: Mapping[str, Any]) -> ToolReply:
        return await self._connection(server).call_tool(tool, arguments)

    def _connection(self, server: MCP) -> Connection:
        found = self._connections.get(server.server_label)
        if found is None:
            found = self._connections[server.server_label] = Connection(server, self._hide)
        return found

    async def _close(self) -> None:
        await asyncio.gather(*(connection.close() for connection in self._connections.values()))
