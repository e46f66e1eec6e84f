"""The odd server over streamable HTTP, on loopback, in a thread of the test."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from odd_server import answer


class OddHTTP:
    """What the server does, which a test may change while it runs.

    Attributes:
        mode: ``good``, ``endless``, ``gzip``, ``events`` (a stream), ``broken`` (an error status), ``page`` (a page for people) or ``lost``
            (the session is not known any more).
        only: the method that is answered so.
        requests: headers and body of each request.
    """

    def __init__(self):
        self.mode, self.only, self.requests = "good", "tools/call", []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    odd: OddHTTP

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.odd.requests.append((dict(self.headers.items()), request))
        if "id" not in request:
            self.reply(202, b"")
            return
        result = answer(request)
        known = {"result": result} if result else {"error": {"code": -32601, "message": "no such method"}}
        body = json.dumps({"jsonrpc": "2.0", "id": request["id"], **known}).encode()
        mode = self.odd.mode if request["method"] == self.odd.only else "good"
        if mode == "lost":
            self.odd.mode = "good"
        if mode == "endless":
            self.endless()
        else:
            self.reply(*REPLIES[mode](body))

    def do_GET(self):
        self.reply(405, b"")

    def do_DELETE(self):
        self.reply(405, b"")

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in ({"content-type": "application/json"} | dict(headers)).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def endless(self):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b" " * 65536)
        self.close_connection = True

    def log_message(self, *_):
        pass


REPLIES = {
    "good": lambda body: (200, body, {"mcp-session-id": "s1"}),
    "gzip": lambda body: (200, gzip.compress(body), {"content-encoding": "gzip"}),
    "broken": lambda _: (500, b"oh no", {"content-type": "text/plain"}),
    "page": lambda _: (200, b"<html>", {"content-type": "text/html"}),
    "events": lambda body: (200, b"event: message\ndata: " + body + b"\n\n", {"content-type": "text/event-stream"}),
    "lost": lambda _: (404, b"", {"content-type": "text/plain"}),
}


@contextlib.contextmanager
def odd_http():
    """Yield the server's state and its address."""
    odd = OddHTTP()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"odd": odd}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield odd, f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
