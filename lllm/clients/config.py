"""What a plain client is told: which server, which model, and how to ask it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lllm.errors import ConfigError

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class LLMConfig:
    """Settings of one client. What is left out, the provider's preset and ``lllm.toml`` decide.

    Attributes:
        backend: ``ollama``, ``mlx``, ``remote`` or ``mock``; read by ``get_llm_client`` alone.
        base_url: address of the server, up to and without the wire format's own path.
        model: the model's name, as its server knows it.
        api_key: the key itself; better name its variable with ``api_key_env``.
        api: wire format of a server of one's own: ``chat`` (default), ``responses``, ``anthropic``, ``ollama``.
        temperature, max_tokens, top_p, seed: sent with each call unless None.
        timeout_ms: milliseconds for one attempt.
        enable_cache: serve what was asked and answered before; None leaves it to the face.
        cache_dir: the cache's folder.
        budget_tokens: tokens that the client may use in its whole life.
    """

    backend: str = ""
    base_url: str = ""
    model: str = ""
    api_key: str | None = field(default=None, repr=False)
    api_key_env: str = ""
    api: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    seed: int | None = None
    timeout_ms: float | None = None
    enable_cache: bool | None = None
    cache_dir: str = ".llm_cache"
    budget_tokens: int | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> LLMConfig:
        """Return what ``LLM_BACKEND, LLM_MODEL, LLM_API_KEY, LLM_API_BASE, ...`` say; an empty variable says nothing.

        Raises:
            ConfigError: one of them is no number, or no yes or no; names it.
        """
        told: dict[str, Any] = {
            name: value for variable, name in _TEXTS.items() if (value := environ.get(variable, "").strip())
        }
        for variable, (name, kind) in _NUMBERS.items():
            if text := environ.get(variable, "").strip():
                told[name] = _to_number(variable, text, kind)
        if "timeout_ms" in told:
            told["timeout_ms"] *= 1000  # LLM_TIMEOUT is in seconds
        if "LLM_ENABLE_CACHE" in environ:
            told["enable_cache"] = _to_bool("LLM_ENABLE_CACHE", environ["LLM_ENABLE_CACHE"])
        return cls(**told)

    def params(self) -> dict[str, Any]:
        """Return the model arguments of each call."""
        named = ("temperature", "max_tokens", "top_p", "seed")
        return {name: value for name in named if (value := getattr(self, name)) is not None}

    def to_settings(self) -> dict[str, Any]:
        """Return what ``build_provider`` is to be told; see ``provider_config`` of an agent YAML."""
        told: dict[str, Any] = {
            name: value for name in ("base_url", "api_key", "api_key_env", "api") if (value := getattr(self, name))
        }
        if self.timeout_ms is not None:
            if isinstance(self.timeout_ms, bool) or not isinstance(self.timeout_ms, int | float):  # pyright: ignore[reportUnnecessaryIsInstance] - of whoever has no type checker
                raise ConfigError(f"timeout_ms is a number of milliseconds, not {self.timeout_ms!r}")
            told["timeout_s"] = self.timeout_ms / 1000
        return told


_TEXTS = {
    "LLM_BACKEND": "backend",
    "LLM_MODEL": "model",
    "LLM_API_KEY": "api_key",
    "LLM_API_BASE": "base_url",
    "LLM_CACHE_DIR": "cache_dir",
}
_NUMBERS: dict[str, tuple[str, type]] = {
    "LLM_TEMPERATURE": ("temperature", float),
    "LLM_MAX_TOKENS": ("max_tokens", int),
    "LLM_TOP_P": ("top_p", float),
    "LLM_TIMEOUT": ("timeout_ms", float),
}


def _to_number(variable: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ConfigError(f"{variable} is a number, not {text!r}", hint=f"export {variable}=1, or unset it") from None


def _to_bool(variable: str, text: str) -> bool:
    said = text.strip().lower()
    if said not in _TRUE | _FALSE:
        raise ConfigError(f"{variable} is true or false, not {text!r}")
    return said in _TRUE
