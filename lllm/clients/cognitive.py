"""``CognitiveAgent``: a goal, a model, and functions, until the model has an answer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from lllm.clients.messages import GivenFunction, to_functions
from lllm.clients.response import LLMResponse
from lllm.const import Roles
from lllm.errors import FunctionError
from lllm.llm.session import current_session
from lllm.models.call import FunctionCall
from lllm.models.function import Function, fail
from lllm.models.message import Message, to_result_message
from lllm.models.plain import show


class Caller(Protocol):
    """Anything that can be asked: an LLMProvider, or an object of yours."""

    def call(self, messages: list[Any], **kwargs: Any) -> Any:
        """Return, or return an awaitable of, something with ``content`` and perhaps ``tool_calls``."""
        ...


@dataclass(frozen=True, slots=True)
class CognitiveConfig:
    """How an agent thinks.

    Attributes:
        system_prompt: said first.
        max_iterations: model calls at most.
    """

    system_prompt: str = ""
    max_iterations: int = 5


@dataclass(frozen=True, slots=True)
class CognitiveResult:
    """What came of a goal.

    Attributes:
        answer: the model's last text.
        finished: whether it was an answer; else the iterations were spent while it still asked for functions.
        iterations: model calls that were made.
        messages: the whole conversation.
        usage: prompt and completion tokens of all calls.
    """

    answer: str
    finished: bool
    iterations: int
    messages: list[Message[Any]] = field(repr=False)
    usage: dict[str, int]


class CognitiveAgent:
    """Works towards a goal.

    Args:
        llm: anything with ``call(messages, **kw)``, sync or async; ``tools=`` is passed when there are functions.
        config: the system prompt and the bound.
        tools: functions that the model may call; each is run when it asks, and its errors are told to it.
    """

    def __init__(
        self, llm: Caller, config: CognitiveConfig | None = None, *, tools: Iterable[GivenFunction] = ()
    ) -> None:
        self.llm = llm
        self.config = config or CognitiveConfig()
        self.functions = {function.name: function for function in to_functions(tools)}

    async def run(self, goal: str) -> CognitiveResult:
        """Ask, run what the model asks for, and ask again, until it answers or the iterations are spent.

        Raises:
            ProviderError: the model could not be reached.
        """
        system = [Message[Any](Roles.SYSTEM, self.config.system_prompt)] if self.config.system_prompt else []
        messages: list[Message[Any]] = [*system, Message(Roles.USER, goal, "user")]
        usage = {"prompt_tokens": 0, "completion_tokens": 0}
        reply: Any = LLMResponse("")
        for iteration in range(1, self.config.max_iterations + 1):
            reply = await self._ask(messages)
            _count(usage, reply)
            calls = tuple(cast("Iterable[FunctionCall]", getattr(reply, "tool_calls", None) or ()))
            text = reply.content or ""
            messages.append(Message(Roles.ASSISTANT, text, function_calls=calls))
            if not calls:
                return CognitiveResult(text, True, iteration, messages, usage)
            messages += [await self._answer(call) for call in calls]
        return CognitiveResult(reply.content or "", False, self.config.max_iterations, messages, usage)

    async def _ask(self, messages: list[Message[Any]]) -> Any:
        options = {"tools": list(self.functions.values())} if self.functions else {}
        reply = self.llm.call(list(messages), **options)
        return await reply if inspect.isawaitable(reply) else reply

    async def _answer(self, call: FunctionCall) -> Message[Any]:
        """Return what the model reads of a call. Inside a session it is a step: a replay runs no function again."""
        function, session = self.functions.get(call.name), current_session()
        if function is None:
            failed = fail(call, FunctionError(f"there is no function {call.name!r}"))
            return to_result_message(failed, failed.result_str)
        if session is None:
            text, error = await _run(function, call)
        else:
            text, error = await session.astep(
                f"function {call.name}", _run, function, call, repeatable=function.repeatable
            )
        return to_result_message(FunctionCall(call.id, call.name, {}, result_str=text, error_message=error), text)


async def _run(function: Function, call: FunctionCall) -> list[str]:
    answered = await _arun(function, call) if function.is_async else function(call)
    return [answered.result_str, answered.error_message]


async def _arun(function: Function, call: FunctionCall) -> FunctionCall:
    assert function.function is not None
    try:
        return function.finish(call, await function.function(**function.bind(call)))
    except Exception as error:  # noqa: BLE001 - the model reads what a function raises
        return fail(call, FunctionError(f"{type(error).__name__}: {show(error)}"))


def _count(usage: dict[str, int], reply: Any) -> None:
    told: Mapping[str, Any] = getattr(reply, "usage", None) or {}
    for name in usage:
        usage[name] += int(told.get(name) or 0)
