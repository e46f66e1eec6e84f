"""How much work one call is, in calls of Python and C functions: the one figure that is the same on every machine."""

from __future__ import annotations

import sys

import pytest

from lllm.llm import Agent
from lllm.log import LocalFileLog
from lllm.testing import function_model

BOUND = 1_300
"""Calls of one warm turn with one function. About 1,100 were measured; who needs more must know why."""

REPLY = {"calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def respond(request):
    """Ask for the function after a question, and answer after its result."""
    return "3" if request.history[-1].tool_call_id else REPLY


def count_calls(work):
    total = 0

    def note(_frame, event, _arg):
        nonlocal total
        total += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return total


@pytest.fixture
def agent(tmp_path):
    log = LocalFileLog("count", {"log_dir": str(tmp_path), "durability": "flush"})
    with Agent.quick("Add.", functions=[add], provider=function_model(respond), log=log) as made:
        yield made


def test_a_warm_call_with_one_function_stays_within_its_bound(agent):
    """A framework gets slow by a hundred small steps, each of which a test can see."""
    for _ in range(3):
        agent.ask("1 and 2")
    assert count_calls(lambda: agent.ask("1 and 2")) <= BOUND


def test_a_late_turn_costs_what_an_early_one_does(agent):
    """Nothing walks the history: a dialog of thousands of turns must stay as quick as it began."""
    dialog = agent.init_dialog()
    counted = {}
    for turn in range(201):
        counted[turn] = (
            count_calls(lambda: agent.ask("1 and 2", dialog)) if turn in (20, 200) else agent.ask("1 and 2", dialog)
        )
    assert counted[200] <= counted[20] * 1.05
