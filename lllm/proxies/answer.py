"""What a service answers: taken in up to a limit, and read into plain JSON data or a named error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain
from math import isfinite
from typing import Any, cast
from urllib.parse import urlsplit

from lllm.errors import BadReply, ProxyError
from lllm.proxies.base import BaseProxy, Endpoint
from lllm.proxies.keys import hide_forms
from lllm.utils import visible

MAX_BODY_BYTES = 16 << 20
MAX_DEPTH = 100
EXCERPT_CHARS = 300
_TOO_DEEP = object()
_PASSING = (408, 425, 429, 500, 502, 503, 504, 529)
"""Statuses that the same request may not meet again."""


class Answer:
    """One answer while it arrives; it is the transport's receiver.

    Attributes:
        status: HTTP status; 0 before it came.
        headers: names in lower case.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._chunks: list[bytes] = []
        self._size_bytes = 0

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Take status and headers.

        Raises:
            BadReply: the body is said to be longer than the limit.
        """
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        told = self.headers.get("content-length", "")
        if told.isdigit() and len(told) < 20:
            self._check(int(told))

    def feed(self, chunk: bytes) -> None:
        """Take bytes of the body.

        Raises:
            BadReply: they are more than the limit.
        """
        self._size_bytes += len(chunk)
        self._check(self._size_bytes)
        self._chunks.append(chunk)

    def _check(self, size_bytes: int) -> None:
        if size_bytes > MAX_BODY_BYTES:
            told = f"the answer is longer than {MAX_BODY_BYTES:,} bytes"
            raise BadReply(told, status=self.status, retryable=False, hint="ask for less at once")

    @property
    def text(self) -> str:
        """The body, in the charset that the answer names, else UTF-8; what is none becomes a replacement sign."""
        _, _, charset = self.headers.get("content-type", "").partition("charset=")
        body = b"".join(self._chunks)
        try:
            return body.decode(charset.split(";")[0].strip(" \"'") or "utf-8", "replace").removeprefix("\ufeff")
        except (LookupError, ValueError):
            return body.decode("utf-8", "replace")


def read_answer(answer: Answer, service: BaseProxy, endpoint: Endpoint, forms: tuple[str, ...]) -> Any:
    """Return the data of an answer, in which the key's forms do not stand. Pure.

    Raises:
        ProxyError: the answer is an error, or cannot be read.
    """
    if not 200 <= answer.status < 300:
        raise _to_error(answer, forms)
    text = answer.text
    if endpoint.answer == "text":
        return hide_forms(text.encode("utf-8", "replace").decode(), forms)
    if not text.strip():
        return None  # 204, and what others answer in its place
    try:
        data = json.loads(text, parse_constant=lambda _: None, parse_float=_read_number)
    except ValueError:
        told = f"the answer is no JSON: {_excerpt(text, forms)}"
        raise ProxyError(told, status=answer.status, retryable=True) from None
    except RecursionError:
        data = _TOO_DEEP
    if data is _TOO_DEEP or is_deep(data):
        raise ProxyError(f"the answer is nested deeper than {MAX_DEPTH} levels", status=answer.status)
    data = hide_forms(data, forms)
    _check_told(data, service, answer.status)
    return data


def _read_number(text: str) -> float | None:
    """Return a number; None for one that is too large, which JSON could not give back."""
    number = float(text)
    return number if isfinite(number) else None


def is_deep(data: Any) -> bool:
    """Return whether data is nested deeper than what walks it, here and in a log, can bear."""
    level: list[Any] = [data]
    for _ in range(MAX_DEPTH):
        mappings = (cast("dict[str, Any]", node).values() for node in level if isinstance(node, dict))
        lists = (cast("list[Any]", node) for node in level if isinstance(node, list))
        level = [child for children in chain(mappings, lists) for child in children]
        if not level:
            return False
    return True


def _check_told(data: Any, service: BaseProxy, status: int) -> None:
    told = data if service.error_key else None
    for part in service.error_key.split("/"):
        told = cast("dict[str, Any]", told).get(part) if isinstance(told, dict) else None
    if told:
        words = told if isinstance(told, str) else json.dumps(told)
        raise ProxyError(f"the service says: {_excerpt(words, ())}", status=status)


def _to_error(answer: Answer, forms: tuple[str, ...]) -> ProxyError:
    status = answer.status
    if 300 <= status < 400:
        host = _excerpt(_host_of(answer.headers.get("location", "")), forms)
        told = f"HTTP {status}: the service points to {host}, which is not followed"
        return ProxyError(told, status=status, hint="correct base_url, if that is where it is now")
    hint = "is the key right?" if status in (401, 403) else ""
    told = f"HTTP {status}: {_excerpt(answer.text, forms)}".removesuffix(": ")
    return ProxyError(told, status=status, retryable=status in _PASSING, hint=hint)


def _host_of(location: str) -> str:
    try:
        return urlsplit(location).hostname or "another path"
    except ValueError:
        return "no address"


def _excerpt(text: str, forms: tuple[str, ...]) -> str:
    """Return the start of what a service says, in one line, without the key."""
    line = " ".join(visible(hide_forms(text, forms)).split())
    return line if len(line) <= EXCERPT_CHARS else f"{line[: EXCERPT_CHARS - 1]}…"


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the service asks to wait, or None. A date counts from the answer's own. Pure."""
    told = headers.get("retry-after", "").strip()
    if told.replace(".", "", 1).isdigit() and told.isascii():
        return float(told)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - heavy

    try:
        wait_s = (parsedate_to_datetime(told) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (TypeError, ValueError):
        return None
    return max(0.0, wait_s)
