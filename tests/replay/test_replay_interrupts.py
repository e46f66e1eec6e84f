"""Ctrl-C comes at any moment, also where no log can tell of it. Whatever it left behind replays."""

from __future__ import annotations

import asyncio
import threading

import pytest
from replay_scenes import SCENES, NoModel, Scene, World, calls, echo_model, record, replayed, script

from lllm.llm.session import Session
from lllm.log.memory import MemoryLog
from lllm.replay import replay
from lllm.testing import function_model
from lllm.utils import encode_json


def run_and_replay(program, model=echo_model, error=KeyboardInterrupt):
    scene = Scene(program.__name__, program, model, error)
    log = MemoryLog()
    record(scene, log)
    return replayed(scene, log)


def ask(session, world, text="hello"):
    agent = world.agent()
    dialog = agent.init_dialog(session=session)
    dialog.send_message(text)
    return agent.call(dialog)[0].content


def test_an_interrupt_between_two_events_is_the_end_of_the_recording():
    """No event says where it came, so today's code, which nobody interrupts, may go on to where it does more."""

    def program(session, world):
        ask(session, world)
        if world.live:
            raise KeyboardInterrupt
        return ask(session, world, "again")

    report = run_and_replay(program)
    assert (report.status, report.difference) == ("ended", {})


def test_an_interrupt_after_the_last_event_is_the_end_of_the_recording():
    """Today's code comes to its own end, which the recorded one did not."""

    def program(session, world):
        answer = ask(session, world)
        if world.live:
            raise KeyboardInterrupt
        return answer

    report = run_and_replay(program)
    assert (report.status, report.difference) == ("ended", {})


def test_an_interrupted_run_is_still_held_to_what_it_did():
    """An interrupt excuses what comes after it, not what comes before."""

    def program(session, world):
        ask(session, world, "hello" if world.live else "something else")
        raise KeyboardInterrupt

    report = run_and_replay(program)
    assert (report.status, report.difference["id"]) == ("differs", "1/m1")


def test_an_interrupt_that_the_log_tells_of_is_raised_where_it_came():
    """It came into a call, so code that catches it today, and did not then, does something else."""

    def interrupt(request):
        raise KeyboardInterrupt

    def program(session, world):
        if world.live:
            return ask(session, world)
        try:
            return ask(session, world)
        except KeyboardInterrupt:
            return "caught"

    report = run_and_replay(program, lambda: function_model(interrupt))
    assert (report.status, report.difference["kind"]) == ("differs", "session.close")


def test_at_which_step_of_its_call_an_interrupt_came_is_chance():
    """Before the first request is logged, a live call has no step yet; a replay learns of the end at the request."""
    log, short = MemoryLog(), MemoryLog()
    scene = SCENES["echo"]
    record(scene, log)
    events = [event for event in log.read_session("s") if event.kind in ("session.open", "dialog.open", "message")]

    with short.open_session("s") as session:
        for event in events:
            session.append(event.kind, event.id, encode_json(event.data), cause=event.cause)
        by = {"outcome": "failed", "reason": "cancelled", "by": "KeyboardInterrupt: "}
        session.append("call.close", "1/s-", encode_json(by))
        session.append("session.close", "", encode_json({"status": "failed", "error": "KeyboardInterrupt: "}))
    report = replayed(scene, short)
    assert (report.status, report.error) == ("same", "KeyboardInterrupt: ")


class Stop(BaseException):
    """What a user's own framework stops its tasks with."""


def test_a_function_that_stops_the_run_with_an_error_of_its_own_replays():
    """Not every end from outside is called KeyboardInterrupt."""

    def stop() -> str:
        """Stop."""
        raise Stop("enough")

    def program(session, world):
        agent = world.agent(functions=[stop])
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        agent.call(dialog)

    report = run_and_replay(program, script(calls(("stop", {}))), Stop)
    assert (report.status, report.error) == ("same", "Stop: enough")


# --- work at the same time ---------------------------------------------------------------------------------------------


def test_a_map_that_fails_replays_as_many_items_as_had_begun():
    """How many that were is a matter of threads; a replay must neither begin more nor fewer."""
    many, begun = 60, threading.Event()

    def program(session, world):
        def one(index):
            answer = ask(session, world, str(index))
            if index == many - 1:
                begun.set()
            if index == 0:
                begun.wait(60 if world.live else 0)
                raise ValueError("the first item fails last")
            return answer

        return session.map(one, range(2 * many), concurrency=2)

    report = run_and_replay(program, error=ValueError)
    assert (report.status, report.error) == ("same", "ValueError: the first item fails last")


def test_an_async_map_that_fails_replays_as_many_items_as_had_begun():
    """On a loop, too, the others' progress is chance: here the first two are cancelled in the middle of a call."""

    class Slow(NoModel):
        async def asend(self, request, **options):
            if request.history[-1].content in "01":
                await asyncio.sleep(60)
            return echo_model().send(request)

    def program(session, world):
        async def one(index):
            agent = world.agent()
            dialog = agent.init_dialog(session=session)
            dialog.send_message(str(index))
            answer = (await agent.acall(dialog))[0].content
            if index == 4:
                raise ValueError("the fifth item fails first")
            return answer

        return session.amap(one, range(50), concurrency=3)

    report = run_and_replay(program, Slow, ValueError)
    assert (report.status, report.error) == ("same", "ValueError: the fifth item fails first")


def test_a_map_that_was_interrupted_ends_its_replay_in_that():
    """None of its items failed: what ended it came from outside."""

    def program(session, world):
        def one(index):
            answer = ask(session, world, str(index))
            if world.live and index == 3:
                raise KeyboardInterrupt
            return answer

        return session.map(one, range(6), concurrency=1)

    report = run_and_replay(program)
    assert (report.status, report.error) == ("same", "KeyboardInterrupt: ")


@pytest.mark.parametrize("place", ["scope", "function"])
def test_a_session_that_was_opened_in_anothers_scope_replays_alone(place):
    """A system that is called from within another one's parallel work, or function, has a log of its own."""
    log = MemoryLog()

    def inner(session):
        return ask(session, World(script("fine")()))

    def open_inner() -> str:
        """Run another system."""
        with Session.open(log, "inner", header={}) as session:
            session.result = inner(session)
        return "done"

    with Session.open(log, "outer", header={}) as outer:
        if place == "scope":
            with outer.scope("a"):
                open_inner()
        else:
            agent = World(script(calls(("open_inner", {})), "end")()).agent(functions=[open_inner])
            agent.ask("go")
    report = replay(log, "inner", run=lambda session: ask(session, World(NoModel(), live=False)))
    assert (report.status, report.difference) == ("same", {})
