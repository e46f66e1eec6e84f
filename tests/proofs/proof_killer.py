"""Runs programs that kill themselves at a chosen place, goes on with them in other processes, and looks what is left.

Started as a process of its own: it stays single-threaded, so that each run can be a fork of it, warm in a millisecond.
One job a line on stdin, one report a line on stdout.
"""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from proof_plans import draw_plan
from proof_programs import Program, World, read_lines, write_line

from lllm.errors import LogCorrupt, SessionNotFound
from lllm.llm.session import Session
from lllm.log import LocalFileLog, fsck
from lllm.log.file import WriteOptions
from lllm.replay import AGAIN, TELL, replay, resume

NEVER = 1 << 62
OVER = "came to its end"
EVENTS = "x/s/events-000001.jsonl"


class Killer:
    """Kills its process at the n-th of the places that it is told of: around and inside writes, syncs and effects.

    Args:
        at: which place, from 1.
        folder: of the case; its file ``synced`` tells how much of the log each sync covered.
    """

    def __init__(self, at: int, folder: Path) -> None:
        self.at, self.places = at, 0
        self._synced, self._events = folder / "synced", folder / EVENTS
        self._lock = threading.Lock()

    def reach(self, place: str = "") -> None:
        """Die here, if this is the place."""
        with self._lock:
            self.places += 1
            if self.places == self.at:
                os.kill(os.getpid(), signal.SIGKILL)

    def write(self, fd: int, content: Any) -> int:
        """Write: the process may die before, with half of it written, and after."""
        self.reach()
        with self._lock:
            self.places += 1
            if self.places == self.at:
                os.write(fd, content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
        written = os.write(fd, content)
        self.reach()
        return written

    def sync(self, fd: int) -> None:
        """Take note of what is on the disk, in place of waiting for a real one: a kill leaves the page cache whole."""
        found = os.fstat(fd)
        self.reach()
        if os.path.samestat(found, self._events.stat()):
            write_line(self._synced, found.st_size)
        self.reach()

    def sync_folder(self, folder: Path) -> None:
        """Do nothing, in two places."""
        self.reach()


@dataclass
class Case:
    """One scenario in one folder."""

    folder: Path
    plan: dict[str, Any]
    durability: str
    decide: str = "tell"
    power: bool = False
    tries: int = 0

    def log(self, killer: Killer) -> LocalFileLog:
        options = WriteOptions(self.durability, write=killer.write, sync=killer.sync, sync_folder=killer.sync_folder)
        return LocalFileLog("x", {"log_dir": str(self.folder)}, options)

    def world(self, killer: Killer) -> World:
        return World(self.folder / "effects", self.folder / "kept", killer.reach)

    def begin(self, at: int) -> dict[str, Any]:
        """Run the program from its beginning."""
        killer = Killer(at, self.folder)

        def run() -> Any:
            with Session.open(self.log(killer), "s", header={"task": "t"}, seed=1) as session:
                return Program(self.plan, self.world(killer))(session)

        return {**ending(run), "places": killer.places}

    def go_on(self, at: int) -> dict[str, Any]:
        """Resume it."""
        killer = Killer(at, self.folder)
        decision = {"tell": TELL, "again": AGAIN}[self.decide]
        told: list[str] = []

        def decide(item: Any) -> Any:
            told.append(item.id)
            return decision

        def run() -> Any:
            program = Program(self.plan, self.world(killer))
            return resume(self.log(killer), "s", run=program, decide=decide).result

        return {**ending(run), "places": killer.places, "told": told}


def ending(run: Callable[[], Any]) -> dict[str, Any]:
    """Return how a run ended, as plain data."""
    try:
        return {"result": json.loads(json.dumps(run()))}
    except Exception as error:  # noqa: BLE001 - programs may end in any
        return {"error": f"{type(error).__name__}: {error}"}


def in_child(work: Callable[[], Any]) -> Any:
    """Run in a fork of this process and return what it returns; None when it was killed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            told = json.dumps(work()).encode()
        except BaseException as error:  # noqa: BLE001 - the parent must be told
            told = json.dumps({"error": f"{type(error).__name__}: {error}", "crashed": True}).encode()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(told)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return None
    return json.loads(told)


@dataclass
class Tally:
    """What came of all kills.

    Attributes:
        wrong: what must not be, one line each.
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])


def sweep(job: dict[str, Any], tally: Tally) -> None:
    """Kill one scenario at every place, or every ``stride``-th, and go on with it."""
    plan = draw_plan(job["seed"], size=job["size"])
    root, chance = Path(job["folder"]), random.Random(job["seed"])
    clean = run_clean(job, plan, root)
    at, missed = job.get("first", 1), 0
    while missed < 3:  # threads do not come to the same places each time
        case = build_case(job, plan, root)
        began = in_child(partial(case.begin, at))
        missed += began is not None
        if began is None:
            tally.counts["kills"] += 1
            kill_again(case, job, chance, tally)
            check(case, job, clean, at, tally)
        at += job["stride"]
        shutil.rmtree(case.folder)


def build_case(job: dict[str, Any], plan: dict[str, Any], root: Path) -> Case:
    """Return a scenario in a new folder."""
    folder = root / "case"
    folder.mkdir(parents=True)
    return Case(folder, plan, job["durability"], job["decide"], job["power"])


def run_clean(job: dict[str, Any], plan: dict[str, Any], root: Path) -> dict[str, Any]:
    """Return how the scenario ends when nobody kills it, and what it does to the world."""
    case = build_case(job, plan, root)
    told = in_child(lambda: case.begin(NEVER))
    told["effects"] = sorted({effect["n"] for effect in read_lines(case.folder / "effects")})
    shutil.rmtree(case.folder)
    return told


def kill_again(case: Case, job: dict[str, Any], chance: random.Random, tally: Tally) -> None:
    """Lose the power, if that is wanted, and kill those that go on, too."""
    lose_power(case)
    for _ in range(job["kills"] - 1):
        went = in_child(lambda: case.go_on(chance.randint(1, 60)))
        if went is not None:
            return
        tally.counts["second kills"] += 1
        lose_power(case)


def lose_power(case: Case) -> None:
    """Leave of the log only what a sync covered."""
    if not case.power:
        return
    events, synced = case.folder / EVENTS, read_lines(case.folder / "synced")
    if not synced:
        shutil.rmtree(case.folder / "x", ignore_errors=True)
    elif events.exists():
        os.truncate(events, min(synced[-1], events.stat().st_size))


def check(case: Case, job: dict[str, Any], clean: dict[str, Any], at: int, tally: Tally) -> None:
    """Go on to the end, and hold what is left to what was promised."""
    end = in_child(lambda: case.go_on(NEVER))
    found = in_child(lambda: find_wrong(case, end, clean))
    where = f"seed {job['seed']} {job['durability']} {job['decide']} kills {job['kills']} power {job['power']} at {at}"
    if isinstance(found, dict):
        tally.wrong.append(f"{where}: {found['error']}")
        return
    tally.wrong += [f"{where}: {line}" for line in found[0]]
    tally.counts.update(found[1])


def find_wrong(case: Case, end: dict[str, Any], clean: dict[str, Any]) -> tuple[list[str], dict[str, int]]:
    """Return what is wrong after the last process ended, one line each, and counts of what was seen."""
    log = LocalFileLog("x", {"log_dir": str(case.folder)})
    effects = read_lines(case.folder / "effects")
    wrong, twice = find_doubled(effects)
    try:
        events = list(log.read_run("s"))
    except (SessionNotFound, LogCorrupt):
        events = []
    told = sum(
        item["done"] in ("tell", "again") for e in events if e.kind == "session.resume" for item in e.data["unfinished"]
    )
    if case.decide == "again" and told:
        wrong = []  # chosen; and what is done again by choice may ask for other things, which have other keys
    wrong += find_lost(case, events)
    counts = {"effects": len(effects), "chosen": told, "doubled by choice": twice if case.decide == "again" else 0}
    if not events:
        return wrong + [f"{e} without a log" for e in effects if e["policy"] != "repeat"], counts | {"unborn": 1}
    wrong += find_unlike(end, clean, events, effects, told)
    report = replay(log, "s", run=Program(case.plan, World(live=False)))
    if report.status != "same" or report.replayed != report.events:
        wrong.append(f"replay: {report.status} {report.replayed}/{report.events} {report.difference.get('message')}")
    checked = fsck(log.session_path("s"))
    wrong += checked.problems
    return wrong, counts | {"went on": sum(e.kind == "session.resume" for e in events)}


def find_doubled(effects: list[dict[str, Any]]) -> tuple[list[str], int]:
    """Return what was done twice and must not be: a remote takes two requests with one key for one."""
    once = Counter(e["n"] for e in effects if e["policy"] == "never")
    wrong = [f"effect {n} was done twice" for n, times in once.items() if times > 1]
    keys: dict[int, set[str]] = {}
    for effect in effects:
        if effect["policy"] == "key":
            keys.setdefault(effect["n"], set()).add(effect["key"])
    return wrong + [f"effect {n} had {len(own)} keys" for n, own in keys.items() if len(own) > 1], len(wrong)


def find_lost(case: Case, events: list[Any]) -> list[str]:
    """Return which acknowledged events are not in the log; a lost power may take those that no sync covered."""
    if case.power:
        return []
    kept = {(e.seq, e.kind, e.id) for e in events}
    return [
        f"{line} is lost"
        for line in read_lines(case.folder / "kept")
        if line["seq"] and tuple(line.values()) not in kept
    ]


def find_unlike(
    end: dict[str, Any], clean: dict[str, Any], events: list[Any], effects: list[Any], told: int
) -> list[str]:
    """Return how the end differs from that of a run which nobody killed."""
    if events[-1].kind != "session.close":
        return [f"not closed: {end}"]
    if told:
        return []
    wrong = [] if sorted({e["n"] for e in effects}) == clean["effects"] else ["other effects than of a clean run"]
    closed, is_over = events[-1].data, OVER in end.get("error", "")
    same = {key: end.get(key) for key in ("result", "error")} == {key: clean.get(key) for key in ("result", "error")}
    same_kept = closed.get("result") == clean.get("result")
    if not (same_kept if is_over else same and same_kept):
        wrong.append(f"ended in {end}, clean in {clean}")
    return wrong


WARM = [
    {"op": "open", "dialog": "d", "agent": "a0"},
    {"op": "step", "n": 1, "name": "s", "repeatable": False},
    {"op": "now"},
    {"op": "show", "text": "x"},
    {"op": "run", "name": "r", "ops": []},
    {
        "op": "ask",
        "dialog": "d",
        "text": "t" * 9000,
        "task": {"n": 1, "rounds": [[{"name": "buy", "arguments": {"n": 2}}]], "bad": 1, "err": 1, "size": 0},
    },
]


def warm_up(folder: Path) -> None:
    """Import all that a run needs, without a thread."""
    agents = {
        "a0": {"system": "s", "functions": ["buy", "look", "pay", "trip", "dump", "work", "reread"], "parser": "judge"}
    }
    case = Case(folder / "warm", {"agents": agents, "ops": WARM}, "barrier")
    case.folder.mkdir(parents=True)
    assert "error" not in (told := case.begin(NEVER)), told
    events = case.folder / EVENTS
    events.write_bytes(b"".join(events.read_bytes().splitlines(keepends=True)[:-2]))
    assert "error" not in (told := case.go_on(NEVER)), told
    find_wrong(case, {}, {"effects": []})
    assert threading.active_count() == 1
    shutil.rmtree(case.folder)
    gc.freeze()


def main() -> None:
    """Do each job of stdin."""
    for line in sys.stdin:
        job, tally = json.loads(line), Tally()
        if not gc.get_freeze_count():
            warm_up(Path(job["folder"]))
        sweep(job, tally)
        print(json.dumps({"counts": tally.counts, "wrong": tally.wrong}), flush=True)


if __name__ == "__main__":
    main()
