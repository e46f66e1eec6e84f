"""A web site on the loopback interface, whose answers are Python: what the sites of these tests have in common."""

from __future__ import annotations

import json
import socket
import socketserver
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

HTML = "text/html; charset=utf-8"


class Asked(NamedTuple):
    """One request as it came; ``query`` and ``headers`` hold the last value of each name, header names in lower case."""

    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def host(self):
        """The host and port that were asked for."""
        return self.headers.get("host", "")

    def fields(self):
        """Return what a form or a script posted."""
        if self.headers.get("content-type", "").startswith("application/json"):
            return json.loads(self.body)
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Answer(NamedTuple):
    """What is answered; a body of chunks is sent as they come."""

    body: str | bytes | Iterable[bytes] = b""
    status: int = 200
    headers: tuple = ()
    kind: str = HTML


def to_page(path, status=303):
    """Answer that a page is found elsewhere."""
    return Answer(status=status, headers=(("location", path),))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, site, host, port):
        self.site = site
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own would ask the network for a name
        self.server_name, self.server_port = self.server_address[:2]

    def verify_request(self, request, client_address):
        self.site.connected(client_address)
        return True

    def handle_error(self, request, client_address):
        error = sys.exception()
        if not isinstance(error, OSError):  # a browser that goes away in the middle is no error; all else is told
            raise error


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def parse_request(self):
        self.server.site.heard(self.raw_requestline)
        return super().parse_request()

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self._send(self.server.site.respond(Asked(self.command, parts.path, query, headers, body)))

    do_GET = do_POST = do_HEAD = do_OPTIONS = do_PUT = answer  # noqa: N815 - what the base class calls

    def _send(self, answer):
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        self.send_response_only(answer.status)  # without a date: two runs answer the same bytes
        self.send_header("cache-control", "no-store")
        self.send_header("content-type", answer.kind)
        for name, value in answer.headers:
            self.send_header(name, value)
        if isinstance(body, bytes):
            self.send_header("content-length", str(len(body)))
            body = (body,)
        else:
            self.send_header("connection", "close")
        self.end_headers()
        for chunk in body if self.command != "HEAD" else ():
            self.wfile.write(chunk)

    def log_message(self, *_):
        pass


class Site:
    """Answers on loopback with what :meth:`answer` returns, from when it is entered until it is closed.

    Args:
        also: further loopback addresses on the same port, each where the machine has it.

    Attributes:
        asked: every request in the order of its coming.
        closing: set when the site closes, so that nothing in it waits for longer.
        changed: the lock of all that is recorded; told when a request has come, and when its answer is ready.
    """

    def __init__(self, also=()):
        self.asked, self.closing, self.changed = [], threading.Event(), threading.Condition()
        self._servers = [_Server(self, "127.0.0.1", 0)]
        self.port = self._servers[0].server_port
        for host in also:
            with suppress(OSError):
                self._servers.append(_Server(self, host, self.port))
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True) for server in self._servers
        ]

    @property
    def url(self):
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self):
        """The paths that were asked for, in their order."""
        with self.changed:
            return [one.path for one in self.asked]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stop serving; whoever waits in here goes on."""
        self.closing.set()
        for server, thread in zip(self._servers, self._threads, strict=True):
            if thread.is_alive():
                server.shutdown()
                thread.join()
            server.server_close()

    def wait_until(self, holds, timeout_s=10.0):
        """Wait until ``holds()`` is true, which is looked at whenever a request comes or is answered; return what it returned last."""
        with self.changed:
            return self.changed.wait_for(holds, timeout_s)

    def respond(self, asked):
        """Record a request, and answer it."""
        with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()
        answer = self.answer(asked)
        with self.changed:
            self.changed.notify_all()
        return answer

    def answer(self, asked):
        """Return the answer to a request."""
        raise NotImplementedError

    def connected(self, client_address):
        """Take note of a connection, of which nothing was read yet."""

    def heard(self, line):
        """Take note of a request's first line, whatever it is."""
