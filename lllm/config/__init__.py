"""Config files: ``lllm.toml`` says where a project's files are, an agent YAML says what a system is made of.

Every value knows the place that it was written at. The environment comes in as an argument. Each name is loaded at
first use: the log needs one rule of this room, and no reader of files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lllm.config.agent import AgentConfig, load_agent_config
    from lllm.config.project import ProjectConfig, find_config_file, load_config, load_project_config
    from lllm.config.render import render_config, to_dict

__all__ = [
    "AgentConfig",
    "ProjectConfig",
    "find_config_file",
    "load_agent_config",
    "load_config",
    "load_project_config",
    "render_config",
    "to_dict",
]

_HOMES = {
    **dict.fromkeys(("AgentConfig", "load_agent_config"), "agent"),
    **dict.fromkeys(("ProjectConfig", "find_config_file", "load_config", "load_project_config"), "project"),
    **dict.fromkeys(("render_config", "to_dict"), "render"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
