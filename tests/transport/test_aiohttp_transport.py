"""The two libraries behind the transport: which is chosen, when connections end, and how many there may be."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys

import httpx
import pytest
from chat_values import ask, chunk, reply, sse
from ways import Taker, each_async_way, needs_aiohttp

from lllm.errors import ConfigError, ConnectFailed, ProviderTimeout
from lllm.transport.default import DefaultTransport
from lllm.transport.gate import find_gate
from lllm.transport.port import WireRequest

OK = {"status": 200, "headers": {"content-type": "application/json"}, "body": reply(content="hey")}
START = """
import asyncio, os, resource, sys
from lllm.transport.port import WireRequest
from lllm.transport.default import DefaultTransport
class Taker:
    def start(self, status, headers): assert status == 200
    def feed(self, chunk): pass
asked = (WireRequest("POST", sys.argv[1], (), b"{}"), (), Taker(), 30.0)
async def ask_often(transport, times):
    await asyncio.gather(*[transport.asend(*asked) for _ in range(times)])
"""
NO_AIOHTTP = "sys.modules['aiohttp'] = None\n"
each_library = pytest.mark.parametrize(
    "library", [pytest.param(NO_AIOHTTP, id="httpx"), pytest.param("", id="aiohttp", marks=needs_aiohttp)]
)


def run(code, url):
    """Run a program of its own, in which every warning is an error, and return what it said on stderr."""
    command = [sys.executable, "-W", "error", "-c", START + code, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


@needs_aiohttp
def test_async_calls_take_aiohttp_and_load_no_httpx(fault_server):
    """Two HTTP libraries in memory cost twice; only a failure needs the errors of the other."""
    run(
        "asyncio.run(ask_often(DefaultTransport(), 1))\n"
        "assert 'aiohttp' in sys.modules and 'httpx' not in sys.modules\n",
        fault_server.add(OK),
    )


def test_without_aiohttp_async_calls_take_httpx(fault_server):
    """It is an extra: nobody has to have it."""
    run(
        NO_AIOHTTP + "asyncio.run(ask_often(DefaultTransport(), 1))\nassert 'httpx' in sys.modules\n",
        fault_server.add(OK),
    )


def test_sync_calls_take_httpx_and_load_no_aiohttp(fault_server):
    """Whoever calls nothing async pays nothing for it."""
    run(
        "transport = DefaultTransport()\ntransport.send(*asked)\ntransport.close()\n"
        "assert 'httpx' in sys.modules and 'aiohttp' not in sys.modules\n",
        fault_server.add(OK),
    )


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "gopher://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_named_before_anything_is_sent(monkeypatch, is_async, proxy):
    """Aiohttp knows no SOCKS, and httpx knows it with an extra of its own; going out without the proxy is no answer."""
    monkeypatch.setenv("all_proxy", proxy)
    asked = (WireRequest("POST", "http://nowhere.invalid/", (), b""), (), Taker(), 5.0)
    transport = DefaultTransport()
    with pytest.raises(ConfigError, match="proxy") as caught:
        asyncio.run(transport.asend(*asked)) if is_async else transport.send(*asked)
    assert ("httpx[socks]" in caught.value.hint) == proxy.startswith("socks")


@each_library
@pytest.mark.parametrize(
    "ending",
    [
        "asyncio.run(ask_often(DefaultTransport(), 3))",
        "loop = asyncio.new_event_loop(); t = DefaultTransport(); loop.run_until_complete(ask_often(t, 3))",
        "t = DefaultTransport(); [asyncio.run(ask_often(t, 3)) for _ in range(3)]",
        "async def drop():\n    await ask_often(DefaultTransport(), 3)\n    import gc; gc.collect()\nasyncio.run(drop())",
    ],
    ids=["run", "a loop that nobody closes", "many loops", "a transport that nobody closes"],
)
def test_connections_end_without_a_word(fault_server, library, ending):
    """Nobody who asks a model should have to know that there are connections to close."""
    code = library + ending
    if "new_event_loop" in ending:
        code += "\nimport atexit; atexit._run_exitfuncs(); loop.close()"
    assert run(code, fault_server.add(OK)) == ""


@each_library
def test_calls_wait_for_a_socket_where_there_are_few(fault_server, library):
    """More calls than the process may have files open: they take turns, and none fails."""
    start = fault_server.connections
    run(
        f"{library}from lllm.transport import over_httpx\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))\nasyncio.run(ask_often(DefaultTransport(), 200))\n",
        fault_server.add(OK),
    )
    assert 10 < fault_server.connections - start < 40


async def one_place_left(gate):
    """Take all places of the gate but one."""
    while not gate.locked():
        await gate.acquire()
    gate.release()


@each_async_way
def test_who_comes_first_is_served_first(fault_server, way):
    """Whoever waits longest goes next: with any other order, a busy program starves some of its calls."""
    provider, urls = way.provider_at(fault_server.add(OK)), [fault_server.add(OK) for _ in range(6)]
    start = len(fault_server.requests)

    async def turns():
        await one_place_left(find_gate())
        await asyncio.gather(*[way.provider_at(url).asend(ask()) for url in urls])
        await provider.aclose()

    asyncio.run(turns())
    served = [head.split(b" ")[1].split(b"/")[1] for head, _ in fault_server.requests[start:]]
    assert served == [url.rsplit("/", 1)[1].encode() for url in urls]


@each_async_way
def test_a_call_that_is_cancelled_while_it_waits_takes_no_place(fault_server, way):
    """Else a program that gives up often would stop for good."""
    provider = way.provider_at(fault_server.add(OK))

    async def turns():
        gate = find_gate()
        await one_place_left(gate)
        await gate.acquire()
        waiting = asyncio.ensure_future(provider.asend(ask()))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.release()
        return (await provider.asend(ask())).content

    assert asyncio.run(turns()) == "hey"


@each_async_way
def test_waiting_for_a_place_is_no_part_of_the_time_to_answer(fault_server, way):
    """Nothing was sent: a model that is asked late is not a model that is slow."""
    provider = way.provider_at(fault_server.add(OK))

    async def turns():
        gate = find_gate()
        await one_place_left(gate)
        await gate.acquire()
        waiting = asyncio.ensure_future(provider.asend(ask(), timeout_s=0.2))
        await asyncio.wait([waiting], timeout=0.4)
        gate.release()
        return (await waiting).content

    assert asyncio.run(turns()) == "hey"


@each_async_way
def test_providers_of_one_loop_share_their_connections(fault_server, way):
    """A system of ten agents needs no ten connections to talk to one model, one after the other."""
    url = fault_server.add(OK)
    before = fault_server.connections

    async def turns():
        for _ in range(3):
            await way.provider_at(url).asend(ask())

    asyncio.run(turns())
    assert fault_server.connections - before == 1


@each_async_way
def test_closing_leaves_what_others_use_alone(fault_server, way):
    """One agent that ends may not break the calls of another, nor its own that are under way."""
    pieces = [sse(chunk(content="h"), done=False), *[": ping\n\n"] * 20, sse(chunk("stop", content="ey"))]
    slow = {"status": 200, "headers": {"content-type": "text/event-stream"}, "chunks": pieces, "delay_ms": 10}
    one, other = way.provider_at(fault_server.add(slow)), way.provider_at(fault_server.add(OK))

    async def turns():
        begun = asyncio.Event()
        under_way = asyncio.ensure_future(one.asend(ask(stream=True), on_delta=lambda _: begun.set()))
        await begun.wait()
        await other.asend(ask())
        before = fault_server.connections
        await one.aclose()
        await other.asend(ask())
        kept = fault_server.connections == before
        await other.aclose()
        await one.aclose()
        return kept, (await under_way).content, (await other.asend(ask())).content

    assert asyncio.run(turns()) == (True, "hey", "hey")


def test_a_process_that_was_forked_does_not_speak_on_its_parents_connections(fault_server):
    """Both would read one stream, and each could get the answer that is meant for the other."""
    before = fault_server.connections
    run(
        "transport = DefaultTransport()\ntransport.send(*asked)\nchild = os.fork()\ntransport.send(*asked)\n"
        "if not child: os._exit(0)\nassert os.waitpid(child, 0)[1] == 0\ntransport.close()\n",
        fault_server.add(OK),
    )
    assert fault_server.connections - before == 2


@needs_aiohttp
def test_what_aiohttp_says_becomes_the_error_that_httpx_would_give():
    """One program, one set of except clauses, whatever is installed."""
    import aiohttp
    from aiohttp.client_reqrep import ConnectionKey

    from lllm.transport.over_aiohttp import to_named_error

    key = ConnectionKey("x", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)
    untrusted = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    for error, kind, also, retryable in [
        (aiohttp.ConnectionTimeoutError("x"), ProviderTimeout, httpx.ConnectTimeout, True),
        (aiohttp.SocketTimeoutError("x"), ProviderTimeout, httpx.ReadTimeout, True),
        (aiohttp.ClientConnectorCertificateError(key, untrusted), ConnectFailed, httpx.ConnectError, False),
        (aiohttp.ClientConnectorDNSError(key, OSError(-2, "unknown")), ConnectFailed, httpx.ConnectError, True),
        (aiohttp.ClientProxyConnectionError(key, OSError(111, "no")), ConnectFailed, httpx.ProxyError, True),
    ]:
        named = to_named_error(error, 600.0)
        assert isinstance(named, kind)
        assert isinstance(named, also)
        assert named.retryable is retryable


@each_async_way
def test_a_proxy_that_refuses_is_named_without_its_address(way):
    """The address of a proxy may hold a password; no request for the model's server was made."""

    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async def ask_through():
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport = type(way.build())(proxy=f"http://me:hidden@127.0.0.1:{port}")
        async with server:
            await transport.asend(WireRequest("POST", "https://nowhere.invalid/", (), b""), (), Taker(), 5.0)

    with pytest.raises(ConnectFailed, match="407") as caught:
        asyncio.run(ask_through())
    assert isinstance(caught.value, httpx.ProxyError)
    assert "hidden" not in str(caught.value)


def test_a_transport_over_aiohttp_has_no_sync_calls():
    """It says so, rather than to block a loop."""
    pytest.importorskip("aiohttp")
    from ways import build_aiohttp

    transport = build_aiohttp()
    transport.close()
    with pytest.raises(NotImplementedError, match="no sync calls"):
        transport.send(WireRequest("POST", "http://x/", (), b""), (), Taker(), 5.0)


def test_the_default_closes_only_what_it_has_opened():
    """Closing may not import a library to do so."""
    run(
        "t = DefaultTransport()\nt.close()\nasyncio.run(t.aclose())\n"
        "assert not {'httpx', 'aiohttp'} & set(sys.modules)\n",
        "http://x/",
    )
