"""A model that runs in the process: scripted, computed, by rules, or from the schema alone. It sends nothing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from lllm.const import CompletionCost, Finish, Roles
from lllm.errors import ConfigError, StreamTruncated
from lllm.models.call import FunctionCall
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers.base import Delta, OnDelta
from lllm.providers.script import Reply, Rules, Script, build_default, build_error, check_reply

Respond = Callable[[ModelRequest], Reply | Awaitable[Reply]]


class MockProvider:
    """A model behind no address at all.

    With ``replies`` they are given in order; with ``function`` it is asked; with ``rules`` the first that fits the last
    message and the system prompt answers. What none of them answers, the default does: the smallest value of the schema
    asked for, a call of the first function for a user's message, else one fixed sentence.

    Args:
        replies: what to answer, in order; when they are spent, a call fails and says so.
        function: gets the request and returns a reply; async functions answer async calls only.
        rules: ``{when: regex, role: user, system: regex, reply: ...}``, where ``role`` and ``system`` may be left out;
            ``{last}`` and ``{group1}`` in a reply's text are replaced.

    Raises:
        ConfigError: more than one of them is given, or one is malformed.
    """

    name = "mock"
    model = ""  # which model it says that it is; empty for the one that is asked for

    def __init__(
        self,
        replies: Iterable[Reply] | None = None,
        *,
        function: Respond | None = None,
        rules: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        if sum(source is not None for source in (replies, function, rules)) > 1:
            raise ConfigError("the mock model takes one of replies, function and rules")
        self._respond: Respond | None = function
        if replies is not None:
            self._respond = Script(replies)
        elif rules is not None:
            self._respond = Rules(rules)

    def describe(self) -> dict[str, Any]:
        """Return what a log keeps of the provider."""
        return {"name": self.name, "api": "mock", "base_url": ""}

    def send(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Return the reply, or raise the error that stands in its place."""
        del timeout_s  # it takes none
        reply = self._respond(request) if self._respond else build_default(request)
        if inspect.isawaitable(reply):
            cast("Any", reply).close()
            raise ConfigError("this mock function is async: call the model with the async face")
        return _deliver(reply, request, on_delta, self.model)

    async def asend(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Return the reply, or raise the error that stands in its place."""
        del timeout_s
        reply = self._respond(request) if self._respond else build_default(request)
        return _deliver(await reply if inspect.isawaitable(reply) else reply, request, on_delta, self.model)

    def close(self) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Do nothing."""


def _deliver(reply: Any, request: ModelRequest, on_delta: OnDelta | None, model: str) -> Message[Any]:
    if isinstance(reply, Exception):
        raise reply
    if isinstance(reply, Mapping) and "error" in reply:
        error = build_error(reply["error"])
        error.partial = error.partial or str(cast("Mapping[str, Any]", reply).get("text", ""))
        if on_delta is not None and request.stream and isinstance(error, StreamTruncated):
            _stream(error.partial, (), on_delta)
        raise error
    if isinstance(reply, Message):
        message = cast("Message[Any]", reply)
    else:
        message = _to_message(check_reply(reply, "mock reply"), request, model)
    if on_delta is not None and request.stream:
        _stream(message.content, message.function_calls, on_delta, message.reasoning)
    return message


def _to_message(reply: Reply, request: ModelRequest, model: str) -> Message[Any]:
    told: Mapping[str, Any] = reply if isinstance(reply, Mapping) else {"text": reply}
    text = told.get("text", "") or ""
    calls = tuple(
        FunctionCall(call.get("id") or f"call_{position}", call["name"], call.get("arguments") or {})
        for position, call in enumerate(told.get("calls") or ())
    )
    finish = told.get("finish")
    return Message(
        Roles.ASSISTANT,
        text,
        function_calls=calls,
        model=told.get("model") or model or request.contract.model,
        usage=_usage(request, text, calls),
        finish=Finish(finish) if finish else Finish.FUNCTION_CALLS if calls else Finish.STOP,
        reasoning=told.get("reasoning", ""),
        refusal=told.get("refusal", ""),
    )


def _usage(request: ModelRequest, text: str, calls: tuple[FunctionCall, ...]) -> CompletionCost:
    """Return a plausible count that anyone can check: a token for every four bytes begun. It costs nothing."""
    asked = sum(map(len, request.history.encoded(to_bytes)))
    answered = len(text.encode("utf-8", "surrogatepass")) + sum(len(call.raw_arguments) for call in calls)
    return CompletionCost(-(-asked // 4), -(-answered // 4), cost_usd=0.0)


def to_bytes(message: Message[Any], _before: Message[Any] | None = None) -> bytes:
    """Return what the mock counts of a message. Pure."""
    text = message.content.encode("utf-8", "surrogatepass")
    if not message.function_calls:
        return text
    return text + b"".join(call.raw_arguments.encode("utf-8", "surrogatepass") for call in message.function_calls)


def _stream(text: str, calls: Sequence[FunctionCall], on_delta: OnDelta, reasoning: str = "") -> None:
    for word in re.findall(r"\s*\S+\s*$|\s*\S+", reasoning):
        on_delta(Delta("reasoning", word))
    for word in re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text):
        on_delta(Delta("text", word))
    for index, call in enumerate(calls):
        on_delta(Delta("call", call.raw_arguments, index, call.name))
