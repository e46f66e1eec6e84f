"""One value of one MIME type: whether a notebook may hold it, and what of it. Pure.

nbformat 4.5 (its JSON schema, read 2026-11) holds JSON of any shape under JSON's types, and text under all others;
bytes, such as those of pictures, are text in base64.
"""

from __future__ import annotations

import re
from typing import Any, cast

from lllm.sandbox.shown.mended import ITEM_BYTES, mend_json, to_utf8

SVG = "image/svg+xml"

_NAME = re.compile(r"[!-~]{1,127}")
_JSON = re.compile(r"application/(?:.*\+)?json")  # as in nbformat's schema
_BYTES = re.compile(r"(?:image|audio|video)/(?!svg\+xml).*|application/pdf")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*+={0,2}")


def to_kept(mime: Any, value: Any, limit_bytes: int) -> tuple[Any, int]:
    """Return what a notebook holds of a value, and how many bytes it counts.

    Text that is too long is cut and says so. Of anything else a part would be worth nothing.

    Raises:
        ValueError: nothing can be kept; the text says why.
    """
    if not isinstance(mime, str) or not _NAME.fullmatch(mime):
        raise ValueError("no MIME type")
    if is_json(mime):
        return mend_json(value, limit_bytes)
    text = to_joined(value)
    if text is None:
        raise ValueError("other data, where a notebook holds text")
    if mime.startswith("text/"):
        text = cut_bytes(text, limit_bytes)
    elif len(text) > limit_bytes or len(to_utf8(text)) > limit_bytes:
        raise ValueError(f"more than {limit_bytes} bytes")
    elif _BYTES.fullmatch(mime) and not is_base64(text):
        raise ValueError("not base64")
    content = to_utf8(text)
    return content.decode("utf-8"), ITEM_BYTES + len(mime) + len(content)


def is_json(mime: str) -> bool:
    """Return whether a notebook holds JSON of any shape under a MIME type, and not text."""
    return _JSON.fullmatch(mime) is not None


def to_joined(value: Any) -> str | None:
    """Return a text, also of one that is given as a list of lines; None of anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in cast("list[Any]", value)):
        return "".join(cast("list[str]", value))
    return None


def cut_bytes(text: str, limit_bytes: int) -> str:
    """Return a text's first bytes in UTF-8, and a note when that is not all."""
    content = to_utf8(text[: limit_bytes + 1])
    if len(content) <= limit_bytes:
        return text
    return f"{content[:limit_bytes].decode('utf-8', 'ignore')}\n[cut: more than {limit_bytes} bytes]"


def is_base64(text: str) -> bool:
    """Return whether a text is base64, with line ends in it or not."""
    packed = text.replace("\n", "").replace("\r", "")
    return len(packed) % 4 == 0 and _BASE64.fullmatch(packed) is not None
