"""Which named error a server's answer is. Pure: status, headers and body in, one ProviderError out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz
from typing import Any

from lllm.errors import (
    BadReply,
    BadRequest,
    Conflict,
    ContextOverflow,
    Forbidden,
    NotFound,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ServerError,
    StatusError,
    Unauthorized,
)
from lllm.providers.wire.loose import Json, clean, to_dict, to_json, to_list, to_text

EXCERPT_CHARS = 4096
MAX_RETRY_AFTER_S = 120.0
"""A server that asks for more patience than this is not asked again: the user should hear of it at once."""

_BY_STATUS: dict[int, type[StatusError]] = {
    400: BadRequest,
    401: Unauthorized,
    402: QuotaExhausted,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: BadRequest,
    422: BadRequest,
    429: RateLimited,
    503: Overloaded,
    529: Overloaded,
}
# What servers call their errors, for those that come without a status of their own: in a stream, or in a body of 200.
_STATUS_OF_CODE = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "insufficient_quota": 402,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "model_not_found": 404,
    # Why a response with status 200 failed, where it is the request's fault (openai 3.52, types/responses).
    **dict.fromkeys(
        (
            *("invalid_prompt", "bio_policy", "misalignment_policy_violation", "data_residency_mismatch"),
            *("invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url", "image_too_large"),
            *("image_too_small", "image_parse_error", "image_content_policy_violation", "invalid_image_mode"),
            *("image_file_too_large", "unsupported_image_media_type", "empty_image_file", "image_file_not_found"),
            "failed_to_download_image",
        ),
        400,
    ),
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "unavailable_error": 503,
    "overloaded_error": 529,
}
_HINTS: dict[type[StatusError], str] = {
    Unauthorized: "check the API key",
    QuotaExhausted: "check the plan and the credit of the account",
    NotFound: "check the model's name and base_url",
    ContextOverflow: "shorten the dialog, or use a model with a longer context",
}
_TOO_LONG = re.compile(
    r"context_length_exceeded|maximum context length|prompt is too long|exceeds? the (?:available )?context"
    r"|longer than the context|context (?:window|length) (?:is )?exceeded|exceeds the model'?s? (?:maximum )?context",
    re.IGNORECASE,
)
_NO_QUOTA = re.compile(r"insufficient_quota|credit balance|exceeded your current quota|billing", re.IGNORECASE)
_KEYS = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|pk|rk|gsk|xai|hf|key|csk)[-_]|AIza)[A-Za-z0-9_\-.*]{4,}|(?i:bearer)\s+[^\s\"'\\<>,]+"
)


def redact(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return ``text`` without ``secrets`` and without what looks like a key: servers echo them. Pure."""
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    return _KEYS.sub("[redacted]", text)


def parse_failure(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_s: float | None = None,
    secrets: tuple[str, ...] = (),
) -> ProviderError:
    """Return the named error of an answer whose status is not 200. Pure.

    Args:
        status: HTTP status.
        headers: of the answer.
        body: of the answer; JSON of any shape, text or HTML.
        now_s: seconds since 1970, for a ``retry-after`` that is a date; the answer's own ``date`` is taken first.
        secrets: what must not stand in the error; things that look like keys are removed anyway.
    """
    told = {name.lower(): value for name, value in headers.items()}
    text = redact(clean(body.decode("utf-8", "replace").removeprefix("\ufeff")), secrets)
    if status < 400:
        return _redirect(status, redact(told.get("location", ""), secrets))
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = {"message": _plain(text)}
    error = parse_failure_data(status, data)
    error.excerpt = text[:EXCERPT_CHARS]
    _add_headers(error, told, now_s)
    return error


def _add_headers(error: ProviderError, told: Mapping[str, str], now_s: float | None) -> None:
    """Put into ``error`` what only headers say."""
    error.request_id = told.get("x-request-id", "") or told.get("request-id", "")
    error.retry_after_s = parse_retry_after(told, now_s)
    if error.retry_after_s is not None and error.retry_after_s > MAX_RETRY_AFTER_S:
        error.retryable = False
    if (should := told.get("x-should-retry")) in ("true", "false"):
        error.retryable = should == "true"


def parse_failure_data(status: int | None, data: Any) -> ProviderError:
    """Return the named error that ``data`` tells of; with ``status`` None it came in a body of status 200. Pure."""
    body = to_dict(data) or to_dict((to_list(data) or [None])[0])  # Gemini wraps the object in a list
    inner = body.get("error")
    error = to_dict(inner) or ({"message": inner} if isinstance(inner, str) else body)
    code, kind = error.get("code"), to_text(error.get("type"))
    if status is None:
        number = code if isinstance(code, int) and 400 <= code <= 599 else 500
        status = _STATUS_OF_CODE.get(str(code)) or _STATUS_OF_CODE.get(kind) or number
    words = redact(clean(_message_of(error)))
    error_type = _error_type(status, f"{kind} {code} {words}")
    return error_type(
        f"HTTP {status}: {words}" if words else f"HTTP {status}",
        status=status,
        code=redact(clean(str(code or kind or ""))),
        # A model that calls a function wrongly is a 400 at Groq; asked again it may do better.
        retryable=True if status in (408, 425) or code == "tool_use_failed" else None,
        excerpt=redact(clean(to_json(data)))[:EXCERPT_CHARS],
        hint=_HINTS.get(error_type, ""),
    )


def raise_failure(data: Json, name: str = "") -> None:
    """Raise the error that a body or an event of status 200 holds, if it holds one."""
    if data.get("error") or name == "error" or data.get("object") == "error":
        raise parse_failure_data(None, data)


def parse_retry_after(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """Return the seconds that the server asks to wait, or None when it does not say so in a known form. Pure."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text):
            return float(text) * unit_s
    until = _seconds_of_date(headers.get("retry-after", ""))
    # The server's own clock is the better one to measure its date with.
    now = _seconds_of_date(headers.get("date", ""))
    now = now_s if now is None else now
    return None if until is None or now is None else max(0.0, until - now)


def _seconds_of_date(text: str) -> float | None:
    try:
        parsed = parsedate_tz(text)
        return None if parsed is None else float(mktime_tz(parsed))
    except (
        ValueError,
        OverflowError,
        IndexError,
        TypeError,
    ):  # the standard parser trips over some of what servers send
        return None


def _error_type(status: int, words: str) -> type[StatusError]:
    if status in (400, 413, 422) and _TOO_LONG.search(words):
        return ContextOverflow
    if status in (400, 403, 429) and _NO_QUOTA.search(words):
        return QuotaExhausted
    return _BY_STATUS.get(status) or (ServerError if status >= 500 else StatusError)


def _message_of(error: Json) -> str:
    for name in ("message", "detail", "error_message", "error"):
        value = error.get(name)
        if value:
            return (value if isinstance(value, str) else to_json(value))[:EXCERPT_CHARS]
    return ""


def _plain(text: str) -> str:
    """Return the start of a text or an HTML page, in one line."""
    return " ".join(re.sub(r"<[^<>]*>", " ", text[:EXCERPT_CHARS]).split())[:300]


def _redirect(status: int, location: str) -> ProviderError:
    if status < 300:
        return BadReply(f"HTTP {status}: the server says that all is well, and gives no reply", status=status)
    target = f" to {location[:300]}" if location else ""
    return BadReply(
        f"HTTP {status}: the server redirects{target}",
        status=status,
        retryable=False,
        hint="redirects are not followed, because the key would go along: correct base_url",
    )
