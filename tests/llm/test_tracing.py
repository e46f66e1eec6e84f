"""Spans, with OpenTelemetry's own SDK: who is whose parent."""

from __future__ import annotations

import asyncio
import threading

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from trace_world import look_up
from world import World, calls

from lllm import AgentBase, AsyncAgentBase
from lllm.llm import Agent, Session
from lllm.llm.trace import traced
from lllm.log import MemoryLog
from lllm.models import Prompt
from lllm.testing import function_model, scripted_model

ASKS = {"calls": [{"name": "look_up", "arguments": {"word": "sky"}}]}


def system_of(*replies, functions=(look_up,)):
    """Return an agent system with one agent."""

    class Finder(AgentBase, register=False):
        agent_type = "finder"

        def call(self, task, **_):
            return self.agents["reader"].ask(task).content

    prompt = Prompt(path="p", prompt="Read.", functions_list=functions)
    finder = Finder({"name": "x", "log_type": "memory"})
    provider = scripted_model(*replies)
    finder.agents["reader"] = Agent(name="reader", system_prompt=prompt, model="m1", provider=provider)
    return finder


def test_a_run_is_one_tree_under_the_users_own_span(spans):
    """A trace is read from the top: a web request, the run it started, and whatever the run did."""

    def fetch(word: str) -> str:
        """Fetch."""
        with spans.tracer.start_as_current_span("SELECT"):
            return word

    finder = system_of({"calls": [{"name": "fetch", "arguments": {"word": "a"}}]}, "done", functions=(fetch,))
    with spans.tracer.start_as_current_span("GET /"):
        assert finder("go") == "done"
    assert spans.tree == [
        ("", "GET /"),
        ("GET /", "invoke_workflow finder"),
        ("execute_tool fetch", "SELECT"),
        ("invoke_agent reader", "chat m1"),
        ("invoke_agent reader", "chat m1"),
        ("invoke_agent reader", "execute_tool fetch"),
        ("invoke_workflow finder", "invoke_agent reader"),
    ]
    assert len({span.context.trace_id for span in spans.all}) == 1
    kinds = {span.name: span.kind for span in spans.all}
    assert (kinds["chat m1"], kinds["execute_tool fetch"]) == (SpanKind.CLIENT, SpanKind.INTERNAL)


def test_a_span_lies_within_its_parent(spans):
    """A viewer that draws bars shows a child that sticks out as a fault of the clock."""
    system_of(ASKS, "done")("go")
    by_id = {span.context.span_id: span for span in spans.all}
    for span in spans.all:
        assert span.start_time <= span.end_time
        if span.parent:
            parent = by_id[span.parent.span_id]
            assert parent.start_time <= span.start_time
            assert span.end_time <= parent.end_time


@pytest.mark.parametrize("face", ["sync", "async"])
def test_the_model_is_asked_inside_its_span(spans, face):
    """Who traces HTTP as well finds the request under the call that sent it."""
    seen = []
    provider = function_model(lambda _: seen.append(trace.get_current_span().name) or "ok")
    World(provider=provider).ask_on(face)
    assert seen == ["chat m1"]
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_parser_runs_inside_the_agents_span(spans):
    """Else a user's own span in it would belong to nobody."""
    seen = []
    prompt = Prompt(path="p", prompt="x", parser=lambda text: seen.append(trace.get_current_span().name) or text)
    World("ok", prompt=prompt).ask()
    assert seen == ["invoke_agent agent"]


@pytest.mark.parametrize("face", ["sync", "async"])
@pytest.mark.parametrize("is_async", [False, True])
def test_functions_at_once_have_spans_of_their_own(spans, face, is_async):
    """Each runs in a thread or a task of its own, and must not take another's span for its parent."""
    at_once = threading.Barrier(2, timeout=30)

    def work(n):
        with spans.tracer.start_as_current_span(f"inner {n}"):
            return n

    if is_async:

        async def both(n: int) -> int:
            """Do."""
            await asyncio.sleep(0)
            return work(n)
    else:

        def both(n: int) -> int:
            """Do."""
            at_once.wait()
            return work(n)

    asked = calls(("both", {"n": 1}), ("both", {"n": 2}))
    World(asked, "ok", functions=(both,)).ask_on(face)
    functions = spans.named("execute_tool both")
    assert [spans.parent(span) for span in functions] == ["invoke_agent agent"] * 2
    inner = {span.name: span.parent.span_id for span in spans.named("inner")}
    by_effect = {span.attributes["lllm.effect.id"][-2:]: span.context.span_id for span in functions}
    assert inner == {"inner 1": by_effect["f0"], "inner 2": by_effect["f1"]}


def test_agents_that_a_function_asks_stand_under_it(spans):
    """Agents call agents: the tree shows who asked whom."""

    def consult(text: str) -> str:
        """Consult."""
        return Agent.quick(provider=scripted_model("inner"), name="expert").ask(text).content

    World(calls(("consult", {"text": "x"})), "ok", functions=(consult,)).ask()
    assert ("execute_tool consult", "invoke_agent expert") in spans.tree


def test_a_run_inside_a_run_stands_under_it(spans):
    """A system that calls another is its parent, and the outer one's errors are its own."""
    inner = system_of("fine")

    class Outer(AgentBase, register=False):
        agent_type = "outer"

        def call(self, task, **_):
            return inner(task)

    Outer({"name": "x", "log_type": "memory"})("go")
    assert spans.tree[1:] == [
        ("invoke_agent reader", "chat m1"),
        ("invoke_workflow finder", "invoke_agent reader"),
        ("invoke_workflow outer", "invoke_workflow finder"),
    ]


def test_calls_side_by_side_stay_under_their_session(spans):
    """With gather, amap and map the context travels to tasks and threads; none may end up a root or a neighbour."""

    class Wide(AsyncAgentBase, register=False):
        agent_type = "wide"

        async def call(self, task, **_):
            async def ask(name):
                agent = Agent.quick(provider=scripted_model("ok"), model="m", name=name)
                return (await agent.aask(task)).content

            await asyncio.gather(ask("g0"), ask("g1"))
            await self.session.amap(ask, ["a0", "a1"])

    class Threads(AgentBase, register=False):
        agent_type = "threads"

        def call(self, task, **_):
            def ask(name):
                return Agent.quick(provider=scripted_model("ok"), model="m", name=name).ask(task).content

            self.session.map(ask, ["m0", "m1"])

    asyncio.run(Wide({"name": "x", "log_type": "memory"})("go"))
    Threads({"name": "x", "log_type": "memory"})("go")
    found = {span.name[-2:]: spans.parent(span) for span in spans.named("invoke_agent")}
    assert found == dict.fromkeys(["g0", "g1", "a0", "a1"], "invoke_workflow wide") | dict.fromkeys(
        ["m0", "m1"], "invoke_workflow threads"
    )
    assert {spans.parent(span)[:12] for span in spans.named("chat")} == {"invoke_agent"}


def test_a_thread_that_knows_no_place_stands_under_the_dialogs_session(spans):
    """A plain thread has no context: without this, each of its calls would be a trace of its own."""
    agent = Agent.quick(provider=scripted_model("ok"), model="m")
    with Session.open(MemoryLog(), "run") as session:
        dialog = agent.init_dialog()
        dialog.send_message("go")

        def work():
            with traced(spans.provider), session.scope("side"):
                agent.call(dialog)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert spans.parent(spans.one("invoke_agent")) == "invoke_workflow"


def test_a_stream_is_traced_as_a_call_is(spans):
    """It runs in a thread of its own, which must know who asked."""
    world = World("one two")
    world.dialog.send_message("go")
    with spans.tracer.start_as_current_span("GET /"):
        list(world.agent.stream(world.dialog))
    assert ("GET /", "invoke_agent agent") in spans.tree
    assert spans.one("chat").attributes["gen_ai.request.stream"] is True
