"""A model on the loopback device that answers as its path says: the other side of ``over_http.py``.

    python tests/bench/model_server.py        prints its port, serves until it is killed

``POST /<behaviour>/<delay_ms>/chat/completions``. Behaviours: ``echo`` answers at once; ``tool<N>`` asks for a function N
times, one after the other; ``par<N>`` N at once; ``badjson1`` sends no JSON at first. ``GET /connections`` says how many
there have been. What it says follows from the request alone, so any number of dialogs may run at once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re

ANSWER = (
    "Here is the answer you asked for: the sum of the numbers is forty-two, and the check that was done on the way "
    "confirms it; nothing else in the request needs an action from me now."
)
numbers = itertools.count()
seen = {"connections": 0}


def call(index):
    """One call of the first function."""
    arguments = json.dumps({"a": index, "b": 2})
    return {"id": f"call_{next(numbers)}", "type": "function", "function": {"name": "add", "arguments": arguments}}


def to_message(behaviour, messages):
    """What the model says next in a dialog."""
    kind, times = re.fullmatch(r"([a-z]+)(\d*)", behaviour).groups()
    since_user = list(itertools.takewhile(lambda message: message["role"] != "user", reversed(messages)))
    done = sum(message["role"] == "tool" for message in since_user)
    if kind == "badjson":
        again = any(message["role"] == "assistant" for message in messages)
        return {"content": '{"answer": 42, "reason": "counted"}' if again else "Sure! It is forty-two."}
    if kind == "tool" and done < int(times):
        return {"content": None, "tool_calls": [call(done)]}
    if kind == "par" and not done:
        return {"content": None, "tool_calls": [call(index) for index in range(int(times))]}
    return {"content": ANSWER}


def to_response(behaviour, body):
    """The whole response to a request's body."""
    message = {"role": "assistant", **to_message(behaviour, json.loads(body)["messages"])}
    usage = {"prompt_tokens": len(body) // 4, "completion_tokens": 40, "total_tokens": len(body) // 4 + 40}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
    return with_head(
        json.dumps({"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage})
    )


def with_head(body):
    """A response that holds ``body``."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body.encode())}\r\n\r\n"
    return (head + body).encode()


class Connection(asyncio.Protocol):
    """One connection: requests with a content-length, one after the other."""

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""
        seen["connections"] += 1

    def data_received(self, data):
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        size = int(length.group(1)) if length else 0
        if not found or len(rest) < size:
            return
        self.buffer = rest[size:]
        path = head.split(b" ", 2)[1].decode()
        if path == "/connections":
            self.transport.write(with_head(str(seen["connections"])))
            return
        _, behaviour, delay_ms, *_ = path.split("/")
        response = to_response(behaviour, rest[:size])
        if delay_ms == "0":
            self.transport.write(response)
        else:
            asyncio.get_running_loop().call_later(int(delay_ms) / 1000, self.transport.write, response)


async def main():
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=8192)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
