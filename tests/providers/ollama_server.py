"""A server that answers as Ollama's does and is as strict: what Go refuses to decode, it refuses with the same words.

Keywords of the last message choose the reply. Source of what is refused: api/types.go and server/routes.go of
github.com/ollama/ollama, read 2026-11.
"""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STOPPED = {"done_reason": "stop", "total_duration": 5, "prompt_eval_count": 3, "eval_count": 2}
CALL = {"id": "call_1", "function": {"index": 0, "name": "add", "arguments": {"a": 2, "b": 3}}}


def refusal(body, route):
    """Return what the server says of a request that it cannot decode; empty where it can."""
    think = body.get("think")
    if not (think is None or isinstance(think, bool) or think in ("low", "medium", "high", "max")):
        return f'invalid think value: "{think}"'
    if not 0 <= body.get("top_logprobs", 0) <= 20:
        return "top_logprobs must be between 0 and 20"
    for name, value in (body.get("options") or {}).items():
        if name == "stop" and not isinstance(value, list):
            return 'option "stop" must be of type array'
    if route == "generate":
        return "" if isinstance(body.get("prompt"), str) else "json: cannot unmarshal into field prompt of type string"
    return next((fault for fault in map(refusal_of_message, body["messages"]) if fault), "")


def refusal_of_message(message):
    if not isinstance(message.get("content"), str):
        return "json: cannot unmarshal into field content of type string"
    for image in message.get("images") or ():
        try:
            base64.b64decode(image, validate=True)
        except ValueError:
            return "illegal base64 data"
    calls = message.get("tool_calls") or ()
    if any(not isinstance(call["function"]["arguments"], dict) for call in calls):
        return "json: cannot unmarshal string into field arguments"
    return ""


def pieces(body, route):
    """Return the pieces of a reply, each as fields of a message."""
    last = {"role": "user", "content": body["prompt"]} if route == "generate" else body["messages"][-1]
    if last["role"] == "tool":
        return [{"content": "It is "}, {"content": f"{last['content']}."}]
    if "sum" in last["content"] and body.get("tools"):
        return [{"tool_calls": [CALL]}]
    if "think" in last["content"] and body.get("think") is not False:
        return [{"thinking": "hm"}, {"content": "four"}]
    if body.get("format"):
        return [{"content": '{"n": '}, {"content": "3}"}]
    return [{"content": "Good "}, {"content": "day."}]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        models = [{"name": "tiny:latest", "model": "tiny:latest", "size": 1}]
        self.answer(200, {"models": models} if self.path == "/api/tags" else {"error": "404 page not found"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        route = self.path.removeprefix("/api/")
        self.server.seen.append((route, body))
        if body["model"] != "tiny":
            self.answer(404, {"error": f"model '{body['model']}' not found"})
        elif fault := refusal(body, route):
            self.answer(400, {"error": fault})
        else:
            self.reply(route, body)

    def reply(self, route, body):
        parts = pieces(body, route)
        if body.get("stream", True):  # the server's own default
            lines = [self.event(route, part, done=False) for part in parts]
            self.stream([*lines, self.event(route, {}, done=True)])
            return
        whole = {key: "".join(part.get(key, "") for part in parts) for key in ("content", "thinking")}
        calls = [call for part in parts for call in part.get("tool_calls", ())]
        whole = {key: value for key, value in whole.items() if value} | ({"tool_calls": calls} if calls else {})
        self.answer(200, self.event(route, whole, done=True))

    @staticmethod
    def event(route, part, *, done):
        event = {"model": "tiny", "created_at": "2026-01-01T00:00:00Z", "done": done, **(STOPPED if done else {})}
        if route == "generate":
            return {**event, "response": part.get("content", ""), **{k: v for k, v in part.items() if k == "thinking"}}
        return {**event, "message": {"role": "assistant", "content": "", **part}}

    def answer(self, status, data):
        text = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def stream(self, events):
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            line = json.dumps(event).encode() + b"\n"
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")


class OllamaServer:
    """The server while a ``with`` block lasts; ``url`` is its address, ``seen`` the requests as (route, body)."""

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.seen = self.seen = []
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()
