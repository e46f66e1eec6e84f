"""``lllm agents``: agent types and configured agents."""

from __future__ import annotations

from typing import Any

import click

from lllm.cli import exits
from lllm.cli.options import config_options, standard
from lllm.cli.screen import Screen


@click.group()
def agents() -> None:
    """List agent types and configured agents."""


@agents.command("list")
@config_options
@standard
def list_(screen: Screen, config: str | None, settings: tuple[str, ...]) -> int:
    """List the registered agent types, and the agents of the config."""
    from lllm.cli.project import agent_configs, discover, find_place, load_values  # noqa: PLC0415 - heavy
    from lllm.llm.base import AGENT_REGISTRY  # noqa: PLC0415 - heavy

    place = find_place(config)
    values: dict[str, Any] = load_values(place, settings).values if config or place.config.is_file() else {}
    found = discover(place, values)
    types = [_type(key, AGENT_REGISTRY[key], AGENT_REGISTRY.origin(key)) for key in AGENT_REGISTRY]
    configured = [_agent(name, own, values) for name, own in agent_configs(values).items()]
    if screen.as_json:
        screen.json({"default": values.get("agent_type"), "agent_types": types, "agents": configured})
        return exits.OK
    if types:
        screen.table(("agent type", "needs", "origin"), [_cells(told, values.get("agent_type")) for told in types])
        screen.line()
    screen.table(("agent", "provider", "model", "prompt"), [tuple(map(str, agent.values())) for agent in configured])
    for error in found.failures.values():
        screen.say(f"not loaded: {error}", "red")
    return exits.OK


def _type(key: str, kind: Any, origin: str) -> dict[str, Any]:
    return {"agent_type": key, "origin": origin, "async": kind.is_async, "agent_group": list(kind.agent_group)}


def _cells(told: dict[str, Any], default: Any) -> tuple[str, str, str]:
    mark = " (default)" if told["agent_type"] == default else ""
    return told["agent_type"] + mark, ", ".join(told["agent_group"]) or "all", told["origin"]


def _agent(name: str, own: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    prompt = own.get("system_prompt_path") or ("(in the config)" if own.get("system_prompt") else "-")
    provider = own.get("provider", values.get("provider", "openai"))
    return {"name": name, "provider": provider, "model": own.get("model_name", ""), "prompt": prompt}
