"""The spans of one agent call: its own, those of its model calls, and those of the functions that run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from lllm.errors import FunctionTimeout
from lllm.llm.effects import AskModel, Effect, Effects, Job, NextResult, Parse, StartFunctions, Tape
from lllm.llm.trace import Owner, Tracing, find_tracing
from lllm.llm.trace_facts import agent_facts, job_facts, request_facts, to_input
from lllm.llm.trace_model import ModelSpan, Seen
from lllm.llm.trace_span import OpenSpan, harmless
from lllm.models.function import FunctionCall
from lllm.models.request import ModelRequest
from lllm.otel import names

Flow = Generator[Effect, Any, None]


class Traced(Owner, Protocol):
    """A session whose calls are traced."""

    tape: Tape | None


class CallTrace:
    """The spans of one call; see :func:`trace_call`.

    In a run that goes on with a recording, the call's span begins with the first thing that is done for real: what is
    only served took no time today.
    """

    def __init__(self, tracing: Tracing, session: Traced, agent: str, facts: Mapping[str, Any]) -> None:
        self._tracing, self._session, self._agent, self._facts = tracing, session, agent, facts
        self._call: OpenSpan | None = None
        self._model: ModelSpan | None = None
        self._functions: dict[int, OpenSpan] = {}  # of the round under way, by ordinal

    def around(self, flow: Flow) -> Flow:
        """Return a flow that does the same and ends every span with it, however it ends."""
        if self._session.tape is None:
            self._opened()
        try:
            yield from flow
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)

    def _opened(self) -> OpenSpan:
        if self._call is None:
            name = f"{names.INVOKE_AGENT} {self._agent}"
            self._call = self._tracing.start(name, self._facts, self._session, rootless=True)
        return self._call

    def _end(self, error: BaseException | None) -> None:
        for span in tuple(self._functions.values()):  # still running; one that had begun too late was given up
            span.end(error or FunctionTimeout.__name__)
        if self._model is not None:
            self._model.end(error)
        if self._call is not None:
            self._call.end(error)

    @contextmanager
    def performing(self, effect: Effect) -> Generator[Seen]:
        """Give an effect that is performed for real its span, or the call's; yield what takes its answer."""
        match effect:
            case AskModel(id_, provider, request):
                with self._opened().current():
                    model = self._asking(request, provider.describe())
                with model.attempt(id_) as seen:
                    yield seen
            case NextResult():
                with self._opened().current():
                    yield self._returned
            case Parse():
                with self._opened().current():
                    yield _ignore
            case _:
                yield _ignore

    def _asking(self, request: ModelRequest, described: Mapping[str, Any]) -> ModelSpan:
        """Return the span of a model call: that of the call before, where this repeats it."""
        if self._model is not None and self._model.request is request:
            return self._model
        name = f"{names.CHAT} {request.contract.model}"
        span = self._tracing.start(name, request_facts(request, described), self._session, remote=True)
        with harmless():
            if span.tells_content:
                span.tell({}, {names.INPUT_MESSAGES: to_input(request)})
        self._model = ModelSpan(span, request)
        return self._model

    @contextmanager
    def watch_job(self, job: Job) -> Generator[Seen]:
        """Give a function that runs its span, in its own thread or task. What breaks through it ends the whole call."""
        name = f"{names.EXECUTE_TOOL} {job.function.name}"
        span = self._functions[job.ordinal] = self._tracing.start(name, job_facts(job), self._session)
        span.tell({}, {names.TOOL_ARGUMENTS: job.call.raw_arguments})
        with span.current():
            yield partial(_end_job, span)

    def _returned(self, result: tuple[int, FunctionCall]) -> None:
        """End the span of a function that ran out of its time, and whose thread may go on for ever."""
        ordinal, call = result
        span = self._functions.pop(ordinal, None)
        if span is not None:  # one that returned has ended it already
            span.end(FunctionTimeout.__name__, call.error_message)


def _end_job(span: OpenSpan, call: FunctionCall) -> None:
    if call.error_message:
        span.end(call.error_message, call.error_message)
        return
    span.tell({}, {names.TOOL_RESULT: call.result_str})
    span.end()


def _ignore(_answer: Any) -> None:
    """Take an answer that no span tells of."""


class TracedEffects:
    """Performs the effects of one call for real, each inside its span."""

    def __init__(self, live: Effects, trace: CallTrace) -> None:
        self._live, self._trace = live, trace

    def perform(self, effect: Effect) -> Any:
        """Perform one effect, blocking."""
        with self._trace.performing(effect) as seen:
            answer = self._live.perform(self._watched(effect))
            seen(answer)
        return answer

    async def aperform(self, effect: Effect) -> Any:
        """Async twin of :meth:`perform`."""
        with self._trace.performing(effect) as seen:
            answer = await self._live.aperform(self._watched(effect))
            seen(answer)
        return answer

    def _watched(self, effect: Effect) -> Effect:
        """Return the effect; functions tell the trace when they begin and end."""
        if not isinstance(effect, StartFunctions):
            return effect
        return StartFunctions(tuple(replace(job, watch=self._trace.watch_job) for job in effect.jobs))


def trace_call(session: Traced, agent: str, model: str, described: Callable[[], Mapping[str, Any]]) -> CallTrace | None:
    """Return what traces one call of an agent; None where nobody wants it, and in a replay, which does nothing.

    Args:
        session: of the call's dialog.
        agent: the agent's name.
        model: the model that it asks.
        described: what its provider says of itself; asked only when there is a trace.
    """
    tracing = None if session.offline else find_tracing()
    return None if tracing is None else CallTrace(tracing, session, agent, agent_facts(agent, model, described()))
