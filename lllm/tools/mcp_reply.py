"""What an MCP server says, as JSON data, in lllm's values. Pure.

Source: the specification's pages on tools, version 2026-07-28, as the types of the official SDK 2.3.0 tell them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lllm.models.offer import ToolReply
from lllm.utils import encode_json

_TOLD = ("name", "description", "inputSchema")
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


def parse_tool(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a tool: its name, description, schema and hints; titles, icons and the like are not."""
    hints: Mapping[str, Any] = told.get("annotations") or {}
    kept = {key: told[key] for key in _TOLD if key in told}
    known = {key: hints[key] for key in _HINTS if isinstance(hints.get(key), bool)}
    return kept | ({"annotations": known} if known else {})


def parse_reply(told: Mapping[str, Any]) -> ToolReply:
    """Return a call's result: its texts, one after the other; what a model cannot be shown is told in a line.

    Structured content is data for code. The model reads it only where there is no text, since servers say it twice.
    """
    texts = [_to_text(part) for part in told.get("content") or ()]
    data = told.get("structuredContent")
    text = "\n".join(text for text in texts if text)
    if not text and data is not None:
        text = encode_json(data)
    return ToolReply(text, data, told.get("isError") is True)


def _to_text(part: Mapping[str, Any]) -> str:
    match part.get("type"):
        case "text":
            return str(part.get("text", ""))
        case "image" | "audio":
            size_bytes = len(str(part.get("data", ""))) * 3 // 4
            return f"[{part['type']} {part.get('mimeType', '')}, {size_bytes} bytes, not shown]"
        case "resource_link":
            return f"[resource {part.get('uri', '')} {part.get('name', '')}]"
        case "resource":
            return _to_resource(part.get("resource") or {})
        case other:
            return f"[{other}, not shown]"


def _to_resource(resource: Mapping[str, Any]) -> str:
    if "text" in resource:
        return str(resource["text"])
    size_bytes = len(str(resource.get("blob", ""))) * 3 // 4
    return f"[resource {resource.get('uri', '')} {resource.get('mimeType', '')}, {size_bytes} bytes, not shown]"
