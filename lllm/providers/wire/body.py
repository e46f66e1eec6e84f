"""What the bodies of all formats have in common: fields by other names, the user's own fields, cached frames. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lllm.errors import ConfigError
from lllm.models.call import FunctionCall
from lllm.models.request import Contract, ModelRequest
from lllm.providers.base import WireRequest
from lllm.providers.wire.profile import Profile
from lllm.utils import encode_json

HEADERS = (("content-type", "application/json"), ("accept", "application/json, text/event-stream"))
Frame = tuple[bytes, bytes]
"""What stands before and behind the messages."""


def build_wire(
    request: ModelRequest, profile: Profile, path: str, render: Callable[[], Frame], messages: bytes
) -> WireRequest:
    """Return a request; the frame around the messages is rendered once a contract and dialect. Pure; one join."""
    rendered = request.contract.rendered
    key = f"{profile.dialect}/{request.stream}"
    frame = rendered.get(key)
    if frame is None:
        frame = rendered[key] = render()
    return WireRequest(
        "POST", profile.base_url + path, HEADERS + profile.headers, b"".join((frame[0], messages, frame[1]))
    )


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


def split_body(fields: dict[str, Any], name: str) -> Frame:
    """Return a body in two halves, between which the items of the array ``name`` go; ``model`` stands first."""
    head = b'{"model":%b,"%b":[' % (encode_json(fields.pop("model")).encode(), name.encode())
    return head, b"]," + encode_json(fields).encode()[1:] if fields else b"]}"


def to_arguments(call: FunctionCall) -> str:
    """Return a call's arguments as a JSON object: strict servers refuse a dialog in which some are none."""
    return encode_json({"invalid": call.raw_arguments}) if call.fault else call.raw_arguments.strip() or "{}"
