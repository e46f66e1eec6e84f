"""What a turn adds to the log does not depend on how many came before it."""

import re

from proof_scale import amounts

from lllm.const import Roles
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import LocalFileLog
from lllm.testing import function_model

# A hash, and a count, a time or a checksum.
NUMBER = re.compile(rb"[0-9a-f]{32}|(?<=\"crc\":\")[0-9a-f]{8}|[0-9]+")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def respond(request):
    """Ask for a function, then answer."""
    if request.history[-1].role is Roles.TOOL:
        return "The sum is what the function says that it is."
    return {"calls": [{"name": "add", "arguments": {"a": 1, "b": 2}, "id": "c0"}]}


def turn_by_turn(log, turns):
    """Return the lines that each turn of one dialog added."""
    with Session.open(log, "s", seed=0):
        agent = Agent.quick("You help.", functions=[add], provider=function_model(respond))
        dialog = agent.init_dialog()
        for _ in range(turns):
            dialog.send_message("What is one plus two, and is it what you said before?")
            agent.call(dialog)
    added, lines = [], []
    for event in log.read_session("s"):
        lines.append(event.raw)
        if event.kind == "call.close":
            added.append(lines)
            lines = []
    return added


def without_digits(line):
    """Return a line's size with all numbers one digit long: counts and ids may grow by a digit, nothing else."""
    return len(NUMBER.sub(b"0", line))


@amounts(300, 5000)
def test_a_turn_adds_as_many_bytes_as_the_turn_before(tmp_path, amount):
    """A log that repeats the history in each request has grown to gigabytes by the time it is needed."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush"})
    added = turn_by_turn(log, amount)
    assert len(added) == amount
    # The first turn also opens the session and the dialog.
    flat = {sum(map(without_digits, lines)) for lines in added[1:]}
    assert len(flat) == 1
    sizes = [sum(map(len, lines)) for lines in added[1:]]
    # A number that counts turns has four digits at the end; a turn holds a few dozen such numbers.
    assert max(sizes) - min(sizes) < 0.1 * min(sizes)
    print(f"bytes of turn 2: {sizes[0]}, of turn {amount}: {sizes[-1]}")
