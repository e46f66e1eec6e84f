"""Which library carries a request: httpx the sync ones; aiohttp the async ones, where it is installed, else httpx.

An async request over httpx costs several times the CPU of one over aiohttp. Neither is imported before it is used.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.request import getproxies

from lllm.transport.port import Receiver, WireRequest

if TYPE_CHECKING:
    from lllm.transport.over_httpx import HTTPXTransport
    from lllm.transport.port import Secrets, Transport


class DefaultTransport:
    """The transport of whoever is given no other. Safe to share between threads, tasks and event loops."""

    def send(self, wire: WireRequest, secrets: Secrets, receiver: Receiver, timeout_s: float) -> None:
        """Send, and feed the answer to ``receiver`` until it ends; see Transport."""
        self._httpx.send(wire, secrets, receiver, timeout_s)

    async def asend(self, wire: WireRequest, secrets: Secrets, receiver: Receiver, timeout_s: float) -> None:
        """Send, and feed the answer to ``receiver`` until it ends; see Transport."""
        await self._async.asend(wire, secrets, receiver, timeout_s)

    @cached_property
    def _httpx(self) -> HTTPXTransport:
        from lllm.transport.over_httpx import HTTPXTransport  # noqa: PLC0415 - httpx is heavy

        return HTTPXTransport()

    @cached_property
    def _async(self) -> Transport:
        if any(proxy.startswith("socks") for proxy in getproxies().values()):
            return self._httpx  # aiohttp knows no SOCKS
        try:
            from lllm.transport.over_aiohttp import AIOHTTPTransport  # noqa: PLC0415 - an extra, and heavy
        except ImportError:
            return self._httpx
        return AIOHTTPTransport()

    def close(self) -> None:
        """Close idle connections of sync calls."""
        if "_httpx" in vars(self):
            self._httpx.close()

    async def aclose(self) -> None:
        """Close idle connections of the running event loop."""
        if "_async" in vars(self):
            await self._async.aclose()
