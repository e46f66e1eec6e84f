"""A fork at every event: what it shares and what it does itself make up the run that nobody forked."""

import copy
import random
from contextlib import suppress

import pytest
from proof_plans import draw_plan
from proof_programs import Program, World
from proof_scale import amounts

from lllm.llm.session import Session
from lllm.log.memory import MemoryLog
from lllm.log.scopes import strand_of
from lllm.replay import fork, replay
from lllm.replay.recording import Recording

ATTEMPTS = 3
# Each third event of each program; they begin at another one.
SAMPLE, SAMPLE_STEP = 2, 3


def record(plan, seed):
    """Run a plan for real."""
    log = MemoryLog()
    with suppress(Exception), Session.open(log, "s", header={"task": "t"}, seed=seed) as session:
        Program(plan, World())(session)
    return log


def fork_at(log, name, seq, plan):
    """Fork; return the fork's name, and what it did to the world. A run may end in an error of its own."""
    world, opened = World(), []
    with suppress(Exception):
        fork(log, name, seq, Program(plan, world), on_open=opened.append)
    return (opened or [""])[0], world.done


def strands(log, name):
    """Return a run's events by strand, without what differs from run to run; what functions did inside is left out."""
    recording, found = Recording(log.read_run(name)), {}
    for event in recording.events[1:]:
        if event.kind in ("note", "contract", "session.resume") or recording.is_nested(event):
            continue
        data = dict(event.data)
        if event.kind == "value" and data["name"] in ("now", "uuid4"):
            data.pop("value", None)
        data.pop("idempotency_key", None)
        strand = found.setdefault(strand_of(event.id), {"results": [], "rest": []})
        # Results of functions that ran at the same time come in any order.
        strand["results" if event.kind == "function.result" else "rest"].append((event.kind, event.id, data))
    for strand in found.values():
        strand["results"].sort(key=lambda told: told[1])
    return found


def numbers_done_in(events):
    """Return which effects have their result among these events: a fork must not do them again.

    A function that is under way runs again, and so does what it did itself.
    """
    recording, numbers = Recording(events), set()
    for event in recording.events:
        if recording.is_nested(event):
            continue
        if event.kind == "value" and isinstance(event.data.get("value"), list):
            numbers.add(event.data["value"][0])
        if event.kind == "function.result" and (call := recording.find("function.call", event.id)):
            with suppress(IndexError, ValueError):
                numbers.add(int(call.data["arguments"].partition('"n":')[2].partition(",")[0].rstrip("}")))
    return numbers


def check_fork(log, parent, seq, plan):
    """Fork a run at an event, and hold what comes of it to the run itself; return the fork's name."""
    name, done = fork_at(log, parent, seq, plan)
    served = numbers_done_in(list(log.read_run(parent))[: seq - 1])
    assert not served & done.keys(), f"done again: {served & done.keys()}"
    assert max(done.values(), default=1) == 1
    if name:
        assert strands(log, name) == strands(log, "s")
        report = replay(log, name, Program(plan, World(live=False)))
        assert (report.status, report.replayed) == ("same", report.events), report.difference
    return name


@amounts(SAMPLE, 200)
def test_a_fork_at_any_event_is_the_run_that_nobody_forked(amount):
    """Whoever forks without a change gets what was there: the same kinds, ids and data, and nothing done again."""
    forks, step = 0, SAMPLE_STEP if amount == SAMPLE else 1
    for seed in range(amount):
        plan = draw_plan(seed, size=4)
        log = record(plan, seed)
        last = len(list(log.read_run("s")))
        for seq in range(2 + seed % step, last + 1, step):
            forks += bool(check_fork(log, "s", seq, plan))
    assert forks > 10 * amount // step


@amounts(6, 200)
def test_forks_of_forks(amount):
    """A fork may be forked, before the place where it began and after."""
    for seed in range(amount):
        plan, chance = draw_plan(seed, size=4), random.Random(seed)
        log, name = record(plan, seed), "s"
        for _ in range(ATTEMPTS):
            seq = chance.randint(2, len(list(log.read_run(name))))
            name = check_fork(log, name, seq, plan) or name


def edited(plan):
    """Return a plan whose agents are told something else."""
    changed = copy.deepcopy(plan)
    for agent in changed["agents"].values():
        agent["system"] += " Be brief."
        agent.setdefault("handlers", {})["exception_prompt"] = "Once more: {error_message}"
    return changed


@amounts(4, 200)
def test_a_fork_says_its_past_in_todays_words(amount):
    """Changed prompts stand in the fork from its first event, and its replay needs nothing but the changed code."""
    forks = 0
    for seed in range(amount):
        plan, chance = draw_plan(seed, size=4), random.Random(seed)
        log = record(plan, seed)
        last = len(list(log.read_run("s")))
        for seq in sorted(chance.sample(range(2, last + 1), min(last - 1, 8))):
            name, done = fork_at(log, "s", seq, edited(plan))
            served = numbers_done_in(list(log.read_run("s"))[: seq - 1])
            assert not served & done.keys()
            if not name:
                continue
            forks += 1
            report = replay(log, name, Program(edited(plan), World(live=False)))
            assert (report.status, report.difference) == ("same", {})
            told = Recording(log.read_run(name))
            systems = [
                e.data["message"]["content"] for e in told.events if e.kind == "message" and not told.is_nested(e)
            ]
            assert [text for text in systems if text.startswith("You are number") and "brief" not in text] == []
    assert forks > amount


def test_a_fork_that_does_something_again_is_seen():
    """The comparison itself must not be blind."""
    plan = draw_plan(0, size=4)
    log = record(plan, 0)
    other = copy.deepcopy(plan)
    other["ops"].append({"op": "show", "text": "more"})
    name, _ = fork_at(log, "s", len(list(log.read_run("s"))), other)
    assert strands(log, name) != strands(log, "s")
    with pytest.raises(AssertionError):
        check_fork(log, "s", len(list(log.read_run("s"))), other)
