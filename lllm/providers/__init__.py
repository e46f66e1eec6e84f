"""Models behind names: wire formats as pure functions, transports, models in this process, a cache of replies, a mock.

Each name is loaded at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lllm.providers.base import Delta, OnDelta, Provider
    from lllm.providers.build import build_provider, list_providers, register_provider
    from lllm.providers.cache import CachedProvider
    from lllm.providers.http import HTTPProvider
    from lllm.providers.mock import MockProvider
    from lllm.providers.override import wrap_provider
    from lllm.providers.wire.profile import Profile
    from lllm.providers.wire.recorded import parse_exchange

__all__ = [
    "CachedProvider",
    "Delta",
    "HTTPProvider",
    "MockProvider",
    "OnDelta",
    "Profile",
    "Provider",
    "build_provider",
    "list_providers",
    "parse_exchange",
    "register_provider",
    "wrap_provider",
]

_HOMES = {
    **dict.fromkeys(("Delta", "OnDelta", "Provider"), "base"),
    **dict.fromkeys(("build_provider", "list_providers", "register_provider"), "build"),
    "parse_exchange": "wire.recorded",
    "CachedProvider": "cache",
    "HTTPProvider": "http",
    "MockProvider": "mock",
    "Profile": "wire.profile",
    "wrap_provider": "override",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
