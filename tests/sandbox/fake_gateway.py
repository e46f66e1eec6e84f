"""A Jupyter server on loopback that says what a test wants it to: honest by default, hostile where asked."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT, CONTINUED, CLOSE = 1, 0, 8


class Peer:
    """The server's side of one websocket."""

    def __init__(self, handler):
        self.handler, self.gateway = handler, handler.server.gateway
        self.request = None

    def receive(self):
        """Return the next message of the client, or None when it has gone."""
        while True:
            head = self.handler.rfile.read(2)
            if len(head) < 2 or head[0] & 15 == CLOSE:
                return None
            size = head[1] & 127
            if size > 125:
                form, count = (">H", 2) if size == 126 else (">Q", 8)
                (size,) = struct.unpack(form, self.handler.rfile.read(count))
            assert head[1] & 128, "a client masks what it sends (RFC 6455, section 5.1)"
            mask, data = self.handler.rfile.read(4), self.handler.rfile.read(size)
            if head[0] & 15 == TEXT:
                plain = bytes(byte ^ mask[number % 4] for number, byte in enumerate(data))
                return json.loads(plain)

    def frame(self, data, kind=TEXT, *, is_last=True, size=None):
        """Send one frame; ``size`` is the length that it claims to have."""
        size = len(data) if size is None else size
        head = bytes([kind | (128 if is_last else 0)])
        head += (
            bytes([size])
            if size < 126
            else b"\x7e" + struct.pack(">H", size)
            if size < 1 << 16
            else b"\x7f" + struct.pack(">Q", size)
        )
        self.handler.connection.sendall(head + data)

    def say(self, kind, content, channel="iopub", parent=None):
        """Send a message, by default as one that belongs to the request under way."""
        parent = {"msg_id": self.request["header"]["msg_id"]} if parent is None else parent
        message = {"header": {"msg_id": "0", "msg_type": kind}, "parent_header": parent, "metadata": {}}
        self.frame(json.dumps({**message, "content": content, "channel": channel}).encode())

    def print(self, text):
        self.say("stream", {"name": "stdout", "text": text})

    def reply(self, status="ok", count=1, **more):
        """End the cell as a kernel does."""
        self.say("execute_reply", {"status": status, "execution_count": count, **more}, "shell")
        self.say("status", {"execution_state": "idle"})

    def serve(self):
        """Answer the client until it goes."""
        for request in iter(self.receive, None):
            self.request = request
            kind, content = self.request["header"]["msg_type"], self.request["content"]
            self.gateway.messages.append(self.request)
            if kind == "kernel_info_request":
                self.say("kernel_info_reply", {"language_info": {"name": self.gateway.language}}, "shell")
            elif kind == "execute_request" and "install(" in content["code"]:
                self.reply()
            elif kind == "execute_request":
                self.gateway.cell(self)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        gateway, path = self.server.gateway, self.path.partition("?")[0]
        length = int(self.headers.get("content-length", 0))
        gateway.requests.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        gateway.seen.set()
        if path.endswith("/interrupt"):
            gateway.interrupted.set()
        status, body = gateway.answers.get((self.command, path), (None, b""))
        if status is None and path.endswith("/channels"):
            self.upgrade()
            return
        if status is None:
            status, body = (201, b'{"id": "k-1"}') if path == "/api/kernels" else (204, b"")
        self.send_response(status)
        for name, value in gateway.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that the library looks for

    def upgrade(self):
        self.close_connection = True
        key = self.headers["Sec-WebSocket-Key"] + GUID
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        with suppress(OSError):  # the client has gone
            Peer(self).serve()

    def log_message(self, *_):
        """Print nothing."""


class FakeGateway:
    """The server, for the time of a block.

    Attributes:
        cell: called with the peer for each cell; by default it shows what the cell's code says.
        answers: (method, path) to (status, body), in place of the honest answer.
        headers: sent with each answer that is no websocket.
        requests: method, path, headers and body of what came.
        messages: what came over websockets.
        interrupted: set when an interrupt came.
    """

    def __init__(self):
        self.requests, self.messages, self.answers, self.headers = [], [], {}, {}
        self.interrupted, self.seen = threading.Event(), threading.Event()
        self.language = "python"
        self.cell = self.echo
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.gateway = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @staticmethod
    def echo(peer):
        peer.say("status", {"execution_state": "busy"})
        peer.print(peer.request["content"]["code"])
        peer.reply()

    def ended(self):
        """Whether the client asked for the kernel's end."""
        return any(method == "DELETE" for method, *_ in self.requests)

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
