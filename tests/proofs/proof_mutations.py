"""One change to a plan, as somebody may change a program; and where a log of the changed program first differs."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from proof_programs import Program, World

from lllm.llm.session import Session
from lllm.log.memory import MemoryLog
from lllm.log.scopes import strand_of
from lllm.replay.recording import Recording

Op = dict[str, Any]
Plan = dict[str, Any]
NEW_NUMBER = 900_000  # of an effect that a mutation adds, which no plan has


def sites(ops: list[Op]) -> Iterator[list[Op]]:
    """Yield each list of operations that runs outside of functions and steps."""
    yield ops
    for op in ops:
        if op["op"] in ("catch", "scope", "run"):
            yield from sites(op["ops"])
        for part in op.get("parts", ()):
            yield from sites(part)


class Mutation:
    """Changes one thing in a copy of a plan; each method returns False where there is nothing to change."""

    def __init__(self, plan: Plan, chance: random.Random) -> None:
        self.plan, self.chance = copy.deepcopy(plan), chance
        self.agent = self.plan["agents"][chance.choice(sorted(self.plan["agents"]))]
        self.lists = list(sites(self.plan["ops"]))

    def _pick(self, *kinds: str) -> Op | None:
        found = [op for ops in self.lists for op in ops if op["op"] in kinds]
        return self.chance.choice(found) if found else None

    def _set(self, key: str, value: Any, *kinds: str) -> bool:
        op = self._pick(*kinds)
        if op is None:
            return False
        op[key] = value
        return True

    def system_prompt(self) -> bool:
        self.agent["system"] += " Be brief."
        return True

    def exception_prompt(self) -> bool:
        self.agent["handlers"] = {**self.agent.get("handlers", {}), "exception_prompt": "Again: {error_message}"}
        return True

    def interrupt_prompt(self) -> bool:
        self.agent["handlers"] = {**self.agent.get("handlers", {}), "interrupt_prompt": "Then: {call_results}"}
        return True

    def docstring(self) -> bool:
        self.agent["doc"] = "At once."
        return True

    def function_list(self) -> bool:
        offered = self.agent["functions"]
        self.agent["functions"] = offered[:-1] if offered else ["look"]
        return True

    def function_order(self) -> bool:
        self.agent["functions"] = self.agent["functions"][::-1]
        return True

    def parser_stricter(self) -> bool:
        return self._parser("strict")

    def parser_laxer(self) -> bool:
        return self._parser("lenient")

    def _parser(self, mode: str) -> bool:
        is_judge = self.agent["parser"] == "judge"
        self.agent["parser"] = mode
        return is_judge

    def no_parser(self) -> bool:
        had, self.agent["parser"] = self.agent["parser"], ""
        return had != ""

    def model(self) -> bool:
        self.agent["model"] = "m2"
        return True

    def temperature(self) -> bool:
        self.agent["args"] = {"temperature": 0.5}
        return True

    def retries(self) -> bool:
        self.agent["retries"] = 0
        return True

    def text(self) -> bool:
        op = self._pick("ask")
        if op is None:
            return False
        op["text"] += "!"
        return True

    def argument(self) -> bool:
        op = self._pick("ask")
        if op is None:
            return False
        op["task"]["size"] += 1
        return True

    def random_in_text(self) -> bool:
        op = self._pick("ask")
        if op is None:
            return False
        op["random"] = not op["random"]
        return True

    def step_name(self) -> bool:
        return self._set("name", "renamed", "step")

    def step_policy(self) -> bool:
        op = self._pick("step")
        if op is None:
            return False
        op["repeatable"] = not op["repeatable"]
        return True

    def shown(self) -> bool:
        return self._set("text", "other words", "show")

    def scope_name(self) -> bool:
        return self._set("name", "other", "scope", "run", "threads")

    def fork_cut(self) -> bool:
        op = self._pick("fork")
        if op is None:
            return False
        op["cut"] += 1
        return True

    def swap(self) -> bool:
        ops = self.chance.choice(self.lists)
        if len(ops) < 2:
            return False
        at = self.chance.randrange(len(ops) - 1)
        ops[at], ops[at + 1] = ops[at + 1], ops[at]
        return True

    def drop(self) -> bool:
        ops = self.chance.choice(self.lists)
        ops.pop(self.chance.randrange(len(ops)))
        return True

    def repeat(self) -> bool:
        ops = self.chance.choice(self.lists)
        at = self.chance.randrange(len(ops))
        ops.insert(at, copy.deepcopy(ops[at]))
        return True

    def insert(self) -> bool:
        ops = self.chance.choice(self.lists)
        added: list[Op] = [{"op": kind} for kind in ("now", "uuid", "random", "skip", "note")]
        added += [
            {"op": "show", "text": "more"},
            {"op": "step", "n": NEW_NUMBER, "name": "more", "repeatable": False},
            {"op": "open", "dialog": "more", "agent": "a0"},
            {"op": "raise", "text": "more"},
        ]
        ops.insert(self.chance.randint(0, len(ops)), self.chance.choice(added))
        return True


KINDS: dict[str, Callable[[Mutation], bool]] = {
    name: function for name, function in vars(Mutation).items() if not name.startswith("_") and callable(function)
}


def mutate(plan: Plan, chance: random.Random) -> tuple[str, Plan]:
    """Return the name of a change, and the changed plan."""
    while True:
        name = chance.choice(sorted(KINDS))
        mutation = Mutation(plan, chance)
        if KINDS[name](mutation):
            return name, mutation.plan


class Said(NamedTuple):
    """One event of a run, as far as a replay holds code to it."""

    seq: int
    kind: str
    id: str
    data: dict[str, Any]
    contract: int


def run_live(plan: Plan, seed: int) -> tuple[MemoryLog, Recording]:
    """Run a plan for real, one thing after the other, and return its log."""
    log = MemoryLog()
    with suppress(Exception), Session.open(log, "s", header={"task": "t"}, seed=seed) as session:
        Program(plan, World(parallel=1))(session)
    return log, Recording(log.read_run("s"))


def said(recording: Recording) -> list[Said]:
    """Return the events that today's code is held to, without what differs from run to run."""
    contracts = {e.data["fingerprint"]: e for e in recording.events if e.kind == "contract"}
    told: list[Said] = []
    for event in recording.events[1:]:
        if recording.is_nested(event) or event.kind in ("note", "contract"):
            continue
        data, contract = dict(event.data), contracts.get(event.data.get("contract"))
        if contract is not None:
            data["contract"] = contract.data
        if event.kind == "value" and data["name"] in ("now", "uuid4"):
            data.pop("value")
        data.pop("idempotency_key", None)
        told.append(Said(event.seq, event.kind, event.id, data, contract.seq if contract is not None else 0))
    return told


def are_alike(left: Recording, right: Recording) -> bool:
    """Return whether both have the same strands; how strands interleave is chance where things run at the same time."""

    def strands(recording: Recording) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for event in said(recording):
            found.setdefault(strand_of(event.id), []).append((event.kind, event.id, event.data))
        return found

    return strands(left) == strands(right)


def first_unlike(left: Recording, right: Recording) -> Said | None:
    """Return the first event of ``left`` in whose place ``right`` has another one; None when there is none."""
    ours, theirs = said(left), said(right)
    for one, other in zip(ours, theirs, strict=False):
        if (one.kind, one.id, one.data) != (other.kind, other.id, other.data):
            return one
    return None if len(ours) == len(theirs) else ours[min(len(ours), len(theirs)) - 1]
