"""What a step did is logged under its own id: beside others, with agents and values inside, and however it ended."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError as FutureCancelled

import pytest
from replay_scenes import NoModel, World, echo_model
from test_replay_cut import cut

from lllm.errors import LogCorrupt, LogError, LogPoisoned
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.models.function import Function
from lllm.models.prompt import Prompt
from lllm.replay import replay
from lllm.testing import function_model


def recorded(run, **options):
    """Run for real; an error of the run is in the log like anything else."""
    log = MemoryLog()
    try:
        with Session.open(log, "s", **options) as session:
            result = run(session)
            session.result = asyncio.run(result) if asyncio.iscoroutine(result) else result
    except BaseException:  # noqa: BLE001 - a test looks into the log
        pass
    return log


def closing(log):
    return list(log.read_session("s"))[-1].data


def never(*_args):
    raise AssertionError("a replay ran a step")


# --- beside others ----------------------------------------------------------------------------------------------------


def two_at_once(session, first="slow"):
    """Start a step that ends only after the one which was started later."""
    done = asyncio.Event()

    async def slow():
        await done.wait()
        return "slow"

    async def fast():
        done.set()
        return "fast"

    async def both():
        return await asyncio.gather(session.astep(first, slow), session.astep("fast", fast))

    return both()


def test_steps_that_end_in_another_order_than_they_began_replay():
    """What is fetched at the same time arrives in any order; a replay has it all at once."""
    log = recorded(two_at_once)
    assert [e.id for e in log.read_session("s") if e.kind == "value"] == ["v/1", "v/0"]
    report = replay(log, "s", run=two_at_once)
    assert (report.status, report.result) == ("same", ["slow", "fast"])
    assert report.replayed == report.events


def test_a_step_of_several_that_was_renamed_is_found():
    """Each value has a strand of its own, and still its name counts."""
    found = replay(recorded(two_at_once), "s", run=lambda s: two_at_once(s, "slower")).difference
    assert (found["id"], found["pointer"]) == ("v/0", "/data/name")


@pytest.mark.parametrize(
    ("then", "now", "id_"),
    [(3, 2, "v/2"), (2, 3, "v/2"), (1, 0, "v/0"), (0, 1, "v/0")],
    ids=["one less", "one more", "none any more", "the first"],
)
def test_a_value_more_or_less_is_found(then, now, id_):
    """Nothing may be answered from nowhere, and nothing that was asked may be left out."""

    def ask(times):
        return lambda session: [session.now() for _ in range(times)] and None

    report = replay(recorded(ask(then)), "s", run=ask(now))
    assert (report.status, report.difference["id"]) == ("differs", id_)


def test_two_values_that_changed_places_are_found():
    """The first clock reading is not the second."""
    log = recorded(lambda session: session.note(f"{session.now()} {session.uuid4()}"))
    found = replay(log, "s", run=lambda session: session.note(f"{session.uuid4()} {session.now()}")).difference
    assert (found["id"], found["pointer"]) == ("v/0", "/data/name")


# --- with something inside --------------------------------------------------------------------------------------------


def nested(session, model, live=True):
    """Ask, note and map inside of steps, and go on outside."""
    agent = World(model).agent(name="inner")

    def body(text):
        assert live, "a replay ran a step"
        session.frontend("write", {"args": [text]})
        told = session.map(lambda item: agent.ask(f"{item} {session.now()}").content, [text, text])
        return [*told, session.step("deeper", lambda: [session.uuid4(), agent.ask("deep").content])]

    first = session.step("outer", body, "a")
    between = [session.now(), agent.ask("between").content]
    with session.scope("part"):
        second = session.step("outer", body, "b")
    return [first, between, second, agent.ask("after").content]


def test_what_a_step_does_inside_is_passed_over():
    """Its result is served, so nothing in it runs again; what comes after has the ids that it had."""
    log = recorded(lambda session: nested(session, echo_model()))
    assert closing(log)["status"] == "ok"
    model = NoModel()
    report = replay(log, "s", run=lambda session: nested(session, model, live=False))
    assert (report.status, report.difference, model.asked) == ("same", {}, 0)
    assert (report.result, report.replayed) == (closing(log)["result"], report.events)


def test_the_same_holds_for_async_steps():
    """The twin is a scope, too."""

    def run(model):
        async def main(session):
            agent = World(model).agent()

            async def body():
                return [session.now(), (await agent.aask("in")).content]

            return [await session.astep("outer", body), session.now(), (await agent.aask("out")).content]

        return main

    report = replay(recorded(run(echo_model())), "s", run=run(NoModel()))
    assert (report.status, report.difference) == ("same", {})


def test_a_scope_of_the_users_own_is_never_taken_for_a_step():
    """What is passed over is not compared, so no name that a user may choose must mean it."""

    def run(session, shown="then"):
        session.now()
        with session.scope("v-0"), session.scope("v~1"):
            session.frontend("write", {"args": [shown]})

    assert replay(recorded(run), "s", run=lambda session: run(session, "now")).status == "differs"


def test_a_process_that_died_inside_a_step_replays_up_to_it():
    """What the step had done by then is no difference, and it is not run to find out."""
    log = recorded(lambda session: nested(session, echo_model()))
    events = list(log.read_session("s"))
    end = next(event.seq for event in events if event.id == "v/0")
    for length in range(2, end):
        report = replay(cut(log, length), "s", run=lambda session: nested(session, NoModel(), live=False))
        assert (report.status, report.replayed) == ("ended", length)


# --- however it ended -------------------------------------------------------------------------------------------------


class OwnError(Exception):
    """What a library of the user's raises."""


class OwnLogError(LogError):
    """A user may build on our errors."""


class OwnStop(BaseException):
    """Not to be caught by ``except Exception``."""


ENDS = [
    KeyboardInterrupt(),
    SystemExit(2),
    asyncio.CancelledError("by hand"),
    FutureCancelled(),
    KeyError("k"),
    FileNotFoundError(2, "No such file"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ExceptionGroup("several", [ValueError("a"), KeyError("b")]),
    LogCorrupt("another log is damaged", where="elsewhere", hint="look at it"),
    OwnLogError("mine"),
    OwnError("what", "else"),
    OwnStop("now"),
]


def text_of(error):
    return getattr(error, "message", None) or str(error)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: type(end).__name__)
def test_whatever_a_step_ends_in_is_raised_again(end):
    """User code that caught it then must catch it now, at the same ``except``."""

    def load():
        raise end

    def run(session, body=load):
        try:
            return session.step("load", body)
        except Exception as error:  # noqa: BLE001 - which of the two is the point
            caught = type(error) if isinstance(end, ExceptionGroup) else type(end)
            return ["error", isinstance(error, caught), text_of(error)]
        except BaseException as error:  # noqa: BLE001 - as above
            return ["exit", isinstance(error, type(end)), text_of(error)]

    log = recorded(run)
    assert closing(log)["result"][1:] == [True, text_of(end)]
    report = replay(log, "s", run=lambda session: run(session, never))
    assert (report.status, report.result) == ("same", closing(log)["result"])


def test_an_interrupt_that_nobody_catches_ends_the_replay_where_it_ended_the_run():
    """Ctrl-C in a long step is the commonest end of all."""

    def stop():
        raise KeyboardInterrupt

    report = replay(recorded(lambda s: s.step("long", stop)), "s", run=lambda s: s.step("long", never))
    assert (report.status, report.error) == ("same", "KeyboardInterrupt: ")


def test_a_step_that_ran_out_of_the_users_own_time_does_so_again():
    """``asyncio.timeout`` makes a TimeoutError of no cancellation but its own."""

    async def slow():
        await asyncio.Event().wait()

    async def run(session, body=slow):
        try:
            async with asyncio.timeout(0.01):
                await session.astep("slow", body)
        except TimeoutError:
            return ["gave up", session.now()]

    log = recorded(run)
    assert closing(log)["result"][0] == "gave up"
    report = replay(log, "s", run=lambda session: run(session, never))
    assert (report.status, report.result) == ("same", closing(log)["result"])


@pytest.mark.parametrize("waits", ["model", "function", "second"])
def test_a_call_that_ran_out_of_the_users_own_time_does_so_again(waits):
    """Whatever it was that took too long: the model, its function, or the model that was told the function's result."""

    async def model(request):
        is_second = request.history[-1].role == "tool"
        if waits == "model" or (waits == "second" and is_second):
            await asyncio.Event().wait()
        return "done" if is_second else {"calls": [{"name": "work", "arguments": {}}]}

    async def work() -> str:
        if waits == "function":
            await asyncio.Event().wait()
        return "worked"

    async def run(session, provider=function_model(model)):  # noqa: B008 - one for all
        function = Function.from_callable(work, description="Work.")
        prompt = Prompt(path="p", prompt="Work.", functions_list=[function])
        agent = Agent(name="agent", system_prompt=prompt, model="m", provider=provider)
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        try:
            async with asyncio.timeout(0.1):
                await agent.acall(dialog)
        except TimeoutError:
            return ["gave up", session.now()]

    log = recorded(run)
    assert closing(log)["result"][0] == "gave up"
    report = replay(log, "s", run=lambda session: run(session, NoModel()))
    assert (report.status, report.result) == ("same", closing(log)["result"]), report.difference


def waiting(limit_s, model):
    """A program that gives up on a model of its own accord."""

    async def run(session, provider=model, later_s=0.0):
        agent = Agent(name="agent", system_prompt=Prompt(path="p", prompt="x"), model="m", provider=provider)
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        try:
            async with asyncio.timeout(limit_s and limit_s + later_s):
                await agent.acall(dialog)
        except TimeoutError:
            return "gave up"

    return run


async def silent(_request):
    await asyncio.Event().wait()


def test_the_users_time_may_end_a_little_later_than_it_did():
    """Today's machine is another one, and busy."""
    run = waiting(0.7, function_model(silent))
    report = replay(recorded(run), "s", run=lambda session: run(session, NoModel(), later_s=0.3))
    assert (report.status, report.result) == ("same", "gave up")


def test_who_gives_up_no_more_is_waited_for_as_long_as_it_took(monkeypatch):
    """Today's code has no time-out: the cancellation is raised all the same, when its time has come."""
    log, slept = recorded(waiting(0.1, function_model(silent))), []
    asked, closed = (
        next(e.ts for e in log.read_session("s") if e.kind == kind) for kind in ("model.request", "call.close")
    )

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert replay(log, "s", run=waiting(None, NoModel())).status == "differs"
    assert slept == [pytest.approx(closed - asked + 0.5)]


def test_a_step_that_a_failing_neighbour_cancelled_replays():
    """A TaskGroup cancels the rest at the first error."""

    async def slow():
        await asyncio.Event().wait()

    async def fails():
        raise ValueError("no")

    async def run(session, one=slow, other=fails):
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(session.astep("slow", one))
                group.create_task(session.astep("fails", other))
        except* ValueError as errors:
            session.frontend("write", {"args": [str(error) for error in errors.exceptions]})

    report = replay(recorded(run), "s", run=lambda session: run(session, never, never))
    assert (report.status, report.difference) == ("same", {})


def test_a_log_that_broke_is_not_asked_to_keep_how_a_step_ended():
    """After a failed write the first error is the one that counts."""

    def poisoned():
        raise LogPoisoned("no space left")

    log = MemoryLog()
    session = Session.open(log, "s")
    with pytest.raises(LogPoisoned):
        session.step("x", poisoned)
    assert [event.kind for event in log.read_session("s")] == ["session.open", "step"]


def test_a_step_that_outlives_its_session_keeps_its_own_error():
    """That the log is closed is not why it failed."""
    session, gate, seen = Session.open(MemoryLog(), "s"), threading.Event(), []

    def fails():
        gate.wait(10)
        raise ValueError("late")

    def work():
        try:
            session.step("x", fails)
        except Exception as error:  # noqa: BLE001 - looked at below
            seen.append(repr(error))

    thread = threading.Thread(target=work)
    thread.start()
    session.close()
    gate.set()
    thread.join(10)
    assert seen == ["ValueError('late')"]
