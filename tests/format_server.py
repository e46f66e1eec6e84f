"""A small server on loopback that speaks every format: what it says comes from one script, whoever asks and how."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import format_replies as words


class Speech(NamedTuple):
    """How a format says a reply: whole, in events, and how it refuses; and how events are written."""

    whole: object
    events: object
    fault: object
    lines: bool = False


ROUTES = {
    "/v1/chat/completions": Speech(words.chat_whole, words.chat_events, words.openai_fault),
    "/v1/responses": Speech(words.responses_whole, words.responses_events, words.openai_fault),
    "/v1/messages": Speech(words.anthropic_whole, words.anthropic_events, words.anthropic_fault),
    "/api/chat": Speech(words.ollama_whole, words.ollama_events, words.ollama_fault, lines=True),
    "/api/generate": Speech(words.generate_whole, words.generate_events, words.ollama_fault, lines=True),
}
BASES = {"chat": "/v1", "responses": "/v1", "anthropic": "", "ollama": "", "ollama_generate": ""}
"""What stands between the server's address and the route, by the name of the format."""


class Asked(NamedTuple):
    """A request that the server got; names of headers are in lower case."""

    path: str
    headers: dict
    body: dict


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Say nothing."""

    def do_POST(self):
        """Answer with the next reply of the script."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        reply = self.server.script.take(Asked(path, headers, body))
        speech = ROUTES[path]
        if reply.status != 200:
            self.answer(reply, speech.fault(reply))
        elif body.get("stream", speech.lines):  # Ollama streams unless it is told not to
            self.stream(reply, speech, speech.events(reply, body["model"]))
        else:
            self.answer(reply, speech.whole(reply, body["model"]))

    def start(self, reply, **headers):
        """Send status and headers."""
        self.send_response(reply.status)
        for name, value in [*headers.items(), *reply.headers]:
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def answer(self, reply, data):
        """Send one body."""
        text = json.dumps(data).encode()
        self.start(reply, content_type="application/json", content_length=str(len(text)))
        self.wfile.write(text)

    def stream(self, reply, speech, events):
        """Send events, each in a chunk of its own."""
        kind = "application/x-ndjson" if speech.lines else "text/event-stream; charset=utf-8"
        self.start(reply, content_type=kind, transfer_encoding="chunked")
        for name, data in events:
            line = to_event(name, data, lines=speech.lines)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")


def to_event(name, data, *, lines=False):
    """An event as bytes; no data is the word with which chat ends."""
    text = b"[DONE]" if data is None else json.dumps(data).encode()
    if lines:
        return text + b"\n"
    return (b"event: %b\n" % name.encode() if name else b"") + b"data: %b\n\n" % text


class FormatServer:
    """The server while a ``with`` block lasts.

    Attributes:
        url: its address, without a slash at the end.
        seen: the requests that it got since :meth:`say`.
    """

    def __init__(self):
        self.seen = []
        self._script = []
        self._lock = threading.Lock()

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.script = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def base_url(self, api):
        """Where a provider finds a format."""
        return self.url + BASES[api]

    def say(self, *replies):
        """Answer the next requests with ``replies``, and all after them with the last one."""
        with self._lock:
            self.seen, self._script = [], list(replies)

    def take(self, asked):
        """Note a request, and return the reply to it."""
        with self._lock:
            self.seen.append(asked)
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]
