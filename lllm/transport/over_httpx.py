"""httpx behind the transport: sync calls, and async ones where aiohttp is not installed. Only this file imports httpx.

A slot is an httpx transport that holds one connection. Idle slots wait in a deque, so that taking one costs the same
with one call in flight as with a thousand; the pool of httpx scans all its connections at every change.
Requests go to the transport and not to `httpx.Client`: cookies, redirects and auth flows have no place here.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

# Where click and rich are installed, httpx imports its own command line, and with it both: 9 MB and half of its import
# time, for something that no request needs. A None in sys.modules makes that optional import fail at once.
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment] # pyright: ignore[reportArgumentType]
import httpx

if not sys.modules.get("httpx._main", True):
    del sys.modules["httpx._main"]

from lllm.errors import (
    BadReply,
    ConfigError,
    ConnectFailed,
    ConnectionLost,
    ProviderError,
    ProviderTimeout,
    StatusError,
)
from lllm.transport.gate import find_gate
from lllm.transport.per_loop import PerLoop, Shared
from lllm.transport.port import (
    CONNECT_S,
    KEEPALIVE_S,
    MAX_IDLE,
    OWN_HEADERS,
    Receiver,
    Secrets,
    WireRequest,
    place_secrets,
)
from lllm.transport.route import PROXY_UNUSABLE, build_empty_context, load_authorities, read_proxy

_STALE = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""How httpx says that the other side has closed the connection."""

Slot = TypeVar("Slot", httpx.HTTPTransport, httpx.AsyncHTTPTransport)
_Place = tuple[int, str]
"""Process and origin: a process that was forked must not speak on the connections of its parent."""


class HTTPXTransport:
    """A transport over httpx. Safe to share between threads, tasks and event loops.

    Args:
        verify: TLS context; by default one that trusts the usual authorities, made when it is first needed.
        proxy: address of a proxy; by default what the environment says (``HTTPS_PROXY``, ``NO_PROXY``, ...).
    """

    def __init__(self, *, verify: ssl.SSLContext | None = None, proxy: str | None = None) -> None:
        self._verify, self._proxy = verify, proxy
        self._idle: dict[_Place, deque[httpx.HTTPTransport]] = {}
        weakref.finalize(self, _close_all, self._idle)

    def send(self, wire: WireRequest, secrets: Secrets, receiver: Receiver, timeout_s: float) -> None:
        """Send, and feed the answer to ``receiver`` until it ends.

        ``timeout_s`` bounds connecting, each wait for bytes, and the whole; the whole is checked when bytes arrive, so
        that a server which stalls late may cost up to twice the time.
        """
        check = _Deadline(timeout_s).check
        waits = {"connect": min(CONNECT_S, timeout_s), "read": timeout_s, "write": timeout_s, "pool": timeout_s}
        request = _to_httpx(wire, secrets, waits)
        idle = self._idle.setdefault(_place(request.url), deque())
        try:
            slot, response = self._open(idle, request)
            try:
                receiver.start(response.status_code, response.headers)
                for chunk in _chunks(response, response.iter_bytes):
                    receiver.feed(chunk)
                    check()
                response.close()
            except BaseException:
                slot.close()
                raise
        except ProviderError:  # the receiver's, or ours; it may be an httpx error as well
            raise
        except httpx.HTTPError as error:
            raise to_named_error(error, timeout_s) from None
        idle.append(slot)
        if len(idle) > MAX_IDLE and (spare := _pop(idle)):
            spare.close()

    def _open(
        self, idle: deque[httpx.HTTPTransport], request: httpx.Request
    ) -> tuple[httpx.HTTPTransport, httpx.Response]:
        """Send on a connection that waits, or on a new one.

        A server may close a waiting connection in the moment in which we use it. When no byte of an answer has come,
        the request is sent once more on a new connection: that is how connections are kept, and no second attempt.
        """
        slot = _pop(idle)
        if slot is not None:
            try:
                return slot, slot.handle_request(request)
            except _STALE:
                slot.close()
            except BaseException:
                slot.close()
                raise
        slot = _build(httpx.HTTPTransport, self._options(request.url))
        try:
            return slot, slot.handle_request(request)
        except BaseException:
            slot.close()
            raise

    async def asend(self, wire: WireRequest, secrets: Secrets, receiver: Receiver, timeout_s: float) -> None:
        """Send, and feed the answer to ``receiver`` until it ends; ``timeout_s`` bounds the whole."""
        request = _to_httpx(wire, secrets, {"connect": min(CONNECT_S, timeout_s)})
        slots = await _SLOTS.join(self)
        idle = slots.idle.setdefault((*_place(request.url), self._verify, self._proxy), deque())
        async with find_gate():
            await self._aexchange(request, receiver, timeout_s, idle)
        if len(idle) > MAX_IDLE and (spare := _pop(idle)):
            await spare.aclose()

    async def _aexchange(
        self, request: httpx.Request, receiver: Receiver, timeout_s: float, idle: deque[httpx.AsyncHTTPTransport]
    ) -> None:
        limit = asyncio.timeout(timeout_s)
        try:
            async with limit:
                slot, response = await self._aopen(idle, request)
                try:
                    receiver.start(response.status_code, response.headers)
                    async for chunk in _chunks(response, response.aiter_bytes):
                        receiver.feed(chunk)
                    await response.aclose()
                except BaseException:
                    await slot.aclose()
                    raise
        except ProviderError:  # the receiver's, or ours; it may be an httpx error as well
            raise
        except httpx.HTTPError as error:
            raise to_named_error(error, timeout_s) from None
        except TimeoutError:
            if limit.expired():
                raise _timed_out(timeout_s, httpx.ReadTimeout) from None
            raise
        idle.append(slot)

    async def _aopen(
        self, idle: deque[httpx.AsyncHTTPTransport], request: httpx.Request
    ) -> tuple[httpx.AsyncHTTPTransport, httpx.Response]:
        """Send on a connection that waits, or on a new one; the twin of `_open`."""
        slot = _pop(idle)
        if slot is not None:
            try:
                return slot, await slot.handle_async_request(request)
            except _STALE:
                await slot.aclose()
            except BaseException:
                await slot.aclose()
                raise
        slot = _build(httpx.AsyncHTTPTransport, self._options(request.url))
        try:
            return slot, await slot.handle_async_request(request)
        except BaseException:
            await slot.aclose()
            raise

    def _options(self, url: httpx.URL) -> dict[str, Any]:
        proxy = self._proxy or read_proxy(url.scheme, url.host)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_S)
        secure = url.scheme == "https" or proxy
        verify = self._verify or (load_authorities() if secure else build_empty_context())
        return {"verify": verify, "limits": limits, "proxy": proxy}

    def close(self) -> None:
        """Close idle connections of sync calls."""
        _close_all(self._idle)

    async def aclose(self) -> None:
        """Close idle connections of the running event loop, unless another transport uses them, too."""
        await _SLOTS.leave(self)


class LoopSlots(Shared):
    """Idle connections of one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.idle: dict[tuple[Any, ...], deque[httpx.AsyncHTTPTransport]] = {}

    async def aclose(self) -> None:
        """Close what is idle."""
        for idle in list(self.idle.values()):
            while slot := _pop(idle):
                await slot.aclose()


_SLOTS: PerLoop[LoopSlots] = PerLoop(LoopSlots)


def _build(slot: Callable[..., Slot], options: dict[str, Any]) -> Slot:
    """Return a new slot.

    Raises:
        ConfigError: its proxy cannot be used.
    """
    try:
        return slot(**options)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        hint = "pip install 'httpx[socks]'" if isinstance(error, ImportError) else "check HTTPS_PROXY and its like"
        raise ConfigError(PROXY_UNUSABLE, hint=hint) from None


def _chunks(response: httpx.Response, decoded: Callable[[], Any]) -> Any:
    """Return the body's chunks, through the decoder of httpx only where something is to be decoded."""
    return decoded() if "content-encoding" in response.headers else response.stream


def _close_all(idles: dict[_Place, deque[httpx.HTTPTransport]]) -> None:
    for idle in list(idles.values()):
        while slot := _pop(idle):
            slot.close()


def _pop(idle: deque[Any]) -> Any:
    """Return the slot that was used last, or None. Safe between threads without a lock."""
    try:
        return idle.pop()
    except IndexError:
        return None


@lru_cache(maxsize=1000)
def _url(address: str) -> httpx.URL:
    """Return the address, taken apart.

    Raises:
        ProviderError: it is none.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise to_named_error(error, CONNECT_S) from None
    if not url.host:
        raise to_named_error(httpx.InvalidURL("no host"), CONNECT_S)
    return url


def _place(url: httpx.URL) -> _Place:
    return os.getpid(), f"{url.scheme}://{url.netloc.decode()}"


def _to_httpx(wire: WireRequest, secrets: Secrets, timeout: Mapping[str, float]) -> httpx.Request:
    address, secrets = place_secrets(wire.url, secrets)
    url = _url(wire.url)
    if address != wire.url:
        url = httpx.URL(address)  # not through the cache, which would keep the key
    framing = (("host", url.netloc.decode()), ("content-length", str(len(wire.body))))
    headers = (*framing, *OWN_HEADERS, *wire.headers, *secrets)
    stream = httpx.ByteStream(wire.body)
    return httpx.Request(wire.method, url, headers=headers, stream=stream, extensions={"timeout": timeout})


class _Deadline:
    """The end of the time that one attempt has."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s, self._end_s = timeout_s, time.monotonic() + timeout_s

    def check(self) -> None:
        """Raise ProviderTimeout when it has passed."""
        if time.monotonic() > self._end_s:
            raise _timed_out(self._timeout_s, httpx.ReadTimeout)


def _timed_out(timeout_s: float, kind: type[httpx.TimeoutException]) -> ProviderError:
    return also_httpx(ProviderTimeout(f"no whole answer within {timeout_s:g} s"), kind)


def to_named(kind: str, text: str, timeout_s: float) -> ProviderError:
    """Return the error that :func:`to_named_error` gives for the class of httpx that is called ``kind``. Pure.

    So that whoever knows httpx meets what he knows, whichever library did the work.
    """
    return to_named_error(getattr(httpx, kind)(text), timeout_s)


def to_named_error(error: Exception, timeout_s: float) -> ProviderError:
    """Return the named error for what httpx raised; it is still an instance of that httpx class. Pure.

    The text of protocol errors is not passed on: it may quote a header.
    """
    kind = type(error)
    if isinstance(error, httpx.ConnectTimeout):
        named = ProviderTimeout(f"could not connect within {min(CONNECT_S, timeout_s):g} s")
    elif isinstance(error, httpx.TimeoutException):
        return _timed_out(timeout_s, type(error))
    elif isinstance(error, httpx.ConnectError | httpx.ProxyError):
        # A certificate that is wrong now is wrong in a second, too.
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        hint = "is the server running, and base_url right?"
        named = ConnectFailed(f"could not connect: {error}", retryable=not untrusted, hint=hint)
    elif isinstance(error, httpx.DecodingError):
        named = BadReply("the body is not compressed in the way that its header says")
    elif isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL | httpx.UnsupportedProtocol):
        named = ProviderError(f"the request cannot be sent ({kind.__name__})", hint="check base_url and headers")
    else:
        named = ConnectionLost(f"the connection broke before the answer was whole ({kind.__name__})")
    return also_httpx(named, kind)


def with_response(error: ProviderError, wire: WireRequest, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Make a status error also an ``httpx.HTTPStatusError`` with ``.request`` and ``.response``, and return it.

    The request has no credentials, and ``body`` must be redacted.
    """
    if isinstance(error, StatusError | BadReply) and error.status is not None:
        request = httpx.Request(wire.method, wire.url, headers=wire.headers, content=wire.body)
        kept = [  # bytes: httpx would encode texts as ASCII, and a server may send anything
            (name.encode("utf-8", "surrogateescape"), text.encode("utf-8", "surrogateescape"))
            for name, text in headers.items()
            if name.lower() not in ("content-encoding", "content-length")
        ]
        also_httpx(error, httpx.HTTPStatusError)
        known = cast("httpx.HTTPStatusError", error)
        known.request = request
        known.response = httpx.Response(error.status, headers=kept, content=body, request=request)
    return error


def with_request(error: ProviderError, wire: WireRequest) -> ProviderError:
    """Give an httpx error the ``.request`` that its users read, without credentials, and return it."""
    if isinstance(error, httpx.HTTPError) and error._request is None:  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - reading `request` would raise
        with suppress(httpx.InvalidURL):
            error.request = httpx.Request(wire.method, wire.url, headers=wire.headers, content=wire.body)
    return error


def also_httpx(error: ProviderError, kind: type[Exception]) -> ProviderError:
    """Make ``error`` an instance of ``kind``, too, and return it: users may catch either."""
    error.__class__ = _both(type(error), kind)
    if issubclass(kind, httpx.HTTPError):
        error._request = None  # noqa: SLF001 # pyright: ignore[reportAttributeAccessIssue] - what the constructor of httpx sets
    return error


@cache
def _both(ours: type[ProviderError], theirs: type[Exception]) -> type[ProviderError]:
    def reduce(error: ProviderError) -> Any:  # pickles as our own class alone: this one has no address
        facts = {name: value for name, value in vars(error).items() if name not in ("_request", "response")}
        return ours, (error.message,), facts

    body = {"__module__": ours.__module__, "__qualname__": ours.__qualname__, "__reduce__": reduce}
    return cast("type[ProviderError]", type(ours.__name__, (ours, theirs), body))
