"""The table of wire formats, each loaded when it is first used. A new one is a pair of files and a row here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from lllm.errors import ConfigError
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.profile import Profile
from lllm.providers.wire.stream import ReplyStream
from lllm.transport.port import WireRequest


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One way to speak to a model.

    Attributes:
        build_request: a model call as an HTTP request, without credentials.
        parse_reply: the message of a whole body with status 200.
        read_stream: a reader of a streamed body with status 200.
        stream_type: what the content type of a stream holds.
        stream_start: how the body of a stream begins, where no content type is told.
        json_is_whole: whether a body of type JSON is a whole reply, also where a stream was asked for.
        models_path: where such a server lists its models, behind its base URL; see ``listing.py``.
    """

    api: str
    build_request: Callable[[ModelRequest, Profile], WireRequest]
    parse_reply: Callable[[bytes, Asked], Message[Any]]
    read_stream: Callable[[Asked], ReplyStream]
    stream_type: str
    stream_start: re.Pattern[bytes]
    json_is_whole: bool
    models_path: str

    def is_stream(self, content_type: str, *, asked: bool) -> bool:
        """Whether a body is a stream: a server that is ``asked`` for one may answer with a whole reply."""
        return self.stream_type in content_type or (asked and not (self.json_is_whole and "json" in content_type))

    def looks_streamed(self, content_type: str, body: bytes) -> bool:
        """Whether a recorded body is a stream, by its content type or by how it begins."""
        return self.stream_type in content_type or self.stream_start.match(body) is not None


_SSE = ("event-stream", re.compile(rb"\s*(?:data|event)?:"), True)
_LINES = ("ndjson", re.compile(rb"\s*\{[^\n]*\}\s*\n\s*\{"), False)
_ROWS: dict[str, tuple[str, re.Pattern[bytes], bool, str]] = {
    "chat": (*_SSE, "/models"),
    "responses": (*_SSE, "/models"),
    "anthropic": (*_SSE, "/v1/models"),
    "ollama": (*_LINES, "/api/tags"),
    "ollama_generate": (*_LINES, "/api/tags"),
}
APIS = tuple(_ROWS)


@cache
def load_format(api: str) -> WireFormat:
    """Return a format by name.

    Raises:
        ConfigError: there is none of that name.
    """
    if api not in _ROWS:
        raise ConfigError(f"there is no wire format {api!r}", hint=f"known: {', '.join(sorted(_ROWS))}")
    asking = import_module(f"lllm.providers.wire.{api}_request")
    reading = import_module(f"lllm.providers.wire.{api}_reply")
    return WireFormat(api, asking.build_request, reading.parse_reply, reading.read_stream, *_ROWS[api])
