"""A small world for tests of calls: an agent on a scripted model, a session in memory, and what it logged."""

from __future__ import annotations

import asyncio

from lllm.llm import Agent, Session
from lllm.llm.limits import NO_LIMITS
from lllm.log import MemoryLog
from lllm.models import Prompt
from lllm.providers.script import Script
from lllm.testing import function_model


def calls(*asked):
    """Return a reply that asks for functions, each ``(name, arguments)``."""
    return {"calls": [{"name": name, "arguments": arguments} for name, arguments in asked]}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class World:
    """One agent, one session, one dialog.

    Attributes:
        requests: what the model was asked, oldest first.
    """

    def __init__(self, *replies, functions=(), prompt=None, provider=None, limits=NO_LIMITS, log=None, **options):
        self.requests = []
        script = Script(replies)

        def respond(request):
            self.requests.append(request)
            return script(request)

        contract = prompt or Prompt(path="test/system", prompt="Be brief.", functions_list=functions)
        self.agent = Agent(
            name="agent", system_prompt=contract, model="m1", provider=provider or function_model(respond), **options
        )
        self.log = log or MemoryLog()
        self.session = Session.open(self.log, "run", header={"task": "t", "run_id": "r"}, limits=limits, seed=0)
        self.dialog = self.agent.init_dialog(session=self.session)

    def ask(self, text="go", **options):
        self.dialog.send_message(text)
        return self.agent.call(self.dialog, **options)

    async def aask(self, text="go", **options):
        self.dialog.send_message(text)
        return await self.agent.acall(self.dialog, **options)

    def ask_on(self, face, text="go", **options):
        """Ask through ``sync`` or ``async``."""
        return self.ask(text, **options) if face == "sync" else asyncio.run(self.aask(text, **options))

    def events(self, *kinds):
        """Return the logged events of these kinds, or all."""
        return [event for event in self.log.read_session("run") if not kinds or event.kind in kinds]

    @property
    def kinds(self):
        """Kinds of all events of calls, in order."""
        return [e.kind for e in self.events() if e.kind not in ("session.open", "dialog.open", "contract")]

    @property
    def ends(self):
        """Data of every call.close."""
        return [event.data for event in self.events("call.close")]

    @property
    def texts(self):
        """Role and text of each message of the dialog."""
        return [(message.role.value, message.content) for message in self.dialog.messages]


def facts(events):
    """Return what two runs of one script must agree on."""
    return [(event.seq, event.kind, event.id, event.cause, event.data) for event in events]
