"""Show a config: as lines for people, as plain data for programs. Secrets show as their name."""

from __future__ import annotations

import json
from typing import Any, cast

from lllm.config.agent import AgentConfig
from lllm.config.merge import join_path
from lllm.utils import Secret


def render_config(config: AgentConfig, *, origin: bool = False) -> str:
    """Return one line a value, ``path = value``, with ``# origin`` behind it when asked for. Pure.

    Values are JSON, so a line shows the type as well. Lines stand in the order of the config.
    """
    rows = [
        (path, f"{path} = {json.dumps(value, ensure_ascii=False)}") for path, value in _leaves(to_shown(config.values))
    ]
    if not origin:
        return "\n".join(line for _, line in rows)
    width = min(max((len(line) for _, line in rows), default=0), 80)
    return "\n".join(f"{line:<{width}}   # {config.origins[path]}" for path, line in rows)


def to_dict(config: AgentConfig) -> dict[str, Any]:
    """Return ``{"path", "files", "values", "origins"}`` as JSON data. Pure."""
    return {
        "path": str(config.path),
        "files": [str(file) for file in config.files],
        "values": to_shown(config.values),
        "origins": dict(config.origins),
    }


def to_shown(value: Any) -> Any:
    """Return a value with ``<name>`` for each secret in it. Pure."""
    if isinstance(value, dict):
        return {key: to_shown(child) for key, child in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [to_shown(child) for child in cast("list[Any]", value)]
    return f"<{value.name}>" if isinstance(value, Secret) else value


def _leaves(value: Any, keys: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    children: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        children = list(cast("dict[str, Any]", value).items())
    elif isinstance(value, list):
        children = [(str(number), child) for number, child in enumerate(cast("list[Any]", value))]
    if not children:
        return [(join_path(keys), value)]
    return [leaf for key, child in children for leaf in _leaves(child, (*keys, key))]
