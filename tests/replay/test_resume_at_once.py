"""Runs that do several things at once and die: whoever goes on finds each thread's place, whatever comes first today."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from replay_scenes import World, calls, echo_model

from lllm.llm.session import Session
from lllm.log import LocalFileLog
from lllm.models.function import Function
from lllm.replay import replay, resume
from lllm.testing import function_model


@pytest.fixture
def log(tmp_path):
    return LocalFileLog("logs", {"log_dir": str(tmp_path), "durability": "none"})


def cut_before(log, run, kind, id_, name="cut"):
    """Run, and leave of the log what was there before an event, as a kill does."""
    with Session.open(log, "whole", header={"task": "t"}, seed=1) as session:
        session.result = run(session)
    events = list(log.read_run("whole"))
    at = next(event.seq for event in events if (event.kind, event.id) == (kind, id_))
    shutil.copytree(log.session_path("whole"), log.session_path("whole").with_name(name))
    file = log.session_path(name) / "events-000001.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[: at - 1]))


def test_a_thread_that_is_ahead_waits_for_those_that_have_a_past(log):
    """Two threads begin at one place, and only one had logged anything. The other may come first today."""
    agent, seconds = World(echo_model()).agent(), {"one": 0.0, "two": 0.02}

    def run(session):
        dialogs = {name: agent.init_dialog() for name in seconds}

        def work(name):
            threading.Event().wait(seconds[name])
            dialogs[name].send_message(name)
            return agent.call(dialogs[name])[0].content

        with ThreadPoolExecutor(2) as pool:
            return [end.result() for end in [pool.submit(copy_context().run, work, name) for name in dialogs]]

    cut_before(log, run, "message", "2/m1")
    seconds.update(one=0.05, two=0.0)
    assert resume(log, "cut", run).result == ["re: one", "re: two"]
    assert replay(log, "cut", run).status == "same"


def test_a_thread_of_a_pool_that_did_other_work_before_finds_its_scope(log):
    """Which of a pool's threads takes a piece of work is chance, and so is what came before in that thread."""
    agent = World(echo_model()).agent()
    workers = [2]

    def run(session):
        both = threading.Barrier(workers[0])

        def work(name):
            both.wait(10)
            with session.scope(name), session.active():
                return agent.ask(name).content

        with ThreadPoolExecutor(workers[0]) as pool:
            return list(pool.map(work, ["a", "b"]))

    cut_before(log, run, "session.close", "")
    workers[0] = 1
    report = resume(log, "cut", run)
    assert report.result == ["re: a", "re: b"]
    assert [e.id for e in log.read_run("cut") if e.kind == "dialog.open"].count("b.1") == 1
    assert replay(log, "cut", run).status == "same"


def _asks_twice():
    def respond(request):
        if request.contract.functions and request.history[-1].role.value == "user":
            return calls(("work", {}), ("nope", {}))
        return f"re: {request.history[-1].content}"

    return function_model(respond)


def working(model, **options):
    """Return a program whose function asks an agent, and draws a number for it."""
    world = World(model)
    inner = world.agent("I work.", name="inner")

    def run(session):
        def work() -> str:
            """Do the work."""
            return inner.ask(f"{session.random.random()}").content

        return world.agent(functions=[Function.from_callable(work, **options)]).ask("go").content

    return run


def test_a_function_that_never_began_begins_for_the_first_time(log):
    """Its call was logged, and the round's other call was not answered yet: no round begins before that."""
    run = working(_asks_twice())
    cut_before(log, run, "function.result", "1/s0/f1")
    report = resume(log, "cut", run)
    assert [item.policy for item in report.unfinished] == ["start"]
    opened = [e.id for e in log.read_run("cut") if e.kind == "dialog.open"]
    assert opened == ["1", "1-s0-f0.1"]


def test_a_function_that_runs_again_draws_what_it_drew(log):
    """Else whatever depends on the number comes out otherwise, although the session has its seed."""
    run = working(_asks_twice(), repeatable=True)
    cut_before(log, run, "function.result", "1/s0/f0")
    resume(log, "cut", run)
    whole, cut = ({(e.kind, e.id): e.data for e in log.read_run(name)} for name in ("whole", "cut"))
    assert cut["function.result", "1/s0/f0"] == whole["function.result", "1/s0/f0"]


def test_all_that_was_first_said_inside_a_function_after_a_crash_is_passed_over(log):
    """A contract that only a function needed is a part of what it did, and no replay comes to it."""
    run = working(_asks_twice(), repeatable=True)
    cut_before(log, run, "dialog.open", "1-s0-f0.1")
    resume(log, "cut", run)
    report = replay(log, "cut", run)
    assert (report.status, report.replayed) == ("same", report.events)


@pytest.mark.parametrize("extra", ["dialog", "value"])
def test_what_is_new_inside_a_scope_is_told_at_what_came_next(log, extra):
    """The recording has nothing more in that scope; the report must not point at the end of the session."""
    agent, more = World(echo_model()).agent(), []

    def run(session):
        with session.scope("a"):
            session.now()
            for _ in more:
                session.now() if extra == "value" else agent.init_dialog()
        return agent.ask("go").content

    with Session.open(log, "s", header={"task": "t"}) as session:
        session.result = run(session)
    more.append(1)
    report = replay(log, "s", run)
    assert (report.status, report.difference["seq"]) == ("differs", 3)
