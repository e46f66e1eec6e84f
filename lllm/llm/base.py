"""What users subclass: a system of agents that takes a task, each run in a session of its own."""

from __future__ import annotations

import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from lllm.config.secret import to_public
from lllm.errors import ConfigError
from lllm.llm.agent import Agent
from lllm.llm.build import build_agents, build_session_limits, hide_secrets
from lllm.llm.services import load_proxy
from lllm.llm.session import Session, current_session
from lllm.llm.stream import Listener
from lllm.log.build import build_log_base
from lllm.registry import Registry
from lllm.utils import PrintSystem, StreamWrapper

if TYPE_CHECKING:
    from lllm.proxies.runtime import Proxy

AGENT_REGISTRY: Registry[type[_Base]] = Registry("agent type")


class _Base:
    """What sync and async systems share: their config, their agents, and how a run is opened and closed.

    Attributes:
        agent_type: the name under which a config asks for this class.
        agent_group: names of agents in ``agent_configs`` that it needs; empty builds all that are configured.
        agents: the agents, by name.
        listener: told what every call of a run does while it does it; what is logged is the same without one.
    """

    agent_type: ClassVar[str | Enum] = ""
    agent_group: ClassVar[list[str]] = []
    is_async: ClassVar[bool] = False
    listener: Listener | None = None

    def __init_subclass__(cls, *, register: bool = True, **kwargs: Any) -> None:
        """Register the class under its ``agent_type``, unless it has none of its own or ``register`` is False."""
        super().__init_subclass__(**kwargs)
        if not cls.is_async and inspect.iscoroutinefunction(cls.__dict__.get("call")):
            raise ConfigError(f"{cls.__qualname__}.call is async", hint="subclass AsyncAgentBase, or write plain def")
        if register and "agent_type" in cls.__dict__:
            register_agent_class(cls)

    def __init__(self, config: Mapping[str, Any], ckpt_dir: str | None = None, stream: Any = None) -> None:
        """Build the agents of ``config``.

        Args:
            config: what a YAML file holds; see the reference of config keys.
            ckpt_dir: where the user's code may keep files of its own.
            stream: whatever has Streamlit's methods; default prints.

        Raises:
            ConfigError: the config lacks an agent that the class needs, or names what does not exist.
        """
        self.config = dict(config)
        self.ckpt_dir = ckpt_dir if ckpt_dir is not None else self.config.get("ckpt_dir")
        self.log_base = build_log_base(self.config)
        self.agents: dict[str, Agent[Any]] = build_agents(self.config, self.agent_group, self.log_base)
        hide_secrets(self.log_base.redactor, self.config, self.agents.values())
        self._stream: Any = PrintSystem() if stream is None else stream

    @property
    def session(self) -> Session:
        """The session of the run that this code is part of.

        Raises:
            ConfigError: no run is under way in this thread or task.
        """
        session = current_session()
        if session is None:
            raise ConfigError("no session is open here", hint="call the agent itself, not its method call()")
        return session

    @cached_property
    def proxy(self) -> Proxy:
        """What calls the services of the config: its ``activate_proxies``, up to its ``cutoff_date``.

        Where the config names none, none can be called. Functions that a run calls find it as ``session.proxy``.

        Raises:
            NotRegisteredError: the config names a proxy that there is not.
        """
        return load_proxy(self.config.get("activate_proxies"), self.config)

    def _lend_proxy(self, session: Session) -> None:
        """Let what runs in a session find this system's proxy there."""
        session.load_proxy = lambda: self.proxy

    @property
    def st(self) -> StreamWrapper:
        """The stream; what is written to it is also logged in the run's session."""
        return StreamWrapper(self._stream, self.log_base, current_session())

    @contextmanager
    def open_session(self, task: Any, session_name: str | None = None, **kwargs: Any) -> Generator[Session]:
        """Open the session of one run; it is logged how the run ends, whatever happens.

        Where a session is open already, the run is a part of that one: see ``Session.open_run``.
        """
        told = {"agent_type": type_name(type(self)), "task": task, "kwargs": kwargs}
        limits = build_session_limits(self.config)
        outer = current_session()
        if outer is not None and not outer.closed:
            hide_secrets(outer.redact, self.config, self.agents.values())
            with outer.open_run({**told, "name": session_name or self.config.get("name", "")}, limits) as session:
                session.listen = self.listener or outer.listen
                yield session
            return
        header = {"name": self.config.get("name", ""), **told, "config": to_public(self.config)}
        # Again, since a provider's key is read from the environment, and may come or change later.
        hide_secrets(self.log_base.redactor, self.config, self.agents.values())
        seed = self.config.get("random_seed")
        session = Session.open(self.log_base, session_name, header=header, limits=limits, seed=seed)
        session.listen = self.listener
        with session:
            yield session


class AgentBase(_Base, ABC, register=False):
    """A system of agents. Subclass it, name its ``agent_type``, and write ``call``."""

    @abstractmethod
    def call(self, task: Any, **kwargs: Any) -> Any:
        """Do the task; this is the user's code. What differs from run to run in it goes through the session."""

    def __call__(self, task: Any, session_name: str | None = None, **kwargs: Any) -> Any:
        """Run ``call`` in a session of its own and return what it returns.

        Args:
            task: data of any length and content, as JSON knows it.
            session_name: a name for the log; default: made from the time and the task.
            kwargs: passed to ``call`` and logged.
        """
        with self.open_session(task, session_name, **kwargs) as session:
            return self.run_in(session, task, kwargs)

    def run_in(self, session: Session, task: Any, kwargs: Mapping[str, Any]) -> Any:
        """Run ``call`` in a session that is open, and return what it returns, which is also the session's result."""
        self._lend_proxy(session)
        session.result = self.call(task, **kwargs)
        return session.result


class AsyncAgentBase(_Base, ABC, register=False):
    """A system of agents whose ``call`` is async."""

    is_async = True

    @abstractmethod
    async def call(self, task: Any, **kwargs: Any) -> Any:
        """Do the task; this is the user's code."""

    async def __call__(self, task: Any, session_name: str | None = None, **kwargs: Any) -> Any:
        """Async twin of ``AgentBase.__call__``."""
        with self.open_session(task, session_name, **kwargs) as session:
            return await self.arun_in(session, task, kwargs)

    async def arun_in(self, session: Session, task: Any, kwargs: Mapping[str, Any]) -> Any:
        """Async twin of ``AgentBase.run_in``."""
        self._lend_proxy(session)
        session.result = await self.call(task, **kwargs)
        return session.result


def type_name(cls: type[_Base]) -> str:
    """Return the name of a class in configs."""
    kind = cls.agent_type
    return str(kind.value) if isinstance(kind, Enum) else kind


def register_agent_class(cls: type[_Base], *, overwrite: bool = False) -> type[_Base]:
    """Register a class under its ``agent_type``; usable as a decorator.

    Raises:
        ConfigError: it has no ``agent_type``.
        DiscoveryError: another file registered the name.
    """
    name = type_name(cls)
    if not name:
        raise ConfigError(f"{cls.__qualname__} has no agent_type", hint="set the class attribute agent_type")
    module = sys.modules.get(cls.__module__)
    origin = getattr(module, "__file__", None) or cls.__module__
    AGENT_REGISTRY.register(name, cls, origin=origin, overwrite=overwrite)
    return cls


def build_agent(
    config: Mapping[str, Any], ckpt_dir: str | None = None, stream: Any = None, agent_type: str | Enum | None = None
) -> Any:
    """Return the system that a config asks for, ready to be called.

    Args:
        config: what a YAML file holds.
        ckpt_dir: where the user's code may keep files of its own.
        stream: whatever has Streamlit's methods.
        agent_type: other than the config's.

    Raises:
        NotRegisteredError: no class has this agent_type; the hint offers the nearest.
    """
    asked = agent_type if agent_type is not None else config.get("agent_type")
    if not asked:
        raise ConfigError("the config names no agent_type", hint=f"known: {', '.join(AGENT_REGISTRY) or 'none'}")
    name = str(asked.value) if isinstance(asked, Enum) else str(asked)
    return AGENT_REGISTRY[name](config, ckpt_dir, stream)
