"""The prompts of a project, by key."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from lllm.models.prompt import Prompt
from lllm.registry import Registry

T = TypeVar("T")

PROMPT_REGISTRY: Registry[Prompt[Any]] = Registry("prompt")


def register_prompt(prompt: Prompt[Any], *, key: str = "", origin: str = "", overwrite: bool = False) -> Prompt[Any]:
    """Register a prompt under its path, or under ``key``, and return it.

    Raises:
        DiscoveryError: another file holds the key.
    """
    if not origin:
        frame = inspect.stack(0)[1].frame
        origin = f"{frame.f_code.co_filename}:{frame.f_lineno}:1"
    PROMPT_REGISTRY.register(key or prompt.path, prompt, origin=origin, overwrite=overwrite)
    return prompt


class Prompts:
    """A view of the registry below one root: ``Prompts("demo")("task")`` is the prompt ``demo/task``."""

    def __init__(self, root: str = "") -> None:
        self.root = root.strip("/")

    def __call__(self, name: str) -> Prompt[Any]:
        """Return a prompt.

        Raises:
            NotRegisteredError: there is none; the hint offers the nearest key.
        """
        return PROMPT_REGISTRY[self._key(name)]

    def get(self, name: str, default: T | None = None) -> Prompt[Any] | T | None:
        """Return a prompt, or ``default`` when there is none."""
        return PROMPT_REGISTRY.get(self._key(name), default)

    def _key(self, name: str) -> str:
        return f"{self.root}/{name}" if self.root else name
