"""One server: connected when it is needed, asked, and connected again after it broke; every failure has a name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any

from lllm.config.secret import find_secrets
from lllm.errors import ConfigError, FunctionError, FunctionTimeout, LLLMError
from lllm.models.mcp import MCP
from lllm.models.offer import MAX_OFFER_CHARS, MAX_TOOLS, ToolReply, check_offer
from lllm.models.plain import show
from lllm.tools.mcp_link import Link, Way, to_leaf
from lllm.tools.mcp_reply import parse_reply, parse_tool
from lllm.utils import encode_json

_MOST_PAGES = 100
_SAID_CHARS = 2000


class Connection:
    """One server. All methods run on one event loop.

    Args:
        server: what is to be reached.
        hide: takes a secret out of the log.
    """

    def __init__(self, server: MCP, hide: Callable[[str], None]) -> None:
        self._server, self._hide = server, hide
        self._link: Link | None = None
        self._left: list[Link] = []  # about to close

    async def list_tools(self) -> dict[str, Any]:
        """Return what the server offers.

        Raises:
            ConfigError: it cannot be reached, or what it says cannot be used.
        """
        link, patience_s = self._connected(), self._server.start_timeout_s
        try:
            async with asyncio.timeout(patience_s):
                client = await link.client()
                tools = [parse_tool(tool) for tool in await _all_tools(client)]
        except TimeoutError:
            told = f"{self} did not say within {patience_s} s what it offers{link.because}"
            self._drop(link)
            raise ConfigError(told, hint="start it by hand to see why, or give it a longer start_timeout_s") from None
        except Exception as error:
            self._drop(link)
            await link.close()  # then it is known how it ended
            if isinstance(error, LLLMError):
                raise ConfigError(f"{self}: {error.message}", hint=error.hint) from error
            told = f"{self} does not say what it offers: {_said(error)}{link.because}"
            raise ConfigError(told, hint="start it by hand to see why") from error
        check_offer(self._server.server_label, tools)
        return {"server": self._server.server_label, **_about(client), "tools": tools}

    async def call_tool(self, tool: str, arguments: Mapping[str, Any]) -> ToolReply:
        """Call a tool.

        Raises:
            FunctionError: there is no answer.
        """
        try:
            link = self._connected()
        except ConfigError as error:
            raise FunctionError(error.message) from error
        try:
            async with asyncio.timeout(self._server.start_timeout_s):
                client = await link.client()
        except Exception as error:
            self._drop(link)
            await link.close()
            raise FunctionError(f"{self} cannot be reached: {_said(error)}{link.because}") from error
        return await self._call(link, client, tool, arguments)

    async def _call(self, link: Link, client: Any, tool: str, arguments: Mapping[str, Any]) -> ToolReply:
        from mcp import MCPError  # noqa: PLC0415 - heavy
        from mcp_types import REQUEST_TIMEOUT  # noqa: PLC0415 - heavy

        timeout_s = self._server.timeout_s
        try:
            result = await client.call_tool(tool, dict(arguments), read_timeout_seconds=timeout_s)
            return parse_reply(result.model_dump(mode="json", by_alias=True, exclude_none=True))
        except MCPError as error:
            if error.code == REQUEST_TIMEOUT:
                raise FunctionTimeout(f"{tool} of {self} did not answer within {timeout_s} s") from None
            if not _is_broken(error) and not link.is_gone:
                raise FunctionError(_said(error)) from None
            fault = _said(error)
        except (ValueError, RuntimeError) as error:  # the SDK's words for an answer that is none
            raise FunctionError(f"{tool} of {self} answered what cannot be read: {_said(error)}") from error
        except Exception as error:  # noqa: BLE001 - whatever a transport raises
            fault = _said(error)
        self._drop(link)
        await link.close()
        told = f"{self} broke off, and it is not known whether {tool} took effect: {fault}{link.because}"
        raise FunctionError(told)

    async def close(self) -> None:
        """Close the connection, and stop the server if it was started."""
        if self._link is not None:
            self._drop(self._link)
        await asyncio.gather(*(link.close() for link in self._left))

    # --- the connection ----------------------------------------------------------------------------------------------

    def _connected(self) -> Link:
        """Return the connection, which may still be opening.

        Raises:
            ConfigError: a secret of it is not set.
        """
        if self._link is not None and self._link.is_gone:
            self._drop(self._link)
        if self._link is None:
            self._link = Link(self._find_way())
        return self._link

    def _drop(self, link: Link) -> None:
        """Leave a connection; the next call opens another, unless one beside this has done so already."""
        link.leave()
        self._left.append(link)
        if self._link is link:
            self._link = None

    def _find_way(self) -> Way:
        server = self._server
        for secret in find_secrets({"env": dict(server.env), "headers": dict(server.headers)}):
            self._hide(secret)
        if server.command:
            from lllm.tools.mcp_stdio import ServerProgram  # noqa: PLC0415 - heavy

            return ServerProgram(server, {name: self._read_secret(name) for name in server.env_names})
        from lllm.tools.mcp_http import ServerAddress  # noqa: PLC0415 - heavy

        key = self._read_secret(server.api_key_env) if server.api_key_env else ""
        return ServerAddress(server, {"Authorization": f"Bearer {key}"} if key else {})

    def _read_secret(self, name: str) -> str:
        value = os.environ.get(name, "")
        if not value:
            raise ConfigError(f"{self}: the variable {name} is not set", hint=f"export {name}=...")
        self._hide(value)
        return value

    def __str__(self) -> str:
        return f"MCP server {self._server.server_label!r}"


def _is_broken(error: Any) -> bool:
    """Whether an error of the SDK tells of the connection, and not of the call."""
    from mcp_types import CONNECTION_CLOSED  # noqa: PLC0415 - heavy

    return error.code == CONNECTION_CLOSED or error.message == "Session terminated"


async def _all_tools(client: Any) -> list[dict[str, Any]]:
    """Return the tools of all pages.

    Raises:
        ConfigError: there is no end of them.
    """
    tools: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools]
        cursor = page.next_cursor
        if not cursor or len(tools) > MAX_TOOLS or len(encode_json(tools)) > MAX_OFFER_CHARS:
            return tools
    raise ConfigError(f"its list of functions has more than {_MOST_PAGES} pages")


def _about(client: Any) -> dict[str, str]:
    """Return who a server says that it is, for readers of the log."""
    info = client.server_info
    told = {} if info is None else {"name": info.name, "version": info.version}
    return {key: str(value)[:_SAID_CHARS] for key, value in {**told, "protocol": client.protocol_version}.items()}


def _said(error: BaseException) -> str:
    """Return an error in one line, without what pydantic says to readers of its documentation."""
    error = to_leaf(error)
    lines = (line.strip() for line in show(error).splitlines())
    told = "; ".join(line for line in lines if line and not line.startswith("For further information"))
    return (told or type(error).__name__)[:_SAID_CHARS]
