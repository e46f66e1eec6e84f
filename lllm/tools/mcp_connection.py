"""One server and the connection to it: opened when it is needed, kept, and opened again after it broke."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Protocol, cast

from lllm.config.secret import find_secrets
from lllm.const import VERSION
from lllm.errors import ConfigError, FunctionError, FunctionTimeout, LLLMError
from lllm.models.mcp import MCP
from lllm.models.offer import MAX_TOOLS, ToolReply, check_offer
from lllm.models.plain import show
from lllm.tools.mcp_reply import parse_reply, parse_tool

_MOST_PAGES = 100
_SAID_CHARS = 2000


class Way(Protocol):
    """How a server is reached."""

    @property
    def is_gone(self) -> bool:
        """Whether it is known not to answer any more."""
        ...

    def streams(self) -> Any:
        """Return an async context manager of what the SDK reads from and writes to."""
        ...

    def describe_end(self) -> str:
        """Return what is known of why it does not answer, in words."""
        ...


class Connection:
    """One server. All methods run on one event loop.

    Args:
        server: what is to be reached.
        hide: takes a secret out of the log.
    """

    def __init__(self, server: MCP, hide: Callable[[str], None]) -> None:
        self._server, self._hide = server, hide
        self._way: Way | None = None
        self._owner: asyncio.Task[None] | None = None
        self._owners: set[asyncio.Task[None]] = set()  # also those that are about to close
        self._ready: asyncio.Future[Any] | None = None
        self._leave = asyncio.Event()

    async def list_tools(self) -> dict[str, Any]:
        """Return what the server offers.

        Raises:
            ConfigError: it cannot be reached, or what it says cannot be used.
        """
        try:
            async with asyncio.timeout(self._server.start_timeout_s):
                client = await self._client()
                told = [parse_tool(tool) for tool in await _all_tools(client)]
        except LLLMError as error:
            raise ConfigError(f"{self}: {error.message}", hint=error.hint) from error
        except TimeoutError:
            told = f"{self} did not say within {self._server.start_timeout_s} s what it offers{self._because()}"
            self._drop()
            raise ConfigError(told, hint="start it by hand to see why, or give it a longer start_timeout_s") from None
        except Exception as error:
            await self.close()
            told = f"{self} does not say what it offers: {_said(error)}{self._because()}"
            raise ConfigError(told, hint="start it by hand to see why") from error
        check_offer(self._server.server_label, told)
        info = client.server_info
        return {
            "server": self._server.server_label,
            "name": "" if info is None else str(info.name)[:_SAID_CHARS],
            "version": "" if info is None else str(info.version)[:_SAID_CHARS],
            "protocol": str(client.protocol_version),
            "tools": told,
        }

    async def call_tool(self, tool: str, arguments: Mapping[str, Any]) -> ToolReply:
        """Call a tool.

        Raises:
            FunctionError: there is no answer.
        """
        try:
            async with asyncio.timeout(self._server.start_timeout_s):
                client = await self._client()
        except TimeoutError:
            self._drop()
            raise FunctionError(f"{self} could not be reached again{self._because()}") from None
        except Exception as error:
            raise FunctionError(f"{self} could not be reached again: {_said(error)}") from error
        return await self._call(client, tool, arguments)

    async def _call(self, client: Any, tool: str, arguments: Mapping[str, Any]) -> ToolReply:
        from mcp import MCPError  # noqa: PLC0415 - heavy
        from mcp_types import REQUEST_TIMEOUT  # noqa: PLC0415 - heavy

        timeout_s = self._server.timeout_s
        try:
            result = await client.call_tool(tool, dict(arguments), read_timeout_seconds=timeout_s)
            return parse_reply(result.model_dump(mode="json", by_alias=True, exclude_none=True))
        except MCPError as error:
            if error.code == REQUEST_TIMEOUT:
                raise FunctionTimeout(f"{tool} of {self} did not answer within {timeout_s} s") from None
            if not self._is_broken(error):
                raise FunctionError(_said(error)) from None
            fault = _said(error)
        except (ValueError, RuntimeError) as error:  # the SDK's words for an answer that is none
            raise FunctionError(f"{tool} of {self} answered what cannot be read: {_said(error)}") from error
        except Exception as error:  # noqa: BLE001 - whatever a transport raises
            fault = _said(error)
        await self.close()  # then it is known how it ended
        told = f"{self} broke off, and it is not known whether {tool} took effect: {fault}{self._because()}"
        raise FunctionError(told)

    def _is_broken(self, error: Any) -> bool:
        """Whether an error tells of the connection, and not of the call."""
        from mcp_types import CONNECTION_CLOSED  # noqa: PLC0415 - heavy

        is_lost = error.code == CONNECTION_CLOSED or error.message == "Session terminated"
        return is_lost or (self._way is not None and self._way.is_gone)

    async def close(self) -> None:
        """Close the connection, and stop the server if it was started."""
        self._drop()
        await asyncio.gather(*self._owners, return_exceptions=True)

    # --- the connection ----------------------------------------------------------------------------------------------

    async def _client(self) -> Any:
        """Return the SDK's client, connected."""
        if self._way is not None and self._way.is_gone and self._ready is not None and self._ready.done():
            self._drop()
        if self._owner is None or self._ready is None:
            self._leave = asyncio.Event()
            self._ready = asyncio.get_running_loop().create_future()
            self._way = self._find_way()
            self._owner = asyncio.create_task(self._own(self._way, self._ready, self._leave))
            self._owners.add(self._owner)
            self._owner.add_done_callback(self._owners.discard)
        return await asyncio.shield(self._ready)

    async def _own(self, way: Way, ready: asyncio.Future[Any], leave: asyncio.Event) -> None:
        """Hold the connection open until it is to be left. One task: the SDK asks that who opens also closes."""
        try:
            async with AsyncExitStack() as stack:
                ready.set_result(await stack.enter_async_context(_make_client(way)))
                await leave.wait()
        except BaseException as error:
            if not ready.done():
                ready.set_exception(_leaf(error))
                ready.exception()  # who waited may be gone
                return
            if not isinstance(error, Exception):
                raise

    def _drop(self) -> None:
        """Leave the connection; the next call opens another."""
        self._leave.set()
        if self._owner is not None and self._ready is not None and not self._ready.done():
            self._owner.cancel()
        self._owner = self._ready = None

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
            raise ConfigError(f"the variable {name} is not set", hint=f"export {name}=...")
        self._hide(value)
        return value

    def _because(self) -> str:
        end = "" if self._way is None else self._way.describe_end()
        return f" ({end})" if end else ""

    def __str__(self) -> str:
        return f"MCP server {self._server.server_label!r}"


def _make_client(way: Way) -> Any:
    from mcp import Client  # noqa: PLC0415 - heavy
    from mcp_types import Implementation  # noqa: PLC0415 - heavy

    return Client(way.streams(), client_info=Implementation(name="lllm", version=VERSION), cache=None)


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
        if not cursor or len(tools) > MAX_TOOLS:
            return tools
    raise ConfigError(f"its list of functions has more than {_MOST_PAGES} pages")


def _leaf(error: BaseException) -> BaseException:
    """Return what went wrong in a group of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _said(error: BaseException) -> str:
    error = _leaf(error)
    lines = [line.strip() for line in show(error).splitlines()]
    # What a validation error says ends in an address that helps nobody here.
    told = "; ".join(line for line in lines if line and not line.startswith("For further information"))
    return (told or type(error).__name__)[:_SAID_CHARS]
