"""Sync, async and streaming are one machine: the same script leaves the same log, event for event."""

from __future__ import annotations

import asyncio

import pytest
from world import World, add, calls, facts

from lllm.errors import BadRequest, LLLMError, RateLimited, ServerError
from lllm.llm import FinishedEvent
from lllm.llm.limits import Limits
from lllm.models import Prompt

NUMBER = Prompt(path="t/n", prompt="n", format=int, functions_list=[add])
PLUS = calls(("add", {"a": 1, "b": 2}))


async def plus_async(a: int, b: int) -> int:
    """Add."""
    return a + b


def boom(a: int) -> int:
    """Fail."""
    raise ValueError(a)


def bug(text):
    """Fail as a parser that has a bug."""
    raise ZeroDivisionError


BOTH = [add, plus_async, boom]
MIXED = calls(
    ("add", {"a": 1, "b": 2}), ("nobody", {}), ("plus_async", {"a": 2, "b": 2}), ("boom", {"a": 1}), ("add", "{")
)
SCRIPTS = {
    "an answer": ({}, ["hello world"]),
    "a parsed answer": ({"prompt": NUMBER}, ["3"]),
    "a retry": ({"prompt": NUMBER}, ["x", "y", "3"]),
    "no retry left": ({"prompt": NUMBER, "max_exception_retry": 1}, ["x", "y"]),
    "one function": ({"prompt": NUMBER}, [PLUS, "3"]),
    "a retry after a function": ({"prompt": NUMBER}, [PLUS, "x", "3"]),
    "functions of all kinds": ({"functions": BOTH, "max_parallel_functions": 1}, [MIXED, "end"]),
    "repeats": ({"functions": BOTH}, [PLUS, PLUS, "end"]),
    "the last round": ({"functions": BOTH, "max_interrupt_times": 1}, [PLUS, PLUS, "end"]),
    "a wait": ({}, [RateLimited("429", retry_after_s=0), "fine"]),
    "a wait that does not fit": ({"limits_of_agent": Limits(max_total_wait_s=0.1)}, [ServerError("500")]),
    "no recall left": ({"max_llm_recall": 1}, [ServerError("500", retry_after_s=0)] * 2),
    "a wrong request": ({}, [BadRequest("400", status=400)]),
    "too many tokens": ({"functions": BOTH, "limits_of_agent": Limits(max_tokens=1)}, [PLUS]),
    "a spent session": ({"functions": BOTH, "limits": Limits(max_tokens=1)}, [PLUS]),
    "a refusal": ({}, [{"refusal": "no"}, {"text": "half", "finish": "length"}, "", "fine"]),
    "a bug in the parser": ({"prompt": Prompt(path="t/bug", prompt="x", parser=bug)}, ["x"]),
    "thinking aloud": ({}, [{"text": "so", "reasoning": "hm hm"}]),
    "a broken stream": ({}, [{"error": {"type": "StreamTruncated", "retry_after_s": 0}, "text": "ha"}, "half"]),
}


def by_call(world):
    world.dialog.send_message("go")
    return world.agent.call(world.dialog)


def by_acall(world):
    world.dialog.send_message("go")
    return asyncio.run(world.agent.acall(world.dialog))


def by_call_in_a_loop(world):
    async def main():
        return by_call(world)

    return asyncio.run(main())


def by_stream(world):
    world.dialog.send_message("go")
    return last_of(list(world.agent.stream(world.dialog)))


def by_astream(world):
    world.dialog.send_message("go")

    async def main():
        return last_of([event async for event in world.agent.astream(world.dialog)])

    return asyncio.run(main())


def last_of(events):
    last = events[-1]
    assert isinstance(last, FinishedEvent)
    return last.message, last.dialog, last.calls


def run(script, face):
    options, replies = SCRIPTS[script]
    options = dict(options)
    limits = options.pop("limits_of_agent", Limits())
    world = World(*replies, **options)
    world.agent.limits = limits
    try:
        reply, _, made = face(world)
        outcome = (reply.parsed, reply.execution_attempts, made)
    except LLLMError as error:
        outcome = (type(error), str(error), error.hint)
    return outcome, facts(world.events()), world.texts, world.dialog.cost


@pytest.mark.parametrize("face", [by_acall, by_call_in_a_loop, by_stream, by_astream])
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_face_leaves_the_log_of_a_plain_call(script, face):
    """A log does not tell how it was made, so a replay may use any face."""
    expected = run(script, by_call)
    assert run(script, face) == expected
    assert expected[1][-1][1] == "call.close"
