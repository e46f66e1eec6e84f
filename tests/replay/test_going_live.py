"""Where a recording ends and real work begins: what is heard, what is logged first, and what is told."""

from __future__ import annotations

import pytest

from lllm.errors import ConfigError
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.llm.stream import FunctionEvent, TextEvent
from lllm.log.memory import MemoryLog
from lllm.replay import AGAIN, fork, replay, resume
from lllm.testing import function_model


def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def respond(request):
    last = request.history[-1]
    return (
        f"it is {last.content}"
        if last.role.value == "tool"
        else {"calls": [{"name": "double", "arguments": {"number": 4}}]}
    )


def program(session):
    agent = Agent.quick("You count.", provider=function_model(respond), functions=[double])
    dialog = agent.init_dialog(session=session)
    for _ in range(2):
        dialog.send_message("double four")
        agent.call(dialog)


def test_a_listener_hears_only_what_is_done():
    """A function that is shown while it is served looks as if it ran again."""
    log, heard = MemoryLog(), []
    with Session.open(log, "s") as session:
        program(session)
    fork(log, "s", "1/s3", program, listen=heard.append)
    assert "".join(event.text for event in heard if isinstance(event, TextEvent)) == "it is 8"
    assert not [event for event in heard if isinstance(event, FunctionEvent)]
    fork(log, "s", "1/s2", program, listen=heard.append)
    assert [event.done for event in heard if isinstance(event, FunctionEvent)] == [False, True]


def test_who_goes_on_says_so_before_anything_is_done_again():
    """A second death in the same function must find that it was begun twice."""
    log, seen = MemoryLog(), []

    def pay(amount: int) -> str:
        """Pay."""
        seen.append([event.kind for event in log.read_session("s")][-1])
        return "paid"

    def run(session):
        asked = {"calls": [{"name": "pay", "arguments": {"amount": 1}}]}
        model = function_model(lambda request: "done" if request.history[-1].role.value == "tool" else asked)
        dialog = (agent := Agent.quick(provider=model, functions=[pay])).init_dialog(session=session)
        dialog.send_message("pay")
        agent.call(dialog)

    class DiedError(BaseException):
        """Stands for the end of the process."""

    session = Session.open(log, "s")
    journal, append = session.journal, session.journal.append

    died = []

    def die(kind, *args, **options):
        if died or kind == "function.result":
            died.append(kind)  # a dead process writes nothing any more
            raise DiedError
        return append(kind, *args, **options)

    journal.append = die
    with pytest.raises(DiedError), session.active():
        run(session)
    del journal.append
    journal.close()
    resume(log, "s", run, decide=lambda unknown: AGAIN)
    assert seen == ["function.call", "session.resume"]


def test_a_step_whose_value_no_log_holds_replays_as_it_ended():
    """What it did is done: the log must not leave it open, nor a replay call it another program."""
    log = MemoryLog()

    def run(session):
        with pytest.raises(ConfigError, match="cannot hold"):
            session.step("charge", object)

    with Session.open(log, "s") as session:
        run(session)
    assert [event.kind for event in log.read_run("s")] == ["session.open", "step", "value", "session.close"]
    assert replay(log, "s", run).status == "same"


def test_what_todays_code_raised_is_told():
    """Without it a user would look for a difference where there is a slip of the finger."""
    log = MemoryLog()
    with Session.open(log, "s") as session:
        program(session)
    report = replay(log, "s", lambda session: {}["boom"])
    assert "KeyError" in report.difference["message"]
    assert "KeyError" in report.difference["cause"]


def test_a_number_that_differs_may_be_the_time():
    """The likely cause names what to ask the session for."""
    log = MemoryLog()

    def run(number):
        def ask(session):
            Agent.quick(provider=function_model(lambda request: "ok")).init_dialog(session=session).send_message(
                f"it is {number}"
            )

        return ask

    with Session.open(log, "s") as session:
        run(1.5)(session)
    assert "session.now()" in replay(log, "s", run(2.25)).difference["cause"]
    assert "session.now()" not in replay(log, "s", run("late")).difference["cause"]
