"""Calls over a real socket, to a service that may be hostile: what it is sent, and what its answers can do."""

from __future__ import annotations

import contextvars
import json
import threading
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

import pytest
from loopback import KEY, Reply, declare, proxy_of

from lllm.errors import CallRefused, ConfigError, ProxyError, UserCodeError
from lllm.llm import Session
from lllm.log import MemoryLog
from lllm.proxies import BaseProxy
from lllm.proxies.answer import MAX_BODY_BYTES
from lllm.proxies.base import Endpoint
from lllm.proxies.service import Service, render_endpoints

KEYED = {"api_key_env": "DEMO_KEY", "api_key_name": "api_key"}
IN_QUERY = "api_key=key%2Bof%2Fthe%20service%3D0123"
AGAIN = Reply(b"busy", 429, (("retry-after", "0"),))


@pytest.fixture
def keyed(monkeypatch):
    monkeypatch.setenv("DEMO_KEY", KEY)


def test_a_call_is_one_request_and_its_answer(service, way):
    """The whole point: data comes back, and only what was asked for went out."""
    service.says({"items": [], "total": 3})
    assert way.call(proxy_of(declare(service.url + "/v1")), params={"q": "a&b=c", "limit": 2}) == {"items": []}
    assert [got[:2] for got in service.asked] == [("GET", "/v1/list?q=a%26b%3Dc&limit=2")]


@pytest.mark.parametrize(
    ("more", "path", "header"),
    [
        ({"api_key_name": "api_key"}, f"/list?q=tea&{IN_QUERY}", None),
        ({"api_key_name": "x-key", "api_key_in": "header", "api_key_prefix": "Token "}, "/list?q=tea", "x-key"),
        ({"api_key_in": "bearer"}, "/list?q=tea", "authorization"),
    ],
)
def test_the_key_goes_where_the_service_wants_it(service, way, keyed, more, path, header):
    """And nowhere else: neither a second place, nor what is logged of the call."""
    log = MemoryLog()
    with Session.open(log, "s"):
        way.call(proxy_of(declare(service.url, api_key_env="DEMO_KEY", **more)))
    got = service.asked[0]
    # A library may write a sign of the query in another way that means the same.
    assert got.path.replace("/the", "%2Fthe") == path
    assert header is None or got.headers[header].endswith(f" {KEY}")
    told = str(list(log.read_session("s")))
    assert "proxy" in told
    assert "service=0123" not in told
    assert "service%3D0123" not in told


def test_the_key_is_read_when_a_call_is_made(service, way, monkeypatch):
    """A proxy that was built before the key was set works, and one that is not set is named."""
    proxy = proxy_of(declare(service.url, **KEYED))
    monkeypatch.delenv("DEMO_KEY", raising=False)
    with pytest.raises(CallRefused, match="the key is missing") as caught:
        way.call(proxy)
    assert caught.value.hint == "set the environment variable DEMO_KEY"
    monkeypatch.setenv("DEMO_KEY", "ab\ncd-0123456789")
    with pytest.raises(CallRefused, match="characters that no key has"):
        way.call(proxy)
    assert service.asked == []
    monkeypatch.setenv("DEMO_KEY", f" {KEY}\n")
    way.call(proxy)
    assert len(service.asked) == 1


def test_a_key_that_is_optional_may_be_missing(service, way, monkeypatch):
    """Some services only serve more to those who have one."""
    monkeypatch.delenv("DEMO_KEY", raising=False)
    way.call(proxy_of(declare(service.url, **KEYED, api_key_optional=True)))
    assert service.asked[0].path == "/list?q=tea"


def test_a_key_that_is_echoed_does_not_come_through(service, way, keyed):
    """Services repeat the address in answers and errors; the model must not see the key in either."""
    proxy = proxy_of(declare(service.url, **KEYED))
    escaped = "".join(f"\\u{ord(char):04x}" for char in KEY)
    service.says(Reply(f'{{"items": [], "url": "/x?{IN_QUERY}", "{escaped}": ["{escaped}"]}}'.encode()))
    told = way.call(proxy)
    assert told == {"items": [], "url": "/x?api_key=[redacted]", "[redacted]": ["[redacted]"]}
    service.says({"items": [quote(KEY), quote_plus(KEY), json.dumps(KEY)]})
    assert way.call(proxy) == {"items": ["[redacted]", "[redacted]", '"[redacted]"']}
    service.says(Reply(f"no such thing: {KEY}".encode(), 404))
    with pytest.raises(ProxyError) as caught:
        way.call(proxy)
    assert caught.value.message == "demo/items/list: HTTP 404: no such thing: [redacted]"
    service.says(Reply(f"<{KEY}".encode(), 200, (("retry-after", "0"),)))
    with pytest.raises(ProxyError, match=r"no JSON: <\[redacted\]"):
        way.call(proxy)


def test_the_session_keeps_a_key_out_of_its_log_from_then_on(service, way, keyed):
    """Whoever gets hold of it in the same run may write it anywhere: a function that prints its environment."""
    log = MemoryLog()
    with Session.open(log, "s") as session:
        way.call(proxy_of(declare(service.url, **KEYED)))
        session.note(f"I found {KEY}")
    assert "I found [redacted]" in str(list(log.read_session("s")))


def test_a_key_is_not_sent_over_plain_http(way, keyed):
    """Whoever listens on the way would have it."""
    with pytest.raises(ConfigError, match="plain http"):
        way.call(proxy_of(declare("http://service.example", **KEYED)))


def test_a_redirect_is_told_and_not_followed(service, way, keyed):
    """It would carry the key, or the caller, to wherever the service says."""
    service.says(Reply(b"", 302, (("location", f"https://evil.example/{KEY}"),)))
    with pytest.raises(ProxyError, match=r"points to evil\.example, which is not followed") as caught:
        way.call(proxy_of(declare(service.url, **KEYED)))
    assert (caught.value.status, caught.value.retryable, len(service.asked)) == (302, False, 1)
    service.says(Reply(b"", 301, (("location", "http://[x/"),)))
    with pytest.raises(ProxyError, match="points to no address"):
        way.call(proxy_of(declare(service.url)))


def test_a_flood_is_cut_off(service, way):
    """A body without an end must not fill the memory of the host; nor is it asked for again."""
    sent = []

    def flood():
        while not service.stop.is_set():
            sent.append(1)
            yield b"x" * (1 << 20)

    service.says(Reply(flood()))
    with pytest.raises(ProxyError, match="longer than 16,777,216 bytes") as caught:
        way.call(proxy_of(declare(service.url)))
    assert caught.value.retryable is False
    assert len(service.asked) == 1
    assert MAX_BODY_BYTES <= len(sent) << 20 < MAX_BODY_BYTES * 3


def test_a_long_body_is_refused_by_its_header(service, way):
    """What says that it will be too long need not be read."""
    service.says(Reply(iter([b"{}"]), 200, (("content-length", "100000000"),)))
    with pytest.raises(ProxyError, match="longer than"):
        way.call(proxy_of(declare(service.url)))


def test_a_dribble_ends_in_a_timeout(service, way):
    """A byte now and then keeps a connection alive for ever, but not a call."""

    def dribble():
        while not service.stop.wait(0.02):
            yield b" "

    service.says(Reply(dribble()))
    with pytest.raises(ProxyError, match=r"no whole answer within 0\.[0-9]+ s"):
        way.call(proxy_of(declare(service.url)), timeout_s=0.3)
    assert len(service.asked) == 1


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_no_body_is_no_data(service, way, body):
    """204, and services that mean it."""
    service.says(Reply(body))
    assert way.call(proxy_of(declare(service.url))) is None


@pytest.mark.parametrize(
    "body", [b'{"a": ', b"\xff\xfe", b"<html>", b"9" * 5000], ids=["cut", "bytes", "page", "digits"]
)
def test_broken_json_is_an_error_that_says_so(service, way, body):
    """And it is asked for again: half an answer is often a passing fault."""
    service.says(Reply(body, 200, (("retry-after", "0"),)))
    with pytest.raises(ProxyError, match="the answer is no JSON") as caught:
        way.call(proxy_of(declare(service.url)))
    assert (caught.value.status, len(service.asked)) == (200, 3)
    assert len(caught.value.message) < 400


def test_numbers_that_json_does_not_know_become_null(service, way):
    """Some services write NaN, which no log could keep; 1e999 is read as infinity."""
    service.says(Reply(b'{"items": [NaN, Infinity, 1, 1e999, 0.5]}'))
    assert way.call(proxy_of(declare(service.url))) == {"items": [None, None, 1, None, 0.5]}


@pytest.mark.parametrize("depth", [101, 500, 5000, 100_000])
def test_what_is_nested_too_deep_is_refused(service, way, depth):
    """By a number, and not by how much of Python's stack happens to be left; it is not asked for again."""
    service.says(Reply(b'{"a":' * depth + b"1" + b"}" * depth))
    with pytest.raises(ProxyError, match="nested deeper than 100 levels"):
        way.call(proxy_of(declare(service.url)), "demo/items/one/info", {"id": "a"})
    assert len(service.asked) == 1


def test_what_is_nested_less_deep_is_taken_and_logged(service, way):
    """Right up to the limit."""
    service.says(Reply(b"[" * 100 + b"]" * 100))
    with Session.open(MemoryLog(), "s"):
        assert (
            str(way.call(proxy_of(declare(service.url)), "demo/items/one/info", {"id": "a"})) == "[" * 100 + "]" * 100
        )


@pytest.mark.parametrize("value", ["a/b", "%2f%20x", "é ü", "a?b#c;d&e=f", "+", "a..b", "{x}"])
def test_a_value_arrives_as_it_was_given(service, way, value):
    """In the path, in the query and in the body, whatever the libraries on the way make of an address."""
    proxy = proxy_of(declare(service.url))
    way.call(proxy, "demo/items/one/info", {"id": value})
    way.call(proxy, params={"q": value})
    way.call(proxy, "demo/items/add", {"name": value})
    info, listed, added = service.asked
    assert [unquote(part) for part in info.path.split("/")] == ["", "items", value, "info"]
    assert parse_qsl(urlsplit(listed.path).query) == [("q", value)]
    assert json.loads(added.body) == {"name": value}


def test_a_refusal_that_passes_is_waited_for(service, way):
    """As long as the service says: with 0 seconds at once."""
    service.says(AGAIN, Reply(b"down", 503, (("retry-after", "0"),)), {"items": [1]})
    assert way.call(proxy_of(declare(service.url))) == {"items": [1]}
    assert len(service.asked) == 3


def test_attempts_have_an_end(service, way):
    """A service that is down costs three requests."""
    service.says(AGAIN)
    with pytest.raises(ProxyError, match="HTTP 429: busy") as caught:
        way.call(proxy_of(declare(service.url)))
    assert (caught.value.status, caught.value.retryable, len(service.asked)) == (429, True, 3)


@pytest.mark.parametrize("told", ["3600", "Fri, 31 Dec 9999 23:59:59 GMT", "90"])
def test_a_long_wait_is_the_callers(service, way, told):
    """Nobody wants an agent that sleeps for an hour: the error says that a later call may succeed."""
    service.says(Reply(b"", 429, (("retry-after", told),)))
    with pytest.raises(ProxyError) as caught:
        way.call(proxy_of(declare(service.url)))
    assert (caught.value.retryable, len(service.asked)) == (True, 1)


def test_no_time_is_a_timeout(service, way):
    """A caller whose own time is up asks for 0 seconds."""
    with pytest.raises(ProxyError, match="no whole answer within 0 s"):
        way.call(proxy_of(declare(service.url)), timeout_s=0)
    assert service.asked == []


def test_a_day_may_be_given_as_a_date(service, way):
    """As code has it; what is logged of it is text."""
    way.call(proxy_of(declare(service.url)), params={"q": "x", "until": datetime(2024, 1, 2, tzinfo=UTC)})
    assert service.asked[0].path == "/list?q=x&until=2024-01-02"


def test_a_wait_that_the_call_has_no_time_for_is_not_begun(service, way):
    """Its end would be a timeout, which tells less."""
    service.says(Reply(b"busy", 503, (("retry-after", "30"),)))
    with pytest.raises(ProxyError, match="HTTP 503: busy"):
        way.call(proxy_of(declare(service.url)), timeout_s=5)
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 451])
def test_what_is_wrong_is_not_tried_again(service, way, status):
    """The same request would get the same answer."""
    service.says(Reply(b"\x1b[31mno\n way", status))
    with pytest.raises(ProxyError, match=f"HTTP {status}: ␛\\[31mno way") as caught:
        way.call(proxy_of(declare(service.url)))
    assert (caught.value.status, caught.value.retryable, len(service.asked)) == (status, False, 1)
    assert caught.value.hint == ("is the key right?" if status == 401 else "")


def test_what_changes_something_is_sent_once(service, way):
    """A POST that timed out may have been done."""
    service.says(AGAIN)
    proxy = proxy_of(declare(service.url))
    with pytest.raises(ProxyError):
        way.call(proxy, "demo/items/add", {"name": "tea"})
    assert [(got.method, got.path, got.body) for got in service.asked] == [("POST", "/add", b'{"name": "tea"}')]
    assert service.asked[0].headers["content-type"] == "application/json"


def test_a_connection_that_breaks_is_an_error_of_the_call(service, way):
    """A POST may have been done by then, so it is not sent again."""
    service.says(Reply(status=0))
    with pytest.raises(ProxyError, match="demo/items/add: the connection broke") as caught:
        way.call(proxy_of(declare(service.url)), "demo/items/add", {"name": "tea"})
    assert caught.value.retryable
    # The transport replaces a kept connection that turns out to be closed, once.
    assert len(service.asked) <= 2


def test_nobody_there_is_an_error_of_the_call(service, way):
    """With the address of nobody's key in it, and what to look at."""
    service.close()
    proxy = proxy_of(declare(service.url))
    with pytest.raises(ProxyError, match="demo/items/list: could not connect") as caught:
        way.call(proxy, timeout_s=0.2)
    assert caught.value.status is None
    assert caught.value.retryable


def test_an_error_in_an_answer_of_status_200_is_an_error(service, way):
    """Several services say so in the body alone."""
    service.says({"error": "limit reached", "items": []})
    with pytest.raises(ProxyError, match="the service says: limit reached") as caught:
        way.call(proxy_of(declare(service.url, error_key="error")))
    assert caught.value.status == 200
    service.says({"error": {"code": 7}})
    with pytest.raises(ProxyError, match=r'the service says: \{"code": 7\}'):
        way.call(proxy_of(declare(service.url, error_key="error")))
    service.says({"result": {"error": "no"}})
    with pytest.raises(ProxyError, match="the service says: no"):
        way.call(proxy_of(declare(service.url, error_key="result/error")))
    service.says({"error": None, "items": []})
    assert way.call(proxy_of(declare(service.url, error_key="error"))) == {"error": None, "items": []}


def test_text_comes_as_text_in_the_charset_that_it_names(service, way):
    """Tables and plain answers are no JSON."""

    class Plain(BaseProxy):
        base_url = service.url

        @BaseProxy.endpoint(category="a", endpoint="text", description="Text.", answer="text")
        def text(self): ...

    proxy = proxy_of(Plain)
    for charset, body, text in [
        ("latin-1", b"\xe9", "é"),
        ("utf-8", b"\xef\xbb\xbf\xc3\xa9", "é"),
        ("nope", b"a", "a"),
    ]:
        service.says(Reply(body, 200, (("content-type", f'text/plain; charset="{charset}"'),)))
        assert way.call(proxy, "demo/a/text", {}) == text


def test_what_is_not_declared_cannot_be_reached(service, way):
    """A proxy is a list of what may be called, whatever else the service has."""
    proxy = proxy_of(declare(service.url))
    for path in (
        "demo/items/lists",
        "",
        "other/items/list",
        "demo/items/list/",
        "demo/items/../items/list",
    ):
        with pytest.raises(CallRefused, match="no active proxy declares it"):
            way.call(proxy, path)
    with pytest.raises(CallRefused) as caught:
        way.call(proxy, "demo/items/lists")
    assert caught.value.hint == "did you mean 'demo/items/list'?"
    for path in ("demo", "demo/"):
        with pytest.raises(CallRefused, match="that is a proxy, and no endpoint of it") as caught:
            way.call(proxy, path)
        assert caught.value.hint == "its endpoints: demo/items/add, demo/items/list, demo/items/one/info"
    assert service.asked == []


def test_of_many_endpoints_the_first_are_told():
    """A service may have hundreds, and a model reads all of a hint."""
    declared = {f"items/{number:02}": Endpoint(category="items", endpoint=f"{number:02}") for number in range(20)}
    told = render_endpoints(Service("demo", BaseProxy(), declared, ()))
    assert told.startswith("its endpoints: demo/items/00, demo/items/01, ")
    assert told.endswith(", demo/items/11, and 8 more")
    assert render_endpoints(Service("demo", BaseProxy(), {}, ())) == "its endpoints: none"


def test_a_postcall_shapes_answers_and_its_fault_is_the_users(service, way):
    """All of the class, or those of the endpoints that it names."""
    base = declare(service.url)

    class Shaped(base):
        @BaseProxy.postcall
        def count(self, data):
            return {"n": len(data["items"]), **data}

        @BaseProxy.postcall("items/add")
        def fail(self, data):
            raise KeyError("gone")

    service.says({"items": [1, 2]})
    assert way.call(proxy_of(Shaped)) == {"n": 2, "items": [1, 2]}
    with pytest.raises(UserCodeError, match="the postcall of demo/items/add failed: KeyError"):
        way.call(proxy_of(Shaped), "demo/items/add", {"name": "tea"})


def test_threads_share_a_proxy(service):
    """Agents ask at the same time; each gets its own answer."""
    service.says({"items": []})
    proxy, told = proxy_of(declare(service.url)), []
    threads = [
        threading.Thread(
            target=contextvars.copy_context().run, args=(lambda: told.append(proxy("demo/items/list", {"q": "x"})),)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [{"items": []}] * 8
    assert len(service.asked) == 8


def test_another_origin_takes_the_calls(service, way):
    """For a mirror, and for tests of a proxy whose address is declared."""
    proxy = proxy_of(declare("https://service.example/v1"), origins={"demo": service.url})
    way.call(proxy)
    assert service.asked[0].path == "/v1/list?q=tea"
