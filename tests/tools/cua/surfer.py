"""A program whose scripted model drives a browser: its log, its runs, and their replays."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from lllm.llm import Agent, Session
from lllm.log import LocalFileLog
from lllm.models import Prompt
from lllm.replay import replay
from lllm.testing import function_model
from lllm.tools.cua import BrowserPolicy, browser_functions, computer_function
from lllm.tools.cua.chromium import find_chromium

try:
    CHROMIUM = find_chromium()
except Exception:  # noqa: BLE001 - whatever is wrong with it, there is none to test with
    CHROMIUM = ""
MISSING = "" if CHROMIUM and find_spec("playwright") else "there is no Chromium, or no Playwright"
in_browser = pytest.mark.skipif(bool(MISSING), reason=MISSING)

_NAMES = {"type": "type_text", "keypress": "press_keys", "back": "go_back", "forward": "go_forward"}


def act(kind, at=None, **fields):
    """Return an action as the vendor's tool words it; ``at`` is a place."""
    return {"type": kind, **({"x": at[0], "y": at[1]} if at else {}), **fields}


def to_function(action):
    """Return an action as a call of one of the plain functions."""
    kind, fields = action["type"], {key: value for key, value in action.items() if key != "type"}
    return {"name": _NAMES.get(kind, kind), "arguments": fields}


def to_computer(action):
    """Return an action as a call of the vendor's tool."""
    return {"name": "computer", "arguments": {"actions": [action]}}


class Surfer:
    """An agent on a model that does one action after the other, then answers with what the last one showed.

    Args:
        policy: of its browser.
        actions: what the model does; a callable makes the next action from the texts of the results so far.
        approve: decides; the questions are kept in ``asked``.
        to_call: how an action is worded as a call; other than for the plain functions, it is of the vendor's tool.

    Attributes:
        results: the results that the model has read, messages.
    """

    def __init__(self, policy, actions, approve=None, to_call=to_function, **options):
        self.actions, self.asked, self.results = tuple(actions), [], []
        self._to_call = to_call

        def decide(approval):
            self.asked.append((approval.kind, approval.what))
            return approve(approval)

        decides = decide if approve else None
        functions = browser_functions(policy, decides)
        if to_call is not to_function:
            functions = (computer_function(policy, decides),)
        prompt = Prompt(path="surfer/system", prompt="Use the browser.", functions_list=functions)
        model = function_model(self._respond)
        self.agent = Agent(
            name="surfer", system_prompt=prompt, model="m", provider=model, **{"max_interrupt_times": 40, **options}
        )

    def _respond(self, request):
        self.results = [message for message in request.history if message.role == "tool"]
        if len(self.results) >= len(self.actions) or not request.contract.functions:
            return self.results[-1].content
        action = self.actions[len(self.results)]
        if callable(action):
            action = action([message.content for message in self.results])
        listed = action if isinstance(action, list) else [action]
        calls = [{**self._to_call(one), "id": f"c{len(self.results) + n}"} for n, one in enumerate(listed)]
        return {"calls": calls}

    def run(self, session):
        dialog = self._begin(session)
        session.result = self.agent.call(dialog)[0].content
        return session.result

    async def arun(self, session):
        dialog = self._begin(session)
        session.result = (await self.agent.acall(dialog))[0].content
        return session.result

    def _begin(self, session):
        dialog = self.agent.init_dialog(session=session)
        dialog.send_message("go")
        return dialog

    def live(self, log, name="s", face="sync"):
        """Run in a new session; return the answer."""
        with Session.open(log, name, header={"task": "t"}, seed=0) as session:
            return self.run(session) if face == "sync" else asyncio.run(self.arun(session))


def policy_for(site, **options):
    """Return a policy that allows one site on loopback."""
    return BrowserPolicy(sites=(f"127.0.0.1:{site.port}",), **{"settle_s": 0.1, **options})


def notes_of(text):
    """Return the notes in a result."""
    return re.findall(r"^note: (.*)$", text, re.MULTILINE)


def open_log(folder):
    return LocalFileLog("x", {"log_dir": str(folder)})


def replay_without_browser(surfer, log, folder, monkeypatch, name="s"):
    """Return the report of a replay on a machine that has no browser, and whether its log is the same, byte by byte."""
    monkeypatch.setenv("LLLM_CHROMIUM", os.devnull)
    report = replay(log, name, surfer.run, copy_to=folder / "copy")
    first, second = (sorted((folder / place).rglob("events-*.jsonl")) for place in ("x", "copy"))
    assert first
    is_same = [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    return report, is_same


def find_browsers(root=None):
    """Return the pids of the browsers that a process, ours by default, has begun: of each its first process."""
    parents, names = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(place.name)] = (place / "cmdline").read_bytes()

    def is_below(pid):
        while pid and pid != (root or os.getpid()):
            pid = parents.get(pid, 0)
        return pid != 0

    return [
        pid
        for pid, name in names.items()
        if b"--remote-debugging-pipe" in name and b"--type=" not in name and is_below(pid)
    ]
