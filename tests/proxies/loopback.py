"""A service on a loopback socket that answers as a test tells it, and a proxy that is declared for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from lllm.proxies import BaseProxy, Proxy, ProxyRegistrator

KEY = "key+of/the service=0123"
"""With characters that stand otherwise in an address."""


class Reply(NamedTuple):
    """One answer: ``body`` may be an iterable of chunks, which are sent without a length."""

    body: object = b"{}"
    status: int = 200
    headers: tuple = ()


class Got(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    headers: dict
    body: bytes


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # who comes when five wait would be kept waiting for a second


class Service:
    """Answers with ``replies`` in their order, the last one again and again; ``asked`` is what came.

    Attributes:
        stop: set when the test is over.
        is_asked: set when the first whole answer is out.
    """

    def __init__(self):
        self.replies, self.asked, self.stop = [Reply()], [], threading.Event()
        self.is_asked = threading.Event()
        self._httpd = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._httpd.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stop serving; the port is free again."""
        self.stop.set()
        if self._thread.is_alive():
            self._httpd.shutdown()
            self._thread.join()
            self._httpd.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._httpd.server_port}"

    def says(self, *replies):
        """Answer with these from now on: Reply objects, or data that is sent as JSON."""
        self.replies = [one if isinstance(one, Reply) else Reply(json.dumps(one).encode()) for one in replies]

    def _handler(service):  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else a body waits 40 ms for its headers to be acknowledged

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.asked.append(Got(self.command, self.path, headers, body))
                reply = service.replies[0] if len(service.replies) == 1 else service.replies.pop(0)
                if reply.status == 0:  # no answer at all
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                if isinstance(reply.body, bytes):
                    self.send_header("content-length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body)
                    service.is_asked.set()
                    return
                self.send_header("connection", "close")
                self.end_headers()
                with contextlib.suppress(OSError):
                    for chunk in reply.body:
                        self.wfile.write(chunk)

            do_GET = do_POST = answer  # noqa: N815 - what the base class calls

            def log_message(self, *_):
                pass

        return Handler


def declare(url="https://service.example/v1", **attributes):
    """Return a proxy class of a few endpoints under an address."""

    @ProxyRegistrator(path="demo", name="Demo", description="A service\nfor tests.")
    class Demo(BaseProxy):
        base_url = url

        @BaseProxy.endpoint(
            category="items",
            endpoint="list",
            description="Items by day.",
            params={"q*": (str, "tea"), "until": ("date", "2024-01-31"), "limit": (int, 5)},
            response={"items": [{"day": "2024-01-01"}]},
            dt_cutoff=("items/day", "%Y-%m-%d"),
            cutoff_params={"until": ("end", "%Y-%m-%d")},
            remove_keys=("total",),
        )
        def items(self): ...

        @BaseProxy.endpoint(
            category="items",
            sub_category="one",
            endpoint="info",
            description="One item.",
            path="/items/{id}/info",
            params={"$id*": (str, "a1")},
        )
        def info(self): ...

        @BaseProxy.endpoint(
            category="items", endpoint="add", description="Add one.", method="POST", params={"#name*": (str, "tea")}
        )
        def add(self): ...

    for name, value in attributes.items():
        setattr(Demo, name, value)
    return Demo


def proxy_of(cls, cutoff_date=None, path="demo", **options):
    """Return a proxy of one class, whatever is registered; without a cache, unless it is given one."""
    proxy = Proxy([], cutoff_date, **{"cache": False, **options})
    proxy._asked, proxy._classes = (path,), {path: cls}
    return proxy


class Way:
    """Sync or async: both must do the same."""

    def __init__(self, name):
        self.name = name

    def call(self, proxy, path="demo/items/list", params=None, **options):
        """Call an endpoint."""
        params = {"q": "tea"} if params is None else params
        if self.name == "sync":
            return proxy(path, params, **options)
        return asyncio.run(proxy.acall(path, params, **options))
