"""Every fault of a config and of what it names, found without sending anything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lllm.cli.project import Place, agent_configs, discover, load_values
from lllm.config import AgentConfig
from lllm.errors import ConfigError, DiscoveryError, LLLMError
from lllm.llm.base import AGENT_REGISTRY
from lllm.llm.build import build_one
from lllm.llm.prompts import PROMPT_REGISTRY
from lllm.log.memory import NoLog


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where."""

    where: str
    message: str
    hint: str = ""


def find_faults(place: Place, settings: Sequence[str] = ()) -> list[Fault]:
    """Return every fault, in the order in which a run would meet them.

    Raises:
        MissingError: there is no config at all.
    """
    try:
        config = load_values(place, settings)
    except ConfigError as error:
        return [_fault(error), *_project_faults(place, {})]
    return [
        *_project_faults(place, config.values),
        *_type_faults(config),
        *_agent_faults(config),
        *log_faults(config.values, config.origins.get("log_dir", str(config.path))),
    ]


def _fault(error: LLLMError, where: str = "") -> Fault:
    return Fault(error.where or where, error.message, error.hint)


def _project_faults(place: Place, values: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        found = discover(place, values)
    except (DiscoveryError, ConfigError) as error:
        yield _fault(error)
        return
    for error in found.failures.values():
        yield _fault(error)


def _type_faults(config: AgentConfig) -> Iterator[Fault]:
    name = config.values.get("agent_type")
    if not name:
        known = ", ".join(AGENT_REGISTRY) or "none"
        yield Fault(str(config.path), "the config names no agent_type", f"known: {known}")
        return
    where = config.origins.get("agent_type", "")
    try:
        needed = AGENT_REGISTRY[name].agent_group
    except LLLMError as error:
        yield _fault(error, where)
        return
    configured = agent_configs(config.values)
    for agent in needed:
        if agent not in configured:
            told = f"agent_configs lacks {agent!r}, which the agent type {name!r} needs"
            yield Fault(where, told, f"it has: {', '.join(configured) or 'none'}")


def _agent_faults(config: AgentConfig) -> Iterator[Fault]:
    for name, own in agent_configs(config.values).items():
        path = own.get("system_prompt_path")
        if path:
            where = config.origins.get(f"agent_configs.{name}.system_prompt_path", "")
            try:
                _ = PROMPT_REGISTRY[path]
            except LLLMError as error:
                yield _fault(error, where)
        try:
            build_one(name, {**own, "system_prompt_path": None}, config.values, NoLog())
        except LLLMError as error:
            yield _fault(error, _place_of(config, name, error.message))


def _place_of(config: AgentConfig, agent: str, message: str) -> str:
    """Return where the value is written that an error about an agent is likely about."""
    own = f"agent_configs.{agent}"
    keys = [own]
    if "provider" in message:
        key = "provider" if message.startswith("there is no provider") else "provider_config"
        keys = [f"{own}.{key}", key, f"{own}.provider", "provider", own]
    return next((where for key in keys for path, where in config.origins.items() if _is_below(path, key)), "")


def _is_below(path: str, key: str) -> bool:
    return path == key or path.startswith(f"{key}.")


def log_faults(values: Mapping[str, Any], where: str) -> Iterator[Fault]:
    """Tell whether the log's folder can be written; nothing is made to find out."""
    if values.get("log_type") != "localfile":
        return
    folder = Path(values["log_dir"])
    existing = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    if not existing.is_dir():
        yield Fault(where, f"log_dir cannot be made: {existing} is no folder", "set another log_dir")
    elif not os.access(existing, os.W_OK | os.X_OK):
        yield Fault(where, f"log_dir cannot be written: {existing}", "set another log_dir, or log_type: none")
