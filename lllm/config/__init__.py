"""Config files: ``lllm.toml`` says where a project's files are, an agent YAML says what a system is made of.

Every value knows the place that it was written at. The environment comes in as an argument.
"""

from lllm.config.agent import AgentConfig, load_agent_config
from lllm.config.project import ProjectConfig, find_config_file, load_config
from lllm.config.render import render_config, to_dict

__all__ = [
    "AgentConfig",
    "ProjectConfig",
    "find_config_file",
    "load_agent_config",
    "load_config",
    "render_config",
    "to_dict",
]
