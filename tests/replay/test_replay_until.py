"""A replay that stops before an event: on the stack of today's code, for whoever wants to look around there."""

import asyncio
import inspect

import pytest
from crashes import MAIL, Shop

from lllm.errors import LogError
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.replay import fork, replay
from lllm.testing import scripted_model


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path).record()


@pytest.mark.parametrize("at", [("model.request", "1/s1"), ("step", MAIL), ("message", "1/m7"), ("dialog.open", "1")])
def test_it_stops_before_the_event_and_all_before_it_agree(shop, at):
    seq = shop.seq(*at)
    report = replay(shop.log, "whole", shop.run, until=seq)
    assert (report.status, report.stopped_at, report.replayed) == ("stopped", seq, seq - 1)
    assert (report.difference, report.error, report.result) == ({}, "", None)
    assert not shop.done


def test_an_id_means_its_first_event(shop):
    assert replay(shop.log, "whole", shop.run, until="1/s1").stopped_at == shop.seq("model.request", "1/s1")


def test_digits_as_text_are_a_seq(shop):
    """A command line knows only texts."""
    assert replay(shop.log, "whole", shop.run, until="15").stopped_at == 15


@pytest.mark.parametrize("at", [0, 1, 27, "x", "", "1/s9"])
def test_an_event_that_is_not_there_is_refused(shop, at):
    with pytest.raises(LogError, match="has no event"):
        replay(shop.log, "whole", shop.run, until=at)


def test_every_event_can_be_stopped_at(shop):
    """The one that is come to next, where the event itself is none that code comes to."""
    for seq in range(2, len(shop.events()) + 1):
        report = replay(shop.log, "whole", shop.run, until=seq)
        assert report.status == "stopped", seq
        assert report.stopped_at >= seq
    assert not shop.done


def test_a_difference_before_the_place_is_told_as_one(shop):
    shop.prompt = "You buy much."
    assert replay(shop.log, "whole", shop.run, until="1/s1").status == "differs"


def test_a_difference_behind_the_place_is_not_looked_at(shop):
    shop.extra = lambda session: session.step("new", lambda: 1)
    assert replay(shop.log, "whole", shop.run, until="1/s1").status == "stopped"


def test_whoever_is_told_stands_on_the_stack_of_the_users_code(shop):
    """A debugger opened there shows the program's own variables."""
    found = []

    def look(event):
        names = [frame.function for frame in inspect.stack()]
        found.append((event.kind, event.id, "run" in names))
        return False

    report = replay(shop.log, "whole", shop.run, until="1/s1", on_stop=look)
    assert found == [("model.request", "1/s1", True)]
    assert report.status == "stopped"


def test_it_goes_on_to_the_end_when_told(shop):
    asked = []
    report = replay(shop.log, "whole", shop.run, until="1/s1", on_stop=lambda event: not asked.append(event))
    assert (report.status, report.stopped_at, len(asked)) == ("same", 0, 1)


def test_an_except_of_the_users_does_not_go_on(shop):
    """A loop that tries again for ever would never end its replay."""
    went_on = []

    def run(session):
        try:
            shop.run(session)
        except Exception:  # noqa: BLE001 - what users write
            went_on.append(1)

    assert replay(shop.log, "whole", run, until="1/s1").status == "stopped"
    assert not went_on


def test_async_code_stops_too():
    log = MemoryLog()

    async def run(session):
        agent = Agent.quick(provider=scripted_model("a", "b"))
        return [(await agent.aask(text)).content for text in "xy"]

    with Session.open(log, "s") as session:
        session.result = asyncio.run(run(session))
    assert replay(log, "s", run, until="2/s0").status == "stopped"
    assert replay(log, "s", run).status == "same"


def test_a_fork_stops_in_its_parents_part_and_in_its_own(shop):
    name = fork(shop.log, "whole", "1/s2", shop.run).session
    for at in ("1/s0", "1/s2"):
        shop.forget()
        assert replay(shop.log, name, shop.run, until=at).stopped_at == shop.seq("model.request", at)
        assert (shop.asked, shop.done) == (0, {})
