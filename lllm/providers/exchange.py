"""A recorded answer to a message or an error, for any wire format that is known. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lllm.errors import ConfigError, ProviderError
from lllm.models.message import Message
from lllm.providers.classify import parse_failure
from lllm.providers.openai_reply import ChatStream, parse_reply


def parse_chat(headers: Mapping[str, str], body: bytes) -> Message[Any]:
    """Return the message of a chat answer with status 200, streamed or not. Pure."""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if "event-stream" in kind or body.lstrip().startswith((b"data:", b":", b"event:")):
        stream = ChatStream()
        stream.feed(body)
        return stream.end()
    return parse_reply(body)


_PARSERS: dict[str, Callable[[Mapping[str, str], bytes], Message[Any]]] = {"chat": parse_chat}


def parse_exchange(api: str, status: int, headers: Mapping[str, str], body: bytes) -> Message[Any] | ProviderError:
    """Return the message that an answer holds, or the error that it is. Pure; nothing is raised for a bad answer.

    Args:
        api: the wire format; ``chat``.
        status: HTTP status.
        headers: of the answer.
        body: of the answer, decompressed.

    Raises:
        ConfigError: ``api`` is no known format.
    """
    parser = _PARSERS.get(api)
    if parser is None:
        raise ConfigError(f"there is no wire format {api!r}", hint=f"known: {', '.join(sorted(_PARSERS))}")
    if status != 200:
        return parse_failure(status, headers, body)
    try:
        return parser(headers, body)
    except ProviderError as error:
        return error
