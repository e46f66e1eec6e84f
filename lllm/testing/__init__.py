"""What users of lllm test their agents with, and what lllm tests itself with.

Names are loaded when they are first used: pytest imports this package at every start, for its plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lllm.testing.models import function_model, isolated_registries, scripted_model
    from lllm.testing.names import LLLMDriftWarning
    from lllm.testing.network import NetworkRefused

_HOMES = {
    "LLLMDriftWarning": "names",
    "NetworkRefused": "network",
    "function_model": "models",
    "isolated_registries": "models",
    "scripted_model": "models",
}

__all__ = ["LLLMDriftWarning", "NetworkRefused", "function_model", "isolated_registries", "scripted_model"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
