"""Ollama's ``/api/generate``, request side: one question without a dialog around it. Pure."""

from __future__ import annotations

from typing import Any

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers.wire.body import HEADERS
from lllm.providers.wire.ollama_request import to_body, to_images
from lllm.providers.wire.profile import Profile
from lllm.transport.port import WireRequest
from lllm.utils import encode_json

PATH = "/api/generate"
_OURS = frozenset({"prompt", "system", "images", "stream"})


def build_request(request: ModelRequest, profile: Profile) -> WireRequest:
    """Return the HTTP request of a model call, without credentials. Pure.

    Raises:
        ConfigError: there are functions, or the dialog is more than one message of the user behind one of the system;
            or the format has no word for something.
    """
    if request.contract.functions:
        raise ConfigError("Ollama's generate knows no functions", hint="use the wire format 'ollama'")
    body = to_body(request.contract, profile, stream=request.stream, ours=_OURS)
    system, user = _split(request.history.messages)
    body["prompt"] = user.content
    if system is not None:
        body["system"] = system.content
    if user.images:
        body["images"] = to_images(user.images)
    return WireRequest("POST", profile.base_url + PATH, HEADERS + profile.headers, encode_json(body).encode())


def _split(messages: tuple[Message[Any], ...]) -> tuple[Message[Any] | None, Message[Any]]:
    match [message.role for message in messages]:
        case [Roles.USER]:
            return None, messages[0]
        case [Roles.SYSTEM, Roles.USER]:
            return messages[0], messages[1]
        case _:
            raise ConfigError("Ollama's generate takes one question, no dialog", hint="use the wire format 'ollama'")
