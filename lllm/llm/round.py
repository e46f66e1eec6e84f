"""One round of functions: which calls run, which are answered without running, and what is logged of either."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from lllm.errors import ParseError
from lllm.llm.dialog import Dialog
from lllm.llm.effects import Effect, Job, NextResult, StartFunctions, Sync
from lllm.llm.stream import FunctionEvent
from lllm.llm.terms import Terms
from lllm.machine import Event, FunctionReturned
from lllm.models.function import FunctionCall, fail
from lllm.models.message import Message, to_result_message
from lllm.utils import encode_json


class Result(NamedTuple):
    """An answered call, the message that the model reads of it, and that message as it was logged."""

    call: FunctionCall
    message: Message[Any]
    body: str


class FunctionRound:
    """The functions that one reply asks for.

    Args:
        step_id: id of the reply.
        cause: seq of the reply's event.
        made: calls of this turn that have been answered before.
    """

    def __init__(self, dialog: Dialog, terms: Terms, step_id: str, cause: int, made: Sequence[FunctionCall]) -> None:
        self._dialog, self._session, self._terms = dialog, dialog.session, terms
        self._id, self._seq, self._made = step_id, cause, made
        self._functions = terms.prompt.functions

    def run(
        self, calls: tuple[FunctionCall, ...], move: Callable[[Event], Any]
    ) -> Generator[Effect, Any, tuple[list[Result], Event]]:
        """Run the round. ``move`` is told of each return but the last, which is handed back with all results.

        Results arrive in any order, and are handed back in the model's.
        """
        results: dict[int, Result] = {}

        def take(ordinal: int, call: FunctionCall, *, ran: bool) -> Event:
            results[ordinal] = self._take_result(ordinal, call, ran=ran)
            event = FunctionReturned(ordinal, is_last=call.is_last)
            if len(results) < len(calls):
                move(event)
            return event

        last: Event = FunctionReturned(0)
        answered, jobs = self._sort_out(calls)
        for ordinal, call in answered:
            last = take(ordinal, call, ran=False)
        if jobs:
            if self._session.journal.needs_barrier and not all(job.function.repeatable for job in jobs):
                yield Sync()
            yield StartFunctions(jobs)
        for _ in jobs:
            ordinal, call = yield NextResult()
            last = take(ordinal, call, ran=True)
        return [results[ordinal] for ordinal in range(len(calls))], last

    def _sort_out(self, calls: tuple[FunctionCall, ...]) -> tuple[list[tuple[int, FunctionCall]], tuple[Job, ...]]:
        """Return the calls that are answered without running, and the others, whose intent is logged."""
        answered: list[tuple[int, FunctionCall]] = []
        jobs: list[Job] = []
        for ordinal, call in enumerate(calls):
            job = self._admit(ordinal, call, calls[:ordinal])
            if isinstance(job, FunctionCall):
                answered.append((ordinal, job))
                continue
            jobs.append(job)
            data: dict[str, Any] = {"name": call.name, "arguments": call.raw_arguments}
            if job.function.repeatable:
                data["repeatable"] = True
            if job.function.idempotent:
                data["idempotency_key"] = job.arguments[job.function.idempotent]
            self._session.log("function.call", job.id, data, self._seq)
            self._terms.tell(FunctionEvent(ordinal, call, id=job.id))
        return answered, tuple(jobs)

    def _admit(self, ordinal: int, call: FunctionCall, beside: tuple[FunctionCall, ...]) -> Job | FunctionCall:
        """Return the job of a call, or its answer when it cannot or need not run."""
        function = self._functions.get(call.name)
        if function is None:
            return fail(
                call,
                ParseError(f"there is no function {call.name!r}; there are: {', '.join(self._functions) or 'none'}"),
            )
        try:
            arguments = function.bind(call)
        except Exception as error:  # noqa: BLE001 - ParseError, or a validator of the user's that raised: the model reads it
            return fail(call, error)
        if not function.allow_repeat and (earlier := self._earlier(call, beside)):
            told = _told_again(earlier)
            return call.answered(earlier.result, told, earlier.error_message, images=earlier.images)
        id_ = f"{self._id}/f{ordinal}"
        if function.idempotent:
            arguments = {**arguments, function.idempotent: self._session.to_key(id_)}
        return Job(id_, ordinal, function, call, arguments)

    def _earlier(self, call: FunctionCall, beside: tuple[FunctionCall, ...]) -> FunctionCall | None:
        """Return the call that ``call`` repeats: one answered before, or one that stands earlier in the same reply."""
        return next((other for other in chain(self._made, beside) if call.equals(other)), None)

    def _take_result(self, ordinal: int, call: FunctionCall, *, ran: bool) -> Result:
        """Log a result, as the message that the model will read and as data."""
        text = self._terms.prompt.interrupt_handler(call.result_str)
        message = to_result_message(call, text)
        body = self._dialog.encode(message)
        data: dict[str, Any] = {}
        if call.result_str != text:
            data["text"] = call.result_str
        if call.is_unknown:
            data["unknown"] = True
        if call.is_last:
            data["last"] = True
        if call.error_message:
            data["error"] = call.error_message
        elif call.result != call.result_str:
            data["result"] = call.result
        if not ran:
            data |= {"ran": False, "name": call.name}
        facts = f",{encode_json(data)[1:]}" if data else "}"
        self._session.emit("function.result", f"{self._id}/f{ordinal}", f'{{"message":{body}{facts}', self._seq)
        self._terms.tell(FunctionEvent(ordinal, call, done=True, id=f"{self._id}/f{ordinal}"))
        return Result(call, message, body)


def _told_again(earlier: FunctionCall) -> str:
    if not earlier.result_str:
        return "The same call stands earlier in this reply; see its result."
    return f"This was called earlier with the same arguments. The result was:\n{earlier.result_str}"
