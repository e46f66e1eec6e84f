"""The only way to the network: what is allowed goes through as it is, what is not makes no connection at all."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from lllm.tools.cua.border import Border
from lllm.tools.cua.gate import REFUSED, Gate

LONG_S = 30.0
MANY = 10_000_000
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Site:
    """A server on loopback: ``heads`` is what it was asked, ``connections`` how often, ``rest`` what came after a head.

    Args:
        answer: bytes that it answers with, or an async function of a reader and a writer that does it.
    """

    def __init__(self, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"):
        self.heads, self.connections, self.writers, self.rest = [], 0, [], b""
        self._answer = answer
        self.ended = asyncio.Event()
        self.came = asyncio.Event()

    async def serve(self, reader, writer):
        self.connections += 1
        self.writers.append(writer)
        self.came.set()
        try:
            if callable(self._answer):
                await self._answer(reader, writer)
            else:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self._answer)
                await writer.drain()
                writer.write_eof()
                self.rest = await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.ended.set()


@asynccontextmanager
async def site(answer=None, **options):
    """Serve on a port of loopback."""
    served = Site(answer) if answer else Site()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, **options)
    served.port = server.sockets[0].getsockname()[1]
    served.place = b"127.0.0.1:%d" % served.port
    try:
        yield served
    finally:
        server.close()
        for writer in served.writers:
            writer.transport.abort()


class AskedBorder(Border):
    """Remembers what it was asked about; what ``allows`` decides may be private, too."""

    def __init__(self, sites, allows=None):
        super().__init__(sites)
        self.asked, self._decide = [], allows

    def allows_host(self, host, port):
        self.asked.append((host, port))
        return (self._decide or super().allows_host)(host, port)

    def allows_private(self, host, port):
        return self._decide is not None or super().allows_private(host, port)


@asynccontextmanager
async def gate_for(*sites, max_bytes=MANY, allows=None):
    """Open a gate that lets through what is named; ``asked`` is what it asked about."""
    border = AskedBorder(sites, allows)
    gate = Gate(border, max_bytes)
    gate.asked = border.asked
    await gate.open()
    try:
        yield gate
    finally:
        await gate.close()


@asynccontextmanager
async def line_to(gate):
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def said(gate, *pieces, ends=False):
    """Send pieces to a gate; return all that it answers until it closes."""
    async with line_to(gate) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if ends:
            writer.write_eof()
        return await reader.read()


def get(place, path=b"/", *fields, method=b"GET", user=b""):
    lines = [method + b" http://" + user + place + path + b" HTTP/1.1", b"Host: " + place, *fields, b"", b""]
    return b"\r\n".join(lines)


def connect(place):
    return b"CONNECT " + place + b" HTTP/1.1\r\nHost: " + place + b"\r\n\r\n"


def run(main):
    """Run a test; nothing of it may be left: no task, no open socket, no complaint of the loop."""
    complaints = []

    async def whole():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        async with asyncio.timeout(LONG_S):
            result = await main()
            await no_task_left()
        return result

    result = asyncio.run(whole(), debug=True)
    gc.collect()  # a socket that was left open warns here, and pytest makes an error of it
    assert complaints == []
    return result


async def until(is_so):
    """Let others go on until something is so; the time limit is that of the whole test."""
    while not is_so():  # noqa: ASYNC110 - most of it is the system's, which sets no event
        await asyncio.sleep(0)


async def no_task_left():
    """Wait until only this task is there; the time limit is the caller's."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


def refused(answer):
    return answer.startswith(b"HTTP/1.1 403 Forbidden\r\n") and answer.endswith(b"\r\n\r\n" + REFUSED)


# --- what is allowed -------------------------------------------------------------------------------------------------


def test_a_page_comes_through():
    """The head is as a server expects it: a path, no words for a proxy, and an end after the answer."""

    async def main():
        async with site() as there, gate_for("127.0.0.1") as gate:
            fields = (
                b"Accept: */*",
                b"Proxy-Connection: keep-alive",
                b"Proxy-Authorization: x",
                b"CONNECTION: keep-alive",
            )
            answer = await said(gate, get(there.place, b"/a/b?c=d%20e", *fields, b"Keep-Alive: 5"))
            return answer, there.heads, there.place, gate.asked == [("127.0.0.1", there.port)]

    answer, heads, place, was_asked = run(main)
    assert answer.endswith(b"\r\n\r\nhi")
    wanted = b"GET /a/b?c=d%20e HTTP/1.1\r\nHost: " + place + b"\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    assert heads == [wanted]
    assert was_asked


@pytest.mark.parametrize(("path", "asked"), [(b"", b"/"), (b"?a", b"/?a"), (b"//x", b"//x"), (b"/;a;b", b"/;a;b")])
def test_a_path_is_kept(path, asked):
    async def main():
        async with site() as there, gate_for("127.0.0.1") as gate:
            await said(gate, get(there.place, path))
            return there.heads[0].split(b" ")[1]

    assert run(main) == asked


def test_a_body_goes_with_its_head():
    """Also if it comes in pieces, after the head."""

    async def echo(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(7)
        writer.write(b"%d %s" % (len(head) > 10, body))

    async def main():
        async with site(echo) as there, gate_for("127.0.0.1") as gate:
            head = get(there.place, b"/", b"Content-Length: 7", method=b"POST")
            return [
                await said(gate, head + b"abcdefg"),
                await said(gate, head, b"abc", b"defg"),
                await said(gate, head[:9], head[9:-1], head[-1:] + b"a", b"bcdefg"),
            ]

    assert run(main) == [b"1 abcdefg"] * 3


def test_a_tunnel_passes_bytes_both_ways():
    """TLS goes through it: the gate reads nothing of it, and changes nothing."""
    data = bytes(range(256)) * 1000

    async def echo(reader, writer):
        while piece := await reader.read(5000):
            writer.write(piece)
            await writer.drain()

    async def main():
        async with site(echo) as there, gate_for(f"127.0.0.1:{there.port}") as gate, line_to(gate) as (reader, writer):
            writer.write(connect(there.place))
            assert await reader.readexactly(len(HEAD)) == HEAD
            for _ in range(3):
                writer.write(data)
                assert await reader.readexactly(len(data)) == data
            writer.write_eof()
            return await reader.read(), gate.is_over

    assert run(main) == (b"", False)


def test_what_comes_with_the_head_of_a_tunnel_is_not_lost():
    """A browser may send its first TLS record without waiting."""

    async def echo(reader, writer):
        writer.write(await reader.readexactly(5))

    async def main():
        async with site(echo) as there, gate_for("127.0.0.1") as gate:
            return await said(gate, connect(there.place) + b"hello")

    assert run(main) == HEAD + b"hello"


@pytest.mark.parametrize("through", ["tunnel", "plain"])
def test_a_web_socket_comes_through(through):
    """Its handshake asks for an upgrade, then bytes go both ways as they come."""

    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        writer.write(head)
        while frame := await reader.read(100):
            writer.write(frame[::-1])

    async def main():
        async with site(talk) as there, gate_for("127.0.0.1") as gate, line_to(gate) as (reader, writer):
            fields = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: eA==")
            if through == "tunnel":
                writer.write(connect(there.place))
                assert await reader.readexactly(len(HEAD)) == HEAD
            writer.write(get(there.place, b"/s", *fields))
            answer = await reader.readuntil(b"\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            for frame in (b"\x81\x02ab", b"\x81\x02cd"):
                writer.write(frame)
                assert await reader.readexactly(4) == frame[::-1]
            writer.write_eof()
            assert await reader.read() == b""
            return answer, head

    answer, head = run(main)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert head.lower().count(b"\r\nconnection: upgrade\r\n") == 1
    assert b"\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n" in head.replace(b"Connection: Upgrade\r\n", b"", 1)


def test_a_client_that_has_said_all_still_gets_its_answer():
    """It ends its half of the line; the server sees that, and answers."""

    async def answer_at_the_end(reader, writer):
        writer.write(b"%d" % len(await reader.read()))

    async def main():
        async with site(answer_at_the_end) as there, gate_for("127.0.0.1") as gate:
            return await said(gate, connect(there.place), b"x" * 1000, ends=True)

    assert run(main) == HEAD + b"1000"


def test_a_server_that_has_said_all_ends_the_line():
    """Otherwise a browser would wait for an answer without a length."""

    async def part(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"part")

    async def main():
        async with site(part) as there, gate_for("127.0.0.1") as gate:
            return await said(gate, get(there.place))

    assert run(main) == b"part"


def test_a_server_that_does_not_answer_is_told_of():
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        async with gate_for("127.0.0.1") as gate:
            return [await said(gate, ask(b"127.0.0.1:%d" % port)) for ask in (get, connect)]

    for answer in run(main):
        assert answer.startswith(b"HTTP/1.1 502 ")


# --- what is not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [get, connect])
def test_what_is_refused_makes_no_connection(ask):
    """Not even one that is closed at once: its being made would tell something."""

    async def main():
        async with site() as there, gate_for("shop.test", "127.0.0.1:1") as gate:
            answer = await said(gate, ask(there.place) + b"body")
            return answer, there.connections, gate.asked == [("127.0.0.1", there.port)]

    answer, connections, was_asked = run(main)
    assert refused(answer)
    assert b"\r\nContent-Length: %d\r\n" % len(REFUSED) in answer
    assert (connections, was_asked) == (0, True)


@pytest.mark.parametrize(
    ("head", "place"),
    [
        (b"GET http://shop.test/ HTTP/1.1", ("shop.test", 80)),
        (b"GET http://shop.test:8080/ HTTP/1.1", ("shop.test", 8080)),
        (b"GET http://SHOP.test./ HTTP/1.1", ("shop.test", 80)),
        (b"GET http://user:word@shop.test/ HTTP/1.1", ("shop.test", 80)),
        (b"GET http://other.test@shop.test/ HTTP/1.1", ("shop.test", 80)),
        (b"GET http://other.test:80@shop.test:81/ HTTP/1.1", ("shop.test", 81)),
        (b"GET http://[::1]:81/ HTTP/1.1", ("::1", 81)),
        (b"CONNECT shop.test:443 HTTP/1.1", ("shop.test", 443)),
        (b"CONNECT shop.test:8443 HTTP/1.1", ("shop.test", 8443)),
        (b"CONNECT shop.test HTTP/1.1", ("shop.test", 443)),
        (b"CONNECT [::1]:443 HTTP/1.1", ("::1", 443)),
        (b"CONNECT other.test@shop.test:443 HTTP/1.1", ("shop.test", 443)),
        (b"GET /path HTTP/1.1\r\nHost: shop.test", ("", 80)),
        (b"GET * HTTP/1.1", ("", 80)),
        (b"CONNECT / HTTP/1.1", ("", 443)),
    ],
)
def test_it_is_asked_about_the_host_that_would_be_connected_to(head, place):
    """Not about a name in front of it, nor about the header beside it."""

    async def main():
        async with gate_for() as gate:
            return await said(gate, head + b"\r\n\r\n"), gate.asked

    answer, asked = run(main)
    assert asked == [place]
    assert refused(answer)


def test_user_info_is_not_sent_on():
    """Neither in the path, nor as a header."""

    async def main():
        async with site() as there, gate_for("127.0.0.1") as gate:
            await said(gate, get(there.place, b"/a", user=b"name:word@"))
            return there.heads

    (head,) = run(main)
    assert head.startswith(b"GET /a HTTP/1.1\r\n")
    assert b"word" not in head


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET http://127.0.0.1/ HTTP/1.1 more\r\n\r\n",
        b"GET  http://127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"GET http://127.0.0.1:x/ HTTP/1.1\r\n\r\n",
        b"GET http://127.0.0.1:99999/ HTTP/1.1\r\n\r\n",
        b"GET http://[127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"GET http://\xff\xfe/ HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:x HTTP/1.1\r\n\r\n",
        "GET http://127.0.0.1\u2100/ HTTP/1.1\r\n\r\n".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET http://127.0.0.1/ HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"x" * 1_000_000,
    ],
    ids=lambda head: ascii(head[:40]),
)
def test_a_head_that_is_none_ends_the_line_and_nothing_else(head):
    """Nobody is asked, nothing is connected to, and the next one is served."""

    async def main():
        async with site() as there, gate_for("127.0.0.1") as gate, line_to(gate) as (reader, writer):
            writer.write(head)
            try:
                answer = await reader.read()
            except ConnectionResetError:  # it read no more of it
                answer = b""
            asked = list(gate.asked)
            return answer, asked, await said(gate, get(there.place))

    answer, asked, next_answer = run(main)
    assert (answer, asked) == (b"", [])
    assert next_answer.endswith(b"hi")


@pytest.mark.parametrize("piece", [b"", b"GET http://127.0.0.1/ HTTP/1.1\r\n", b"GET http://127.0.0.1/ HTTP/1.1\r\n\r"])
def test_a_head_that_ends_too_early_is_nothing(piece):
    async def main():
        async with gate_for("127.0.0.1") as gate:
            return await said(gate, piece, ends=True), gate.asked

    assert run(main) == (b"", [])


def test_a_head_that_never_ends_holds_up_nobody_else():
    """A connection that a browser opens ahead of time says nothing for a while."""

    async def main():
        async with site() as there, gate_for("127.0.0.1") as gate, line_to(gate) as (reader, writer):
            writer.write(b"GET http://127.0.0.1/ HTT")
            answer = await said(gate, get(there.place))
            await gate.close()
            return answer, await reader.read()

    answer, end = run(main)
    assert answer.endswith(b"hi")
    assert end == b""


@pytest.mark.parametrize("how", ["at once", "later"])
def test_a_line_is_not_used_again_for_another_host(how):
    """What was allowed is one host: a second request on the line can only reach that, and not ask for another."""

    async def main():
        async with site() as there, site() as other, gate_for(f"127.0.0.1:{there.port}") as gate:
            first, second = get(there.place), get(other.place, b"/secret")
            answer = await said(gate, *([first + second] if how == "at once" else [first, second]))
            await there.ended.wait()
            return answer, len(there.heads), other.connections, gate.asked == [("127.0.0.1", there.port)]

    answer, heads, connections, was_asked = run(main)
    assert answer.count(b"HTTP/1.1") == 1
    assert (heads, connections, was_asked) == (1, 0, True)


def test_each_line_is_asked_about():
    """An answer of once is none for always: who may be left for changes with each action."""
    answers = {1: True, 2: False, 3: True}
    asked = []

    def decide(host, port):
        asked.append((host, port))
        return answers[len(asked)]

    async def main():
        async with site() as there, gate_for(allows=decide) as gate:
            return [await said(gate, get(there.place)) for _ in range(3)], there.connections

    (first, second, third), connections = run(main)
    assert refused(second)
    assert first == third
    assert connections == 2


# --- everywhere -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        *(b"127.0.0.1", b"127.1", b"0x7f.1", b"2130706433", b"localhost", b"0.0.0.0", b"[::1]", b"[::]"),
        *(b"10.0.0.1", b"192.168.0.1", b"172.16.0.1", b"169.254.169.254", b"100.64.0.1", b"[fe80::1]", b"[fc00::1]"),
        *(b"[::ffff:127.0.0.1]", b"[::ffff:10.0.0.1]", b""),
    ],
)
def test_everywhere_is_no_private_address(host):
    """A page of the web must not reach this machine, its network, or what a cloud tells its machines."""

    async def main():
        async with site() as there, gate_for("*") as gate:
            answer = await said(gate, get(host + b":%d" % there.port))
            return answer, there.connections

    answer, connections = run(main)
    assert refused(answer) or answer.startswith(b"HTTP/1.1 502 ")  # of a name that this machine does not know
    assert connections == 0


def test_a_private_address_may_be_named_beside_everywhere():
    async def main():
        async with site() as there, site() as other, gate_for("*", f"127.0.0.1:{there.port}") as gate:
            return await said(gate, get(there.place)), await said(gate, get(other.place)), other.connections

    answer, other, connections = run(main)
    assert answer.endswith(b"hi")
    assert refused(other)
    assert connections == 0


# --- how much --------------------------------------------------------------------------------------------------------


async def flood(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    while True:
        writer.write(b"x" * 10_000)
        await writer.drain()


@pytest.mark.parametrize("ask", [get, lambda place: connect(place) + b"\r\n\r\n"], ids=["plain", "tunnel"])
def test_what_is_too_much_is_cut_off(ask):
    """A page without an end would fill the memory of the browser, and of this machine."""

    async def main():
        async with site(flood) as there, gate_for("127.0.0.1", max_bytes=200_000) as gate:
            assert not gate.is_over
            answer = await said(gate, ask(there.place))
            await there.ended.wait()
            return len(answer), gate.is_over

    size, is_over = run(main)
    assert 0 < size <= 200_000 + len(HEAD)
    assert is_over


def sized(size):
    """Return a server that answers with so many bytes."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"x" * size)

    return answer


@pytest.mark.parametrize(("size", "is_over"), [(1000, False), (1001, True)])
def test_the_limit_is_what_may_be_loaded(size, is_over):
    async def main():
        async with site(sized(size)) as there, gate_for("127.0.0.1", max_bytes=1000) as gate:
            await said(gate, get(there.place))
            return gate.is_over

    assert run(main) is is_over


def test_all_lines_count_together():
    """A page loads from many at once."""

    async def main():
        async with site(sized(400)) as there, gate_for("127.0.0.1", max_bytes=1000) as gate:
            over = []
            for _ in range(3):
                await said(gate, get(there.place))
                over.append(gate.is_over)
            answer = await said(gate, get(there.place))
            return over, answer, there.connections

    over, answer, connections = run(main)
    assert over == [False, False, True]
    assert answer.startswith(b"HTTP/1.1 509 ")
    assert connections == 3


def test_what_is_refused_is_refused_also_when_it_is_too_much():
    async def main():
        async with site(sized(400)) as there, gate_for(f"127.0.0.1:{there.port}", max_bytes=1) as gate:
            await said(gate, get(there.place))
            return gate.is_over, await said(gate, get(b"127.0.0.1:1"))

    is_over, answer = run(main)
    assert is_over
    assert refused(answer)


def test_what_is_sent_does_not_count():
    """The limit is of what is loaded; a file that somebody approved may be large."""

    async def swallow(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"%d" % len(await reader.readexactly(100_000)))

    async def main():
        async with site(swallow) as there, gate_for("127.0.0.1", max_bytes=100) as gate:
            return await said(gate, get(there.place, method=b"POST"), b"x" * 100_000), gate.is_over

    assert run(main) == (b"100000", False)


def test_the_limit_cuts_off_every_line():
    """Those that are idle too: what they load next would be too much as well."""

    async def hold(reader, writer):
        writer.write(b"y")
        await reader.read()

    async def main():
        async with (
            site(hold) as idle,
            site(flood) as there,
            gate_for("127.0.0.1", max_bytes=100_000) as gate,
            line_to(gate) as (reader, writer),
        ):
            writer.write(connect(idle.place))
            assert await reader.readexactly(len(HEAD) + 1) == HEAD + b"y"
            await said(gate, get(there.place))
            end = await reader.read()
            await idle.ended.wait()
            return end

    assert run(main) == b""


def test_each_action_begins_anew():
    async def main():
        async with site(sized(600)) as there, gate_for("127.0.0.1", max_bytes=1000) as gate:
            over = []
            for _ in range(3):
                await said(gate, get(there.place))
                over.append(gate.is_over)
                gate.begin()
            await said(gate, get(there.place))
            await said(gate, get(there.place))
            over.append(gate.is_over)
            gate.begin()
            over.append(gate.is_over)
            return over, await said(gate, get(there.place))

    assert run(main) == ([False, False, False, True, False], b"x" * 600)


# --- its end ---------------------------------------------------------------------------------------------------------


async def wait_for_end(reader, writer):
    writer.write(b"y")
    await reader.read()


def test_the_end_closes_every_line():
    """On both sides: the server sees it, and the client."""

    async def main():
        async with (
            site(wait_for_end) as there,
            gate_for("127.0.0.1") as gate,
            line_to(gate) as (reader, writer),
            line_to(gate) as (idle, _),
        ):
            writer.write(connect(there.place))
            assert await reader.readexactly(len(HEAD) + 1) == HEAD + b"y"
            await gate.close()
            await there.ended.wait()
            return await reader.read(), await idle.read()

    assert run(main) == (b"", b"")


def test_after_the_end_nobody_is_served():
    async def main():
        async with gate_for("127.0.0.1") as gate:
            assert gate.port > 0
            await gate.close()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", gate.port)
            await gate.close()  # and a second time is fine
        await Gate(Border(()), 1).close()  # as is one that was never open

    run(main)


def test_a_gate_listens_on_this_machine_only():
    """On any other address it would be an open proxy of the network."""

    async def main():
        async with gate_for() as gate:
            return gate._server.sockets[0].getsockname()

    host, port = run(main)
    assert host == "127.0.0.1"
    assert port > 0


def test_a_client_that_leaves_amid_an_answer_leaves_nothing():
    """Browsers give up what they do not need any more."""

    async def main():
        async with site(flood) as there, gate_for("127.0.0.1") as gate:
            async with line_to(gate) as (reader, writer):
                writer.write(get(there.place))
                await reader.readexactly(100)
            await there.ended.wait()
            return gate.is_over, len(gate._lines)

    is_over, lines = run(main)
    assert not is_over
    assert lines <= 2


def slow_names(loop):
    """Let names be looked up only when the event is set that is returned."""
    go, pool = threading.Event(), ThreadPoolExecutor(1)
    loop.set_default_executor(pool)
    pool.submit(go.wait, LONG_S)
    return go


def test_the_end_also_closes_a_connection_that_is_being_made():
    """A server that says nothing would hold it, and its task, for ever."""

    async def main():
        go = slow_names(asyncio.get_running_loop())
        async with site(wait_for_end) as there, gate_for("localhost") as gate, line_to(gate) as (reader, writer):
            writer.write(connect(b"localhost:%d" % there.port))
            await until(lambda: gate.asked)
            await gate.close()
            assert await reader.read() == b""
            go.set()
            await asyncio.wait([asyncio.create_task(no_gates_task_left())], timeout=1)
            return gates_tasks()

    assert run(main) == []


async def until_still(size):
    """Wait until a buffer has something, and has not changed for a while."""
    last, turns = 0, 0
    while turns < 500:
        await asyncio.sleep(0)
        turns = turns + 1 if size() == last > 0 else 0
        last = size()


def gates_tasks():
    """Return the tasks in which a gate serves a line."""
    return [task for task in asyncio.all_tasks() if task.get_coro().__qualname__.startswith("Gate.")]


async def no_gates_task_left():
    await until(lambda: not gates_tasks())


def test_the_limit_also_cuts_off_a_connection_that_is_being_made():
    """It was asked about before; and what is over is not cut off a second time."""

    async def main():
        go = slow_names(asyncio.get_running_loop())
        async with (
            site(sized(1_000_000)) as there,
            gate_for("127.0.0.1", "localhost", max_bytes=1000) as gate,
            line_to(gate) as (reader, writer),
        ):
            writer.write(get(b"localhost:%d" % there.port))
            await until(lambda: gate.asked)
            await said(gate, get(there.place))
            assert gate.is_over
            go.set()
            return len(await reader.read())

    assert run(main) <= 1000


def test_the_end_does_not_wait_for_a_client_that_reads_no_more():
    """Its task and its sockets would stay."""

    async def main():
        async with site(sized(50_000_000)) as there, gate_for("127.0.0.1", max_bytes=10**12) as gate:
            with socket.create_connection(("127.0.0.1", gate.port)) as client:
                client.sendall(get(there.place))
                await there.came.wait()
                (writer,) = there.writers
                await until_still(writer.transport.get_write_buffer_size)
                await gate.close()
                await asyncio.wait([asyncio.create_task(no_gates_task_left())], timeout=1)
                return gates_tasks()

    assert run(main) == []
