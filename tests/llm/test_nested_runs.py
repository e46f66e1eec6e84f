"""An agent system that is called inside a session is a part of it: one log, one budget, one end."""

import asyncio
import threading

import pytest

from lllm.errors import CallCancelled, LimitExceeded
from lllm.llm import Agent, AgentBase, AsyncAgentBase, Session, build_agent
from lllm.llm.limits import Limits
from lllm.llm.session import current_session
from lllm.log import MemoryLog
from lllm.models.function import Function
from lllm.replay import replay, resume
from lllm.testing import function_model, scripted_model

KEY = "key-of-the-inner-system-0123456789"


class Inner(AgentBase, register=False):
    agent_type = "inner"
    agent_group = ("main",)

    def call(self, task, **kwargs):
        if task == "raise":
            raise ValueError("inner broke")
        self.session.step("seen", lambda: 1)
        dialog = self.agents["main"].init_dialog()
        dialog.send_message(str(task))
        return self.agents["main"].call(dialog)[0].content


class AsyncInner(AsyncAgentBase, register=False):
    agent_type = "ainner"
    agent_group = ("main",)

    async def call(self, task, **kwargs):
        dialog = self.agents["main"].init_dialog()
        dialog.send_message(str(task))
        return (await self.agents["main"].acall(dialog))[0].content


def config(**more):
    return {
        "name": "inner",
        "log_type": "memory",
        "provider": "mock",
        "provider_config": {"rules": [{"when": "", "reply": "re: {last}"}]},
        "agent_configs": {"main": {"model_name": "m", "system_prompt": "Be brief."}},
        **more,
    }


def build(kind=Inner, **more):
    return kind(config(**more))


def recorded(run, **options):
    """Run a function in a session; return the log and the result."""
    log = MemoryLog()
    with Session.open(log, "s", header={"task": "t"}, **options) as session:
        result = run(session)
        session.result = asyncio.run(result) if asyncio.iscoroutine(result) else result
    return log, session.result


def events(log, *kinds):
    return [event for event in log.read_session("s") if event.kind in kinds]


def assert_replays(log, run):
    report = replay(log, "s", run)
    assert (report.status, report.replayed) == ("same", report.events), report.difference
    return report


# --- one log -----------------------------------------------------------------------------------------------------------


def test_an_inner_run_stands_in_the_outer_log_in_a_scope_of_its_own():
    systems = []

    def run(_session):
        systems.append(build())
        return systems[-1]("Ann", x=1)

    log, result = recorded(run)
    assert result == "re: Ann"
    assert list(log.session_names()) == ["s"]
    assert systems[0].log_base.session_names() == []
    (opened,) = events(log, "run.open")
    (closed,) = events(log, "run.close")
    assert opened.id == closed.id == "run@0"
    assert (opened.data["agent_type"], opened.data["task"], opened.data["kwargs"]) == ("inner", "Ann", {"x": 1})
    assert closed.data == {"status": "ok", "result": "re: Ann"}
    inside = [e for e in log.read_session("s") if opened.seq < e.seq < closed.seq and e.kind != "contract"]
    assert inside
    assert all(e.id.startswith("run@0.") for e in inside)
    assert_replays(log, run)


def test_runs_are_numbered_and_nest():
    def run(session):
        build()("a")

        class Outer(Inner, register=False):
            def call(self, task, **kwargs):
                return build()(f"{task}!")

        return build(Outer)("b")

    log, result = recorded(run)
    assert result == "re: b!"
    assert [e.id for e in events(log, "run.open")] == ["run@0", "run@1", "run@1.run@0"]
    assert_replays(log, run)


def test_an_inner_run_that_raises_is_logged_and_the_outer_goes_on():
    def run(_session):
        try:
            build()("raise")
        except ValueError as error:
            return f"caught {error}"

    log, result = recorded(run)
    assert result == "caught inner broke"
    assert [e.data for e in events(log, "run.close")] == [{"status": "failed", "error": "ValueError: inner broke"}]
    assert_replays(log, run)


def test_the_current_session_is_the_inner_one_and_comes_back():
    found = []

    class Look(Inner, register=False):
        def call(self, task, **kwargs):
            found.append(current_session())
            return task

    def run(session):
        build(Look)("x")
        found.extend([current_session(), session])

    recorded(run)
    assert found[0] is not found[1]
    assert found[0].outer is found[1] is found[2]


def test_an_inner_run_has_a_result_of_its_own():
    def run(session):
        session.result = "outer"
        build()("x")
        return session.result

    assert recorded(run)[1] == "outer"


def test_an_inner_run_that_has_ended_takes_no_more_events():
    kept = []

    class Keep(Inner, register=False):
        def call(self, task, **kwargs):
            kept.append(self.session)

    def run(_session):
        build(Keep)("x")
        assert kept[0].closed
        return "done"

    assert recorded(run)[1] == "done"


# --- where it is called from -------------------------------------------------------------------------------------------


def function_of(system):
    def ask(question: str) -> str:
        """Ask."""
        return system(question)

    return ask


def test_in_a_function_of_a_model():
    def run(_session):
        asks = {"calls": [{"name": "ask", "arguments": {"question": "who"}, "id": "c"}]}
        return Agent.quick(provider=scripted_model(asks, "done"), functions=[function_of(build())]).ask("go").content

    log, result = recorded(run)
    assert result == "done"
    assert [e.id for e in events(log, "run.open")] == ["1-s0-f0.run@0"]
    assert_replays(log, run)


def test_in_an_async_function_of_a_model():
    async def run(_session):
        async def ask(question: str) -> str:
            """Ask."""
            return await build(AsyncInner)(question)

        asks = {"calls": [{"name": "ask", "arguments": {"question": "who"}, "id": "c"}]}
        return (await Agent.quick(provider=scripted_model(asks, "done"), functions=[ask]).aask("go")).content

    log, result = recorded(run)
    assert result == "done"
    assert len(events(log, "run.open")) == 1
    assert_replays(log, run)


def test_in_a_step():
    def run(session):
        return session.step("ask", lambda: build()("x"))

    log, result = recorded(run)
    assert result == "re: x"
    assert_replays(log, run)


def test_in_a_map():
    def run(session):
        return session.map(build(), ["a", "b", "c"], concurrency=3)

    log, result = recorded(run)
    assert result == ["re: a", "re: b", "re: c"]
    assert sorted(e.id for e in events(log, "run.open")) == [f"map-0-{i}.run@0" for i in range(3)]
    assert assert_replays(log, run).result == result


def test_in_an_async_map():
    async def run(session):
        return await session.amap(build(AsyncInner), ["a", "b", "c"])

    log, result = recorded(run)
    assert result == ["re: a", "re: b", "re: c"]
    assert assert_replays(log, run).result == result


def test_in_a_gather():
    """Tasks of one place draw numbers in an order that is chance; the recording knows who drew which."""

    async def run(_session):
        systems = [build(AsyncInner) for _ in range(4)]
        return await asyncio.gather(*(system(f"t{number}") for number, system in enumerate(systems)))

    log, result = recorded(run)
    assert result == [f"re: t{number}" for number in range(4)]
    assert sorted(e.id for e in events(log, "run.open")) == [f"run@{number}" for number in range(4)]
    assert assert_replays(log, run).result == result


def test_a_system_outside_of_any_session_has_its_own():
    system = build()
    system("x", session_name="alone")
    assert system.log_base.session_names() == ["alone"]


def test_a_system_called_in_a_closed_session_has_its_own():
    system = build()
    log = MemoryLog()
    session = Session.open(log, "s")
    with session.active():
        session.close()
        system("x", session_name="alone")
    assert system.log_base.session_names() == ["alone"]


# --- one budget, one end, one listener -----------------------------------------------------------------------------------


def test_what_an_inner_run_spends_the_outer_spends():
    def run(session):
        build()("x")
        return session.usage.total_tokens

    log, spent = recorded(run)
    (reply,) = events(log, "model.reply")
    assert spent == sum(reply.data["usage"][:2]) > 0


def test_the_outer_limit_ends_inner_runs():
    def run(_session):
        for _ in range(100):
            build()("some words")

    with pytest.raises(LimitExceeded):
        recorded(run, limits=Limits(max_tokens=20))


def test_the_inner_limit_holds_for_the_inner_run_alone():
    def run(_session):
        with pytest.raises(LimitExceeded):
            build(Twice, session_limits={"max_tokens": 1})("x")
        return build()("y")

    class Twice(Inner, register=False):
        def call(self, task, **kwargs):
            super().call(task)
            return super().call(task)

    log, result = recorded(run)
    assert result == "re: y"
    assert_replays(log, run)


def test_the_outer_deadline_holds_inside():
    def run(session):
        found = []

        class Look(Inner, register=False):
            def call(self, task, **kwargs):
                found.append(self.session.deadline)

        build(Look, session_limits={"deadline_s": 10_000})("x")
        build(Look)("x")
        return found == [session.deadline, session.deadline]

    assert recorded(run, limits=Limits(deadline_s=100))[1] is True


def test_cancel_wakes_an_inner_run_that_waits():
    """However deep it is, and however long it would wait."""
    ended, waits, sessions = [], threading.Event(), []

    class Wait(Inner, register=False):
        def call(self, task, **kwargs):
            if task == "outer":
                return build(Wait)("inner")
            sessions[0].step("about to wait", waits.set)
            return self.session.wait(3600)

    def run(session):
        sessions.append(session)
        return build(Wait)("outer")

    def main():
        try:
            recorded(run)
        except CallCancelled as error:
            ended.append(error)

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    waits.wait(10)
    sessions[0].cancel()
    thread.join(10)
    assert len(ended) == 1


def test_an_inner_run_of_a_cancelled_session_does_not_begin_to_wait():
    def run(session):
        class Wait(Inner, register=False):
            def call(self, task, **kwargs):
                return self.session.wait(0)

        session.cancel()
        return build(Wait)("x")

    with pytest.raises(CallCancelled):
        recorded(run)


def test_cancel_from_another_thread_stops_an_inner_call():
    def run(session):
        def reply(_request):
            thread = threading.Thread(target=session.cancel)
            thread.start()
            thread.join()
            return {"calls": [{"name": "f", "arguments": {}, "id": "c"}]}

        class Ask(Inner, register=False):
            def call(self, task, **kwargs):
                def f() -> str:
                    """Do."""
                    raise AssertionError("it was cancelled before")

                return Agent.quick(provider=function_model(reply), functions=[f]).ask("x")

        return build(Ask)("x")

    with pytest.raises(CallCancelled):
        recorded(run)


def test_the_inner_runs_own_cancel_leaves_the_outer_alone():
    def run(session):
        class Stop(Inner, register=False):
            def call(self, task, **kwargs):
                self.session.cancel()
                self.session.check_cancelled()

        with pytest.raises(CallCancelled):
            build(Stop)("x")
        session.check_cancelled()
        return build()("y")

    assert recorded(run)[1] == "re: y"


def test_the_listener_is_inherited_and_a_systems_own_comes_first():
    heard, own = [], []

    def run(session):
        session.listen = heard.append
        build()("x")
        system = build()
        system.listener = own.append
        before = len(heard)
        system("y")
        return len(heard) == before

    _, unheard = recorded(run)
    assert heard
    assert own
    assert unheard


# --- secrets, chance, ends ---------------------------------------------------------------------------------------------


def test_secrets_of_the_inner_config_are_redacted_in_the_outer_log():
    """The outer log's redactor never saw the inner config."""

    class Tell(Inner, register=False):
        def __init__(self, values, **options):
            super().__init__(values, **options)
            self.config = {**values, "api_key": KEY}

        def call(self, task, **kwargs):
            self.session.note(f"using {KEY}")
            return KEY

    log, _ = recorded(lambda _session: build(Tell)("x") and "done")
    assert KEY not in "".join(event.raw.decode() for event in log.read_session("s"))


def test_random_numbers_of_runs_differ_and_replay():
    class Draw(Inner, register=False):
        def call(self, task, **kwargs):
            return self.session.random.random()

    def run(session):
        return [build(Draw)("x"), build(Draw)("x"), session.random.random()]

    log, drawn = recorded(run, seed=1)
    assert len(set(drawn)) == 3
    assert assert_replays(log, run).result == drawn


def test_an_inner_run_that_died_goes_on():
    log = MemoryLog()
    stop = [True]

    def run(session):
        class Die(Inner, register=False):
            def call(self, task, **kwargs):
                said = super().call(task)
                if stop:
                    session.journal.close()
                return f"{said} {self.session.step('end', lambda: 'end', repeatable=True)}"

        return build(Die)("x")

    session = Session.open(log, "s")
    with pytest.raises(Exception, match="closed"), session.active():
        run(session)
    stop.clear()
    report = resume(log, "s", run)
    assert report.result == "re: x end"
    assert len(events(log, "run.open")) == 1
    assert len(events(log, "run.close")) == 1
    assert_replays(log, run)


def test_a_task_that_json_does_not_know_is_told_as_text():
    log, _ = recorded(lambda _session: build()(Function.from_callable(len, name="len")) and "x")
    assert isinstance(events(log, "run.open")[0].data["task"], str)


def test_a_built_system_is_a_part_too():
    class Named(Inner):
        agent_type = "named"

    log, result = recorded(lambda _session: build_agent(config(agent_type="named"))("x"))
    assert (result, events(log, "run.open")[0].data["agent_type"]) == ("re: x", "named")
