"""Spans of OpenTelemetry: whether anybody wants them, how they begin, and the span of a session.

Spans are made when the program has set a tracer provider, which takes the SDK. lllm imports nothing of OpenTelemetry
before that: who does not trace pays for one look into ``sys.modules`` a call. Nothing of a trace is logged.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from lllm.const import VERSION
from lllm.llm.trace_content import wants_content
from lllm.llm.trace_facts import to_facts
from lllm.llm.trace_span import OpenSpan, harmless
from lllm.log.base import SessionLog
from lllm.log.redact import Redactor
from lllm.models.plain import show
from lllm.otel import names
from lllm.utils import encode_json, visible

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

_OFF = frozenset({"0", "false", "no", "off"})
ENV_TRACE = "LLLM_TRACE"


class Owner(Protocol):
    """The session that is traced."""

    journal: SessionLog
    redact: Redactor
    span: OpenSpan | None
    about: Mapping[str, Any]
    result: Any

    @property
    def offline(self) -> bool:
        """Whether it is replayed; then nothing happens that could be traced."""
        ...


@dataclass(frozen=True, slots=True)
class _Chosen:
    provider: TracerProvider
    content: bool | None


_chosen: ContextVar[_Chosen | None] = ContextVar("lllm_tracing", default=None)


@contextmanager
def traced(provider: TracerProvider, *, content: bool | None = None) -> Generator[None]:
    """Trace what the block runs with a provider of its own, whatever is set for the process.

    Args:
        provider: as ``opentelemetry.trace.set_tracer_provider`` takes it.
        content: whether prompts, replies, arguments and results are told; None asks the environment and ``lllm.toml``.
    """
    token = _chosen.set(_Chosen(provider, content))
    try:
        yield
    finally:
        _chosen.reset(token)


def find_tracing() -> Tracing | None:
    """Return what makes spans here; None when nobody wants any, or ``LLLM_TRACE`` is 0.

    Raises:
        ConfigError: ``[tracing]`` in ``lllm.toml`` is wrong.
    """
    api: Any = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    chosen = _chosen.get()
    provider = chosen.provider if chosen else _provider_of_process(api)
    if provider is None or os.environ.get(ENV_TRACE, "").strip().lower() in _OFF:
        return None
    tracer = _tracer_of(provider)
    if isinstance(tracer, api.NoOpTracer):  # the SDK's own switch, OTEL_SDK_DISABLED
        return None
    content = chosen.content if chosen else None
    return Tracing(tracer, wants_content() if content is None else content)


def _provider_of_process(api: Any) -> TracerProvider | None:
    """Return the provider that was set for the process; None while there is only OpenTelemetry's stand-in."""
    find = getattr(api, "get_tracer_provider", None)  # None: another thread imports the module right now
    provider = None if find is None else find()
    return None if provider is None or isinstance(provider, api.ProxyTracerProvider) else provider


@lru_cache(maxsize=4)
def _tracer_of(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("lllm", VERSION, names.SCHEMA_URL)


@dataclass(frozen=True, slots=True)
class Tracing:
    """What makes spans.

    Attributes:
        content: whether prompts, replies, arguments and results may be told.
    """

    tracer: Tracer
    content: bool

    def start(
        self, name: str, facts: Mapping[str, Any], session: Owner, *, remote: bool = False, rootless: bool = False
    ) -> OpenSpan:
        """Begin a span under the current one.

        Args:
            name: what it is called.
            facts: its first attributes; samplers decide by them.
            session: whose secrets are kept, and which conversation it is.
            remote: whether another process does the work.
            rootless: it may stand alone; then the session's span is its parent where there is no current one, as in a
                thread that knows nothing of the session's place.
        """
        from opentelemetry import trace  # noqa: PLC0415 - loaded already by whoever wants spans

        span: Span = trace.INVALID_SPAN
        with harmless():
            home = session.span.span if rootless and session.span is not None else None
            alone = home is not None and not trace.get_current_span().get_span_context().is_valid
            span = self.tracer.start_span(
                visible(name.strip()),
                trace.set_span_in_context(home) if home is not None and alone else None,
                trace.SpanKind.CLIENT if remote else trace.SpanKind.INTERNAL,
                to_facts({**facts, names.CONVERSATION_ID: session.journal.name}),
            )
        return OpenSpan(span, session.redact, content=self.content)


@contextmanager
def session_span(session: Owner) -> Generator[None]:
    """Give the block the span of a session, or of a run inside one; nothing where it is replayed or nobody traces."""
    tracing = None if session.offline else find_tracing()
    if tracing is None:
        yield
        return
    workflow = str(session.about.get("agent_type") or "")
    facts = {names.OPERATION_NAME: names.INVOKE_WORKFLOW, names.WORKFLOW_NAME: workflow}
    session.span = span = tracing.start(f"{names.INVOKE_WORKFLOW} {workflow}", facts, session)
    _tell(span, names.TASK, session.about.get("task"))
    try:
        with span.current():
            yield
    except BaseException as error:
        span.end(error)
        raise
    _tell(span, names.RESULT, session.result)
    span.end()


def _tell(span: OpenSpan, name: str, value: Any) -> None:
    """Tell a task or a result, where content is told: a text as it is, data as JSON, anything else as its text."""
    if value is None or not span.tells_content:
        return
    try:
        text = value if isinstance(value, str) else encode_json(value)
    except (TypeError, ValueError):
        text = show(value)
    span.tell({}, {name: text})
