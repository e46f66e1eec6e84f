"""Is a reply usable? Everything that a model can get wrong is decided here, and told in words that it can act on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from lllm.const import Finish
from lllm.errors import ParseError
from lllm.models.function import Function, FunctionCall
from lllm.models.message import Message
from lllm.models.prompt import Prompt


class Verdict(NamedTuple):
    """What is made of one reply: a problem in words for the model, or the parsed value."""

    problem: str
    parsed: Any = None


def find_problem(reply: Message[Any], prompt: Prompt[Any]) -> str:
    """Return why a reply cannot be used, before its text is parsed; empty when it can. Pure."""
    if reply.refusal or reply.finish is Finish.REFUSAL:
        return f"the reply is a refusal: {reply.refusal or reply.content}"[:1000]
    if reply.finish is Finish.CONTENT_FILTER:
        return "the reply was stopped by a content filter"
    if reply.finish is Finish.LENGTH and not takes_message(prompt):
        return "the reply was cut off because it is too long; answer more briefly"
    if not reply.function_calls and not reply.content.strip():
        return "the reply is empty"
    return ""


def is_paused(reply: Message[Any]) -> bool:
    """Whether the server broke off in the middle of its turn, and goes on when it is sent what there is so far. Pure.

    Anthropic does so where its own tools take long ("Server tools", platform.claude.com, read 2026-11). A pause beside
    function calls is a round of them like any other; one without anything is an empty reply.
    """
    if reply.finish is not Finish.PAUSE or reply.function_calls or reply.refusal:
        return False
    return bool(reply.content.strip() or (reply.native and reply.native.items))


def join_turn(paused: Iterable[Message[Any]], reply: Message[Any]) -> Message[Any]:
    """Return the reply with the text of a whole turn: a pause is the server's affair, and no parser's. Pure."""
    before = "".join(message.content for message in paused)
    return replace(reply, content=before + reply.content) if before else reply


def parse_reply(reply: Message[Any], prompt: Prompt[Any], args: Mapping[str, Any]) -> Verdict:
    """Run the prompt's parser over a reply without function calls.

    Raises:
        Exception: whatever the parser raises, except ParseError: a bug of its author, not of the model.
    """
    parser = prompt.parser
    if parser is None:
        return Verdict("", reply.content)
    subject = reply if takes_message(prompt) else reply.content
    try:
        return Verdict("", parser(subject, **args))
    except ParseError as error:
        return Verdict(error.message or "the reply could not be parsed")


def may_be_kept(reply: Message[Any], functions: Iterable[Function]) -> bool:
    """Whether a reply that passed may be given again in place of asking: it is whole, and its calls fit. Pure.

    The model is told of a call that does not fit, and mends it; a cache that gives it again would have it mend it for
    ever. A reply that was cut off may have passed where nobody parses. What a server paused at, it may have forgotten.
    """
    if reply.finish in (Finish.CONTENT_FILTER, Finish.REFUSAL, Finish.PAUSE) or reply.refusal:
        return False
    known = {function.name: function for function in functions}
    return bool(reply.content.strip() or reply.function_calls) and all(
        call.name in known and _fits(call, known[call.name]) for call in reply.function_calls
    )


def _fits(call: FunctionCall, function: Function) -> bool:
    try:
        function.bind(call)
    except Exception:  # noqa: BLE001 - ParseError, or a validator of the user's that raised
        return False
    return True


def takes_message(prompt: Prompt[Any]) -> bool:
    """Whether the prompt's parser reads the whole message, and so needs no more than its first tokens."""
    return getattr(prompt.parser, "takes_message", False)


def parses_with_user_code(prompt: Prompt[Any]) -> bool:
    """Whether a parser of the user's runs: one that may loop, unlike ours."""
    parser: Callable[..., Any] | None = prompt.parser
    return parser is not None and not type(parser).__module__.startswith("lllm.")
