"""The OpenAI Responses format, request side: messages and contracts to bytes. Pure.

The server is asked to store nothing (``store: false``), and the dialog is sent whole: a fork or a replay of it then
needs nothing that the server might have forgotten. What a reasoning model thought comes back encrypted, stays with its
message, and is sent back as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import Any, cast

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.function import EMPTY_RESULT, PICTURE, Function
from lllm.models.history import RoundEncoder
from lllm.models.image import Image
from lllm.models.message import Message, Native
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.body import (
    Frame,
    add_extra,
    build_wire,
    drop_choice,
    join_tools,
    split_body,
    to_arguments,
    to_fields,
    to_url,
)
from lllm.providers.wire.draft import NOBODY, Draft
from lllm.providers.wire.loose import to_list, to_text
from lllm.providers.wire.profile import Profile
from lllm.providers.wire.responses_items import CALLS, COMPUTER, COMPUTER_CALL, add_items
from lllm.transport.port import WireRequest
from lllm.utils import encode_json

PATH = "/responses"
REASONING = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
_OURS = frozenset({"input", "stream", "conversation"})  # a conversation would be told everything again at each turn
_SHARED = frozenset({"include", "reasoning", "text"})
_SAME = (
    *("metadata", "parallel_tool_calls", "prompt_cache_key", "reasoning", "safety_identifier", "service_tier", "store"),
    *("temperature", "tool_choice", "top_logprobs", "top_p", "truncation", "user"),
)
_NAMES = {
    **{name: name for name in (*_SAME, "logprobs", "reasoning_effort", "verbosity")},
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_output_tokens"), "max_output_tokens"),
}
# Models that reason, by the names under which OpenAI, its clouds and its routers sell them (read 2026-11). The others
# answer the wish for encrypted reasoning with status 400.
_REASONS = re.compile(r"(?:^|[/.:])(?:o\d|gpt-(?:[5-9]|\d\d)|codex)(?!.*-chat)")
# "The truncation variable is required to be set to auto for Computer Use Tool" (AIProxySwift, pull 137, read 2026-11).
PREVIEW_TOOL, PREVIEW_MODEL = "computer_use_preview", "computer-use-preview"
BLANK = Image(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP6DwABBQECz6AuzQAAAABJRU5ErkJggg==", "image/png"
)
"""One white pixel: the vendor's tool is answered by a picture, also where there is none to show."""
Item = Mapping[str, Any]


def encode_message(
    message: Message[Any], before: Sequence[Message[Any]] = (), *, system_role: str = "system", family: str = ""
) -> bytes:
    """Return a message's input items as JSON, behind commas but for the first. Pure, deterministic to the byte.

    Args:
        message: to encode.
        before: the round before it, see :data:`lllm.models.history.RoundEncoder`.
        system_role: what the server calls the system.
        family: whose pieces are sent back as they came, in place of what the message says of them.
    """
    text = ",".join(map(encode_json, to_items(message, system_role, family, before))).encode()
    return b"," + text if before else text


def to_items(
    message: Message[Any], system_role: str = "system", family: str = "", before: Sequence[Message[Any]] = ()
) -> list[Item]:
    """Return the input items of a message, one at least; ``before`` is the round before it. Pure.

    Pieces of the server's own (``Message.native``) stand for the whole message: for a reply only as long as they say
    what it says, for what a user says in any case, which is how files are sent.
    """
    if family and message.native and message.native.family == family and (told := _native_items(message)):
        return told
    if message.role is Roles.TOOL:
        if (asked := _computer_call(before, message.tool_call_id, family)) is not None:
            return _computer_output(message, asked)
        output = _parts(message.content, message.images) if message.images else message.content
        return [{"type": "function_call_output", "call_id": message.tool_call_id, "output": output}]
    role = system_role if message.role is Roles.SYSTEM else message.role.value
    text = message.content or message.refusal
    calls = [_call_item(call) for call in message.function_calls]
    if not text and not message.images and calls:
        return calls
    item: Item = {"role": role, "content": _parts(message.content, message.images) if message.images else text}
    # llama.cpp knows an assistant's message by its type alone; vLLM takes a text, and parts only with an id.
    return [{"type": "message", **item} if message.role is Roles.ASSISTANT else item, *calls]


def _parts(text: str, images: Sequence[Image]) -> list[Item]:
    texts: list[Item] = [{"type": "input_text", "text": text}] if text else []
    return texts + [{"type": "input_image", "detail": "auto", "image_url": to_url(image)} for image in images]


def _computer_call(before: Sequence[Message[Any]], call_id: str, family: str) -> Item | None:
    """Return the ``computer_call`` that a result answers; None if it answers a function's, or one sent as such."""
    native = before[0].native if before else None
    if not (family and native and native.family == family):
        return None
    if all(item.get("type") != COMPUTER_CALL for item in native.items):
        return None
    return _computer_calls(_ByIdentity(before[0])).get(call_id)


class _ByIdentity:
    """A reply as the key of a cache: all results of its round ask the same about it."""

    def __init__(self, reply: Message[Any]) -> None:
        self.reply = reply

    def __hash__(self) -> int:
        return id(self.reply)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self.reply is other.reply


@lru_cache(maxsize=8)
def _computer_calls(key: _ByIdentity) -> Mapping[str, Item]:
    """Return the ``computer_call`` items of a reply as they are sent, by their ``call_id``."""
    sent = (item for item in _native_items(key.reply) if item.get("type") == COMPUTER_CALL)
    return {to_text(item.get("call_id")): item for item in sent}


def _computer_output(message: Message[Any], asked: Item) -> list[Item]:
    """Return what a vendor's computer-use tool came to: a picture in any case, and behind it what that does not show.

    A call whose safety checks were not approved ends before its result is sent, so they are acknowledged here; without
    that the service does not go on. The item has no room for words. They stand in a user's message, because no other
    is allowed, and say whose they are: a user's word counts as permission ("Computer use", developers.openai.com, read
    2026-11), and they may hold what a page made up.
    """
    *others, shown = message.images or (BLANK,)
    item: dict[str, Any] = {"type": "computer_call_output", "call_id": message.tool_call_id}
    item["output"] = {"type": "computer_screenshot", "image_url": to_url(shown)}
    if checks := to_list(asked.get("pending_safety_checks")):
        item["acknowledged_safety_checks"] = checks
    text = "" if message.content in ("", PICTURE, EMPTY_RESULT) else message.content
    if not text and not others:
        return [item]
    text = f"(told by the function {COMPUTER!r}, not by the user) {text}".rstrip()
    return [item, {"role": "user", "content": _parts(text, others) if others else text}]


def _call_item(call: FunctionCall) -> Item:
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": to_arguments(call)}


def _native_items(message: Message[Any]) -> list[Item]:
    """Return a message's own items; none if they do not say what the message says, which somebody then changed."""
    items = cast("Native", message.native).items
    if message.role is not Roles.ASSISTANT:
        return list(items)
    draft = Draft(NOBODY)
    add_items(draft, items)
    said = draft.to_message()
    if (said.content, said.refusal) != (message.content, message.refusal):
        return []
    if [_call_item(call) for call in said.function_calls] != [_call_item(call) for call in message.function_calls]:
        return []
    calls = iter(message.function_calls)
    return [_mended(item, next(calls)) if item.get("type") in CALLS else item for item in items]


def _mended(item: Item, call: FunctionCall) -> Item:
    """Return a call's own item; one that the server wrote wrongly is put right, or it would refuse the dialog."""
    if not call.fault and item.get("call_id") == call.id:
        return item
    named = {**item, "call_id": call.id}
    return named if item.get("type") == COMPUTER_CALL else {**named, "arguments": to_arguments(call)}


@cache
def encoder_of(system_role: str, family: str) -> RoundEncoder:
    """Return the encoder for a dialect: always the same object, because histories keep bytes under it."""
    return partial(encode_message, system_role=system_role, family=family)


def build_request(request: ModelRequest, profile: Profile) -> WireRequest:
    """Return the HTTP request of a model call, without credentials. Pure; O(new messages) and one join.

    Raises:
        ConfigError: ``extra_body`` holds what is not its to say, or the format has no word for a model argument.
    """
    items = request.history.encoded_by_round(encoder_of(profile.system_role, profile.family))
    return build_wire(
        request, profile, PATH, lambda: render_frame(request.contract, profile, stream=request.stream), items
    )


def render_frame(contract: Contract, profile: Profile, *, stream: bool) -> Frame:
    """Return what stands before and behind the items in every body of a contract. Pure.

    ``extra_body`` has the last word, but what it says of ``include, tools, reasoning, text`` is put to what is there.

    Raises:
        ConfigError: see :func:`build_request`.
    """
    fields: dict[str, Any] = {"model": contract.model, "store": False, **to_fields(contract, _NAMES, "responses")}
    _add_reasoning(fields, fields.pop("reasoning_effort", None))
    _add_text(fields, contract, profile, fields.pop("verbosity", None))
    _add_include(fields, wants_logprobs=fields.pop("logprobs", None) or fields.get("top_logprobs"))
    if stream:
        fields["stream"] = True
    if PREVIEW_MODEL in contract.model or any(f.vendor.get("type") == PREVIEW_TOOL for f in contract.functions):
        fields.setdefault("truncation", "auto")
    ours = {name: fields[name] for name in _SHARED & contract.extra_body.keys() & fields.keys()}
    add_extra(fields, contract, _OURS)
    for name, value in ours.items():
        fields[name] = _joined(value, fields[name])
    fields["tools"] = join_tools(
        [f.vendor or {"type": "function", **f.to_dict()} for f in contract.functions], contract
    )
    _set_choice(fields, contract.functions)
    return split_body(fields, "input")


def _add_reasoning(fields: dict[str, Any], effort: Any) -> None:
    told = fields.get("reasoning", {})
    if not isinstance(told, Mapping):
        raise ConfigError(f"reasoning is an object, not {told!r}", hint="reasoning_effort is a word")
    if effort is not None:
        fields["reasoning"] = {**cast("Mapping[str, Any]", told), "effort": effort}


def _add_text(fields: dict[str, Any], contract: Contract, profile: Profile, verbosity: Any) -> None:
    text = {} if verbosity is None else {"verbosity": verbosity}
    if contract.format_schema is not None and profile.json_mode == "json_schema":
        name = contract.format_name or "reply"
        text["format"] = {"type": "json_schema", "name": name, "schema": contract.format_schema}
    elif contract.format_schema is not None and profile.json_mode == "json_object":
        text["format"] = {"type": "json_object"}
    if text:
        fields["text"] = text


def _add_include(fields: dict[str, Any], *, wants_logprobs: Any) -> None:
    reasons = "reasoning" in fields or _REASONS.search(fields["model"])
    if include := [*([REASONING] if reasons else ()), *([LOGPROBS] if wants_logprobs else ())]:
        fields["include"] = include


def _joined(ours: Any, theirs: Any) -> Any:
    """Return two lists one behind the other, or two objects in one; of other values, the second."""
    if isinstance(ours, list) and isinstance(theirs, list | tuple):
        told = cast("list[Any]", ours)
        return told + [value for value in cast("list[Any]", theirs) if value not in told]
    if isinstance(ours, dict) and isinstance(theirs, Mapping):
        return {**cast("dict[str, Any]", ours), **cast("Mapping[str, Any]", theirs)}
    return theirs


def _set_choice(fields: dict[str, Any], functions: Sequence[Function]) -> None:
    """Say how functions are chosen: nothing where there are none, else in the flat form, also if told in chat's.

    A vendor's own tool is chosen by its type: it has no name there.
    """
    drop_choice(fields)
    match fields.get("tool_choice"):
        case {"type": "function", "function": {"name": name}} | {"type": "function", "name": name}:
            types = (function.vendor.get("type") for function in functions if function.name == name)
            kind = next(types, None)
            fields["tool_choice"] = {"type": kind} if kind else {"type": "function", "name": name}
        case _:
            pass
