"""``lllm models``: which providers are known, and which models they have."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from lllm.cli import exits
from lllm.cli.options import standard
from lllm.cli.screen import GAP, Screen
from lllm.errors import CapabilityDenied, LLLMError

_HEAD = ("provider", "format", "where", "model", "key", "address")
_ADDRESS_STUMP = 20


@click.group()
def models() -> None:
    """List providers, and the models that they have."""


@models.command("list")
@click.argument("provider", default="")
@standard
def list_(screen: Screen, provider: str) -> int:
    """List the known providers; or, for PROVIDER, the models that its server says it has.

    Providers come with lllm, and from the tables [llm.NAME] of lllm.toml. Only for PROVIDER is anything sent.
    """
    if provider:
        return _served(screen, provider)
    from lllm.providers.build import list_providers  # noqa: PLC0415 - heavy

    rows = [tell_provider(name) for name in list_providers()]
    if screen.as_json:
        screen.json(rows)
    else:
        show_providers(screen, rows)
    return exits.OK


def show_providers(screen: Screen, rows: Sequence[Mapping[str, str]]) -> None:
    """Write what is known of each provider, in the columns that the terminal has room for."""
    head = pick_columns(rows, screen.console(sys.stdout).width)
    screen.table(head, [tuple(row[name] or "-" for name in head) for row in rows])
    if left_out := [name for name in _HEAD if name not in head]:
        screen.say(f"too narrow for: {', '.join(left_out)} (--json tells all)")


def pick_columns(rows: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """Return the columns that a terminal of ``width`` has room for; an address may be cut, but not to a stump. Pure."""
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in _HEAD}
    widths["address"] = min(widths["address"], _ADDRESS_STUMP)
    head: list[str] = list(_HEAD)
    for name in ("address", "model"):
        if sum(widths[kept] + GAP for kept in head) - GAP > width:
            head.remove(name)
    return head


def tell_provider(name: str) -> dict[str, str]:
    """Return what is known of a provider without asking it: its key by name, never by value."""
    from lllm.providers.build import build_provider, default_model  # noqa: PLC0415 - heavy
    from lllm.providers.http import HTTPProvider  # noqa: PLC0415 - heavy
    from lllm.providers.project import provider_tables  # noqa: PLC0415 - heavy

    told = {"provider": name, "model": default_model(name), "format": "", "where": "", "key": "", "address": ""}
    if name == "openai_compatible":
        return told | {"address": "(name it: base_url)", "format": "chat"}
    try:
        provider = build_provider(name)
    except LLLMError as error:
        return told | {"address": f"broken: {error}"}
    except Exception as error:  # noqa: BLE001 - of a provider, or a wrapper, of the project's own: the others are told
        return told | {"address": f"broken: {type(error).__name__}: {error}"}
    if not isinstance(provider, HTTPProvider):
        return told | {"where": "in process"}
    profile = provider.profile
    where = "local" if profile.is_local else "cloud"
    try:
        provider_tables().check_granted(local=profile.is_local, what=name)
    except CapabilityDenied:
        where += ", not granted"
    variable = profile.api_key_env
    key = f"${variable} {'set' if os.environ.get(variable) else 'not set'}" if variable else ""
    return told | {"format": profile.api, "where": where, "key": key, "address": profile.base_url}


def _served(screen: Screen, name: str) -> int:
    from lllm.providers.build import build_provider  # noqa: PLC0415 - heavy
    from lllm.providers.health import check_health  # noqa: PLC0415 - heavy

    provider = build_provider(name)
    try:
        health = check_health(provider)
    finally:
        provider.close()
    if screen.as_json:
        told: dict[str, Any] = {"provider": name, "ok": health.ok, "told": health.told, "models": list(health.models)}
        screen.json(told)
    else:
        for model in health.models:
            screen.line(model)
        if not health.models:
            screen.say(f"{name} {health.told}" if health.ok else f"{name}: {health.told}")
            if health.hint:
                screen.say(f"hint: {health.hint}")
    return exits.OK if health.ok else exits.FAILED
