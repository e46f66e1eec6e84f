"""aiohttp behind the transport: async calls, where it is installed. Only this file imports aiohttp.

Everything that aiohttp would do by itself is off: cookies, redirects, credentials from a URL or from ``.netrc``, a
second attempt. One session serves a whole event loop, whatever the number of providers.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakSet

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError
from multidict import CIMultiDict
from yarl import URL

from lllm.errors import ConfigError, ProviderError
from lllm.transport.gate import find_gate
from lllm.transport.per_loop import PerLoop, Shared
from lllm.transport.port import CONNECT_S, KEEPALIVE_S, OWN_HEADERS, Receiver, Secrets, WireRequest, place_secrets
from lllm.transport.route import PROXY_UNUSABLE, load_authorities, read_proxy

if TYPE_CHECKING:
    from aiohttp.connector import Connection

MAX_HEADER_BYTES = 64 << 10
"""Of one header; httpx takes 100 KB of all of them."""
MAX_AT_ONCE_BYTES = 1 << 20
"""A longer body goes out in pieces, so that the event loop serves others meanwhile."""
MAX_ROUTES = 1000


class AIOHTTPTransport:
    """A transport over aiohttp, for async calls alone. Safe to share between threads, tasks and event loops.

    Args:
        verify: TLS context; by default one that trusts the usual authorities, made when it is first needed.
        proxy: address of a proxy; by default what the environment says (``HTTPS_PROXY``, ``NO_PROXY``, ...), read when
            an address is first used.
    """

    def __init__(self, *, verify: ssl.SSLContext | None = None, proxy: str | None = None) -> None:
        self._verify, self._proxy = verify, proxy
        self._routes: dict[str, Route] = {}

    def send(self, wire: WireRequest, secrets: Secrets, receiver: Receiver, timeout_s: float) -> None:
        """Refuse: aiohttp has no sync calls."""
        raise NotImplementedError("aiohttp has no sync calls: use HTTPXTransport, or DefaultTransport for both")

    async def asend(self, wire: WireRequest, secrets: Secrets, receiver: Receiver, timeout_s: float) -> None:
        """Send, and feed the answer to ``receiver`` until it ends; see Transport."""
        pool = await _POOLS.join(self)
        async with find_gate():
            limit = asyncio.timeout(timeout_s)
            try:
                async with limit:
                    await self._send_once(pool, wire, secrets, receiver)
            except _FailedError as failed:
                raise to_named_error(failed.error, timeout_s) from None
            except TimeoutError:
                if limit.expired():
                    raise to_named_error(aiohttp.SocketTimeoutError(), timeout_s) from None
                raise

    async def _send_once(self, pool: Pool, wire: WireRequest, secrets: Secrets, receiver: Receiver) -> None:
        """Send on a connection that waits, or on a new one.

        A server may close a waiting connection in the moment in which we use it. When no byte of an answer has come,
        the request is sent once more on a new connection: that is how connections are kept, and no second attempt.
        """
        try:
            async with pool.take() as session:
                await self._exchange(session, wire, secrets, receiver)
        except _LostError as lost:
            if not lost.was_kept:
                raise _FailedError(lost.error) from None
        else:
            return
        try:
            async with _build_session() as session:
                await self._exchange(session, wire, secrets, receiver)
        except _LostError as lost:
            raise _FailedError(lost.error) from None

    async def _exchange(
        self, session: aiohttp.ClientSession, wire: WireRequest, secrets: Secrets, receiver: Receiver
    ) -> None:
        try:
            response = await self._request(session, wire, secrets)
        except _LostError:
            raise
        except aiohttp.ClientConnectionResetError as error:  # closed before anything was written to it
            raise _LostError(error, was_kept=True) from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise _FailedError(error) from None
        try:
            receiver.start(response.status, response.headers)
            while chunk := await _read(response):
                receiver.feed(chunk)
        except BaseException:
            response.close()
            raise
        response.release()

    async def _request(
        self, session: aiohttp.ClientSession, wire: WireRequest, secrets: Secrets
    ) -> aiohttp.ClientResponse:
        route = self._routes.get(wire.url) or self._find_route(wire.url)
        address, secrets = place_secrets(wire.url, secrets)
        body = wire.body
        return await session.request(
            wire.method,
            route.url if address == wire.url else URL(address),
            data=body if len(body) <= MAX_AT_ONCE_BYTES else io.BytesIO(body),
            headers=CIMultiDict((*OWN_HEADERS, *wire.headers, *secrets)),
            proxy=route.proxy,
            ssl=route.verify,
            allow_redirects=False,
        )

    def _find_route(self, address: str) -> Route:
        url = URL(address)
        proxy = self._proxy or (read_proxy(url.scheme, url.host) if url.host else None)
        if proxy and URL(proxy).scheme not in ("http", "https"):
            raise ConfigError(PROXY_UNUSABLE, hint="over aiohttp it is one of http:// or https://")
        secure = url.scheme == "https" or proxy
        verify = self._verify or (load_authorities() if secure else True)
        route = Route(url.with_user(None) if url.user else url, URL(proxy) if proxy else None, verify)
        if len(self._routes) >= MAX_ROUTES:
            self._routes.clear()
        self._routes[address] = route
        return route

    def close(self) -> None:
        """Do nothing: there are no sync calls."""

    async def aclose(self) -> None:
        """Close idle connections of the running event loop, unless another transport uses them, too."""
        await _POOLS.leave(self)


@dataclass(frozen=True, slots=True)
class Route:
    """How an address is reached."""

    url: URL
    proxy: URL | None
    verify: ssl.SSLContext | Literal[True]


class Lease:
    """A session, and how many calls are under way on it. The last one of a session that is over closes it."""

    def __init__(self) -> None:
        self._session, self._calls, self._over = _build_session(), 0, False

    async def __aenter__(self) -> aiohttp.ClientSession:
        self._calls += 1
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._calls -= 1
        if self._over and not self._calls:
            await self._session.close()

    async def end(self) -> None:
        """Close the session as soon as no call uses it."""
        self._over = True
        if not self._calls:
            await self._session.close()


class Pool(Shared):
    """The connections of one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._lease: Lease | None = None

    def take(self) -> Lease:
        """Return what a call travels on."""
        if self._lease is None:
            self._lease = Lease()
        return self._lease

    async def aclose(self) -> None:
        """Close what is idle."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await lease.end()


_POOLS: PerLoop[Pool] = PerLoop(Pool)
_KEPT: WeakSet[Any] = WeakSet()
"""Connections that have brought an answer."""


class _Response(aiohttp.ClientResponse):
    """A response that tells a connection which was closed while it waited from one that was just made."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        try:
            response = await super().start(connection)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            raise _LostError(error, was_kept=protocol in _KEPT) from None
        _KEPT.add(protocol)
        return response


class _LostError(aiohttp.ClientError):  # one of theirs, so that aiohttp does not send a GET once more by itself
    """The connection ended before a byte of an answer came."""

    def __init__(self, error: Exception, *, was_kept: bool) -> None:
        super().__init__()
        self.error, self.was_kept = error, was_kept


class _FailedError(Exception):
    """aiohttp failed; apart from what a receiver raises, which may be any class."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _build_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S),  # limited by the gate
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("accept", "content-type", "user-agent"),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
        response_class=_Response,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
    )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.content.readany()
    except (aiohttp.ClientError, OSError) as error:
        raise _FailedError(error) from None


_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "ConnectTimeout"),
    (aiohttp.ServerTimeoutError, "ReadTimeout"),
    (aiohttp.ClientProxyConnectionError, "ProxyError"),
    (aiohttp.ClientHttpProxyError, "ProxyError"),
    (aiohttp.ClientConnectorError, "ConnectError"),
    (aiohttp.NonHttpUrlClientError, "UnsupportedProtocol"),
    (aiohttp.InvalidURL, "InvalidURL"),
    (OSError, "ReadError"),
    (aiohttp.ClientError, "RemoteProtocolError"),
    (ValueError, "LocalProtocolError"),
)
"""What the errors of aiohttp are called in httpx; the first that fits."""


def to_named_error(error: Exception, timeout_s: float) -> ProviderError:
    """Return the named error for what aiohttp raised: one that is also of httpx, as over httpx. Pure."""
    from lllm.transport.over_httpx import to_named  # noqa: PLC0415 - only a failure needs httpx

    if isinstance(error.__cause__, ContentEncodingError):
        return to_named("DecodingError", "", timeout_s)
    kind = next(name for known, name in _KINDS if isinstance(error, known))
    text = ""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):  # before 3.14 it has no os_error
        text = str(error.certificate_error)
    elif isinstance(error, aiohttp.ClientConnectorError):
        text = str(error.os_error)
    elif isinstance(error, aiohttp.ClientHttpProxyError):
        text = f"the proxy said {error.status} {error.message}"
    return to_named(kind, text, timeout_s)
