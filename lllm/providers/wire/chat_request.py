"""The OpenAI chat-completions format, request side: messages and contracts to bytes. Pure.

Each message is encoded once and kept with its history; the rest of a body is rendered once a contract. Building the
request of turn 1000 is one join.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

from lllm.const import Roles
from lllm.models.call import FunctionCall
from lllm.models.function import PICTURE
from lllm.models.history import RoundEncoder
from lllm.models.message import Image, Message
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.body import (
    Frame,
    add_extra,
    build_wire,
    drop_choice,
    join_tools,
    split_body,
    to_arguments,
    to_url,
)
from lllm.providers.wire.chat_native import put_back
from lllm.providers.wire.profile import Profile
from lllm.transport.port import WireRequest
from lllm.utils import encode_json

PATH = "/chat/completions"
_OURS = frozenset({"messages", "stream"})
_BRIDGE = b'{"role":"assistant","content":"Understood."}'
"""What a model is said to have answered to results, where a server lets nobody else speak before it did."""


def encode_message(
    message: Message[Any],
    before: Sequence[Message[Any]] = (),
    *,
    system_role: str = "system",
    family: str = "",
    reasoning_field: str = "",
    bridge: bool = False,
) -> bytes:
    """Return one chat message as JSON, behind a comma unless it is the first. Pure, and deterministic to the byte.

    What follows the results of a round stands behind their pictures, see :func:`encode_pictures`.

    Args:
        message: to encode.
        before: the round before it, see :data:`lllm.models.history.RoundEncoder`.
        system_role: what the server calls the system.
        family: whose pieces are sent back as they came: what was added to a reply; the parts of another message.
        reasoning_field: what that family calls the reasoning that it is sent back; empty to send none.
        bridge: whether the model must have answered results before anybody else speaks.
    """
    role = message.role
    data: dict[str, Any] = {"role": system_role if role is Roles.SYSTEM else role.value}
    if role is Roles.TOOL:
        data["tool_call_id"] = message.tool_call_id
    data["content"] = _content(message)
    if message.function_calls:
        # An empty text beside calls is sent as null: some servers refuse the empty string there.
        data["content"] = data["content"] or None
        data["tool_calls"] = [_call_to_dict(call) for call in message.function_calls]
    if message.native and message.native.family == family:
        _add_native(data, message, message.native.items, reasoning_field)
    text = encode_json(data).encode()
    if not before:
        return text
    if before[-1].role is not Roles.TOOL or role is Roles.TOOL:
        return b"," + text
    shown = encode_pictures(before, family, bridge=bridge)
    if bridge and not shown and role is not Roles.ASSISTANT:
        text = _BRIDGE + b"," + text
    return shown + b"," + text


def encode_pictures(before: Sequence[Message[Any]], family: str, *, bridge: bool = False) -> bytes:
    """Return the pictures of a round's results as a user's message, behind a comma; nothing if there are none. Pure.

    OpenAI takes none in a result: "Image URLs are only allowed for messages with role 'user'" (OpenHands/OpenHands,
    issue 7700, read 2026-11). Nor may anything stand between results, so the pictures come behind the last of them.
    """
    parts: list[dict[str, Any]] = []
    for result in before:
        if result.role is Roles.TOOL and result.images and not _is_native(result, family):
            name = next((c.name for c in before[0].function_calls if c.id == result.tool_call_id), "a function")
            parts.append({"type": "text", "text": f"(shown by {name}, call {result.tool_call_id}, not by the user)"})
            parts += map(_image_part, result.images)
    if not parts:
        return b""
    shown = b"," + encode_json({"role": "user", "content": parts}).encode()
    return b"," + _BRIDGE + shown if bridge else shown


def _is_native(message: Message[Any], family: str) -> bool:
    return bool(message.native and message.native.family == family and message.native.items)


def _add_native(
    data: dict[str, Any], message: Message[Any], items: tuple[Mapping[str, Any], ...], reasoning_field: str
) -> None:
    """Say it in the family's own words, too: parts such as a document or a cache's mark are a message's content."""
    if message.role is not Roles.ASSISTANT:
        data["content"] = list(items) or data["content"]
        return
    if reasoning_field and message.reasoning:
        data[reasoning_field] = message.reasoning
    for item in items:
        put_back(data, item)


def _content(message: Message[Any]) -> str | list[dict[str, Any]]:
    text = message.content or message.refusal
    if not message.images:
        return text
    if message.role is Roles.TOOL:
        return text or PICTURE
    texts: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content else []
    return [*texts, *map(_image_part, message.images)]


def _image_part(image: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": to_url(image)}}


def _call_to_dict(call: FunctionCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": to_arguments(call)}}


@cache
def encoder_of(system_role: str, family: str, reasoning_field: str = "", *, bridge: bool = False) -> RoundEncoder:
    """Return the encoder for a dialect: always the same object, because histories keep bytes under it."""
    return partial(
        encode_message, system_role=system_role, family=family, reasoning_field=reasoning_field, bridge=bridge
    )


def build_request(request: ModelRequest, profile: Profile) -> WireRequest:
    """Return the HTTP request of a model call, without credentials. Pure; O(new messages) and one join.

    Raises:
        ConfigError: ``extra_body`` holds what is not its to say.
    """
    reasoning_field = profile.reasoning_field if profile.send_reasoning else ""
    encoder = encoder_of(profile.system_role, profile.family, reasoning_field, bridge=profile.bridge_results)
    messages = request.history.encoded_by_round(encoder)
    if shown := encode_pictures(request.history.last_round(), profile.family, bridge=profile.bridge_results):
        messages.append(shown)
    return build_wire(
        request, profile, PATH, lambda: render_frame(request.contract, profile, stream=request.stream), messages
    )


def render_frame(contract: Contract, profile: Profile, *, stream: bool) -> Frame:
    """Return what stands before and behind the messages in every body of a contract. Pure."""
    fields: dict[str, Any] = {"model": contract.model}
    if contract.format_schema is not None and profile.json_mode != "none":
        fields["response_format"] = _response_format(contract, profile.json_mode)
    for name, value in contract.params.items():
        if value is not None:
            fields[profile.max_tokens_field if name == "max_tokens" else name] = value
    if "top_logprobs" in fields:
        fields.setdefault("logprobs", True)
    if stream:
        fields["stream"] = True
        if profile.stream_usage:
            fields["stream_options"] = {"include_usage": True}
    add_extra(fields, contract, _OURS)
    fields["tools"] = join_tools([_tool_to_dict(function.to_dict()) for function in contract.functions], contract)
    drop_choice(fields)
    return split_body(fields, "messages")


def _tool_to_dict(told: dict[str, Any]) -> dict[str, Any]:
    if not told["strict"]:
        del told["strict"]
    return {"type": "function", "function": told}


def _response_format(contract: Contract, json_mode: str) -> Mapping[str, Any]:
    if json_mode == "json_object":
        return {"type": "json_object"}
    schema = {"name": contract.format_name or "reply", "schema": contract.format_schema}
    return {"type": "json_schema", "json_schema": schema}
