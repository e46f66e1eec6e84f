"""What lllm costs by itself: no HTTP, the mock in place of a model, the log on in ``flush``.

    python tests/bench/alone.py

Prints CPU milliseconds of one call with one function (median of ten blocks of 200), bytes of log in turn 98 of a dialog,
and, each in a process of its own, the time and memory of an import and of a first answer. CPU times differ between
machines: compare them with other figures of the same run only.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lllm.const import Roles
from lllm.llm import Agent
from lllm.log import LocalFileLog

TURN = "This is message number %d of the dialog; please confirm that you have read all of it so far."
ANSWER = (
    "Here is the answer you asked for: the sum of the numbers is forty-two, and the check that was done on the way "
    "confirms it; nothing else in the request needs an action from me now."
)


def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


def one_function_ms(folder):
    """CPU milliseconds of a call that asks the model twice and runs one function."""
    numbers = itertools.count()

    def respond(request):
        if request.history[-1].role is Roles.TOOL:
            return ANSWER
        return {"calls": [{"name": "add", "arguments": {"a": next(numbers), "b": 2}}]}

    log = LocalFileLog("alone", {"log_dir": folder, "durability": "flush"})
    with Agent.quick("You help.", functions=[add], provider={"function": respond}, log=log) as agent:
        blocks = []
        for _ in range(11):
            began = time.process_time()
            for _ in range(200):
                agent.ask("What is the sum?")
            blocks.append((time.process_time() - began) / 200 * 1e3)
    return statistics.median(blocks[1:])


def bytes_by_turn(folder, turns=100):
    """Bytes that each turn of an echo dialog adds to the log."""
    log = LocalFileLog("echo", {"log_dir": folder, "durability": "flush"})
    with Agent.quick("You help.", provider={"function": lambda _: ANSWER}, log=log) as agent:
        dialog = agent.init_dialog()
        sizes = []
        for turn in range(turns):
            agent.ask(TURN % turn, dialog)
            sizes.append(sum(path.stat().st_size for path in Path(agent.session.journal.path).iterdir()))
    return [after - before for before, after in itertools.pairwise(sizes)]


def process(code, runs=7):
    """Median wall milliseconds of a fresh interpreter that runs ``code``, and what it prints."""
    walls = []
    for _ in range(runs):
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        walls.append((time.perf_counter() - began) * 1e3)
    return statistics.median(walls), done.stdout.strip()


MEMORY = "\nprint(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')))"


def main():
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"one call with one function   {one_function_ms(folder):6.3f} ms CPU")
        sizes = bytes_by_turn(folder)
        print(f"log bytes in turn 5, 98      {sizes[4]}, {sizes[97]}")
    bare, _ = process("pass")
    imported, _ = process("import lllm")
    first, memory = process(f"from lllm import Agent; Agent.quick('You help.').ask('hello'){MEMORY}")
    print(f"interpreter alone            {bare:6.1f} ms")
    print(f"import lllm                  {imported - bare:6.1f} ms over the interpreter")
    print(f"start to first answer        {first:6.1f} ms, then {int(memory) / 1024:.1f} MB resident")


if __name__ == "__main__":
    main()
