"""Answers of a chat server, and who serves them."""

from __future__ import annotations

import json

JSON = {"content-type": "application/json"}


def chat(text="hey", *, model="m", finish="stop", usage=(10, 5), **message):
    """Return an answer in the chat format."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    told = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return {"status": 200, "headers": JSON, "body": json.dumps({"model": model, "choices": [choice], "usage": told})}


def streamed(*pieces, done=True):
    """Return an answer in the chat format that comes in pieces."""
    chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    if done:
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + (["data: [DONE]\n\n"] if done else [])
    return {"status": 200, "headers": {"content-type": "text/event-stream"}, "chunks": lines}


class ChatServer:
    """Serves one answer after the other; the last one stays."""

    def __init__(self, faults):
        self._faults = faults

    def serve(self, answer):
        """Serve an answer, and return the base URL under which it is found."""
        self._start = len(self._faults.requests)
        return self._faults.add(answer)

    @property
    def requests(self):
        """The bodies that came since the last ``serve``."""
        return [json.loads(body) for _, body in self._faults.requests[self._start :]]

    @property
    def heads(self):
        """The heads that came since the last ``serve``, as text in lower case."""
        return [head.decode("latin-1").lower() for head, _ in self._faults.requests[self._start :]]
