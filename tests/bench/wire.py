"""What the wire costs without any network: a request of a long dialog, and the events of a stream.

    python tests/bench/wire.py [TURNS]

Building the request of turn 400 is compared with copying its bytes: once as one piece, and once as the pieces that it
is made of, one a message, which no builder can do without. Reading server-sent events is timed without and with the
JSON in them, and beside ``json.loads`` alone. Best of 200, microseconds of wall time.
"""

from __future__ import annotations

import json
import sys
import time

from lllm.const import Roles
from lllm.models.history import History
from lllm.models.message import Message, message_to_dict
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.formats import load_format
from lllm.providers.wire.profile import Profile
from lllm.providers.wire.sse import EventDecoder
from lllm.utils import encode_json

TURN = "This is message number %d of the dialog; please confirm that you have read all of it so far."
ANSWER = (
    "Here is the answer you asked for: the sum of the numbers is forty-two, and the check that was done on the way "
    "confirms it; nothing else in the request needs an action from me now."
)


def best_us(work, times=200):
    """Least microseconds of several runs."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken) * 1e6


def grow(turns):
    """A dialog of so many turns, the last one unanswered."""
    history = History()
    for turn in range(turns):
        texts = [(Roles.USER, TURN % turn)] + ([(Roles.ASSISTANT, ANSWER)] if turn < turns - 1 else [])
        for role, text in texts:
            message = Message(role, text)
            history = history.append(message, encode_json(message_to_dict(message)))
    return history


def requests(turns):
    """Print what building the request of the last turn costs in each format."""
    history = grow(turns)
    print(f"request of turn {turns}     bytes     copy   pieces    build   to pieces   to copy")
    for api in ("chat", "anthropic", "responses", "ollama"):
        profile = Profile(name="p", base_url="http://localhost:1", api=api)
        request = ModelRequest(Contract("m"), history)
        build = load_format(api).build_request
        body = build(request, profile).body
        size = len(body) // len(history)
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        whole, copy = best_us(lambda body=body: bytearray(body)), best_us(lambda pieces=pieces: b"".join(list(pieces)))
        built = best_us(lambda build=build, request=request, profile=profile: build(request, profile))
        print(
            f"{api:18s} {len(body):9,d} {whole:8.1f} {copy:8.1f} {built:8.1f} {built / copy:10.2f}x {built / whole:8.2f}x"
        )


def events(count=2000):
    """Print what an event of a stream costs."""
    data = [
        {"id": "x", "model": "m", "choices": [{"index": 0, "delta": {"content": f"word{i} "}, "finish_reason": None}]}
        for i in range(count)
    ]
    lines = [json.dumps(each).encode() for each in data]
    stream = b"".join(b"data: %b\n\n" % line for line in lines) + b"data: [DONE]\n\n"
    for name, size in (("one event a chunk", 0), ("64 KB a chunk", 65536)):
        chunks = (
            [b"data: %b\n\n" % line for line in lines]
            if not size
            else [stream[i : i + size] for i in range(0, len(stream), size)]
        )

        def decode(chunks=chunks):
            decoder = EventDecoder()
            for chunk in chunks:
                decoder.feed(chunk)

        def read(chunks=chunks):
            reply = load_format("chat").read_stream(Asked("m", "openai"))
            for chunk in chunks:
                reply.feed(chunk)

        loads = best_us(lambda: [json.loads(line) for line in lines], 20) / count
        decoded, whole = best_us(decode, 20) / count, best_us(read, 20) / count
        print(
            f"events, {name:18s} decode {decoded:5.2f} us, json.loads {loads:5.2f} us, all {whole:5.2f} us: "
            f"JSON and {whole - loads:.2f} us an event"
        )


if __name__ == "__main__":
    requests(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
    events()
