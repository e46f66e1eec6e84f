"""How fast a log is read, replayed and resumed: events a second, and milliseconds for a session of 1,500 events.

    python tests/bench/replay_speed.py [TURNS]

One turn asks the mock twice and runs one function: eight events. ``read`` verifies every line; ``fold`` also lays the
events out and runs the user's code, the machine and the parsers over them, and compares each event. ``resume`` serves
such a session up to its last model call, which is asked anew. CPU time, the best of five.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from lllm.const import Roles
from lllm.llm import Agent, Session
from lllm.log import LocalFileLog
from lllm.replay import fork, replay, resume
from lllm.replay.recording import Recording
from lllm.testing import function_model


def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


def respond(request):
    """Ask for the function, then answer."""
    if request.history[-1].role is Roles.TOOL:
        return "the sum"
    return {"calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}


def program(turns):
    """Return what a session runs: so many turns of one dialog."""

    def run(session):
        agent = Agent.quick("You help.", functions=[add], provider=function_model(respond))
        dialog = agent.init_dialog(session=session)
        for turn in range(turns):
            dialog.send_message(f"turn {turn}")
            agent.call(dialog)

    return run


def best(work, times=5):
    """Return the least CPU seconds of several runs."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def record(log, name, turns):
    """Record a session and return how many events it has."""
    with Session.open(log, name, seed=1) as session:
        program(turns)(session)
    return sum(1 for _ in log.read_session(name))


def cut(log, name, copy):
    """Copy a session up to its last model call, as a killed process leaves it; return how many events that are."""
    events = list(log.read_session(name))
    last = max(event.seq for event in events if event.kind == "model.request")
    folder = log.session_path(name).parent / copy
    folder.mkdir()
    lines = (log.session_path(name) / "events-000001.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events-000001.jsonl").write_bytes(b"".join(lines[:last]))
    return last


def main():
    """Print a line for each figure."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    folder = tempfile.mkdtemp()
    try:
        log = LocalFileLog("bench", {"log_dir": folder, "durability": "flush"})
        count = record(log, "long", turns)
        events = list(log.read_session("long"))
        figures = {
            "read, verified": best(lambda: sum(1 for _ in log.read_session("long"))),
            "read and laid out": best(lambda: Recording(log.read_session("long"))),
            "fold, through the user's code": best(lambda: replay(log, "long", run=program(turns))),
        }
        for name, seconds in figures.items():
            print(f"{name:<32} {count / seconds:>9,.0f} events/s   {seconds / count * 1e6:>6.1f} us an event")
        print(f"{'laid out alone':<32} {count / best(lambda: Recording(events)):>9,.0f} events/s")
        record(log, "short", 1500 // 8)
        numbers = iter(range(100))
        for verb, work in (("resume", lambda n: resume(log, n, program(1500 // 8))), ("fork", None)):
            taken = []
            for _ in range(5):
                name = f"cut-{next(numbers)}"
                size = cut(log, "short", name)
                start = time.process_time()
                work(name) if work else fork(log, "short", None, program(1500 // 8))
                taken.append((time.process_time() - start) * 1e3)
            print(f"{verb} of {size:,} events: {min(taken):.0f} ms")
        size = sum(file.stat().st_size for file in Path(folder).rglob("events-*.jsonl") if "long" in file.parts)
        print(f"log: {size / turns:,.0f} bytes a turn")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
