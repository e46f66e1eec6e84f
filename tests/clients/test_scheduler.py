"""``AgentScheduler``: agents get their model, run side by side, and one that fails stops nobody."""

from __future__ import annotations

import asyncio

import pytest

from lllm.clients import AgentScheduler, LLMConfig, MockBackend, Proposal, ScheduledAgent
from lllm.errors import ConfigError, UserCodeError
from lllm.log import MemoryLog
from lllm.testing import scripted_model

CONFIG = LLMConfig(backend="mock", model="m", enable_cache=False)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(ScheduledAgent, "known", {})


def matcher(reply="match them"):
    class Matcher(ScheduledAgent):
        async def analyze(self):
            response = await self.use_llm("Should we match these?", {"offer": "10kg tomatoes"})
            return [Proposal(response.content, data={"kg": 10})]

    agent = Matcher()
    agent.llm = MockBackend(CONFIG, provider=scripted_model(*[reply] * 9))
    return agent


class Broken(ScheduledAgent, register=False):
    async def analyze(self):
        raise ValueError("a bug of mine")


def test_a_round_gives_the_proposals_of_all():
    scheduler = AgentScheduler(CONFIG, [matcher("one"), Broken, matcher("two")])
    found = asyncio.run(scheduler.run_once())
    assert [(proposal.title, proposal.agent) for proposal in found] == [("one", "Matcher"), ("two", "Matcher")]
    assert scheduler.proposals == found
    error = scheduler.errors["Broken"]
    assert isinstance(error, UserCodeError)
    assert "a bug of mine" in str(error)
    assert isinstance(error.__cause__, ValueError)


def test_agents_are_known_by_being_defined():
    class Mine(ScheduledAgent):
        async def analyze(self):
            return [Proposal((await self.use_llm("x")).content, agent="somebody")]

    scheduler = AgentScheduler(CONFIG)
    assert [type(agent) for agent in scheduler.agents] == [Mine]
    assert scheduler.agents[0].llm is scheduler.llm
    (proposal,) = asyncio.run(scheduler.run_once())
    assert proposal.agent == "somebody"


def test_the_context_is_put_behind_the_prompt():
    seen = []

    class Looking(ScheduledAgent):
        async def analyze(self):
            seen.append((await self.use_llm("Match?", {"offer": "ä"}, system_prompt="Be kind.")).message)
            return []

    agent = Looking()
    agent.llm = MockBackend(CONFIG)
    log = MemoryLog()
    asyncio.run(AgentScheduler(CONFIG, [agent], log=log).run_once())
    (info,) = log.list_sessions()
    said = [e.data["message"]["content"] for e in log.read_session(info.session) if e.kind == "message"]
    assert said[0] == "Be kind."
    assert said[1] == 'Match?\n\nContext:\n{\n "offer": "ä"\n}'


def test_each_run_is_a_session_that_ends():
    log = MemoryLog()
    asyncio.run(AgentScheduler(CONFIG, [matcher(), Broken], log=log).run_once())
    found = {info.task: info.status for info in log.list_sessions()}
    assert found == {"Matcher": "ok", "Broken": "failed"}


def test_an_agent_without_a_scheduler_has_no_model():
    class Lonely(ScheduledAgent):
        async def analyze(self):
            return [Proposal((await self.use_llm("x")).content)]

    with pytest.raises(ConfigError, match="has no model"):
        asyncio.run(Lonely().analyze())


def test_rounds_in_the_background_until_they_are_stopped():
    async def go():
        rounds = asyncio.Queue()

        class Counting(ScheduledAgent):
            async def analyze(self):
                rounds.put_nowait(1)
                return []

        scheduler = AgentScheduler(CONFIG, [Counting], interval_s=0)
        await scheduler.start()
        await scheduler.start()  # a second one changes nothing
        for _ in range(3):
            await rounds.get()
        assert scheduler.running
        await scheduler.stop()
        assert not scheduler.running
        await scheduler.stop()
        assert len([task for task in asyncio.all_tasks() if task.get_name() == "lllm-scheduler"]) == 0

    asyncio.run(go())


def test_a_round_that_is_under_way_is_cancelled_and_its_session_says_so():
    log = MemoryLog()

    async def go():
        began = asyncio.Event()

        class Slow(ScheduledAgent):
            async def analyze(self):
                began.set()
                await asyncio.Event().wait()

        scheduler = AgentScheduler(CONFIG, [Slow], log=log)
        await scheduler.start()
        await began.wait()
        await scheduler.stop()

    asyncio.run(go())
    (info,) = log.list_sessions()
    assert info.status == "failed"


def test_defined_again_the_newer_one_counts():
    """As in a notebook whose cell runs twice."""
    for title in ("old", "new"):

        class Mine(ScheduledAgent):
            said = title

            async def analyze(self):
                return [Proposal(self.said)]

    assert [p.title for p in asyncio.run(AgentScheduler(CONFIG).run_once())] == ["new"]


def test_who_stops_it_can_be_cancelled_himself():
    """A time limit around ``stop`` ends the waiting, also where an agent cleans up for long."""
    cleaning = asyncio.Event()

    class Slow(ScheduledAgent, register=False):
        async def analyze(self):
            try:
                await asyncio.Event().wait()
            finally:
                await cleaning.wait()

    async def program():
        scheduler = AgentScheduler(LLMConfig(backend="mock", enable_cache=False), [Slow])
        await scheduler.start()
        await asyncio.sleep(0)
        stopping = asyncio.create_task(scheduler.stop())
        for _ in range(5):
            await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        cleaning.set()

    asyncio.run(program())


def test_an_agent_that_returns_nothing_proposes_nothing():
    class Idle(ScheduledAgent, register=False):
        async def analyze(self):
            return None

    scheduler = AgentScheduler(LLMConfig(backend="mock", enable_cache=False), [Idle])
    assert (asyncio.run(scheduler.run_once()), scheduler.errors) == ([], {})
