"""What the log adds to a call: CPU of the same calls with no log, and with one in each durability.

    python tests/bench/log_cost.py [--http] [LOG_DIR]

With ``--http`` the model is a server on the loopback device, in a process of its own, as it is for most users. One call asks the mock twice and runs one function that may not be repeated, so that ``barrier`` syncs once a call. The
variants take turns, block by block, and medians of the blocks are compared: CPU time differs from minute to minute.
Wall time depends on the disk that LOG_DIR (default: a temporary folder) is on.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack

from lllm.const import Roles
from lllm.llm import Agent
from lllm.log import LocalFileLog, NoLog

BLOCKS, CALLS = 15, 100


def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


ANSWER = "Here is the answer you asked for: the sum of the numbers, checked twice on the way to you."
SERVER = """
import http.server, itertools, json
numbers = itertools.count()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        call = {"name": "add", "arguments": json.dumps({"a": next(numbers), "b": 2})}
        message = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": call}]}
        if asked["messages"][-1]["role"] == "tool":
            message = {"role": "assistant", "content": ANSWER}
        reply = {"id": "x", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": message,
                 "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *told):
        pass
    wbufsize = -1
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def start_server(stack):
    """Start the server and return its address."""
    command = [sys.executable, "-c", f"ANSWER = {ANSWER!r}\n{SERVER}"]
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    stack.callback(process.kill)
    return f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"


def build_agent(log, address):
    """Return an agent whose model asks for one function, then answers."""
    if address:
        return Agent.quick("You help.", functions=[add], model="local/m", provider={"base_url": address}, log=log)
    numbers = itertools.count()

    def respond(request):
        if request.history[-1].role is Roles.TOOL:
            return ANSWER
        return {"calls": [{"name": "add", "arguments": {"a": next(numbers), "b": 2}}]}

    return Agent.quick("You help.", functions=[add], provider={"function": respond}, log=log)


def measure(agent):
    """Return CPU and wall milliseconds of a call, over one block."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(CALLS):
        agent.ask("What is the sum?")
    return (time.process_time() - cpu) / CALLS * 1e3, (time.perf_counter() - wall) / CALLS * 1e3


def main():
    """Print a line for each durability."""
    with ExitStack() as stack:
        given = [word for word in sys.argv[1:] if word != "--http"]
        address = start_server(stack) if "--http" in sys.argv else ""
        folder = given[0] if given else stack.enter_context(tempfile.TemporaryDirectory())
        logs = {"no log": NoLog()}
        for durability in ("flush", "barrier", "strict"):
            name = f"{durability}-{time.time_ns()}"
            logs[durability] = LocalFileLog(name, {"log_dir": folder, "durability": durability})
        agents = {name: stack.enter_context(build_agent(log, address)) for name, log in logs.items()}
        taken = {name: [] for name in agents}
        for _ in range(BLOCKS + 1):
            for name, agent in agents.items():
                taken[name].append(measure(agent))
    bare = statistics.median(cpu for cpu, _ in taken["no log"][1:])
    print("             CPU ms a call   over no log   wall ms a call")
    for name, blocks in taken.items():
        cpu, wall = (statistics.median(column) for column in zip(*blocks[1:], strict=True))
        print(f"{name:10s} {cpu:15.3f} {100 * (cpu / bare - 1):12.1f}% {wall:16.3f}")


if __name__ == "__main__":
    main()
