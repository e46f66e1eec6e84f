"""Proxies: services that agents may call, declared as data.

`base.py` says what is declared, `runtime.py` calls it. A call goes through `params.py` (are the values right?),
`cutoff.py` (may they be asked for?), `wire.py` (one request), `answer.py` (what came back); `flow.py` orders them.
"""

from lllm.proxies.base import (
    PROXY_REGISTRY,
    BaseProxy,
    Endpoint,
    ProxyRegistrator,
    get_proxy,
    list_proxies,
    register_proxy,
)
from lllm.proxies.load import BUILTIN_PROXY_MODULES, load_builtin_proxies
from lllm.proxies.runtime import Proxy

__all__ = [
    "BUILTIN_PROXY_MODULES",
    "PROXY_REGISTRY",
    "BaseProxy",
    "Endpoint",
    "Proxy",
    "ProxyRegistrator",
    "get_proxy",
    "list_proxies",
    "load_builtin_proxies",
    "register_proxy",
]
