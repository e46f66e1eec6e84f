"""A message in the shape that OpenTelemetry gives to content: a role and its parts. Pure.

The parts are those of
https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-input-messages.json (read
2026-11). Whether content is told at all is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from lllm.utils import encode_json

Call = tuple[str, str, str]
"""Id, name, and arguments as JSON text."""


def to_parts(text: str, *, reasoning: str = "", calls: Iterable[Call] = (), answers: str = "") -> list[dict[str, Any]]:
    """Return the parts of a message; ``answers`` is the id of the call whose result the text is."""
    if answers:
        return [{"type": "tool_call_response", "id": answers, "response": text}]
    parts: list[dict[str, Any]] = [{"type": "reasoning", "content": reasoning}] if reasoning else []
    if text:
        parts.append({"type": "text", "content": text})
    for id_, name, arguments in calls:
        parts.append({"type": "tool_call", "id": id_, "name": name, "arguments": _to_arguments(arguments)})
    return parts


def to_image_part(media_type: str, url: str, size_chars: int) -> dict[str, Any]:
    """Return an image as where it is found, or as how long its base64 text is: a trace is no place for its bytes."""
    if url:
        return {"type": "uri", "modality": "image", "uri": url}
    return {"type": "blob", "modality": "image", "mime_type": media_type, "content": "", "base64_chars": size_chars}


def _to_arguments(text: str) -> Any:
    """Return a model's arguments as data where they are JSON that can be written again, else as it wrote them."""
    try:
        value = json.loads(text)
        encode_json(value)  # 1e999 is read as infinity, which no JSON can hold
    except (ValueError, RecursionError):
        return text
    return value
