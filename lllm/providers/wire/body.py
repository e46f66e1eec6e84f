"""What the bodies of all formats have in common: fields by other names, cached frames, calls and pictures. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.models.message import Image
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.loose import to_dict, to_text
from lllm.providers.wire.profile import Profile
from lllm.transport.port import WireRequest
from lllm.utils import encode_json

HEADERS = (("content-type", "application/json"), ("accept", "application/json, text/event-stream"))
Frame = tuple[bytes, bytes]
"""What stands before and behind the messages."""


def build_wire(
    request: ModelRequest, profile: Profile, path: str, render: Callable[[], Frame], messages: list[bytes]
) -> WireRequest:
    """Return a request; the frame around the messages is rendered once a contract and dialect. Pure; one join.

    ``messages`` is the caller's own list, which is used up.
    """
    rendered = request.contract.rendered
    key = f"{profile.dialect}/{request.stream}"
    frame = rendered.get(key)
    if frame is None:
        frame = rendered[key] = render()
    messages.insert(0, frame[0])
    messages.append(frame[1])
    return WireRequest("POST", profile.base_url + path, HEADERS + profile.headers, b"".join(messages))


def to_fields(contract: Contract, names: Mapping[str, str], api: str) -> dict[str, Any]:
    """Return the model arguments under a format's own names; those that are None are left out.

    Args:
        contract: whose ``params``.
        names: the format's name for each argument that it knows.
        api: what the format is called in the error.

    Raises:
        ConfigError: an argument that the format has no word for: without it, the request would be another one.
    """
    fields: dict[str, Any] = {}
    for name, value in contract.params.items():
        if value is None:
            continue
        if name not in names:
            raise ConfigError(
                f"the {api} format has no model argument {name!r}",
                hint=f"known: {', '.join(sorted(names))}; a field of the server's own goes into extra_body",
            )
        fields[names[name]] = value
    return fields


def add_extra(fields: dict[str, Any], contract: Contract, ours: frozenset[str]) -> None:
    """Put the user's own fields into a body, over what is there.

    Raises:
        ConfigError: ``extra_body`` holds what is not its to say.
    """
    if taken := ours & contract.extra_body.keys():
        raise ConfigError(f"extra_body may not set {', '.join(sorted(taken))}: lllm does")
    fields.update(contract.extra_body)


def join_tools(ours: Sequence[Mapping[str, Any]], contract: Contract) -> list[Any]:
    """Return our functions and, behind them, ``extra_body``'s ``tools``; one of a function's name takes its place.

    Raises:
        ConfigError: they are no list, or one of ours is a tool of a vendor's that this format has no word for.
    """
    for function in contract.functions:
        if function.vendor not in ours:
            refuse_vendor(function)
    theirs = contract.extra_body.get("tools") or ()
    if not isinstance(theirs, list | tuple):
        raise ConfigError(f"extra_body: tools is a list, not {theirs!r}")
    told = [*ours, *cast("Sequence[Any]", theirs)]
    return list({_name_of(tool) or place: tool for place, tool in enumerate(told)}.values())


def refuse_vendor(function: Function) -> None:
    """Refuse a vendor's own tool, for formats and models that know functions alone.

    Raises:
        ConfigError: it is one; sent as a function, it would be another tool.
    """
    if function.vendor:
        raise ConfigError(
            f"{function.name!r} is a vendor's own tool, and sent in the responses format only",
            hint="api_type: response, or plain functions",
        )


def _name_of(tool: Any) -> str:
    told = to_dict(tool)
    return to_text(told.get("name")) or to_text(to_dict(told.get("function")).get("name"))


def drop_choice(fields: dict[str, Any]) -> None:
    """Say nothing of how tools are chosen where there are none.

    OpenAI refuses it: "'parallel_tool_calls' is only allowed when 'tools' are specified" (openai/swarm, pull 32,
    read 2026-11), and an empty list of tools with it.
    """
    if not fields.get("tools"):
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            fields.pop(name, None)


def split_body(fields: dict[str, Any], name: str) -> Frame:
    """Return a body in two halves, between which the items of the array ``name`` go; ``model`` stands first."""
    head = b'{"model":%b,"%b":[' % (encode_json(fields.pop("model")).encode(), name.encode())
    return head, b"]," + encode_json(fields).encode()[1:] if fields else b"]}"


def to_input(call: FunctionCall) -> dict[str, Any]:
    """Return a call's arguments as an object: of some that are none, the model reads its own text."""
    return {"invalid": call.raw_arguments} if call.fault else call.arguments


def to_arguments(call: FunctionCall) -> str:
    """Return a call's arguments as a JSON object: strict servers refuse a dialog in which some are none."""
    return encode_json(to_input(call)) if call.fault else call.raw_arguments.strip() or "{}"


def call_to_dict(call: FunctionCall) -> dict[str, Any]:
    """Return a call in chat's form, but for its arguments, which are an object: so chat templates take them."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": to_input(call)}}


def to_tool(function: Function) -> dict[str, Any]:
    """Return what a model is told of a function, without the wish to be strict: not every server has a word for it.

    Raises:
        ConfigError: it is a vendor's own tool.
    """
    refuse_vendor(function)
    told = {name: value for name, value in function.to_dict().items() if name != "strict"}
    return {"type": "function", "function": told}


def to_url(image: Image) -> str:
    """Return a picture's address, or the picture itself as one."""
    return image.url or f"data:{image.media_type};base64,{image.base64}"
