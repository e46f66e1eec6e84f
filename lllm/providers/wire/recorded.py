"""A recorded answer to a message or an error, for any wire format that is known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lllm.errors import ProviderError
from lllm.models.message import Message
from lllm.providers.wire.classify import parse_failure
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.formats import load_format


def parse_exchange(api: str, status: int, headers: Mapping[str, str], body: bytes) -> Message[Any] | ProviderError:
    """Return the message that an answer holds, or the error that it is. Pure; nothing is raised for a bad answer.

    Args:
        api: the wire format: ``chat``, ``responses``, ``anthropic`` or ``ollama``.
        status: HTTP status.
        headers: of the answer.
        body: of the answer, decompressed; a stream or a whole reply.

    Raises:
        ConfigError: ``api`` is no known format.
    """
    known = load_format(api)
    if status != 200:
        return parse_failure(status, headers, body)
    asked = Asked(family=api)
    try:
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        if not known.looks_streamed(kind, body):
            return known.parse_reply(body, asked)
        stream = known.read_stream(asked)
        stream.feed(body)
        return stream.end()
    except ProviderError as error:
        return error
