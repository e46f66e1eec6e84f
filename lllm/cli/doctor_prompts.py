"""Which prompts the project has, for who looks whether what they need is here. Part of ``lllm doctor``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lllm.errors import LLLMError
from lllm.models.prompt import Prompt


def loaded_prompts() -> Iterator[Prompt[Any]]:
    """Yield the registered prompts that can be loaded."""
    from lllm.llm.prompts import PROMPT_REGISTRY  # noqa: PLC0415 - heavy

    for key in PROMPT_REGISTRY:
        try:
            yield PROMPT_REGISTRY[key]
        except LLLMError:  # of a file that cannot be loaded, which another check tells
            continue
