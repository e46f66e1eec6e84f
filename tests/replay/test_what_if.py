"""What if: the same task through today's code and a real model, with the world as it was when it was recorded."""

import asyncio

import pytest
from systems import greeted

from lllm.errors import LimitExceeded, ReplayDiverged
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.models.function import Function
from lllm.replay import Overrides, replay, what_if
from lllm.testing import function_model


class Desk:
    """A program whose model asks for the functions that ``plan`` names, a step, and what its functions did.

    Attributes:
        plan: ``(name, arguments)`` of each call, a round each.
        ran: names of functions and steps that ran.
    """

    def __init__(self, *plan):
        self.log = MemoryLog()
        self.plan, self.ran, self.asked, self.count = plan, [], 0, 0
        self.steps = ("rate",)
        with Session.open(self.log, "s", header={"task": "t"}, seed=1) as session:
            session.result = self.run(session)
        self.ran.clear()
        self.asked = 0

    def run(self, session):
        values = [session.step(name, self._value, name) for name in self.steps]
        return [*values, self._agent().ask("go").content]

    async def arun(self, session):
        async def value(name):
            return self._value(name)

        values = [await session.astep(name, value, name) for name in self.steps]
        return [*values, (await self._agent().aask("go")).content]

    def _agent(self):
        def read(path: str) -> str:
            """Read."""
            self.ran.append("read")
            self.count += 1
            return f"{path} v{self.count}"

        def fail(path: str) -> str:
            """Fail."""
            self.ran.append("fail")
            raise ValueError(path)

        functions = [Function.from_callable(read, allow_repeat=True), Function.from_callable(fail)]
        return Agent.quick(provider=function_model(self._reply), functions=functions, max_interrupt_times=None)

    def _value(self, name):
        self.ran.append(name)
        self.count += 1
        return self.count

    def _reply(self, request):
        self.asked += 1
        answers = [m.content for m in request.history.messages if m.role.value == "tool"]
        if len(answers) < len(self.plan):
            name, arguments = self.plan[len(answers)]
            return {"calls": [{"name": name, "arguments": arguments, "id": f"c{len(answers)}"}]}
        return " | ".join(answers)

    def what_if(self, run=None, **options):
        return what_if(self.log, "s", run or self.run, **options)


READ_A, READ_B = ("read", {"path": "a"}), ("read", {"path": "b"})


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_arguments_that_are_blank_are_none(blank):
    """Several servers send that for a function without parameters; it is read here as it was read when it ran."""

    def run(session, functions):
        model = function_model(lambda request: "end" if request.history[-1].role.value == "tool" else asked)
        asked = {"calls": [{"name": "ping", "arguments": blank, "id": "c"}]}
        dialog = Agent.quick(provider=model, functions=functions).init_dialog(session=session)
        dialog.send_message("go")
        return [call.result for call in Agent.quick(provider=model, functions=functions).call(dialog)[2]]

    def ping() -> str:
        """Ping."""
        ran.append(1)
        return "pong"

    log, ran = MemoryLog(), []
    with Session.open(log, "s", header={"task": "t"}) as session:
        run(session, [ping])
    assert what_if(log, "s", lambda session: run(session, [ping])).result == ["pong"]
    assert ran == [1]


def test_models_are_asked_and_functions_and_steps_are_not_run():
    desk = Desk(READ_A)
    report = desk.what_if()
    assert report.result == [1, "a v2"]
    assert (desk.ran, desk.asked) == ([], 2)


def test_an_answer_is_looked_up_by_name_and_arguments_not_by_place():
    """A better prompt may ask for the same things in another order."""
    desk = Desk(READ_A, READ_B)
    desk.plan = (READ_B, READ_A)
    assert desk.what_if().result == [1, "b v3 | a v2"]


def test_a_call_that_was_made_twice_has_its_answers_in_order():
    """A file that was read, written and read again was another one the second time."""
    desk = Desk(READ_A, READ_A)
    assert desk.what_if().result == [1, "a v2 | a v3"]


def test_the_order_of_arguments_does_not_matter():
    desk = Desk(READ_A)
    desk.plan = (("read", '{  "path" : "a" }'),)
    assert desk.what_if().result == [1, "a v2"]


def test_a_new_run_may_ask_for_less():
    desk = Desk(READ_A, READ_B)
    desk.plan = (READ_B,)
    assert desk.what_if().result == [1, "b v3"]


def test_a_recorded_error_is_the_answer():
    desk = Desk(("fail", {"path": "a"}))
    (recorded,) = [e.data for e in desk.log.read_session("s") if e.kind == "function.result"]
    assert desk.what_if().result == [1, recorded["message"]["content"]]
    assert desk.ran == []


@pytest.mark.parametrize("plan", [(READ_B,), (READ_A, READ_A), (("fail", {"path": "a"}),)])
def test_a_call_that_was_never_recorded_stops_the_run(plan):
    """Other arguments, once more than recorded, another name: nobody knows what it would return."""
    desk = Desk(READ_A)
    desk.plan = plan
    with pytest.raises(ReplayDiverged, match="has no answer for") as raised:
        desk.what_if()
    assert raised.value.report["expected"] == ['read({"path":"a"})']
    assert "lllm fork" in raised.value.hint
    assert desk.ran == []


def test_a_miss_is_not_swallowed_by_the_users_except():
    desk = Desk(READ_A)
    desk.plan = (READ_B,)
    went_on = []

    def run(session):
        try:
            return desk.run(session)
        except Exception:  # noqa: BLE001 - what users write
            went_on.append(1)

    with pytest.raises(ReplayDiverged):
        desk.what_if(run)
    assert not went_on


def test_a_step_that_was_never_recorded_stops_the_run():
    desk = Desk(READ_A)
    desk.steps = ("rate", "other")
    with pytest.raises(ReplayDiverged, match="no answer for other"):
        desk.what_if()
    assert desk.ran == []


def test_the_error_of_a_step_is_raised_as_it_was():
    log = MemoryLog()

    def run(session):
        def broken():
            raise ValueError("no")

        try:
            session.step("broken", broken)
        except ValueError as error:
            return str(error)

    with Session.open(log, "s") as session:
        session.result = run(session)
    assert what_if(log, "s", run).result == "no"


def test_time_and_chance_are_asked_anew_when_none_is_left():
    """What is asked without doing anything needs no answer of the recording."""
    log = MemoryLog()
    wanted = [1]

    def run(session):
        return [session.now() for _ in wanted]

    with Session.open(log, "s") as session:
        session.result = run(session)
    wanted.append(2)
    result = what_if(log, "s", run).result
    assert result[0] == session.result[0]
    assert len(result) == 2


def test_the_new_run_has_a_session_of_its_own_that_replays():
    desk = Desk(READ_A, READ_B)
    desk.plan = (READ_B, READ_A)
    report = desk.what_if()
    assert report.session != "s"
    assert replay(desk.log, report.session, desk.run).status == "same"
    header = next(desk.log.read_session(report.session)).data
    assert header["what_if"]["session"] == "s"
    assert "parent" not in header
    assert desk.ran == []


def test_the_recording_stays_as_it_was():
    desk = Desk(READ_A)
    before = [e.raw for e in desk.log.read_session("s")]
    desk.what_if()
    assert [e.raw for e in desk.log.read_session("s")] == before


def test_a_miss_is_told_in_the_new_runs_log_and_the_log_is_closed():
    desk = Desk(READ_A)
    desk.plan = (READ_B,)
    with pytest.raises(ReplayDiverged):
        desk.what_if()
    (name,) = set(desk.log.session_names()) - {"s"}
    assert list(desk.log.read_session(name))[-1].kind == "session.close"


def test_async_code_is_answered_too():
    desk = Desk(READ_A)
    assert desk.what_if(desk.arun).result == [1, "a v2"]
    assert desk.ran == []


def test_tasks_that_call_at_once_get_each_its_answer():
    desk = Desk(READ_A)

    async def run(session):
        async def one(path):
            def reply(request):
                last = request.history[-1]
                call = {"calls": [{"name": "read", "arguments": {"path": path}, "id": "c"}]}
                return call if last.role.value == "user" else last.content

            agent = desk._agent()
            agent.provider = function_model(reply)
            with session.scope(path):
                dialog = agent.init_dialog(session=session)
                dialog.send_message("go")
                return (await agent.acall(dialog))[0].content

        return await asyncio.gather(one("x"), one("y"))

    with Session.open(desk.log, "two") as session:
        recorded = session.result = asyncio.run(run(session))
    desk.ran.clear()
    assert what_if(desk.log, "two", run).result == recorded
    assert desk.ran == []


def test_the_difference_is_told(tmp_path):
    log = greeted(tmp_path)
    report = what_if(log, "s", overrides=Overrides(prompts={"greet/main": "You are polite."}))
    assert report.result == "Dear again Ann"
    assert "Dear" in str(report.diff.to_dict())
    assert replay(log, report.session).status == "same"


def test_another_model_is_asked(tmp_path):
    log = greeted(tmp_path)
    report = what_if(log, "s", overrides=Overrides(model="m2"))
    assert {e.data["model"] for e in log.read_run(report.session) if e.kind == "model.reply"} == {"m2"}


def test_limits_of_the_config_hold(tmp_path):
    """It asks models for real, so it may cost money."""
    log = greeted(tmp_path)
    with pytest.raises(LimitExceeded):
        what_if(log, "s", overrides=Overrides(("session_limits.max_tokens=1",)))


def test_calls_inside_a_function_are_no_answers():
    """They are a part of the result of the function around them, which is served whole."""
    log = MemoryLog()
    outer_done = []

    def run(session):
        def inner():
            outer_done.append(1)
            return session.step("inner", lambda: "i")

        value = session.step("outer", inner)
        return value + (session.step("inner", lambda: "free") if len(outer_done) > 5 else "")

    with Session.open(log, "s") as session:
        session.result = run(session)
    assert what_if(log, "s", run).result == "i"
    outer_done.extend(range(9))
    with pytest.raises(ReplayDiverged, match="no answer for inner"):
        what_if(log, "s", run)
