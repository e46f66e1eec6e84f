"""``AgentScheduler``: agents that look at the world now and then, and propose what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lllm.clients.backends import LLMClient, get_llm_client
from lllm.clients.config import LLMConfig
from lllm.clients.response import LLMResponse
from lllm.errors import ConfigError, LLLMError, UserCodeError
from lllm.llm.session import Session
from lllm.log.base import ReplayableLogBase
from lllm.log.memory import NoLog
from lllm.models.plain import show


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something that an agent proposes.

    Attributes:
        title: in one line.
        description: in full.
        agent: name of the agent; the scheduler fills it in.
        data: the agent's own, as plain JSON data.
    """

    title: str
    description: str = ""
    agent: str = ""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


class ScheduledAgent:
    """Subclass it and write ``analyze``. Schedulers know it by its being defined; ``register=False`` opts out.

    Attributes:
        name: what proposals and logs call it; default: the class's name.
        llm: the model; the scheduler gives it.
    """

    known: ClassVar[dict[str, type[ScheduledAgent]]] = {}
    name: ClassVar[str] = ""
    llm: LLMClient | None = None

    def __init_subclass__(cls, *, register: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__
        if register:
            ScheduledAgent.known[cls.name] = cls  # defined again, as in a notebook, the newer one counts

    async def analyze(self) -> list[Proposal]:
        """Return what is to be done; nothing, if nothing is."""
        raise NotImplementedError

    async def use_llm(
        self, prompt: str, context: Mapping[str, Any] | None = None, *, system_prompt: str = "", **params: Any
    ) -> LLMResponse:
        """Ask the model.

        Args:
            prompt: what to decide.
            context: facts, as plain JSON data; put behind the prompt.
            system_prompt: who the model shall be.
            params: model arguments, such as ``temperature``.

        Raises:
            ConfigError: no scheduler has given the agent a model.
            ProviderError: the model could not be reached.
        """
        if self.llm is None:
            raise ConfigError(f"agent {self.name!r} has no model", hint="give it to an AgentScheduler, or set its llm")
        facts = f"\n\nContext:\n{json.dumps(context, ensure_ascii=False, indent=1)}" if context else ""
        return await self.llm.generate(prompt + facts, system_prompt, **params)


class AgentScheduler:
    """Gives agents their model, and runs them.

    Args:
        llm_config: of the model; default: the environment's.
        agents: objects or classes; default: every ScheduledAgent that is defined.
        interval_s: seconds between the ends and the beginnings of two rounds in the background.
        log: each agent's run is a session of it, which replays; None keeps none.

    Attributes:
        proposals: of the last round.
        errors: of the last round, by the agent's name; a failing agent stops no other.
    """

    def __init__(
        self,
        llm_config: LLMConfig | None = None,
        agents: Iterable[ScheduledAgent | type[ScheduledAgent]] | None = None,
        *,
        interval_s: float = 60.0,
        log: ReplayableLogBase | None = None,
    ) -> None:
        self.llm = get_llm_client(llm_config)
        given = list(ScheduledAgent.known.values()) if agents is None else list(agents)
        self.agents = [agent() if isinstance(agent, type) else agent for agent in given]
        for agent in self.agents:
            agent.llm = agent.llm or self.llm
        self.interval_s = interval_s
        self.proposals: list[Proposal] = []
        self.errors: dict[str, LLLMError] = {}
        self._log = log or NoLog()
        self._task: asyncio.Task[None] | None = None

    async def run_once(self) -> list[Proposal]:
        """Run every agent once, side by side, and return their proposals in the agents' order."""
        self.errors = {}
        found = await asyncio.gather(*map(self._run, self.agents))
        self.proposals = [proposal for proposals in found for proposal in proposals]
        return self.proposals

    async def start(self) -> None:
        """Run the agents again and again in the background, until :meth:`stop`. Started twice, it runs once."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._loop(), name="lllm-scheduler")

    async def stop(self) -> None:
        """End the rounds in the background; one that is under way is cancelled, and its sessions say so."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})  # in place of awaiting it: whoever cancels us must not be taken for it
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    @property
    def running(self) -> bool:
        """Whether rounds go on in the background."""
        return self._task is not None and not self._task.done()

    async def _loop(self) -> None:
        while True:
            await self.run_once()
            await asyncio.sleep(self.interval_s)

    async def _run(self, agent: ScheduledAgent) -> list[Proposal]:
        try:
            with Session.open(self._log, header={"task": agent.name, "agents": [agent.name]}) as session:
                found = [_owned(proposal, agent) for proposal in await agent.analyze() or ()]
                session.result = [proposal.title for proposal in found]
                return found
        except LLLMError as error:
            self.errors[agent.name] = error
        except Exception as error:  # noqa: BLE001 - an agent's bug is its own
            named = UserCodeError(f"agent {agent.name!r} raised {type(error).__name__}: {show(error)}")
            named.__cause__ = error
            self.errors[agent.name] = named
        return []


def _owned(proposal: Proposal, agent: ScheduledAgent) -> Proposal:
    return proposal if proposal.agent else Proposal(proposal.title, proposal.description, agent.name, proposal.data)
