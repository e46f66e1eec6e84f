"""Draws plans for ``proof_programs``: from a seed, always the same one."""

from __future__ import annotations

import random
from itertools import count
from typing import Any

Op = dict[str, Any]
DRAWS_NOTHING: Op = {"random": False, "wild": False}
TOGETHER = ("map", "amap", "gather", "threads", "pool")


class Plans:
    """Draws one plan.

    Args:
        seed: of the draw.
        together: whether things may run at the same time.
        ends: whether the run may end in an error of its own.
        nested: whether functions and steps may ask agents themselves.
    """

    def __init__(self, seed: int, *, together: bool = True, ends: bool = True, nested: bool = True) -> None:
        self.random = random.Random(seed)
        self._numbers = count(1)
        self._together, self._ends, self._nested = together, ends, nested

    def draw(self, size: int | None = None) -> dict[str, Any]:
        """Return a plan with about ``size`` operations at the top."""
        self.agents = {f"a{i}": self._agent(i) for i in range(self.random.randint(1, 3))}
        ops: list[Op] = []
        dialogs: list[str] = []
        self._open(ops, dialogs)
        for _ in range(size or self.random.randint(3, 9)):
            ops += self._op(dialogs, self._kind())
        if self._ends and self._chance(0.1):
            ops.append({"op": "raise", "text": f"end {next(self._numbers)}"})
        elif self._ends and self._chance(0.05):
            ops.append(self._ask(self.random.choice(dialogs), fatal=True))
        return {"agents": self.agents, "ops": ops}

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _agent(self, number: int) -> dict[str, Any]:
        every = ["buy", "look", "pay", "trip", "dump", "work", "reread"]
        told: dict[str, Any] = {
            "system": f"You are number {number}.",
            "functions": every if self._chance(0.8) else [],
            "parser": self.random.choice(["judge", "judge", ""]),
        }
        if self._chance(0.3):
            told["handlers"] = {
                "interrupt_prompt": "It said: {call_results}",
                "exception_prompt": "No: {error_message}",
            }
        return told

    def _kind(self) -> str:
        alone = ["ask"] * 6 + ["open", "fork", "now", "uuid", "random", "show", "note", "step", "step", "catch"]
        alone += ["scope", "run", "run", "skip"]
        return self.random.choice(alone + list(TOGETHER) if self._together else alone)

    def _open(self, ops: list[Op], dialogs: list[str]) -> str:
        name = f"d{next(self._numbers)}"
        ops.append({"op": "open", "dialog": name, "agent": self.random.choice(sorted(self.agents))})
        dialogs.append(name)
        return name

    def _op(self, dialogs: list[str], kind: str) -> list[Op]:
        """Return operations of a kind; ``dialogs`` are open, and grow."""
        ops: list[Op] = []
        match kind:
            case "ask":
                ops.append(self._ask(self.random.choice(dialogs)))
            case "open":
                self._open(ops, dialogs)
            case "fork":
                ops += self._fork(dialogs)
            case "step":
                ops.append(self._step())
            case "show":
                ops.append({"op": kind, "text": f"shown {next(self._numbers)}"})
            case "catch":
                ops.append(self._catch(self.random.choice(dialogs)))
            case "scope" | "run":
                ops.append({"op": kind, "name": f"p{next(self._numbers)}", "ops": self.part()})
            case "map" | "amap" | "threads":
                parts = [self.part(plain=kind == "amap") for _ in range(self.random.randint(2, 3))]
                ops.append({"op": kind, "name": f"t{next(self._numbers)}", "parts": parts})
            case "gather" | "pool":
                ops += self._beside(dialogs, kind)
            case _:
                ops.append({"op": kind})
        return ops

    def part(self, *, plain: bool = False, deep: bool = False) -> list[Op]:
        """Return operations with dialogs of their own.

        Args:
            plain: with nothing that waits for a loop of its own.
            deep: inside a function or a step, so that functions in it do not call further ones.
        """
        ops: list[Op] = []
        own: list[str] = []
        self._open(ops, own)
        ops.append(self._ask(own[0], deep=deep))
        if self._chance(0.4):
            ops.append({"op": self.random.choice(["now", "uuid", "random"])})
        if self._chance(0.3) and not plain:
            ops.append(self._step(deep=True))
        return ops

    def _fork(self, dialogs: list[str]) -> list[Op]:
        name, parent = f"d{next(self._numbers)}", self.random.choice(dialogs)
        dialogs.append(name)
        cut = self.random.choice([0, 0, 1, 2])
        return [{"op": "fork", "dialog": parent, "into": name, "cut": cut}, self._ask(name)]

    def _beside(self, dialogs: list[str], kind: str) -> list[Op]:
        """Return dialogs that are opened one after the other and asked at the same time."""
        ops: list[Op] = []
        own = [self._open(ops, dialogs) for _ in range(self.random.randint(2, 3))]
        # Without scopes, which of them draws the next number would be chance.
        parts = [[self._ask(name, deep=True) | DRAWS_NOTHING for _ in range(self.random.randint(1, 2))] for name in own]
        return [*ops, {"op": kind, "parts": parts}]

    def _catch(self, dialog: str) -> Op:
        if self._chance(0.5):
            return {"op": "catch", "ops": [self._ask(dialog, fatal=True)]}
        return {"op": "catch", "ops": [self._ask(dialog, bad=9)]}

    def _step(self, *, deep: bool = False) -> Op:
        repeatable = self._chance(0.4)
        told: Op = {"op": "step", "n": next(self._numbers), "name": f"s{next(self._numbers)}", "repeatable": repeatable}
        told["catch"] = self._chance(0.8)
        if self._chance(0.15):
            told["fails"] = True
        elif not deep and self._nested and self._chance(0.3):
            told["ops"] = self.part(deep=True, plain=True) if not repeatable else self.harmless()
        return told

    def harmless(self) -> list[Op]:
        """Return operations that may be done twice, since what calls them may be."""
        ops: list[Op] = []
        name = self._open(ops, [])
        task = {"n": next(self._numbers), "rounds": [], "bad": 0, "err": 0, "size": 0}
        return [*ops, {"op": "ask", "dialog": name, "task": task, "text": "look"}]

    def _ask(self, dialog: str, *, deep: bool = False, fatal: bool = False, bad: int = -1) -> Op:
        task: dict[str, Any] = {
            "n": next(self._numbers),
            "rounds": [self._round(deep=deep) for _ in range(self.random.choice([0, 0, 1, 1, 2]))],
            "bad": bad if bad >= 0 else self.random.choice([0, 0, 0, 1, 2]),
            "err": self.random.choice([0, 0, 0, 0, 1, 2]),
            "size": 9000 if self._chance(0.05) else 0,
        }
        if fatal:
            task |= {"fatal": True, "rounds": []}
        text = f"task {task['n']}" + (" long" * 2500 if self._chance(0.05) else "")
        return {"op": "ask", "dialog": dialog, "task": task, "text": text, "random": self._chance(0.3), "wild": True}

    def _round(self, *, deep: bool) -> list[dict[str, Any]]:
        names = ["buy", "buy", "look", "pay", "pay", "trip", "dump", "nope"] + (
            [] if deep or not self._nested else ["work", "reread"]
        )
        return [self._call(self.random.choice(names)) for _ in range(self.random.choice([1, 1, 2, 3]))]

    def _call(self, name: str) -> dict[str, Any]:
        number = next(self._numbers)
        arguments: dict[str, Any] = {"n": number}
        if name == "work":
            arguments["ops"] = self.part(deep=True, plain=True)
        if name == "reread":
            arguments["ops"] = self.harmless()
        if self._chance(0.05):
            arguments["n"] = "no number"
        return {"name": name, "arguments": arguments, "id": f"c{number}"}


def draw_plan(seed: int, **options: Any) -> dict[str, Any]:
    """Return the plan of a seed."""
    size = options.pop("size", None)
    return Plans(seed, **options).draw(size)
