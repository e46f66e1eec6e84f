"""Which services a run may call: the proxy that a config names, or a notebook's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from lllm.errors import ConfigError

if TYPE_CHECKING:
    from lllm.proxies.runtime import Proxy


def load_proxy(paths: Any, facts: Mapping[str, Any]) -> Proxy:
    """Return what calls the services at ``paths``; where there are none, none can be called.

    Args:
        paths: of proxies, or one of them as text; nothing at all is none of them.
        facts: ``cutoff_date`` and ``deploy_mode``, each of which may be missing.

    Raises:
        NotRegisteredError: there is no such proxy.
        ConfigError: the cutoff is no date.
    """
    from lllm.proxies.runtime import Proxy  # noqa: PLC0415 - most runs call no service

    return Proxy.from_dict({**facts, "activate_proxies": paths or []})


def refuse_proxy() -> NoReturn:
    """Refuse to call any service, in a session that is the run of no agent system.

    Raises:
        ConfigError: always.
    """
    raise ConfigError("this session has no proxy", hint="session.load_proxy = lambda: Proxy([...])")
