"""Proxies: services that agents may call, declared as data."""

from lllm.proxies.base import (
    PROXY_REGISTRY,
    BaseProxy,
    Endpoint,
    ProxyRegistrator,
    get_proxy,
    list_proxies,
    register_proxy,
)

__all__ = [
    "PROXY_REGISTRY",
    "BaseProxy",
    "Endpoint",
    "ProxyRegistrator",
    "get_proxy",
    "list_proxies",
    "register_proxy",
]
