"""Agents with the functions of MCP servers, for tests: a scripted model, a session in memory, and what it logged."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from lllm.llm import Agent, Session
from lllm.log import MemoryLog
from lllm.models import MCP, Prompt
from lllm.providers.script import Script
from lllm.testing import function_model

HERE = Path(__file__).parent


def calls(*asked):
    """Return a reply that asks for functions, each ``(name, arguments)``."""
    return {"calls": [{"name": name, "arguments": arguments} for name, arguments in asked]}


REPLIES = (calls(("echo", {"text": "hello"})), "done")


def odd(mode="good", place=None, label="odd", **options):
    """Return a server that misbehaves as ``mode`` says; it notes what it does in the file ``place``."""
    args = [str(HERE / "odd_server.py"), mode, *([str(place)] if place else [])]
    return MCP(label, command=sys.executable, args=args, **options)


def agent_of(*replies, servers, functions=(), **options):
    """Return an agent on a scripted model, and what the model is asked, oldest first."""
    requests, script = [], Script(replies)

    def respond(request):
        requests.append(request)
        return script(request)

    prompt = Prompt(path="test/system", prompt="Be brief.", functions_list=functions, mcp_servers_list=servers)
    return Agent(name="agent", system_prompt=prompt, model="m1", provider=function_model(respond), **options), requests


class Scene:
    """One session of one agent.

    Attributes:
        requests: what the model was asked.
        results: what functions answered, oldest first.
    """

    def __init__(self, *replies, servers, log=None, name="run", **options):
        self.agent, self.requests = agent_of(*replies, servers=servers, **options)
        self.log = log or MemoryLog()
        self.session = Session.open(self.log, name, header={"task": "t", "run_id": "r"}, seed=0)
        self.results = []

    def ask(self, text="go", face="sync"):
        with self.session.active():
            dialog = self.agent.init_dialog(session=self.session)
            dialog.send_message(text)
            called = self.agent.call(dialog) if face == "sync" else asyncio.run(self.agent.acall(dialog))
        self.results += called[2]
        return called[0].content

    def fail(self, kind, match, face="sync"):
        """Ask, and expect an error."""
        with pytest.raises(kind, match=match):
            self.ask(face=face)

    @property
    def texts(self):
        """What the model read of each function's result."""
        return [call.result_str for call in self.results]

    def events(self, *kinds):
        return [event for event in self.log.read_session(self.session.name) if not kinds or event.kind in kinds]

    def __enter__(self):
        self.session.__enter__()
        return self

    def __exit__(self, *exc):
        self.session.__exit__(*exc)


def rerun(*replies, servers, texts=("go",)):
    """Return a run that asks an agent."""

    def run(session):
        agent, _ = agent_of(*replies, servers=servers)
        for text in texts:
            dialog = agent.init_dialog(session=session)
            dialog.send_message(text)
            agent.call(dialog)

    return run


def lines(place):
    """Return what a server noted."""
    return place.read_text("utf-8").splitlines() if place.exists() else []


def started(place):
    """Return the processes that servers noted to have started."""
    return [int(line.split()[1]) for line in lines(place) if line.startswith("start ")]


def has_entry(pid):
    """Whether the system knows a process: until it has ended, and its parent has asked how."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_alive(pid):
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    if not has_entry(pid):
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text("utf-8").rpartition(")")[2].split()[0] == "Z")
