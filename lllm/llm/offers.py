"""What a turn offers its model beside the prompt's own functions: a browser, and what its MCP servers have."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from lllm.llm.effects import Effect
from lllm.llm.mcp_offers import offer_tools
from lllm.llm.session import Session
from lllm.llm.terms import Terms
from lllm.models.prompt import Prompt
from lllm.registry import COMPUTER


def offer_functions(terms: Terms, session: Session, id_: str) -> Generator[Effect, Any, Terms]:
    """Return the terms of a turn with all functions of its prompt.

    Raises:
        ConfigError: two of them have one name, or what the prompt says of the browser cannot be understood.
    """
    if terms.prompt.computer_use_config:
        terms = replace(terms, prompt=_with_computer(terms.prompt))
    return (yield from offer_tools(terms, session, id_))


@lru_cache(maxsize=256)  # by the prompt itself: what is kept for one prompt must not be made anew each turn
def _with_computer(prompt: Prompt[Any]) -> Prompt[Any]:
    functions = (*prompt.functions_list, *COMPUTER.load()(prompt.computer_use_config))
    return replace(prompt, functions_list=functions, computer_use_config={})
