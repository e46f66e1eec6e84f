"""The models that the project names: is each server well? Part of ``lllm doctor --providers``."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lllm.cli.doctor_check import Check
from lllm.cli.project import agent_configs, find_place, load_values
from lllm.errors import LLLMError
from lllm.providers.base import Provider
from lllm.providers.build import build_provider
from lllm.providers.health import check_health
from lllm.providers.project import provider_tables

_AT_ONCE = 64


def check_servers(config: str | None = None) -> list[Check]:
    """Return a check for each server that the config (default: the project's), its agents or ``lllm.toml`` name."""
    try:
        servers = _servers(config)
    except LLLMError as error:
        return [Check("servers", "broken", str(error), error.hint)]
    if not servers:
        return [Check("servers", "note", "none is configured")]
    with ThreadPoolExecutor(min(len(servers), _AT_ONCE)) as pool:
        return list(pool.map(_check, servers, servers.values()))


def _servers(config: str | None) -> dict[str, Mapping[str, Any]]:
    """Return the settings of each server, by the name of its provider, or by that of the agent that changes them."""
    place = find_place(config)
    values: dict[str, Any] = load_values(place).values if place.config.is_file() else {}
    servers: dict[str, Mapping[str, Any]] = {name: {} for name in provider_tables().llm}
    for agent, own in agent_configs(values).items():
        settings = {**values, **own}
        changed: Any = settings.get("provider_config") or {}
        name = str(settings.get("provider", "openai"))
        if not isinstance(changed, Mapping):  # told by the check of the config
            changed = {}
        servers[f"{name} of {agent}" if changed else name] = {"provider": name, **changed}
    return {name: told for name, told in servers.items() if told.get("provider", name) != "mock"}


def _check(label: str, told: Mapping[str, Any]) -> Check:
    settings = dict(told)
    name = settings.pop("provider", label)
    try:
        provider: Provider = build_provider(name, settings)
        health = check_health(provider)
        provider.close()
    except LLLMError as error:
        return Check(label, "broken", str(error), error.hint)
    except Exception as error:  # noqa: BLE001 - of a provider, or a wrapper, of the project's own
        return Check(label, "broken", f"{type(error).__name__}: {error}")
    # Of a server that is not well, nobody knows whether it was asked at all.
    said = f"{health.told} ({health.latency_s * 1000:.0f} ms)" if health.ok and health.latency_s else health.told
    return Check(label, "ok" if health.ok else "broken", said, health.hint)
