"""The Anthropic Messages format, request side: messages and contracts to bytes. Pure.

The format knows turns, not messages: neighbours of one side stand in one turn, so that all results of a turn come
directly behind their calls ("Handle tool calls", platform.claude.com, read 2026-11). A message's bytes begin with what
closes the message before, and the last one is closed by its role alone. So every prefix of a dialog keeps its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.history import Encoder, History
from lllm.models.message import Image, Message
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.anthropic_schema import to_strict_schema
from lllm.providers.wire.body import Frame, add_extra, build_wire, join_tools, to_fields, to_input
from lllm.providers.wire.profile import Profile
from lllm.transport.port import WireRequest
from lllm.utils import encode_json

PATH = "/v1/messages"
VERSION = ("anthropic-version", "2023-06-01")
"""Sent where the profile names none: the version that the servers of others imitate."""

NOTHING = "(empty)"
"""Stands for a message without any text: the server refuses blank texts and turns without content."""

_OURS = frozenset({"messages", "system", "stream"})
_NAMES = {
    "max_tokens": "max_tokens",
    "metadata": "metadata",
    "parallel_tool_calls": "parallel_tool_calls",
    "reasoning_effort": "reasoning_effort",
    "service_tier": "service_tier",
    "stop": "stop_sequences",
    "temperature": "temperature",
    "thinking": "thinking",
    "tool_choice": "tool_choice",
    "top_k": "top_k",
    "top_p": "top_p",
}
_SIDES = {Roles.USER: b"user", Roles.TOOL: b"user", Roles.ASSISTANT: b"assistant"}
Block = Mapping[str, Any]


def encode_message(
    message: Message[Any], before: Message[Any] | None = None, *, family: str = "", system_turns: bool = False
) -> bytes:
    """Return what a message adds to a body, from the end of the message before. Pure, deterministic to the byte.

    The first message, if it is a system message, is the body's ``system``. A later one becomes a turn of its own: a
    user's, because only some models know system turns.

    Args:
        message: to encode.
        before: the message before it.
        family: whose pieces are sent back as they came, in place of what the message says of them.
        system_turns: the model knows system turns.
    """
    blocks = b",".join(encode_json(block).encode() for block in to_blocks(message, family))
    if message.role is Roles.SYSTEM:
        return _encode_system(message, before, blocks, b"system" if system_turns else b"user")
    side = _SIDES[message.role]
    if before is None:
        start = b'"messages":['
    elif before.role is Roles.SYSTEM:
        start = b""
    elif _SIDES[before.role] == side:
        return b"," + blocks
    else:
        start = b"]},"
    return b'%b{"role":"%b","content":[%b' % (start, side, blocks)


def _encode_system(message: Message[Any], before: Message[Any] | None, blocks: bytes, side: bytes) -> bytes:
    """Return what leaves no turn open: whoever comes next knows the message before, and not what was before that."""
    if before is None:
        return b'"system":[%b],"messages":[' % blocks if message.content.strip() else b'"messages":['
    end = b"" if before.role is Roles.SYSTEM else b"]},"
    return b'%b{"role":"%b","content":[%b]},' % (end, side, blocks)


def encode_history(history: History, encoder: Encoder) -> list[bytes]:
    """Return the pieces of ``"system":[...],"messages":[...]``: the bytes of each message, and what closes the last."""
    parts = history.encoded(encoder)
    if not parts:
        return [b'"messages":[]']
    if history[-1].role is Roles.SYSTEM:
        parts[-1] = parts[-1].removesuffix(b",")
    parts.append(b"]" if history[-1].role is Roles.SYSTEM else b"]}]")
    return parts


def to_blocks(message: Message[Any], family: str = "") -> list[Block]:
    """Return the content blocks of a message, one at least and none of them blank. Pure.

    Pieces of the server's own (``Message.native``) stand for the whole message, whoever speaks it: in a user's message
    they are how a document, or a block with ``cache_control``, is sent.
    """
    blocks: list[Block]
    native = message.native
    if native and native.items and native.family == family:
        blocks = [item for item in native.items if item.get("type") != "text" or str(item.get("text")).strip()]
    elif message.role is Roles.TOOL:
        blocks = [_result_block(message)]
    else:
        blocks = [*_content_blocks(message), *map(_call_block, message.function_calls)]
    return blocks or [_text_block(NOTHING)]


def _text_block(text: str) -> Block:
    return {"type": "text", "text": text}


def _content_blocks(message: Message[Any]) -> list[Block]:
    text = message.content or message.refusal
    return [*([_text_block(text)] if text.strip() else ()), *map(_image_block, message.images)]


def _image_block(image: Image) -> Block:
    if image.url:
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    return {"type": "image", "source": {"type": "base64", "media_type": image.media_type, "data": image.base64}}


def _call_block(call: FunctionCall) -> Block:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": to_input(call)}


def _result_block(message: Message[Any]) -> Block:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": message.tool_call_id}
    if content := _content_blocks(message):
        block["content"] = content if message.images else message.content
    if message.is_error:
        block["is_error"] = True
    return block


@cache
def encoder_of(family: str, *, system_turns: bool) -> Encoder:
    """Return the encoder for a dialect: always the same object, because histories keep bytes under it."""
    return partial(encode_message, family=family, system_turns=system_turns)


def build_request(request: ModelRequest, profile: Profile) -> WireRequest:
    """Return the HTTP request of a model call, without credentials. Pure; O(new messages) and one join.

    ``tools`` in ``extra_body`` join the functions. All other fields there have the last word.

    Raises:
        ConfigError: ``extra_body`` holds what is not its to say, or the format has no word for a model argument.
    """
    messages = encode_history(request.history, encoder_of(profile.family, system_turns=profile.system_turns))
    wire = build_wire(
        request, profile, PATH, lambda: render_frame(request.contract, profile, stream=request.stream), messages
    )
    if any(name.lower() == VERSION[0] for name, _ in profile.headers):
        return wire
    return replace(wire, headers=(*wire.headers, VERSION))


def render_frame(contract: Contract, profile: Profile, *, stream: bool) -> Frame:
    """Return what stands before and behind system and messages in every body of a contract. Pure."""
    fields: dict[str, Any] = {"max_tokens": profile.max_tokens, **to_fields(contract, _NAMES, "anthropic")}
    if isinstance(stop := fields.get("stop_sequences"), str):
        fields["stop_sequences"] = [stop]
    choice = to_choice(fields.pop("tool_choice", None), parallel=fields.pop("parallel_tool_calls", True))
    if tools := join_tools([_tool_to_dict(function.to_dict()) for function in contract.functions], contract):
        fields |= {"tools": tools, "tool_choice": choice} if choice else {"tools": tools}
    if output := _output_config(contract, profile, fields.pop("reasoning_effort", None)):
        fields["output_config"] = output
    if stream:
        fields["stream"] = True
    add_extra(fields, contract, _OURS)
    if tools:
        fields["tools"] = tools
    model = encode_json(fields.pop("model", contract.model)).encode()
    return b'{"model":%b,' % model, b"," + encode_json(fields).encode()[1:]


def to_choice(choice: Any, *, parallel: bool) -> dict[str, Any] | None:
    """Return how functions are chosen, from OpenAI's words for it or the format's own; None to say nothing. Pure.

    Raises:
        ConfigError: it is none of them.
    """
    if choice is None and parallel:
        return None
    told: Any = "any" if choice == "required" else choice or "auto"
    match told:
        case "auto" | "any" | "none" as kind:
            wanted: dict[str, Any] = {"type": kind}
        case {"type": "function", "function": {"name": name}}:
            wanted = {"type": "tool", "name": name}
        case {"type": str()}:
            wanted = dict(told)
        case _:
            raise ConfigError(f"tool_choice {choice!r} is unknown", hint="auto, none, required, or one function")
    return wanted if parallel or wanted["type"] == "none" else {**wanted, "disable_parallel_tool_use": True}


def _tool_to_dict(told: Mapping[str, Any]) -> dict[str, Any]:
    strict = told["strict"]
    schema = to_strict_schema(told["parameters"]) if strict else told["parameters"]
    tool = {"name": told["name"], "description": told["description"], "input_schema": schema}
    return {**tool, "strict": True} if strict else tool


def _output_config(contract: Contract, profile: Profile, effort: Any) -> dict[str, Any]:
    config = {"effort": effort} if effort is not None else {}
    if contract.format_schema is not None and profile.json_mode == "json_schema":
        config["format"] = {"type": "json_schema", "schema": to_strict_schema(contract.format_schema)}
    return config
