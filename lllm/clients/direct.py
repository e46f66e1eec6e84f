"""``LLMProvider``: one model behind one address, asked directly."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Self

from lllm.clients.ask import Asker
from lllm.clients.config import LLMConfig
from lllm.clients.messages import Given, GivenFunction
from lllm.clients.response import LLMResponse, to_response
from lllm.config import ProjectConfig
from lllm.errors import ConfigError
from lllm.log.base import ReplayableLogBase
from lllm.providers.base import Provider
from lllm.providers.build import build_provider, default_model, provider_params
from lllm.providers.project import ProviderTables, build_tables, nearest


class LLMProvider:
    """Asks one model, over one pool of connections. Safe under ``asyncio.gather``.

    Args:
        config: which server and model; ``base_url`` and ``model`` are needed.
        name: what it is called in errors, logs and traces.
        provider: what reaches the model, in place of what ``config`` says of the server.
        log: keeps the calls that are made outside of a session; None keeps none.
    """

    def __init__(
        self,
        config: LLMConfig,
        *,
        name: str = "custom",
        provider: Provider | None = None,
        log: ReplayableLogBase | None = None,
    ) -> None:
        self.config = config
        self.name = name
        if provider is None:
            provider = build_provider("openai_compatible", {"name": name, **config.to_settings()})
        self._asker = Asker(provider, config.model, config.params(), log=log)

    @classmethod
    def from_name(cls, name: str, *, model: str = "", log: ReplayableLogBase | None = None) -> LLMProvider:
        """Return the provider of a name: a preset, or a table of the project's ``lllm.toml``.

        Raises:
            ConfigError: there is none of that name; offers the nearest one.
        """
        return cls._named(name, model, log, None)

    @classmethod
    def from_config(
        cls, name: str, config: ProjectConfig | Mapping[str, Any], *, log: ReplayableLogBase | None = None
    ) -> LLMProvider:
        """Return the provider of a table ``[llm.<name>]``.

        Args:
            name: of the table.
            config: what ``load_project_config`` returned, or the tables as a mapping with the key ``llm``.
            log: see the constructor.

        Raises:
            ConfigError: there is no such table, or it is wrong.
        """
        tables = build_tables(config.tables, config.path) if isinstance(config, ProjectConfig) else build_tables(config)
        if name not in tables.llm:
            raise ConfigError(
                f"there is no table [llm.{name}]", where=str(tables.path or ""), hint=nearest(name, tables.llm)
            )
        return cls._named(name, "", log, tables)

    @classmethod
    def _named(cls, name: str, model: str, log: ReplayableLogBase | None, tables: ProviderTables | None) -> LLMProvider:
        model = model or default_model(name, tables)
        config = LLMConfig(model=model, **provider_params(name, tables))
        return cls(config, name=name, provider=build_provider(name, tables=tables), log=log)

    async def call(
        self, messages: Iterable[Given] | str, *, tools: Iterable[GivenFunction] | None = (), **params: Any
    ) -> LLMResponse:
        """Return the model's reply, whatever it is.

        Args:
            messages: ``{"role": ..., "content": ...}``, or Messages.
            tools: what the model may ask for; its calls are returned and not run.
            params: model arguments of this call, such as ``temperature``.

        Raises:
            ProviderError: no reply, after the machine's retries; it is the httpx error of the same meaning as well.
        """
        return to_response(await self._asker.aask(messages, tools or (), params))

    def call_sync(
        self, messages: Iterable[Given] | str, *, tools: Iterable[GivenFunction] | None = (), **params: Any
    ) -> LLMResponse:
        """Do :meth:`call` without an event loop."""
        return to_response(self._asker.ask(messages, tools or (), params))

    def stream(
        self, messages: Iterable[Given] | str, *, tools: Iterable[GivenFunction] | None = (), **params: Any
    ) -> AsyncGenerator[str]:
        """Yield the pieces of the reply's text, while it is being written; errors as of :meth:`call`."""
        return self._asker.astream(messages, tools or (), params)

    async def aclose(self) -> None:
        """Close connections that no call uses; a later call opens new ones."""
        await self._asker.aclose()

    def close(self) -> None:
        """Close connections of sync calls; see :meth:`aclose`."""
        self._asker.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()
