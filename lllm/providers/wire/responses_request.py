"""The OpenAI Responses format, request side: messages and contracts to bytes. Pure.

The server is asked to store nothing (``store: false``), and the dialog is sent whole: a fork or a replay of it then
needs nothing that the server might have forgotten. What a reasoning model thought comes back encrypted, stays with its
message, and is sent back as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, partial
from typing import Any, cast

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.history import Encoder
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
from lllm.providers.wire.profile import Profile
from lllm.providers.wire.responses_items import add_items
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
Item = Mapping[str, Any]


def encode_message(
    message: Message[Any], before: Message[Any] | None = None, *, system_role: str = "system", family: str = ""
) -> bytes:
    """Return a message's input items as JSON, behind commas but for the first. Pure, deterministic to the byte.

    Args:
        message: to encode.
        before: the message before it.
        system_role: what the server calls the system.
        family: whose pieces are sent back as they came, in place of what the message says of them.
    """
    text = ",".join(map(encode_json, to_items(message, system_role, family))).encode()
    return text if before is None else b"," + text


def to_items(message: Message[Any], system_role: str = "system", family: str = "") -> list[Item]:
    """Return the input items of a message, one at least. Pure.

    Pieces of the server's own (``Message.native``) stand for the whole message: for a reply only as long as they say
    what it says, for what a user says in any case, which is how files are sent.
    """
    if family and message.native and message.native.family == family and (told := _native_items(message)):
        return told
    if message.role is Roles.TOOL:
        output = _parts(message) if message.images else message.content
        return [{"type": "function_call_output", "call_id": message.tool_call_id, "output": output}]
    role = system_role if message.role is Roles.SYSTEM else message.role.value
    text = message.content or message.refusal
    calls = [_call_item(call) for call in message.function_calls]
    if not text and not message.images and calls:
        return calls
    item: Item = {"role": role, "content": _parts(message) if message.images else text}
    # llama.cpp knows an assistant's message by its type alone; vLLM takes a text, and parts only with an id.
    return [{"type": "message", **item} if message.role is Roles.ASSISTANT else item, *calls]


def _parts(message: Message[Any]) -> list[Item]:
    texts: list[Item] = [{"type": "input_text", "text": message.content}] if message.content else []
    return texts + [{"type": "input_image", "detail": "auto", "image_url": to_url(image)} for image in message.images]


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
    return [_mended(item, next(calls)) if item.get("type") == "function_call" else item for item in items]


def _mended(item: Item, call: FunctionCall) -> Item:
    """Return a call's own item; one that the server wrote wrongly is put right, or it would refuse the dialog."""
    if not call.fault and item.get("call_id") == call.id:
        return item
    return {**item, "call_id": call.id, "arguments": to_arguments(call)}


@cache
def encoder_of(system_role: str, family: str) -> Encoder:
    """Return the encoder for a dialect: always the same object, because histories keep bytes under it."""
    return partial(encode_message, system_role=system_role, family=family)


def build_request(request: ModelRequest, profile: Profile) -> WireRequest:
    """Return the HTTP request of a model call, without credentials. Pure; O(new messages) and one join.

    Raises:
        ConfigError: ``extra_body`` holds what is not its to say, or the format has no word for a model argument.
    """
    items = request.history.encoded(encoder_of(profile.system_role, profile.family))
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
    ours = {name: fields[name] for name in _SHARED & contract.extra_body.keys() & fields.keys()}
    add_extra(fields, contract, _OURS)
    for name, value in ours.items():
        fields[name] = _joined(value, fields[name])
    fields["tools"] = join_tools([{"type": "function", **f.to_dict()} for f in contract.functions], contract)
    _set_choice(fields)
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


def _set_choice(fields: dict[str, Any]) -> None:
    """Say how functions are chosen: nothing where there are none, else in the flat form, also if told in chat's."""
    drop_choice(fields)
    match fields.get("tool_choice"):
        case {"type": "function", "function": {"name": name}}:
            fields["tool_choice"] = {"type": "function", "name": name}
        case _:
            pass
