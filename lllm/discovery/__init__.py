"""From ``lllm.toml`` to filled registries: a project's files are run in sorted order, and what they define is kept.

A file that cannot be loaded does not stop the others: it is told of when a key is asked for and missing.
"""

from lllm.discovery.project import Discovered, auto_discover, discover_once
from lllm.discovery.prompt_file import load_prompt_file

__all__ = ["Discovered", "auto_discover", "discover_once", "load_prompt_file"]
