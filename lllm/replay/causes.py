"""What is likely behind a difference, in words that tell where to look. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lllm.log.envelope import Event

ORDER = "the code changed: it does things in another order"
SHORTER = "the code changed: it does not do this any more, or an earlier difference led it past this"
LONGER = "the code changed: it does something more here"
PARSER = "the parser changed: it judges a recorded reply differently"
OUTSIDE = "the code changed, or it reads something that differs from run to run without asking its session for it"

_NUMBERS = re.compile(r"[0-9]+")
NUMBERS = (
    "a prompt, its arguments or the task changed in a number; or that is the time or chance, which a replay gives back "
    "where the code asks for session.now(), session.uuid4() or session.random"
)
_OF_CONTRACT = (
    ("/prompt/source", "the prompt's text changed"),
    ("/prompt/parser", "the prompt's parser changed"),
    ("/prompt/exception_prompt", "the prompt's exception_prompt changed"),
    ("/prompt/interrupt", "the prompt's interrupt prompts changed"),
    ("/prompt", "the prompt changed"),
    ("/functions", "a function's schema or docstring changed, or the prompt's list of functions"),
    ("/format", "the schema of the reply changed"),
    ("/model", "the model's name changed"),
    ("/params", "the model's arguments changed"),
    ("/extra_body", "the model's arguments changed"),
    ("/agent", "the agent's name changed"),
)
_OF_KIND: Mapping[str, str] = {
    "dialog.open": "the code changed: it opens or forks other dialogs, or in another order",
    "value": "the code changed: it asks its session for other values, or in another order",
    "function.call": "a function's schema changed: today the recorded arguments are judged differently",
    "function.result": "the prompt's interrupt_prompt changed, or a function's schema",
    "frontend": "the code changed: it shows something else, or shows what differs from run to run",
    "wait": "the seed or the limits of retries changed",
    "call.close": "the parser changed, or the call's limits",
}


def likely_cause(recorded: Event | None, kind: str, id_: str, pointer: str, data: Mapping[str, Any]) -> str:
    """Return the likeliest reason of a difference between a recorded event and today's, in words."""
    if recorded is None:
        return LONGER
    if (recorded.kind, recorded.id) != (kind, id_):
        return _of_kinds(recorded, kind, id_)
    if kind == "contract":
        return _of_contract(pointer.removeprefix("/data"))
    if kind == "model.request":
        return _of_contract(pointer.removeprefix("/data/contract"))
    if kind == "message":
        return _of_message(recorded, data)
    return _OF_KIND.get(kind, OUTSIDE)


def _of_contract(pointer: str) -> str:
    found = (cause for part, cause in _OF_CONTRACT if pointer.startswith(part))
    return next(found, "what the model is asked changed: a prompt, its functions, or model arguments")


def _of_message(recorded: Event, data: Mapping[str, Any]) -> str:
    if data.get("branch"):
        return "the exception handler's prompt or the parser's error text changed"
    texts = [str(side.get("message", {}).get("content", "")) for side in (recorded.data, data)]
    if texts[0] != texts[1] and _NUMBERS.sub("", texts[0]) == _NUMBERS.sub("", texts[1]):
        return NUMBERS
    if recorded.data.get("message", {}).get("role") == "system":
        return "the system prompt or its arguments changed"
    return "a prompt, its arguments or the task changed"


def _of_kinds(recorded: Event, kind: str, id_: str) -> str:
    kinds = {recorded.kind, kind}
    if kinds & {"function.call", "function.result"}:
        return "a function's schema changed, or the prompt's list of functions"
    is_retry = id_.endswith("/x") or recorded.id.endswith("/x")
    if is_retry:
        return PARSER
    if str(recorded.data.get("by")).startswith("CancelledError"):
        return (
            "the recorded call was cancelled from outside, as asyncio.timeout does: limits.deadline_s can be replayed"
        )
    if recorded.kind == "session.close":
        return LONGER
    if kind == "call.close" or recorded.kind == "call.close":
        return "the parser changed, or the call's limits"
    return "the code changed: it does something else here"
