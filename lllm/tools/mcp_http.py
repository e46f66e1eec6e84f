"""A server that is an address: the SDK's own transport, with our headers, and bounds on what a server may answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from lllm.models.mcp import MCP
from lllm.tools.mcp_stdio import MAX_REPLY_BYTES


class ServerAddress:
    """A server's address.

    Attributes:
        fault: why an answer of it was not read; empty when none was too long.
    """

    is_gone = False

    def __init__(self, server: MCP, secrets: dict[str, str]) -> None:
        self._server, self._secrets = server, secrets
        self.fault = ""

    def describe_end(self) -> str:
        """Return what is known of why it did not answer, in words."""
        return self.fault

    @asynccontextmanager
    async def streams(self) -> AsyncGenerator[tuple[Any, Any]]:
        """Give what the SDK reads from and writes to."""
        server = self._server
        # Not compressed: what is small on the way may be endless when it is opened.
        headers = {**server.headers, **self._secrets, "accept-encoding": "identity"}
        timeout = httpx2.Timeout(server.start_timeout_s, read=server.timeout_s)
        async with (
            httpx2.AsyncClient(headers=headers, timeout=timeout, event_hooks={"response": [self._bound]}) as client,
            streamable_http_client(
                server.server_url, http_client=client, max_sse_event_size=MAX_REPLY_BYTES
            ) as streams,
        ):
            yield streams

    async def _bound(self, response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self.refuse("it compressed an answer, which it was asked not to do")
        response.stream = _Bounded(response.stream, self)

    def refuse(self, fault: str) -> httpx2.TransportError:
        """Return the error of an answer that is not read, and remember why."""
        self.fault = fault
        return httpx2.RemoteProtocolError(fault)


class _Bounded(httpx2.AsyncByteStream):
    """The body of one response, up to so many bytes."""

    def __init__(self, body: Any, address: ServerAddress) -> None:
        self._body, self._address = body, address

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read_bytes = 0
        async for chunk in self._body:
            read_bytes += len(chunk)
            if read_bytes > MAX_REPLY_BYTES:
                raise self._address.refuse(f"it answered with more than {MAX_REPLY_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()
