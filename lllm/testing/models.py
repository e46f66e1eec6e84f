"""Models for tests: they answer what a test says, and every run with them is the same."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

from lllm.llm.base import AGENT_REGISTRY
from lllm.llm.prompts import PROMPT_REGISTRY
from lllm.models.request import ModelRequest
from lllm.providers.mock import MockProvider, Reply
from lllm.proxies.base import PROXY_REGISTRY
from lllm.registry import DISCOVERER


def scripted_model(*replies: Reply) -> MockProvider:
    """Return a provider that answers with ``replies``, in order; one call more fails and says so.

    Args:
        replies: text; ``{"calls": [{"name", "arguments"}]}``; ``{"error": {"type": "RateLimited"}}``; a Message; or an
            error to raise.
    """
    return MockProvider(replies)


def function_model(respond: Callable[[ModelRequest], Reply]) -> MockProvider:
    """Return a provider that answers whatever ``respond`` returns for a request."""
    return MockProvider(function=respond)


@contextmanager
def isolated_registries() -> Generator[None]:
    """Give a block registries of its own, with what the project has registered: what it adds is gone after it."""
    DISCOVERER.ensure()  # else what is first looked up inside would be found, and lost, with the block
    with ExitStack() as stack:
        for registry in (PROMPT_REGISTRY, AGENT_REGISTRY, PROXY_REGISTRY):
            stack.enter_context(registry.isolated())
        yield
