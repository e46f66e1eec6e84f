"""The span of one model call.

It covers every attempt, as the conventions ask: "if a transient issue happened and the request was retried
automatically, the corresponding span SHOULD cover the duration of the logical operation with all retries"
(gen-ai-spans.md, read 2026-11). Each failed attempt is an event on it. A retry that tells the model what was wrong with
its reply is another request, and another span.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from lllm.errors import ProviderError
from lllm.llm.trace_facts import failure_facts, reply_facts, to_output
from lllm.llm.trace_span import OpenSpan, harmless
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.otel import names

Seen = Callable[[Any], None]
"""Takes what an effect was answered with."""


class ModelSpan:
    """The span of one model call and its repeats.

    Args:
        span: what it is told on.
        request: the same object for each attempt.
    """

    def __init__(self, span: OpenSpan, request: ModelRequest) -> None:
        self.request = request
        self._span = span
        self._failed: tuple[ProviderError, int] | None = None
        self._failures = 0

    @contextmanager
    def attempt(self, id_: str) -> Generator[Seen]:
        """Watch one attempt. One that fails leaves the span open: whether there is another, the machine decides.

        So does one that is broken into: the call is over then, and knows best of what.
        """
        begun, self._failed = time.perf_counter_ns(), None
        try:
            with self._span.current():
                yield lambda reply: self._answered(reply, id_, (time.perf_counter_ns() - begun) // 1_000_000)
        except ProviderError as error:
            self._failures += 1
            self._failed = error, time.time_ns()
            self._span.note(names.ATTEMPT_FAILED, failure_facts(error, id_))
            raise

    def _answered(self, reply: Message[Any], id_: str, latency_ms: int) -> None:
        with harmless():  # the reply is not in the log yet, and must get there whatever it looks like
            facts = reply_facts(reply, latency_ms) | {names.EFFECT_ID: id_, names.RECALL: self._failures or None}
            content = {names.OUTPUT_MESSAGES: to_output(reply)} if self._span.tells_content else None
            self._span.tell(facts, content)
        self._span.end()

    def end(self, error: BaseException | None) -> None:
        """End it: at its last failure, where it has one, else now."""
        failed, at_ns = self._failed or (error, None)
        self._span.end(failed, at_ns=at_ns)
