"""The ways that a request may travel: each test of the contract runs over all of them."""

from __future__ import annotations

import asyncio
import importlib.util

import pytest

from lllm.providers.http import HTTPProvider
from lllm.providers.wire.profile import Profile
from lllm.transport.over_httpx import HTTPXTransport
from lllm.transport.port import WireRequest

KEY = "sk-not-a-real-key-1"


class Taker:
    """A receiver that keeps what it gets."""

    def start(self, status, headers):
        self.status, self.headers, self.body = status, headers, b""

    def feed(self, chunk):
        self.body += chunk


class Way:
    """Sync or async, over one library."""

    def __init__(self, name, *, is_async, build):
        self.name, self.is_async, self.build = name, is_async, build

    def provider_at(self, url, **profile):
        """A provider whose requests travel this way."""
        return HTTPProvider(Profile(name="p", base_url=url, **profile), api_key=KEY, transport=self.build())

    def send(self, provider, *requests, **options):
        """Send some requests, one after the other, and return the last reply; then close what is idle."""
        if self.is_async:
            return asyncio.run(self._asend(provider, requests, options))
        try:
            return [provider.send(request, **options) for request in requests][-1]
        finally:
            provider.close()

    def carry(self, method, url, secrets=(), body=b"{}"):
        """Send one bare request, and return the receiver of its answer."""
        transport, wire, taker = self.build(), WireRequest(method, url, (), body), Taker()
        if self.is_async:
            asyncio.run(transport.asend(wire, secrets, taker, 5.0))
        else:
            transport.send(wire, secrets, taker, 5.0)
            transport.close()
        return taker

    async def _asend(self, provider, requests, options):
        try:
            return [await provider.asend(request, **options) for request in requests][-1]
        finally:
            await provider.aclose()


def build_aiohttp(**options):
    """The transport over aiohttp, imported where it is needed: it is an extra."""
    from lllm.transport.over_aiohttp import AIOHTTPTransport

    return AIOHTTPTransport(**options)


needs_aiohttp = pytest.mark.skipif(importlib.util.find_spec("aiohttp") is None, reason="aiohttp is an extra")
SYNC = Way("sync httpx", is_async=False, build=HTTPXTransport)
ASYNC = pytest.param(Way("async httpx", is_async=True, build=HTTPXTransport), id="async httpx")
AIOHTTP = pytest.param(
    Way("async aiohttp", is_async=True, build=build_aiohttp), id="async aiohttp", marks=needs_aiohttp
)
each_way = pytest.mark.parametrize("way", [pytest.param(SYNC, id="sync httpx"), ASYNC, AIOHTTP])
each_async_way = pytest.mark.parametrize("way", [ASYNC, AIOHTTP])
