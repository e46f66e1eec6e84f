"""What a type checker knows of the face: checked by pyright itself, strict, on a file as a user would write it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SOURCE = """
from typing import assert_type

from pydantic import BaseModel

from lllm.llm import Agent, Dialog, FinishedEvent, StreamEvent, TextEvent
from lllm.models import FunctionCall, Message, Prompt


class Answer(BaseModel):
    total: int


def shout(text: str) -> list[str]:
    return [text.upper()]


def add(a: int, b: int) -> int:
    return a + b


assert_type(Agent.quick("x"), Agent[str])
assert_type(Agent.quick("x").ask("hi").parsed, str)
assert_type(Agent.quick("x", functions=[add]).ask("hi").parsed, str)
assert_type(Agent.quick("x", format=Answer).ask("hi").parsed, Answer)
assert_type(Agent.quick("x", format=Answer, functions=[add]).ask("hi").parsed.total, int)
assert_type(Agent.quick("x", parser=shout).ask("hi").parsed, list[str])

agent = Agent.quick("x", format=Answer)
dialog = agent.init_dialog()
reply, after, calls = agent.call(dialog)
assert_type(reply, Message[Answer])
assert_type(after, Dialog)
assert_type(calls, list[FunctionCall])

prompt = Prompt(path="p", prompt="x", format=Answer)
assert_type(prompt, Prompt[Answer])
assert_type(Agent(name="a", system_prompt=prompt, model="m", provider=agent.provider), Agent[Answer])

for event in agent.stream(dialog):
    shown: StreamEvent = event
    if isinstance(event, TextEvent):
        assert_type(event.text, str)
    elif isinstance(event, FinishedEvent):
        assert_type(event.message.parsed, Answer)
        print(event.dialog.tail)


async def main() -> None:
    assert_type((await agent.aask("hi")).parsed, Answer)
    assert_type((await agent.acall(dialog))[0].parsed, Answer)
    async for event in agent.astream(dialog):
        print(event)


assert_type(agent.classify(dialog, ["a", "b"])[0], dict[str, float])
assert_type(agent.binary_classify(dialog)[0], float)
with agent as same:
    assert_type(same, Agent[Answer])
"""

WRONG = """
from lllm.llm import Agent

number: int = Agent.quick("x").ask("hi").parsed
"""
SOURCES = {"user": SOURCE, "wrong": WRONG}


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Return pyright's errors for each source; it is asked once, since most of its time is its start."""
    beside = Path(sys.executable).with_name("pyright")
    pyright = str(beside) if beside.exists() else shutil.which("pyright")
    if pyright is None:
        pytest.skip("pyright is not installed: it comes with the group 'lint'")
    folder = tmp_path_factory.mktemp("typed")
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))

    for name, source in SOURCES.items():
        (folder / f"{name}.py").write_text(source)
    command = [pyright, "--outputjson", "--pythonpath", sys.executable, *(f"{name}.py" for name in SOURCES)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert told["summary"]["filesAnalyzed"] == len(SOURCES)
    found = {name: [] for name in SOURCES}
    for one in told["generalDiagnostics"]:
        if one["severity"] == "error":
            found[Path(one["file"]).stem].append(f"{one['range']['start']['line']}: {one['message']}")
    return found


def test_types_flow_from_the_format_to_the_answer(errors):
    """An editor completes ``reply.parsed.total``, and finds the slip before the run does."""
    assert errors["user"] == []


def test_a_wrong_use_is_found(errors):
    """The check above would pass with ``Any`` everywhere; this one would not."""
    found = errors["wrong"]
    assert len(found) == 1
    assert '"str" is not assignable to "int"' in found[0]
