"""The only way from the browser to the network: a proxy on the loopback device that lets through what is allowed.

Chromium sends it everything, WebSockets and connections that a page opens ahead of time included, so that what a page
tries in whichever way ends here. It counts what an action loads, and cuts it off at the limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address, IPv6Network, ip_address
from socket import SOCK_STREAM
from urllib.parse import urlsplit

from lllm.tools.cua.border import Border

_TRANSLATED = IPv6Network("64:ff9b::/96")  # to an IPv4 address
_HEAD_BYTES = 65_536
_CHUNK_BYTES = 65_536
_CONNECT_S = 10.0
REFUSED = b"This site is not allowed."
# A server of asyncio's that is cancelled with its loop would print a traceback.
_ENDS = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, asyncio.CancelledError)
_DROPPED = (b"proxy-connection:", b"connection:", b"keep-alive:", b"proxy-authorization:")


class Gate:
    """A proxy.

    Args:
        border: what may be connected to.
        max_bytes: that may come in between two calls of :meth:`begin`.

    Attributes:
        port: where it listens, once it is open.
        is_over: whether the limit was reached.
    """

    def __init__(self, border: Border, max_bytes: int) -> None:
        self._border, self._max_bytes = border, max_bytes
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()
        self._loaded_bytes = 0
        self.port = 0
        self.is_over = False

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    def begin(self) -> None:
        """Count anew."""
        self._loaded_bytes, self.is_over = 0, False

    async def close(self) -> None:
        """Stop listening, and close what is open."""
        if self._server is not None:
            self._server.close()
        self._cut()

    def _cut(self) -> None:
        for line in [*self._lines]:
            line.transport.abort()  # not close, which first sends what waits, to whoever may not read it

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            with suppress(*_ENDS):
                await self._relay(reader, writer)
        finally:
            self._lines.discard(writer)
            writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *fields = head[:-4].split(b"\r\n")
        method, target, version = first.split(b" ")
        is_tunnel = method == b"CONNECT"
        parts = urlsplit(f"//{target.decode()}" if is_tunnel else target.decode())
        host, port = (parts.hostname or "").rstrip("."), parts.port
        port = (443 if is_tunnel else 80) if port is None else port
        if not self._border.allows_host(host, port):
            return await self._refuse(writer, b"403 Forbidden", REFUSED)
        if self.is_over:
            return await self._refuse(writer, b"509 Bandwidth Limit Exceeded", b"Too much was loaded.")
        try:
            async with asyncio.timeout(_CONNECT_S):
                place = host if self._border.allows_private(host, port) else await _find_public(host, port)
                if not place:
                    return await self._refuse(writer, b"403 Forbidden", REFUSED)
                theirs, ours = await asyncio.open_connection(place, port)
        except (OSError, TimeoutError):
            return await self._refuse(writer, b"502 Bad Gateway", b"This site does not answer.")
        self._lines.add(ours)
        try:
            if is_tunnel:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                kept = [field for field in fields if not field.lower().startswith(_DROPPED)]
                ends = b"Connection: Upgrade" if _is_upgrade(fields) else b"Connection: close"
                ours.write(b"\r\n".join([method + b" " + path.encode() + b" " + version, *kept, ends, b"", b""]))
            await asyncio.gather(_copy(reader, ours, None), _copy(theirs, writer, self._count))
        finally:
            self._lines.discard(ours)
            ours.close()
        return None

    async def _refuse(self, writer: asyncio.StreamWriter, status: bytes, told: bytes) -> None:
        fields = b"Content-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n" % len(told)
        writer.write(b"HTTP/1.1 " + status + b"\r\n" + fields + b"\r\n" + told)
        await writer.drain()

    def _count(self, size: int) -> None:
        self._loaded_bytes += size
        if self._loaded_bytes > self._max_bytes and not self.is_over:
            self.is_over = True
            self._cut()


async def _find_public(host: str, port: int) -> str:
    """Return a public address of a host; empty where it has none. It is what is connected to: names can change."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    addresses = (str(info[4][0]).partition("%")[0] for info in found)
    return next(filter(_is_public, addresses), "")


def _is_public(address: str) -> bool:
    """Whether an address is one of the internet, and stands for no other one that may not be."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and (ip.sixtofour or ip.teredo or ip in _TRANSLATED):
        return False
    return ip.is_global and not ip.is_multicast


def _is_upgrade(fields: list[bytes]) -> bool:
    return any(field.lower().startswith(b"upgrade:") for field in fields)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None] | None
) -> None:
    """Pass on what comes until it ends, then let the other side know."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            if count is not None:
                count(len(data))
            writer.write(data)
            await writer.drain()
    if count is not None:
        writer.close()  # the answer is over, and with it the connection
    elif writer.can_write_eof():
        with suppress(OSError, RuntimeError):
            writer.write_eof()
