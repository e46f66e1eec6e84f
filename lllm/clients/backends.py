"""``LLMClient`` and its backends: one interface, four kinds of model, chosen by the environment."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, ClassVar, Self

from lllm.clients.ask import Asker
from lllm.clients.config import LLMConfig
from lllm.clients.messages import Given
from lllm.clients.response import LLMResponse, to_response
from lllm.log.base import ReplayableLogBase
from lllm.models.prompt import Prompt
from lllm.providers.base import Provider
from lllm.providers.build import build_provider, default_model
from lllm.providers.health import acheck_health


class LLMClient:
    """Asks one model. Subclasses say how it is reached.

    Args:
        config: which model, and how to ask it.
        provider: what reaches the model, in place of the backend's own.
        log: keeps the calls that are made outside of a session; None keeps none.
    """

    backend: ClassVar[str] = ""
    fallback_model: ClassVar[str] = "mock"  # whoever brings a provider of his own need not name a model

    def __init__(
        self, config: LLMConfig | None = None, *, provider: Provider | None = None, log: ReplayableLogBase | None = None
    ) -> None:
        self.config = config or LLMConfig()
        self.provider = self._cached(provider or self.build())
        model = self.config.model or default_model(self.provider.name) or self.fallback_model
        budget = self.config.budget_tokens
        self._asker = Asker(self.provider, model, self.config.params(), budget_tokens=budget, log=log)

    def build(self) -> Provider:
        """Return what reaches the model."""
        raise NotImplementedError

    def _cached(self, provider: Provider) -> Provider:
        if self.config.enable_cache is False:
            return provider
        from lllm.providers.cache import CachedProvider  # noqa: PLC0415 - a client without a cache does not need it

        return CachedProvider(provider, self.config.cache_dir)

    async def generate(
        self,
        prompt: str | Prompt[Any],
        system_prompt: str = "",
        *,
        prompt_args: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> LLMResponse:
        """Return the model's answer to one text, or to a Prompt whose fields are ``prompt_args``.

        Raises:
            ProviderError: no reply, after the machine's retries.
            LimitExceeded: ``budget_tokens`` are spent.
        """
        return to_response(await self._asker.aask(_messages(prompt, system_prompt, prompt_args), (), params))

    async def chat(self, messages: Iterable[Given], **params: Any) -> LLMResponse:
        """Return the model's answer to a conversation; errors as of :meth:`generate`."""
        return to_response(await self._asker.aask(messages, (), params))

    def stream(
        self,
        prompt: str | Prompt[Any],
        system_prompt: str = "",
        *,
        prompt_args: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> AsyncGenerator[str]:
        """Yield the pieces of the answer; see :meth:`generate`."""
        return self._asker.astream(_messages(prompt, system_prompt, prompt_args), (), params)

    async def health_check(self) -> bool:
        """Whether the model can be reached. It never raises, and takes two seconds at most."""
        return (await acheck_health(self.provider)).ok

    async def aclose(self) -> None:
        """Close connections that no call uses."""
        await self._asker.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()


def _messages(prompt: str | Prompt[Any], system: str, args: Mapping[str, Any] | None) -> list[Given]:
    text = prompt(**(args or {})) if isinstance(prompt, Prompt) else prompt
    said: list[Given] = [{"role": "system", "content": system}] if system else []
    return [*said, {"role": "user", "content": text}]


class OllamaBackend(LLMClient):
    """A model that Ollama serves, over its own interface."""

    backend = "ollama"

    def build(self) -> Provider:
        """Return Ollama at ``base_url``, else at ``$OLLAMA_HOST``, else on this machine."""
        return build_provider("ollama", self.config.to_settings())


class MLXBackend(LLMClient):
    """A model that runs in this process, by mlx-lm (the extra ``mlx``)."""

    backend = "mlx"
    fallback_model = ""  # it would be loaded

    def build(self) -> Provider:
        """Return the model in the process; it is loaded at the first call."""
        timeout = {key: value for key, value in self.config.to_settings().items() if key == "timeout_s"}
        return build_provider("mlx", timeout)


class RemoteBackend(LLMClient):
    """A service like OpenAI's, or Anthropic's: by ``api``, by ``base_url``, else by the model's name."""

    backend = "remote"

    def build(self) -> Provider:
        """Return the service. At an address of one's own without a key, the services' own keys are not sent."""
        settings = self.config.to_settings()
        if self.config.base_url and not self.config.api_key and not self.config.api_key_env:
            return build_provider("openai_compatible", settings)
        is_claude = self.config.model.startswith("claude") and not self.config.base_url
        is_anthropic = self.config.api == "anthropic" or "anthropic.com" in self.config.base_url or is_claude
        return build_provider("anthropic" if is_anthropic else "openai", settings)


class MockBackend(LLMClient):
    """A model without a model; for tests."""

    backend = "mock"

    def build(self) -> Provider:
        """Return the mock, which answers with one fixed sentence."""
        return build_provider("mock")


_BACKENDS: dict[str, type[LLMClient]] = {
    kind.backend: kind for kind in (OllamaBackend, MLXBackend, RemoteBackend, MockBackend)
}


def get_llm_client(config: LLMConfig | None = None) -> LLMClient:
    """Return the client that a config, or the environment, asks for.

    Without ``LLM_BACKEND`` it is the mock. So it is for an unknown backend, with a warning: nothing is sent anywhere.

    Raises:
        ConfigError: a variable of the environment holds no number where one is needed.
    """
    config = LLMConfig.from_env() if config is None else config
    name = config.backend or "mock"
    if name not in _BACKENDS:
        known = ", ".join(_BACKENDS)
        warnings.warn(f"there is no backend {name!r}, so the mock answers; known: {known}", stacklevel=2)
        name = "mock"
    return _BACKENDS[name](config)
