"""One question to one model, through the machine: its retries, its limits, the log of the session under way."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from contextlib import aclosing, contextmanager
from typing import Any, cast

from lllm.clients.messages import Given, GivenFunction, to_functions, to_messages
from lllm.errors import ConfigError, LimitExceeded, StreamTruncated
from lllm.llm.agent import Agent
from lllm.llm.dialog import Dialog
from lllm.llm.session import Session, current_session
from lllm.llm.stream import FinishedEvent, StateEvent, TextEvent
from lllm.log.base import ReplayableLogBase
from lllm.log.memory import NoLog
from lllm.models.message import Message
from lllm.models.prompt import Prompt
from lllm.providers.base import Provider
from lllm.utils import encode_json


class Asker:
    """Asks one model. Safe under threads and ``asyncio.gather``.

    Args:
        provider: what reaches the model.
        model: its name.
        params: model arguments of every call.
        budget_tokens: tokens that all calls together may use; whoever is under way when they are spent may end.
        log: keeps the calls that are made outside of a session; None keeps none.
    """

    def __init__(
        self,
        provider: Provider,
        model: str,
        params: Mapping[str, Any],
        *,
        budget_tokens: int | None = None,
        log: ReplayableLogBase | None = None,
    ) -> None:
        if not model:
            raise ConfigError(f"no model is named for provider {provider.name!r}", hint="set model")
        self.provider = provider
        self.model = model
        self.params = _checked(params)
        self._budget_tokens, self._used_tokens = budget_tokens, 0
        self._log = log
        self._agents: dict[str, Agent[Any]] = {}
        self._session: Session | None = None
        self._thread = 0  # which one opened the client's own session
        self._lock = threading.Lock()

    def ask(
        self, given: Iterable[Given] | str, functions: Iterable[GivenFunction], params: Mapping[str, Any]
    ) -> Message[Any]:
        """Return the model's reply as it came.

        Raises:
            ProviderError: the model could not be reached.
            LimitExceeded: the limits are spent.
        """
        agent, dialog = self._begin(given, functions)
        return self._count(dialog, agent.call(dialog, args=_checked(params))[0])

    async def aask(
        self, given: Iterable[Given] | str, functions: Iterable[GivenFunction], params: Mapping[str, Any]
    ) -> Message[Any]:
        """Async twin of :meth:`ask`."""
        agent, dialog = self._begin(given, functions)
        return self._count(dialog, (await agent.acall(dialog, args=_checked(params)))[0])

    async def astream(
        self, given: Iterable[Given] | str, functions: Iterable[GivenFunction], params: Mapping[str, Any]
    ) -> AsyncGenerator[str]:
        """Yield the pieces of the reply's text.

        A failure before the first piece is retried; behind it the stream ends, since what was shown cannot be unsaid.

        Raises:
            ProviderError: the model could not be reached.
            StreamTruncated: the stream broke off behind its first piece; holds the text so far.
        """
        agent, dialog = self._begin(given, functions)
        pieces: list[str] = []
        # An async generator by its nature, though its type does not say so: it is closed where its loop is left.
        events = cast("AsyncGenerator[Any]", agent.astream(dialog, args=_checked(params)))
        async with aclosing(events):
            async for event in events:
                if isinstance(event, TextEvent):
                    pieces.append(event.text)
                    yield event.text
                elif isinstance(event, FinishedEvent):
                    self._count(dialog, cast("FinishedEvent[Any]", event).message)
                elif pieces and isinstance(event, StateEvent) and event.event == "ModelFailed":
                    raise StreamTruncated("the stream broke off", provider=self.provider.name, partial="".join(pieces))

    def close(self) -> None:
        """Close the client's own session, and connections that no call uses."""
        if self._session is not None:
            self._session.close()
        self.provider.close()

    async def aclose(self) -> None:
        """Async twin of :meth:`close`."""
        if self._session is not None:
            self._session.close()
        await self.provider.aclose()

    def _begin(self, given: Iterable[Given] | str, functions: Iterable[GivenFunction]) -> tuple[Agent[Any], Dialog]:
        messages, agent = to_messages(given), self._agent(functions)
        with self._where() as session:
            self._check_budget(session)
            dialog = Dialog(session, agent=agent.name, top_prompt=agent.system_prompt)
        for message in messages:
            dialog.append(message)
        return agent, dialog

    def _agent(self, given: Iterable[GivenFunction]) -> Agent[Any]:
        """Return an agent that offers these functions; the same for the same ones, so that contracts are made once."""
        functions = to_functions(given)
        key = encode_json([function.to_dict() for function in functions]) if functions else ""
        agent = self._agents.get(key)
        if agent is None:
            prompt = Prompt[Any](path="client", prompt="", functions_list=functions)
            agent = Agent(
                name=self.provider.name,
                system_prompt=prompt,
                model=self.model,
                provider=self.provider,
                model_args=self.params,
                as_is=True,
            )
            if len(self._agents) > 63:  # a program that makes functions for each call must not grow
                self._agents.clear()
            self._agents[key] = agent
        return agent

    def _check_budget(self, session: Session) -> None:
        if self._budget_tokens is None:
            return
        # A step, so that a replay decides as was decided then, whatever this client has been asked since.
        used = session.step("tokens of the client", lambda: self._used_tokens, repeatable=True)
        if used >= self._budget_tokens:
            told = f"client {self.provider.name!r} has used {used} of {self._budget_tokens} tokens"
            raise LimitExceeded(told, limit="tokens", hint="raise budget_tokens, or make a new client")

    def _count(self, dialog: Dialog, reply: Message[Any]) -> Message[Any]:
        if not (reply.cached or dialog.session.offline):
            with self._lock:
                self._used_tokens += reply.usage.total_tokens
        return reply

    @contextmanager
    def _where(self) -> Generator[Session]:
        """Give the session under way, or the client's own, where each thread has a scope of its own."""
        session = current_session()
        if session is not None:
            yield session
            return
        thread = threading.get_ident()
        session = self._own_session(thread)
        if thread == self._thread:
            yield session
        else:
            with session.scope(f"thread-{thread}"):
                yield session

    def _own_session(self, thread: int) -> Session:
        with self._lock:
            if self._session is None or self._session.closed:
                told = {"task": self.provider.name, "agents": [self.provider.name]}
                self._session, self._thread = Session.open(self._log or NoLog(), header=told), thread
            return self._session


def _checked(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return model arguments, once it is known that they can be sent. Pure.

    Raises:
        ConfigError: one is no plain JSON data.
    """
    for name, value in params.items():
        try:
            encode_json(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigError(f"model argument {name} cannot be sent: {error}") from None
    return dict(params)
