"""A shop to buy in: one program with every kind of effect, and logs of it whose process died at a chosen event."""

from __future__ import annotations

from collections import Counter

from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import LocalFileLog
from lllm.models.function import Function
from lllm.models.prompt import Prompt
from lllm.replay import replay
from lllm.testing import function_model

BUY, LOOK, PAY = "1/s0/f0", "1/s0/f1", "1/s0/f2"
MAIL, STAMP = "v/1", "v/2"


class Shop:
    """A program, the world it acts on, and its log.

    Attributes:
        done: how often each effect happened.
        asked: how often the model was asked.
        keys: idempotency keys that ``pay`` was given.
        prompt: the system prompt's text; change it to change the code.
        extra: called by the program behind its first call of the model.
    """

    def __init__(self, folder, prompt="You buy."):
        self.log = LocalFileLog("shop", {"log_dir": str(folder)})
        self.done, self.keys, self.asked = Counter(), [], 0
        self.prompt, self.extra = prompt, lambda _session: None

    def run(self, session):
        session.now()
        agent = self._agent()
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        agent.call(dialog)
        self.extra(session)
        sent = session.step("mail", self.did("mail", "sent"))
        session.step("stamp", self.did("stamp", 1), repeatable=True)
        dialog.send_message(f"more, as the mail was {sent}")
        session.result = agent.call(dialog)[0].content
        return session.result

    def _agent(self):
        functions = (
            self._function("buy"),
            self._function("look", repeatable=True),
            Function.from_callable(self._pay, name="pay", description="Pay.", idempotent="key"),
        )
        prompt = Prompt(path="shop", prompt=self.prompt, functions_list=functions)
        return Agent(
            name="agent",
            system_prompt=prompt,
            model="m1",
            provider=function_model(self._reply),
            max_parallel_functions=1,
        )

    def _function(self, name, **options):
        def do(item: str) -> str:
            self.done[name] += 1
            return f"{name}: {item}"

        return Function.from_callable(do, name=name, description=name, **options)

    def _pay(self, item: str, key: str) -> str:
        self.done["pay"] += 1
        self.keys.append(key)
        return f"paid {item}"

    def did(self, name, value):
        def do():
            self.done[name] += 1
            return value

        return do

    def _reply(self, request):
        self.asked += 1
        last = request.history[-1]
        if last.content == "go":
            names = ("buy", "look", "pay")
            return {"calls": [{"name": n, "arguments": {"item": "a"}, "id": n} for n in names]}
        return f"done: {last.content}"

    # --- recordings ----------------------------------------------------------------------------------------------

    def record(self, name="whole"):
        """Run the program to its end."""
        with Session.open(self.log, name, header={"task": "t"}, seed=1) as session:
            self.run(session)
        self.forget()
        return self

    def forget(self):
        """Begin to count anew."""
        self.done.clear()
        self.keys.clear()
        self.asked = 0

    def events(self, name="whole"):
        return list(self.log.read_run(name))

    def lines(self, name):
        return self.file(name).read_bytes().splitlines(keepends=True)

    def file(self, name):
        return self.log.folder / name / "events-000001.jsonl"

    def seq(self, kind, id_="", of="whole"):
        """Return the seq of an event."""
        return next(e.seq for e in self.events(of) if e.kind == kind and e.id == (id_ or e.id))

    def die_after(self, kind, id_="", name="died", tail=b""):
        """Leave a log whose process died right behind an event; return its name."""
        return self.keep(self.seq(kind, id_), name, tail)

    def keep(self, count, name="died", tail=b"", of="whole"):
        """Leave a log that holds the first events of another, and return its name."""
        lines = self.lines(of)
        (self.log.folder / name).mkdir()
        self.file(name).write_bytes(b"".join(lines[:count]) + tail)
        return name

    def check_replays(self, name):
        """Hold a session to its own replay."""
        self.forget()
        report = replay(self.log, name, self.run)
        assert (report.status, report.replayed) == ("same", report.events), report.difference
        assert not self.done
        assert not self.asked
