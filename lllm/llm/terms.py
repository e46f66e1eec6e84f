"""What one call is made with: fixed when it begins, the same for its model calls and its rounds of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lllm.llm.stream import Listener, ProgressEvent
from lllm.llm.trace_call import CallTrace
from lllm.machine import Budgets
from lllm.models.prompt import Prompt
from lllm.models.request import Contract
from lllm.providers.base import Provider


@dataclass(frozen=True, slots=True)
class Terms:
    """What one call is made with.

    Attributes:
        prompt: the contract of this turn.
        contracts: makes the standing part of a request, given the prompt and whether functions are offered.
        extra: put on the reply; logged, never sent.
        parser_args: passed to the parser.
        as_is: the first reply is the result, whatever it is: it is not judged, and its function calls are not run.
        listen: told what happens while it happens; what is logged is the same without it.
        trace: makes the call's spans, or None; what is logged is the same without it, too.
    """

    agent: str
    provider: Provider
    prompt: Prompt[Any]
    contracts: Callable[[Prompt[Any], bool], Contract]
    budgets: Budgets
    extra: Mapping[str, Any]
    parser_args: Mapping[str, Any]
    as_is: bool = False
    listen: Listener | None = None
    trace: CallTrace | None = None

    def tell(self, event: ProgressEvent) -> None:
        """Tell whoever watches the call."""
        if self.listen is not None:
            self.listen(event)
