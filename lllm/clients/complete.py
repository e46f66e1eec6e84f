"""``local_complete`` and ``cloud_complete``: a text in, a text out, everything else from the environment.

Both are gated: ``[capabilities]`` in ``lllm.toml`` says whether the project may call a model on this machine
(``llm_local``), and whether one elsewhere (``llm_cloud``). Inside a session the call is logged, and replays.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from lllm.clients.ask import Asker
from lllm.providers.build import build_provider, default_model

_askers: dict[tuple[str, str, str], Asker] = {}


def local_complete(prompt: str, **params: Any) -> str:
    """Return what Ollama's ``/api/generate`` makes of a prompt.

    Args:
        prompt: the text.
        params: model arguments, such as ``temperature``.

    The server is ``$OLLAMA_HOST``, else ``http://localhost:11434``; the model ``$LEX_LLM_LOCAL_MODEL``, else
    ``llama3``.

    Raises:
        ProviderError: no reply, after the machine's retries.
        CapabilityDenied: the project does not grant it; nothing was sent.
    """
    return _local().ask(prompt, (), params).content


async def alocal_complete(prompt: str, **params: Any) -> str:
    """Async twin of :func:`local_complete`."""
    return (await _local().aask(prompt, (), params)).content


def cloud_complete(prompt: str, **params: Any) -> str:
    """Return what a service like OpenAI's makes of a prompt, over chat completions.

    Args:
        prompt: the text.
        params: model arguments, such as ``temperature``.

    The key is ``$LEX_LLM_CLOUD_API_KEY``, else ``$OPENAI_API_KEY``; the address ``$LEX_LLM_CLOUD_BASE_URL``, else
    ``$OPENAI_BASE_URL``, else OpenAI's; the model ``$LEX_LLM_CLOUD_MODEL``, else ``gpt-4o-mini``.

    Raises:
        ProviderError: no reply, after the machine's retries.
        ConfigError: there is no key.
        CapabilityDenied: the project does not grant it; nothing was sent.
    """
    return _cloud().ask(prompt, (), params).content


async def acloud_complete(prompt: str, **params: Any) -> str:
    """Async twin of :func:`cloud_complete`."""
    return (await _cloud().aask(prompt, (), params)).content


def _local(environ: Mapping[str, str] = os.environ) -> Asker:
    model = environ.get("LEX_LLM_LOCAL_MODEL") or default_model("ollama")
    return _asker("ollama", {"api": "ollama_generate"}, model, environ.get("OLLAMA_HOST", ""))


def _cloud(environ: Mapping[str, str] = os.environ) -> Asker:
    settings: dict[str, Any] = {}
    if environ.get("LEX_LLM_CLOUD_API_KEY"):
        settings["api_key_env"] = "LEX_LLM_CLOUD_API_KEY"
    if address := environ.get("LEX_LLM_CLOUD_BASE_URL"):
        settings["base_url"] = address
    model = environ.get("LEX_LLM_CLOUD_MODEL") or default_model("openai")
    return _asker("openai", settings, model, environ.get("OPENAI_BASE_URL", ""))


def _asker(name: str, settings: dict[str, Any], model: str, address: str) -> Asker:
    """Return the one asker for a server and model, which keeps its connections from call to call."""
    key = (name, model, f"{sorted(settings.items())} {address}")
    asker = _askers.get(key)
    if asker is None:
        asker = _askers[key] = Asker(build_provider(name, settings), model, {})
    return asker
