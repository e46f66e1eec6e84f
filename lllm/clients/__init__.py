"""Plain ways to a model, for programs that want an answer and no agent: three faces of the one provider floor.

Every call goes through the machine, so that failures of transport are retried as everywhere; inside a session it is
logged, and replays. Each name is loaded at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lllm.clients.backends import (
        LLMClient,
        MLXBackend,
        MockBackend,
        OllamaBackend,
        RemoteBackend,
        get_llm_client,
    )
    from lllm.clients.cognitive import CognitiveAgent, CognitiveConfig, CognitiveResult
    from lllm.clients.complete import acloud_complete, alocal_complete, cloud_complete, local_complete
    from lllm.clients.config import LLMConfig
    from lllm.clients.direct import LLMProvider
    from lllm.clients.response import LLMResponse
    from lllm.clients.scheduler import AgentScheduler, Proposal, ScheduledAgent

__all__ = [
    "AgentScheduler",
    "CognitiveAgent",
    "CognitiveConfig",
    "CognitiveResult",
    "LLMClient",
    "LLMConfig",
    "LLMProvider",
    "LLMResponse",
    "MLXBackend",
    "MockBackend",
    "OllamaBackend",
    "Proposal",
    "RemoteBackend",
    "ScheduledAgent",
    "acloud_complete",
    "alocal_complete",
    "cloud_complete",
    "get_llm_client",
    "local_complete",
]

_HOMES = {
    "backends": "LLMClient MLXBackend MockBackend OllamaBackend RemoteBackend get_llm_client",
    "cognitive": "CognitiveAgent CognitiveConfig CognitiveResult",
    "complete": "acloud_complete alocal_complete cloud_complete local_complete",
    "config": "LLMConfig",
    "direct": "LLMProvider",
    "response": "LLMResponse",
    "scheduler": "AgentScheduler Proposal ScheduledAgent",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
