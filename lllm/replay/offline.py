"""Today's code, built and run so that it can reach nothing: no model, no terminal, no log on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self, cast

from lllm.errors import LogError
from lllm.llm.base import build_agent
from lllm.llm.place import ReplayStopped
from lllm.llm.session import Session
from lllm.replay.rebuilt import Rebuilt
from lllm.replay.rerun import finished

_NO_PROVIDER: Mapping[str, Any] = {"provider": "mock", "provider_config": {}}


class Refusal:
    """Stands in the place of a provider. The session's own calls never come here: the tape answers them."""

    name = "replay"

    def send(self, *_args: Any, **_options: Any) -> Any:
        """Refuse.

        Raises:
            LogError: always.
        """
        raise LogError(
            "a replay sends nothing, and this model call passes its session by",
            hint="make it through Agent.call, or inside session.step, which logs its result",
        )

    async def asend(self, *_args: Any, **_options: Any) -> Any:
        """Refuse, as :meth:`send` does."""
        self.send()

    def describe(self) -> dict[str, Any]:
        """Return what a log keeps of a provider."""
        return {"name": self.name, "api": "none", "base_url": ""}

    def close(self) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Do nothing."""


class Silence:
    """A stream with any method whatever, each of which shows nothing and can be used as a block."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._show

    def _show(self, *_args: Any, **_options: Any) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        return None


def build_offline(agent_type: str, config: Mapping[str, Any]) -> Any:
    """Return the agent system of a recorded config, with nothing in it that could send, show or write.

    Raises:
        NotRegisteredError: the agent type is not registered any more.
    """
    told = {**config, "log_type": "none"}
    mute: dict[str, Any] = told | (dict(_NO_PROVIDER) if _NO_PROVIDER.keys() & told.keys() else {})
    agents = cast("Mapping[str, Mapping[str, Any]]", config.get("agent_configs") or {})
    mute["agent_configs"] = {name: {**own, **_NO_PROVIDER} for name, own in agents.items()}
    system = build_agent(mute, stream=Silence(), agent_type=agent_type)
    system.config = told
    for agent in system.agents.values():
        agent.provider = Refusal()
    return system


def run_replayed(session: Session, run: Callable[[Session], Any]) -> tuple[Any, str]:
    """Run code in a replayed session; return its result, and the error that it ended in as ``Name: text``.

    Raises:
        KeyboardInterrupt: somebody stops the replay; one that was recorded is an error like any other.
    """
    try:
        with session:
            return finished(run(session)), ""
    except ReplayStopped as stop:
        _let_through(stop)
        return None, ""
    except BaseException as error:  # noqa: BLE001 - the recorded run may have ended in any, SystemExit included
        _let_through(error)
        return None, f"{type(error).__name__}: {getattr(error, 'message', error)}"


def _let_through(error: BaseException | None) -> None:
    """Raise a KeyboardInterrupt of today that stands behind an error."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt) and not isinstance(error, Rebuilt):
            raise error
        error = error.__context__
