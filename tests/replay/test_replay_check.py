"""Check: which recorded model calls today's code would change, told before anything is sent."""

import pytest
from crashes import Shop

from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.models.prompt import Prompt
from lllm.replay import check, fork
from lllm.testing import function_model


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path).record()


class Two:
    """Two agents that talk in turn; each text may be changed."""

    def __init__(self, folder):
        self.shop = Shop(folder)
        self.log = self.shop.log
        self.first, self.second, self.said = "You write.", "You judge.", "go"
        self.ran = 0
        with Session.open(self.log, "s", header={"task": "t"}) as session:
            session.result = self.run(session)

    def run(self, session):
        model = function_model(lambda request: f"re: {request.history[-1].content}")
        agents = [
            Agent(name=name, system_prompt=Prompt(path=name, prompt=text), model="m", provider=model)
            for name, text in (("writer", self.first), ("judge", self.second))
        ]
        dialogs = [agent.init_dialog(session=session) for agent in agents]
        for _ in range(2):
            for agent, dialog in zip(agents, dialogs, strict=True):
                dialog.send_message(self.said)
                agent.call(dialog)
        return "done"


@pytest.fixture
def two(tmp_path):
    return Two(tmp_path)


def changed(report):
    return [change["id"] for change in report.changed]


def because(report):
    return [(change["kind"], change["id"]) for change in report.because]


def test_code_that_is_the_same_changes_no_call(shop):
    report = check(shop.log, "whole", shop.run)
    assert (report.calls, report.changed, report.because, report.stopped) == (3, [], [], {})
    assert (report.untold, report.tokens) == (0, 0)


def test_exactly_the_calls_of_the_changed_prompt_are_told(two):
    """The other agent's calls cost nothing anew."""
    two.second = "You judge mildly."
    report = check(two.log, "s", two.run)
    assert changed(report) == ["2/s0", "2/s1"]
    assert because(report) == [("message", "2/m0")]
    assert report.calls == 4


def test_a_message_of_the_code_changes_the_calls_behind_it(two):
    two.said = "start"
    report = check(two.log, "s", two.run)
    assert sorted(changed(report)) == ["1/s0", "1/s1", "2/s0", "2/s1"]
    assert sorted(because(report)) == [
        ("message", "1/m1"),
        ("message", "1/m3"),
        ("message", "2/m1"),
        ("message", "2/m3"),
    ]


def test_what_the_changed_calls_had_cost_is_counted(two):
    two.second = "You judge mildly."
    report = check(two.log, "s", two.run)
    replies = [e.data["usage"] for e in two.log.read_run("s") if e.kind == "model.reply" and e.id.startswith("2/")]
    assert report.tokens == sum(usage[0] + usage[1] for usage in replies)


def test_each_change_has_its_place_its_pointer_and_its_cause(two):
    two.second = "You judge mildly."
    (first, _) = check(two.log, "s", two.run).changed
    request = next(e for e in two.log.read_run("s") if (e.kind, e.id) == ("model.request", "2/s0"))
    assert (first["seq"], first["kind"], first["id"]) == (request.seq, "model.request", "2/s0")
    assert first["pointer"]
    assert first["cause"]
    assert "+You judge mildly." in check(two.log, "s", two.run).because[0]["diff"]


def test_code_that_does_other_things_is_told_with_the_calls_that_cannot_be_told(shop):
    shop.extra = lambda session: session.step("new", lambda: 1)
    report = check(shop.log, "whole", shop.run)
    assert report.changed == []
    assert report.stopped["seq"] == shop.seq("step", "v/1")
    assert report.untold == 1  # of three calls the last comes after that


def test_what_was_changed_before_that_place_is_told_as_well(shop):
    shop.prompt = "You buy much."
    shop.extra = lambda session: session.step("new", lambda: 1)
    report = check(shop.log, "whole", shop.run)
    assert (changed(report), report.untold) == (["1/s0", "1/s1"], 1)


def test_calls_inside_a_step_are_not_counted(tmp_path):
    """They are a part of its value, which is served."""
    shop = Shop(tmp_path)
    model = function_model(lambda _request: "inner")
    shop.extra = lambda session: session.step("ask", lambda: Agent.quick(provider=model).ask("x").content)
    shop.record()
    assert sum(e.kind == "model.request" for e in shop.events()) == 4
    assert check(shop.log, "whole", shop.run).calls == 3


def test_nothing_is_asked_done_or_written(shop):
    before = shop.lines("whole")
    shop.prompt = "You buy much."
    check(shop.log, "whole", shop.run)
    assert (shop.asked, shop.done) == (0, {})
    assert shop.lines("whole") == before
    assert list(shop.log.session_names()) == ["whole"]


def test_a_fork_is_checked_as_one_run(shop):
    name = fork(shop.log, "whole", "1/s1", shop.run).session
    assert check(shop.log, name, shop.run).changed == []
    shop.prompt = "You buy much."
    assert changed(check(shop.log, name, shop.run)) == ["1/s0", "1/s1", "1/s2"]


def test_a_run_that_died_is_checked_to_its_end(shop):
    name = shop.die_after("model.reply", "1/s1")
    shop.prompt = "You buy much."
    report = check(shop.log, name, shop.run)
    assert (changed(report), report.stopped, report.untold) == (["1/s0", "1/s1"], {}, 0)
