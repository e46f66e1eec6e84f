"""Programs as plain data, and what runs them: agents, functions, nested systems, threads, and a world that counts.

A plan is a list of operations. The model is a pure function of what it is asked, so that a run that goes on asks it
again and is told the same. What a function or a step does to the world, it writes into a file that outlives a kill.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from lllm.errors import LLLMError, OutcomeUnknown, ParseError, RateLimited, Unauthorized
from lllm.llm.agent import Agent
from lllm.llm.base import AgentBase
from lllm.llm.session import Session, current_session
from lllm.models.function import Function
from lllm.models.prompt import Prompt
from lllm.replay.offline import Silence
from lllm.testing import function_model

UNKNOWN = "unknown"


def go_past(place: str) -> None:
    """Do nothing at a place where a process may die."""


class Tap:
    """Stands before a session's journal and tells the world of each event that it takes."""

    def __init__(self, journal: Any, world: World) -> None:
        self._journal, self._world = journal, world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def append(self, kind: str, id_: str, data_json: str, *, cause: int = 0) -> int:
        """Pass an event on, and take note that it is kept."""
        if kind == "model.request":
            data = json.loads(data_json)
            self._world.recalls[data["chain"]] = data.get("recall", 0)
        seq = self._journal.append(kind, id_, data_json, cause=cause)
        self._world.keep(seq, kind, id_)
        return seq


@dataclass
class World:
    """What a program finds when it runs.

    Attributes:
        effects: file of what was done to the world, one line each; None keeps it in ``done`` alone.
        kept: file of the events that the log has acknowledged; None keeps no such file.
        at: told of each place where a process may die.
        live: nothing may be done when it is False.
        parallel: how many functions of a reply run at once.
        wild: values that differ from run to run are said to the model and shown.
    """

    effects: Path | None = None
    kept: Path | None = None
    at: Callable[[str], None] = go_past
    live: bool = True
    parallel: int = 8
    wild: bool = False
    recalls: dict[str, int] = field(default_factory=dict[str, int])
    done: Counter[int] = field(default_factory=Counter[int])
    asked: int = 0

    def __post_init__(self) -> None:
        self.model = function_model(self.respond)

    def keep(self, seq: int, kind: str, id_: str) -> None:
        """Note an event that the log has acknowledged."""
        if self.kept is not None:
            write_line(self.kept, {"seq": seq, "kind": kind, "id": id_})

    def effect(self, number: int, policy: str, key: str = "") -> None:
        """Do something to the world that cannot be taken back."""
        assert self.live, f"a replay did {number}"
        self.at("before an effect")
        self.done[number] += 1
        if self.effects is not None:
            write_line(self.effects, {"n": number, "policy": policy, "key": key})
        self.at("after an effect")

    def respond(self, request: Any) -> Any:
        """Answer a request as the last task in it asks for."""
        assert self.live, "a replay asked a model"
        self.asked += 1
        self.at("at the model")
        messages = list(request.history)
        start = max(i for i, m in enumerate(messages) if m.role.value == "user" and m.content.startswith("#"))
        task, since = json.loads(messages[start].content.partition("\n")[0][1:]), messages[start + 1 :]
        rounds = sum(bool(m.function_calls) for m in since)
        if self.recalls.get(request.history.chain.hex()[:32], 0) < task["err"] and not since:
            raise RateLimited(f"busy {task['n']}", retry_after_s=0.0)
        if task.get("fatal"):
            raise Unauthorized(f"no key for {task['n']}", status=401)
        if rounds < len(task["rounds"]) and request.contract.functions:
            return {"text": "", "calls": task["rounds"][rounds]}
        if sum(m.creator == "exception" for m in since) < task["bad"]:
            return f"no tag {len(since)}"
        told = "|".join(f"{m.role.value} {m.content}" for m in messages)
        return f"<a>{sha256(told.encode('utf-8', 'replace')).hexdigest()[:12]}{'y' * task['size']}</a>"


def write_line(path: Path, data: Any) -> None:
    """Append one line in one write, which a killed process has made wholly or not at all."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(fd, json.dumps(data).encode() + b"\n")
    finally:
        os.close(fd)


def read_lines(path: Path) -> list[Any]:
    """Return what ``write_line`` wrote."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def make_judge(mode: str) -> Callable[[str], str]:
    """Return a parser: one that wants a tag, a stricter one, or one that takes anything; all have one name."""

    def judge(text: str) -> str:
        if mode == "lenient":
            return text
        if not text.startswith("<a>"):
            raise ParseError(f"no tag in {text[:20]!r}")
        if mode == "strict" and text[3] in "0123456789abcd":
            raise ParseError("too low")
        return text[3:15]

    return judge


class Program:
    """One run of a plan in the current session.

    Args:
        plan: from ``proof_plans``, perhaps mutated.
        world: what it acts on.
    """

    def __init__(self, plan: dict[str, Any], world: World) -> None:
        self.plan, self.world = plan, world
        self.agents = {name: self._agent(name, told) for name, told in plan["agents"].items()}

    def __call__(self, session: Session) -> Any:
        """Run the plan; what it is told on the way is the result."""
        session.journal = Tap(session.journal, self.world)
        result = self.run(self.plan["ops"])
        session.result = result
        return result

    # --- agents and functions ----------------------------------------------------------------------------------------

    def _agent(self, name: str, told: dict[str, Any]) -> Agent[Any]:
        offered = self._functions(told.get("doc", ""))
        prompt = Prompt(
            path=f"proof/{name}",
            prompt=told["system"],
            functions_list=tuple(offered[function] for function in told["functions"]),
            parser=make_judge(told["parser"]) if told.get("parser") else None,
            **told.get("handlers", {}),
        )
        return Agent(
            name=name,
            system_prompt=prompt,
            model=told.get("model", "m"),
            provider=self.world.model,
            model_args=told.get("args", {}),
            max_exception_retry=told.get("retries", 3),
            max_parallel_functions=self.world.parallel,
        )

    def _functions(self, doc: str) -> dict[str, Function]:
        world = self.world

        def buy(n: int, item: str = "x") -> str:
            world.effect(n, "never")
            return f"bought {item}"

        def look(n: int) -> dict[str, Any]:
            world.effect(n, "repeat")
            return {"saw": n}

        def pay(n: int, key: str) -> str:
            world.effect(n, "key", key)
            return f"paid {n}"

        def trip(n: int) -> str:
            world.effect(n, "never")
            raise RuntimeError(f"tripped over {n}")

        def dump(n: int) -> str:
            world.effect(n, "repeat")
            return f"{n} " * 4000

        def work(n: int, ops: list[dict[str, Any]]) -> Any:
            world.effect(n, "never")
            return self.run(ops)

        def reread(n: int, ops: list[dict[str, Any]]) -> Any:
            world.effect(n, "repeat")
            return self.run(ops)

        buy.__doc__ = f"Buy something. {doc}"
        own = [Function.from_callable(call, description="Do it.") for call in (trip, work)]
        own += [Function.from_callable(call, description="Read it.", repeatable=True) for call in (look, dump, reread)]
        own += [Function.from_callable(buy), Function.from_callable(pay, description="Pay.", idempotent="key")]
        return {function.name: function for function in own}

    # --- operations ------------------------------------------------------------------------------------------------------

    def run(self, ops: list[dict[str, Any]], dialogs: dict[str, Any] | None = None) -> list[Any]:
        """Run operations one after the other and return what each was told."""
        dialogs = {} if dialogs is None else dialogs
        told: list[Any] = []
        for op in ops:
            said = getattr(self, f"do_{op['op']}")(op, dialogs)
            if said is not None:
                told.append(said)
        return told

    def do_open(self, op: dict[str, Any], dialogs: dict[str, Any]) -> None:
        dialogs[op["dialog"]] = self.agents[op["agent"]], self.agents[op["agent"]].init_dialog()

    def do_fork(self, op: dict[str, Any], dialogs: dict[str, Any]) -> None:
        agent, dialog = dialogs[op["dialog"]]
        dialogs[op["into"]] = agent, dialog.context_copy(op["cut"]) if op["cut"] else dialog.fork()

    def do_ask(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        agent, dialog = dialogs[op["dialog"]]
        dialog.send_message(self._task(op))
        return _heard(agent.call(dialog)[0])

    async def _ask_later(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        agent, dialog = dialogs[op["dialog"]]
        dialog.send_message(self._task(op))
        return _heard((await agent.acall(dialog))[0])

    def _task(self, op: dict[str, Any]) -> str:
        session = current_session()
        drawn = f" {session.random.random():.9f}" if op.get("random") else ""
        drawn += f" {session.uuid4()} {session.now()}" if self.world.wild and op.get("wild") else ""
        return f"#{json.dumps(op['task'])}\n{op['text']}{drawn}"

    def do_now(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        told = current_session().now()
        return told if self.world.wild else None

    def do_uuid(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        told = current_session().uuid4()
        return told if self.world.wild else None

    def do_random(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        return current_session().random.random()

    def do_skip(self, op: dict[str, Any], dialogs: dict[str, Any]) -> None:
        """Draw a number that nobody sees."""
        current_session().random.random()

    def do_show(self, op: dict[str, Any], dialogs: dict[str, Any]) -> None:
        current_session().frontend("write", {"args": [op["text"]]})

    def do_note(self, op: dict[str, Any], dialogs: dict[str, Any]) -> None:
        current_session().note(f"{threading.get_ident()}")

    def do_step(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        def make() -> Any:
            self.world.effect(op["n"], "repeat" if op["repeatable"] else "never")
            if op.get("fails"):
                raise ValueError(f"step {op['n']} failed")
            return [op["n"], *self.run(op.get("ops", []))]

        try:
            return current_session().step(op["name"], make, repeatable=op["repeatable"])
        except OutcomeUnknown:
            if op.get("catch", True):
                return UNKNOWN
            raise
        except ValueError as error:
            return str(error)

    def do_catch(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        try:
            return self.run(op["ops"], dialogs)
        except LLLMError as error:
            return type(error).__name__

    def do_raise(self, op: dict[str, Any], dialogs: dict[str, Any]) -> None:
        raise KeyError(op["text"])

    def do_scope(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        with current_session().scope(op["name"]):
            return self.run(op["ops"])

    def do_map(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        return current_session().map(self.run, op["parts"], concurrency=3)

    def do_amap(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        async def one(ops: list[dict[str, Any]]) -> list[Any]:
            own: dict[str, Any] = {}
            return [await self._later(part, own) for part in ops]

        return asyncio.run(current_session().amap(one, op["parts"], concurrency=3))

    async def _later(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return await self._ask_later(op, dialogs) if op["op"] == "ask" else self.run([op], dialogs)

    def do_gather(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        async def one(ops: list[dict[str, Any]]) -> list[Any]:
            return [await self._later(part, dialogs) for part in ops]

        async def main() -> Any:
            return await asyncio.gather(*(one(ops) for ops in op["parts"]))

        return asyncio.run(main())

    def do_threads(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        """Run parts in plain threads, which are told the session and a scope, and nothing else."""
        session = current_session()

        def one(number: int, ops: list[dict[str, Any]]) -> list[Any]:
            with session.scope(f"{op['name']}-{number}"), session.active():
                return self.run(ops)

        with ThreadPoolExecutor(len(op["parts"])) as pool:
            ends = [pool.submit(one, number, ops) for number, ops in enumerate(op["parts"])]
            return [end.result() for end in ends]

    def do_pool(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        """Ask on dialogs that are open, from threads that were given a copy of the context."""
        with ThreadPoolExecutor(len(op["parts"])) as pool:
            ends = [pool.submit(copy_context().run, self.run, ops, dialogs) for ops in op["parts"]]
            return [end.result() for end in ends]

    def do_run(self, op: dict[str, Any], dialogs: dict[str, Any]) -> Any:
        """Call another agent system, which becomes a part of this session."""
        config = {"name": op["name"], "log_type": "none", "provider": "mock"}
        inner = InnerSystem({**config, "agent_configs": {}}, stream=Silence())
        inner.program = self
        return inner(op["ops"], depth=1)


class InnerSystem(AgentBase, register=False):
    """A system of agents that another program calls."""

    agent_type = "proof_inner"
    program: Any = None

    def call(self, task: Any, depth: int = 0) -> Any:
        self.st.write("inner", depth)
        return self.program.run(task)


def _heard(message: Any) -> Any:
    """Return what a reply says; a parser's value, where there is one."""
    return message.parsed if isinstance(message.parsed, str) else message.content[:40]
