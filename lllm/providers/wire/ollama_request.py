"""Ollama's own format, request side: messages and contracts to bytes. Pure.

Source of the fields: docs/openapi.yaml and api/types.go of github.com/ollama/ollama, read 2026-11. The server leaves
out fields and options that it does not know without a word, so a wrong word is refused here.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, cast

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.history import Encoder
from lllm.models.message import Image, Message
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.body import (
    Frame,
    add_extra,
    build_wire,
    call_to_dict,
    drop_choice,
    join_tools,
    split_body,
    to_fields,
    to_tool,
)
from lllm.providers.wire.profile import Profile
from lllm.transport.port import WireRequest
from lllm.utils import encode_json

PATH = "/api/chat"
_OURS = frozenset({"messages", "stream"})
_OPTIONS = (
    *("temperature", "seed", "top_p", "top_k", "min_p", "typical_p", "stop", "num_predict", "num_ctx", "num_keep"),
    *("repeat_penalty", "repeat_last_n", "presence_penalty", "frequency_penalty"),
    *("num_batch", "num_gpu", "main_gpu", "num_thread", "use_mmap"),
)
_NAMES = {
    **{name: name for name in (*_OPTIONS, "keep_alive", "logprobs", "top_logprobs", "think", "tool_choice")},
    **dict.fromkeys(("max_tokens", "max_completion_tokens"), "num_predict"),
    "reasoning_effort": "think",
}
_EFFORTS = {"none": False, "minimal": "low", "xhigh": "max"}
"""Words for how long to think that others know; the rest is the server's own: ``low, medium, high, max``."""


def encode_message(message: Message[Any], before: Message[Any] | None = None, *, family: str = "") -> bytes:
    """Return one message as JSON, behind a comma unless it is the first. Pure, and deterministic to the byte.

    Args:
        message: to encode.
        before: the message before it.
        family: whose earlier reasoning is sent back; empty for nobody's.

    Raises:
        ConfigError: a picture is given by its address, which this server does not fetch.
    """
    data: dict[str, Any] = {"role": message.role.value, "content": message.content or message.refusal}
    if family and message.reasoning and message.native and message.native.family == family:
        data["thinking"] = message.reasoning
    if message.images:
        data["images"] = to_images(message.images)
    if message.function_calls:
        data["tool_calls"] = [call_to_dict(call) for call in message.function_calls]
    if message.role is Roles.TOOL:
        if name := name_of_call(message, before):
            data["tool_name"] = name
        data["tool_call_id"] = message.tool_call_id
    text = encode_json(data).encode()
    return text if before is None else b"," + text


def to_images(images: tuple[Image, ...]) -> list[str]:
    """Return pictures as base64 texts.

    Raises:
        ConfigError: one is an address.
    """
    if any(image.url for image in images):
        raise ConfigError("Ollama takes pictures as data, not by their address", hint="load it: Image(base64=...)")
    return [image.base64 for image in images]


def name_of_call(result: Message[Any], before: Message[Any] | None) -> str:
    """Return the name of the function whose answer it is: its own word, else what the message before tells.

    A result that was read back from data has no such word, and an encoding may depend on no more than that message: so
    of several ones only the first is named.
    """
    if result.function_name:
        return result.function_name
    calls = before.function_calls if before else ()
    return next((call.name for call in calls if call.id == result.tool_call_id), "")


@cache
def encoder_of(family: str) -> Encoder:
    """Return the encoder for a family: always the same object, because histories keep bytes under it."""
    return partial(encode_message, family=family) if family else encode_message


def build_request(request: ModelRequest, profile: Profile) -> WireRequest:
    """Return the HTTP request of a model call, without credentials. Pure; O(new messages) and one join.

    Raises:
        ConfigError: the contract or a message holds what the format has no word for.
    """
    messages = request.history.encoded(encoder_of(profile.family if profile.send_reasoning else ""))

    def render() -> Frame:
        return split_body(to_body(request.contract, profile, stream=request.stream, ours=_OURS), "messages")

    return build_wire(request, profile, PATH, render, messages)


def to_body(contract: Contract, profile: Profile, *, stream: bool, ours: frozenset[str]) -> dict[str, Any]:
    """Return the fields of a body that do not depend on the dialog.

    ``stream`` is always said, because the server's own default is to stream; and so is ``truncate``, because by default
    the server drops the oldest messages of a dialog that is too long, and says nothing.

    Raises:
        ConfigError: see build_request.
    """
    fields: dict[str, Any] = {"model": contract.model, "stream": stream, "truncate": False}
    if contract.format_schema is not None and profile.json_mode != "none":
        fields["format"] = contract.format_schema if profile.json_mode == "json_schema" else "json"
    add_arguments(fields, contract)
    options = {**fields.pop("options", {}), **_extra_options(contract)}
    add_extra(fields, contract, ours)
    fields["tools"] = join_tools([to_tool(function) for function in contract.functions], contract)
    drop_choice(fields)
    if options:
        fields["options"] = options
    return fields


def add_arguments(fields: dict[str, Any], contract: Contract) -> None:
    """Put the model arguments into a body: those of the sampler as ``options``, the others beside it."""
    given = to_fields(contract, _NAMES, "Ollama")
    if given.pop("tool_choice", "auto") != "auto":
        raise ConfigError("Ollama has no tool_choice: its model is free to call", hint="leave out tool_choice")
    if isinstance(given.get("stop"), str):  # a text is refused: "must be of type array"
        given["stop"] = [given["stop"]]
    if "top_logprobs" in given:
        given.setdefault("logprobs", True)
    if isinstance(given.get("think"), str):
        given["think"] = _EFFORTS.get(given["think"], given["think"])
    fields["options"] = {name: given.pop(name) for name in _OPTIONS if name in given}
    fields.update(given)


def _extra_options(contract: Contract) -> dict[str, Any]:
    """Return the user's own options: they go beside ours, not in place of all of them."""
    options = contract.extra_body.get("options", {})
    if not isinstance(options, dict):
        raise ConfigError("extra_body: options must be a mapping")
    return cast("dict[str, Any]", options)
