"""What the log adds to a call: CPU of the same calls with no log, and with one in each durability.

    python tests/bench/log_cost.py [LOG_DIR]

One call asks the mock twice and runs one function that may not be repeated, so that ``barrier`` syncs once a call. The
variants take turns, block by block, and medians of the blocks are compared: CPU time differs from minute to minute.
Wall time depends on the disk that LOG_DIR (default: a temporary folder) is on.
"""

from __future__ import annotations

import itertools
import statistics
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


def build_agent(log):
    """Return an agent whose model asks for one function, then answers."""
    numbers = itertools.count()

    def respond(request):
        if request.history[-1].role is Roles.TOOL:
            return "Here is the answer you asked for: the sum of the numbers, checked twice on the way to you."
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
        folder = sys.argv[1] if len(sys.argv) > 1 else stack.enter_context(tempfile.TemporaryDirectory())
        logs = {"no log": NoLog()}
        for durability in ("flush", "barrier", "strict"):
            name = f"{durability}-{time.time_ns()}"
            logs[durability] = LocalFileLog(name, {"log_dir": folder, "durability": durability})
        agents = {name: stack.enter_context(build_agent(log)) for name, log in logs.items()}
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
