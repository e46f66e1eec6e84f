"""The OpenAI chat-completions format, request side: messages and contracts to bytes. Pure.

Each message is encoded once and kept with its history; the rest of a body is rendered once a contract. Building the
request of turn 1000 is one join.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.history import Encoder
from lllm.models.message import Message
from lllm.models.request import Contract, ModelRequest
from lllm.providers.base import WireRequest
from lllm.providers.profiles import Profile
from lllm.utils import encode_json

PATH = "/chat/completions"
_HEADERS = (("content-type", "application/json"), ("accept", "application/json, text/event-stream"))


def encode_message(message: Message[Any], *, system_role: str = "system", send_reasoning: bool = False) -> bytes:
    """Return one chat message as JSON. Pure, and deterministic to the byte."""
    role = message.role
    data: dict[str, Any] = {"role": system_role if role is Roles.SYSTEM else role.value}
    if role is Roles.TOOL:
        data["tool_call_id"] = message.tool_call_id
    data["content"] = _content_parts(message) if message.images else message.content or message.refusal
    if message.function_calls:
        # An empty text beside calls is sent as null: some servers refuse the empty string there.
        data["content"] = data["content"] or None
        data["tool_calls"] = [_call_to_dict(call) for call in message.function_calls]
    if send_reasoning and message.reasoning:
        data["reasoning_content"] = message.reasoning
    return encode_json(data).encode()


def _content_parts(message: Message[Any]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content else []
    urls = (f"data:{image.media_type};base64,{image.base64}" for image in message.images)
    return parts + [{"type": "image_url", "image_url": {"url": url}} for url in urls]


def _call_to_dict(call: FunctionCall) -> dict[str, Any]:
    # Strict servers parse earlier arguments and refuse the whole dialog when they are not a JSON object.
    arguments = encode_json({"invalid": call.raw_arguments}) if call.fault else call.raw_arguments.strip() or "{}"
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


@cache
def encoder_of(system_role: str, send_reasoning: bool) -> Encoder:
    """Return the encoder for a dialect: always the same object, because histories keep bytes under it."""
    if system_role == "system" and not send_reasoning:
        return encode_message
    return partial(encode_message, system_role=system_role, send_reasoning=send_reasoning)


def build_request(request: ModelRequest, profile: Profile) -> WireRequest:
    """Return the HTTP request of a model call, without credentials. Pure; O(new messages) and one join.

    Raises:
        ConfigError: ``extra_body`` holds what is not its to say.
    """
    contract = request.contract
    key = f"chat/{profile.dialect}/{request.stream}"
    frame = contract.rendered.get(key)
    if frame is None:
        frame = contract.rendered[key] = render_frame(contract, profile, stream=request.stream)
    head, tail = frame
    encoder = encoder_of(profile.system_role, profile.send_reasoning)
    body = b"".join((head, b",".join(request.history.encoded(encoder)), tail))
    return WireRequest("POST", profile.base_url + PATH, _HEADERS + profile.headers, body)


def render_frame(contract: Contract, profile: Profile, *, stream: bool) -> tuple[bytes, bytes]:
    """Return what stands before and behind the messages in every body of a contract. Pure."""
    fields: dict[str, Any] = {"model": contract.model}
    if contract.functions:
        fields["tools"] = [_tool_to_dict(function.to_dict()) for function in contract.functions]
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
    if taken := {"messages", "stream"} & contract.extra_body.keys():
        raise ConfigError(f"extra_body may not set {', '.join(sorted(taken))}: lllm does")
    fields.update(contract.extra_body)
    head = b'{"model":%b,"messages":[' % encode_json(fields.pop("model")).encode()
    return head, b"]," + encode_json(fields).encode()[1:] if fields else b"]}"


def _tool_to_dict(told: dict[str, Any]) -> dict[str, Any]:
    if not told["strict"]:
        del told["strict"]
    return {"type": "function", "function": told}


def _response_format(contract: Contract, json_mode: str) -> Mapping[str, Any]:
    if json_mode == "json_object":
        return {"type": "json_object"}
    schema = {"name": contract.format_name or "reply", "schema": contract.format_schema}
    return {"type": "json_schema", "json_schema": schema}
