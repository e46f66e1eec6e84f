"""The wire under stress, each way that it goes: pools, deadlines, cancellation, secrets, errors that users of httpx know."""

from __future__ import annotations

import asyncio
import gzip
import pickle
import subprocess
import sys
import threading
import zlib
from dataclasses import replace

import httpx
import pytest
from chat_values import ask, chunk, reply, sse
from ways import KEY, SYNC, each_async_way, each_way

from lllm.errors import (
    BadReply,
    ConfigError,
    ConnectFailed,
    ConnectionLost,
    ProviderError,
    ProviderTimeout,
    RateLimited,
)
from lllm.providers.base import secrets_of
from lllm.providers.http import HTTPProvider
from lllm.providers.mock import MockProvider
from lllm.providers.wire.profile import Profile
from lllm.transport.over_httpx import to_named_error
from lllm.transport.route import read_proxy
from lllm.utils import Secret

OK = {"status": 200, "headers": {"content-type": "application/json"}, "body": reply(content="hey")}
EVENTS = {"status": 200, "headers": {"content-type": "text/event-stream"}}
provider_at = SYNC.provider_at
both = pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])


@each_way
def test_turns_share_one_connection(fault_server, way):
    """A new connection, with TLS, at each turn costs more than everything else that we do."""
    before = fault_server.connections
    way.send(way.provider_at(fault_server.add(OK)), ask(), ask(), ask())
    assert fault_server.connections - before == 1


@each_way
def test_a_connection_that_the_server_closed_while_idle_is_replaced(fault_server, way):
    """Servers close idle connections; the next turn must not fail for it."""
    provider = way.provider_at(fault_server.add({**OK, "keep": False}))
    assert way.send(provider, ask(), ask(), ask()).content == "hey"


@each_way
def test_a_connection_that_the_server_closes_as_we_use_it_is_replaced_once(fault_server, way):
    """llama.cpp does that after a stream; when no byte of an answer has come, nothing is lost by sending again."""
    provider, start = way.provider_at(fault_server.add({**OK, "then": "abort"})), len(fault_server.requests)
    assert way.send(provider, ask(), ask()).content == "hey"
    assert len(fault_server.requests) - start == 3


@each_way
def test_a_connection_that_is_lost_again_is_not_replaced_again(fault_server, way):
    """Each request that reaches a server may be paid for: the replacement is the only one."""
    fault = {**OK, "second": {**OK, "close": "abort_before_headers"}}
    provider, start = way.provider_at(fault_server.add(fault)), len(fault_server.requests)
    with pytest.raises(ConnectionLost):
        way.send(provider, ask(), ask())
    assert len(fault_server.requests) - start == 3


@each_way
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_new_connection_that_is_lost_is_not_replaced(fault_server, way, method):
    """Nobody closed it while it was idle: the server has the request, and may be at work on it."""
    url, start = fault_server.add({**OK, "close": "abort_before_headers"}), len(fault_server.requests)
    with pytest.raises(ConnectionLost) as caught:
        way.carry(method, url)
    assert isinstance(caught.value, httpx.TransportError)
    assert len(fault_server.requests) - start == 1


@each_way
def test_every_way_puts_the_same_on_the_wire(fault_server, way):
    """What a server gets may not depend on what happens to be installed, and nothing is said that was not asked for."""
    way.carry("POST", fault_server.add(OK), (("authorization", "Bearer x"),))
    lines = fault_server.requests[-1][0].lower().split(b"\r\n")[1:]
    said = sorted(line for line in lines if not line.startswith(b"host: 127.0.0.1:"))
    assert said == [b"accept-encoding: identity", b"authorization: bearer x", b"content-length: 2", b"user-agent: lllm"]
    assert len(lines) == len(said) + 1


@each_way
def test_a_redirect_is_not_followed(fault_server, way):
    """It would carry the key to wherever a server says."""
    aim, start = fault_server.add(OK), len(fault_server.requests)
    fault = {"status": 307, "headers": {"location": aim + "/chat/completions"}, "body": ""}
    with pytest.raises(ProviderError) as caught:
        way.send(way.provider_at(fault_server.add(fault)), ask())
    assert caught.value.status == 307
    assert len(fault_server.requests) - start == 1


@each_way
def test_cookies_are_not_kept(fault_server, way):
    """They would tie calls together that have nothing to do with each other."""
    cookie = {**OK, "headers": {**OK["headers"], "set-cookie": "who=you; Path=/"}}
    way.send(way.provider_at(fault_server.add(cookie)), ask(), ask())
    assert b"cookie" not in fault_server.requests[-1][0].lower()


@each_way
def test_a_body_of_megabytes_arrives_whole(fault_server, way):
    """Pictures make such requests; a library may not warn about them, either."""
    body = b"x" * (3 << 20)
    assert way.carry("POST", fault_server.add(OK), body=body).status == 200
    assert fault_server.requests[-1][1] == body


@each_way
def test_a_header_of_many_kilobytes_is_taken_and_one_without_end_is_not(fault_server, way):
    """Gateways send long ones; but a server may not fill our memory before the body starts."""
    fine = {**OK, "headers": {**OK["headers"], "x-policy": "p" * 30_000}}
    assert way.send(way.provider_at(fault_server.add(fine)), ask()).content == "hey"
    endless = {**OK, "headers": {**OK["headers"], "x-policy": "p" * 3_000_000}}
    with pytest.raises(ConnectionLost) as caught:
        way.send(way.provider_at(fault_server.add(endless)), ask())
    assert isinstance(caught.value, httpx.RemoteProtocolError)


@each_way
@pytest.mark.parametrize("url", ["ftp://127.0.0.1/v1", "http:///v1", "v1", "http://[::1/v1"])
def test_an_address_that_is_none_is_not_worth_a_retry(way, url):
    """A mistake; the hint says where to look."""
    with pytest.raises(ProviderError) as caught:
        way.carry("POST", url)
    assert not caught.value.retryable
    assert "base_url" in caught.value.hint


@each_way
def test_a_header_that_cannot_be_sent_is_refused_and_not_quoted(fault_server, way):
    """A line break in it would begin another header, or another request."""
    with pytest.raises(ProviderError) as caught:
        way.carry("POST", fault_server.add(OK), (("authorization", f"Bearer {KEY}\r\nx: y"),))
    assert isinstance(caught.value, httpx.LocalProtocolError)
    assert KEY not in str(caught.value)


@each_way
def test_a_body_that_is_not_packed_as_it_says_is_no_reply(fault_server, way):
    """A broken gateway; trying again brings the same."""
    fault = {**OK, "headers": {**OK["headers"], "content-encoding": "gzip"}}
    with pytest.raises(BadReply) as caught:
        way.send(way.provider_at(fault_server.add(fault)), ask())
    assert isinstance(caught.value, httpx.DecodingError)


@each_async_way
def test_what_a_callback_raises_comes_back_as_it_is(fault_server, way):
    """Also where it is of a class that libraries use for their own failures."""
    fault = {**EVENTS, "chunks": [sse(chunk("stop", content="a"))]}

    def fail(_):
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine") as caught:
        way.send(way.provider_at(fault_server.add(fault)), ask(stream=True), on_delta=fail)
    assert type(caught.value) is TimeoutError


@each_async_way
def test_parallel_calls_have_a_connection_each_and_leave_none_open(fault_server, way):
    """The end of asyncio.run closes the connections: a ResourceWarning here is an error."""
    provider = way.provider_at(fault_server.add(OK))

    async def many():
        return await asyncio.gather(*[provider.asend(ask()) for _ in range(20)])

    for _ in range(2):  # each run has a loop of its own
        assert {message.content for message in asyncio.run(many())} == {"hey"}


def test_threads_share_a_provider(fault_server):
    """A provider is one object in a program that may have many threads."""
    provider = provider_at(fault_server.add(OK))
    texts = []
    threads = [threading.Thread(target=lambda: texts.append(provider.send(ask()).content)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    provider.close()
    assert texts == ["hey"] * 8


@each_way
def test_the_whole_has_a_deadline_even_when_bytes_keep_coming(fault_server, way):
    """Comments that keep a connection alive must not keep a caller waiting for ever."""
    fault = {**EVENTS, "chunks": [": ping\n\n"] * 100, "delay_ms": 40}
    with pytest.raises(ProviderTimeout) as caught:
        way.send(way.provider_at(fault_server.add(fault)), ask(stream=True), timeout_s=0.2)
    assert isinstance(caught.value, httpx.TimeoutException)


@each_way
def test_a_callback_that_raises_ends_the_stream_and_the_connection(fault_server, way):
    """The user said stop: no more tokens may be paid for."""
    fault_server.closed_by_client.clear()
    fault = {**EVENTS, "chunks": [sse(chunk(content="a"), done=False)], "close": "hang"}

    def stop(_):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        way.send(way.provider_at(fault_server.add(fault)), ask(stream=True), on_delta=stop)
    assert fault_server.closed_by_client.wait(5)


@each_async_way
def test_cancelling_a_task_closes_its_connection(fault_server, way):
    """A cancelled call that goes on in the background is paid for and never read."""
    fault_server.closed_by_client.clear()
    fault = {**EVENTS, "chunks": [sse(chunk(content="a"), done=False)], "close": "hang"}
    provider = way.provider_at(fault_server.add(fault))

    async def cancel_at_first_delta():
        task = asyncio.ensure_future(provider.asend(ask(stream=True), on_delta=lambda _: task.cancel()))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_at_first_delta())
    assert fault_server.closed_by_client.wait(5)


@each_way
def test_a_reply_that_is_whole_counts_though_the_connection_breaks_after_it(fault_server, way):
    """After [DONE] there is nothing to lose, and asking again would be paid for twice."""
    fault = {**EVENTS, "chunks": [sse(chunk("stop", content="hey"))], "close": "abort"}
    assert way.send(way.provider_at(fault_server.add(fault)), ask(stream=True)).content == "hey"


@each_way
@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_bodies_are_read(fault_server, way, name, pack):
    """We ask for none, but gateways compress what they like."""
    fault = {**OK, "headers": {**OK["headers"], "content-encoding": name}, "body": pack(OK["body"])}
    assert way.send(way.provider_at(fault_server.add(fault)), ask()).content == "hey"


def test_a_server_that_refuses_stream_options_is_asked_once_without(fault_server):
    """The question costs nothing but its refusal costs the call; it is remembered."""
    refusal = {"status": 422, "headers": {}, "body": '{"detail": "stream_options: extra inputs are not permitted"}'}
    provider = provider_at(
        fault_server.add({**refusal, "second": {**EVENTS, "chunks": [sse(chunk("stop", content="hey"))]}})
    )
    start = len(fault_server.requests)
    assert provider.send(ask(stream=True)).content == "hey"
    assert provider.send(ask(stream=True)).content == "hey"
    provider.close()
    asked = [b"stream_options" in body for _, body in fault_server.requests[start:]]
    assert asked == [True, False, False]


class Refuser:
    """A transport whose server refuses ``stream_options``, and whatever else a test wants of it."""

    def __init__(self, during=lambda: None):
        self.limits_s, self._during = [], during

    def send(self, wire, secrets, receiver, timeout_s):
        self.limits_s.append(timeout_s)
        self._during()
        refused = b"stream_options" in wire.body
        receiver.start(422 if refused else 200, {"content-type": "application/json"})
        receiver.feed(b"stream_options: not permitted" if refused else reply(content="hey"))

    async def asend(self, *args):
        self.send(*args)


@both
def test_a_second_request_has_what_is_left_of_the_time(use_async):
    """``timeout_s`` is for the whole attempt, however many requests it takes."""
    transport = Refuser()
    provider = HTTPProvider(Profile(name="p", base_url="http://localhost:1"), transport=transport)
    answer = (
        provider.asend(ask(stream=True), timeout_s=5.0) if use_async else provider.send(ask(stream=True), timeout_s=5.0)
    )
    assert (asyncio.run(answer) if use_async else answer).content == "hey"
    first, second = transport.limits_s
    assert first == 5.0
    assert 0 < second < 5.0


def test_a_refusal_does_not_undo_a_profile_that_was_set_meanwhile():
    """What one thread learns of a server may not overwrite what another one sets."""
    base = Profile(name="p", base_url="http://localhost:1")
    other = replace(base, timeout_s=7.0)
    transport = Refuser(lambda: setattr(provider, "profile", other))
    provider = HTTPProvider(base, transport=transport)
    provider.send(ask(stream=True), timeout_s=5.0)
    assert provider.profile is other
    assert provider.send(ask(stream=True)).content == "hey"
    assert transport.limits_s[2:] == [7.0]


def test_a_provider_tells_what_no_log_may_hold():
    """The key as it is right now; asking never fails, also where a call would."""
    headers = (("x-session-token", "tok-123"), ("x-title", "demo"))
    profile = Profile(name="p", base_url="http://localhost:1", api_key_env="P_KEY", headers=headers)
    environ = {}
    provider = HTTPProvider(profile, environ=environ)
    assert secrets_of(provider) == ("tok-123",)
    environ["P_KEY"] = f" {KEY}\n"
    assert secrets_of(provider) == (KEY, "tok-123")
    assert secrets_of(HTTPProvider(Profile(name="p", base_url="http://localhost:1"), api_key=KEY)) == (KEY,)
    assert secrets_of(MockProvider()) == ()


@each_way
def test_errors_are_also_those_of_httpx(fault_server, way):
    """Programs that were written for httpx keep their except clauses, with the answer in hand but not the key."""
    fault = {"status": 429, "headers": {"retry-after": "7"}, "body": f"slow down, {KEY}"}
    with pytest.raises(httpx.HTTPStatusError) as caught:
        way.send(way.provider_at(fault_server.add(fault)), ask())
    error = caught.value
    assert isinstance(error, RateLimited)
    assert (error.response.status_code, error.retry_after_s, error.response.headers["retry-after"]) == (429, 7.0, "7")
    assert KEY not in error.response.text + str(error.request.headers) + repr(vars(error))
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.retry_after_s, copy.message) == (RateLimited, 7.0, error.message)


@each_way
def test_a_header_that_is_not_ascii_hides_no_error(fault_server, way):
    """A server may send any bytes; the error that it meant must come through, retryable as it is."""
    fault = {"status": 429, "headers": {"retry-after": "\xff nan"}, "body": "slow down"}
    with pytest.raises(RateLimited) as caught:
        way.send(way.provider_at(fault_server.add(fault)), ask())
    assert (caught.value.retryable, caught.value.retry_after_s) == (True, None)


@each_way
def test_nobody_listening_is_a_failure_to_connect(way):
    """The commonest fault of a local server; the hint says what to look at."""
    with pytest.raises(ConnectFailed) as caught:
        way.send(way.provider_at("http://127.0.0.1:1/v1"), ask())
    assert isinstance(caught.value, httpx.ConnectError)
    assert caught.value.retryable
    assert "base_url" in caught.value.hint


def test_a_certificate_that_nobody_signed_is_not_worth_a_retry():
    """It will be as wrong in a second; an address that cannot be looked up may be right by then."""
    wrong = to_named_error(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"), 1)
    assert isinstance(wrong, ConnectFailed)
    assert not wrong.retryable
    assert to_named_error(httpx.ConnectError("Temporary failure in name resolution"), 1).retryable


def test_a_header_that_cannot_be_sent_is_not_quoted():
    """The text of such an error quotes the header, which may be the key."""
    error = to_named_error(httpx.LocalProtocolError(f"Illegal header value b'Bearer {KEY}'"), 1)
    assert KEY not in str(error)
    assert not error.retryable


def test_time_to_connect_is_told_apart():
    """An address that swallows packets is another fault than a model that thinks long; both are timeouts."""
    error = to_named_error(httpx.ConnectTimeout("timed out"), 600)
    assert isinstance(error, ProviderTimeout)
    assert "could not connect within 20 s" in str(error)


def test_a_missing_key_is_told_before_anything_is_sent(fault_server):
    """The message names the variable; it is read anew at each call."""
    environ = {}
    profile = Profile(name="p", base_url=fault_server.add(OK), api_key_env="SOME_KEY")
    provider = HTTPProvider(profile, environ=environ)
    start = len(fault_server.requests)
    with pytest.raises(ConfigError, match="SOME_KEY"):
        provider.send(ask())
    environ["SOME_KEY"] = "bad\nkey"
    with pytest.raises(ConfigError) as caught:
        provider.send(ask())
    assert "bad" not in str(caught.value)
    assert len(fault_server.requests) == start
    environ["SOME_KEY"] = f" {KEY}\n"
    assert provider.send(ask()).content == "hey"
    provider.close()
    assert f"authorization: bearer {KEY}".encode() in fault_server.requests[-1][0].lower()


def test_a_key_is_nowhere_but_on_the_wire(fault_server):
    """Requests, reprs and descriptions end in logs."""

    class Memory:
        """A transport that only remembers."""

        def send(self, wire, secrets, receiver, timeout_s):
            self.sent = (wire, secrets, timeout_s)
            receiver.start(200, {"content-type": "application/json"})
            receiver.feed(OK["body"])

        def close(self):
            """Nothing is open."""

    memory = Memory()
    provider = HTTPProvider(
        Profile(name="p", base_url="http://x/v1", timeout_s=3), api_key=Secret(KEY, "K"), transport=memory
    )
    assert provider.send(ask()).content == "hey"
    wire, secrets, timeout_s = memory.sent
    assert secrets == (("authorization", f"Bearer {KEY}"),)
    assert timeout_s == 3
    assert KEY not in repr(wire) + repr(provider) + repr(provider.describe()) + repr(provider.profile)
    assert provider.describe() == {"name": "p", "api": "chat", "base_url": "http://x/v1"}


def test_a_body_without_end_is_refused(fault_server, monkeypatch):
    """A server may not fill our memory."""
    monkeypatch.setattr("lllm.providers.answers.MAX_BODY_BYTES", 100)
    with pytest.raises(ProviderError, match="longer than 100 bytes"):
        SYNC.send(provider_at(fault_server.add({**OK, "body": b"x" * 200})), ask())


@each_way
def test_a_proxy_of_the_environment_is_used(fault_server, monkeypatch, way):
    """Companies allow no other way out; and what is meant for this machine stays here."""
    url = fault_server.add(OK)
    origin, number = url.rsplit("/", 1)
    monkeypatch.setenv("http_proxy", origin)
    monkeypatch.delenv("no_proxy", raising=False)
    for address, target in ((f"http://nowhere.invalid/{number}", b"http://nowhere.invalid/"), (url, b"/")):
        assert way.send(way.provider_at(address), ask()).content == "hey"
        assert fault_server.requests[-1][0].startswith(b"POST " + target)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "gpu.localhost"])
def test_nothing_for_this_machine_goes_through_a_proxy(monkeypatch, host):
    """It would leave the machine, and the project may have granted no more than a local model."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "near.example")
    assert read_proxy("http", host) is None
    assert read_proxy("http", "near.example") is None
    assert read_proxy("http", "far.example") == "http://proxy.example:3128"


def test_the_room_loads_httpx_only_to_send():
    """Whoever replays or uses the mock pays nothing for HTTP."""
    code = (
        "import sys; from lllm.providers import build_provider, parse_exchange;"
        "build_provider('openai', {}); build_provider('mock', {});"
        "sys.exit(any(name in sys.modules for name in ('httpx', 'pydantic', 'yaml', 'jinja2', 'asyncio', 'ssl')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
