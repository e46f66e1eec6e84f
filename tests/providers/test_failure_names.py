"""Which error an answer is, beyond the recorded faults."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.errors import (
    BadReply,
    ContextOverflow,
    LLLMError,
    QuotaExhausted,
    RateLimited,
    ServerError,
    StatusError,
    Unauthorized,
)
from lllm.providers.wire.classify import parse_failure, parse_retry_after, redact


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 50.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_every_known_form(headers, seconds):
    """Zero means at once, a date is measured by the server's own clock, and nonsense is no answer."""
    assert parse_retry_after(headers, now_s=50.0) == seconds


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"message": "prompt is too long: 9 tokens"}}, ContextOverflow),
        (413, {"error": {"message": "exceeds the available context size"}}, ContextOverflow),
        (400, {"error": {"message": "Your credit balance is too low"}}, QuotaExhausted),
        (402, {"message": "pay"}, QuotaExhausted),
        (429, [{"error": {"message": "slow down", "code": 429}}], RateLimited),
        (418, {"detail": "teapot"}, StatusError),
        (599, "words", ServerError),
        (204, "", BadReply),
    ],
)
def test_an_error_is_named_by_status_and_words(status, body, kind):
    """Who must act is in the type: shorten the dialog, pay, wait, or read the message."""
    error = parse_failure(status, {}, json.dumps(body).encode())
    assert type(error) is kind
    assert error.status == status


def test_the_server_may_say_itself_whether_to_try_again():
    """Its word is better than a rule about numbers."""
    assert not parse_failure(500, {"X-Should-Retry": "false"}, b"").retryable
    assert parse_failure(400, {"x-should-retry": "true"}, b"").retryable


def test_the_keys_that_servers_echo_are_removed():
    """An error ends in logs and bug reports."""
    body = b'{"error": {"message": "bad key hunter2 or sk-proj-abc123 or Bearer xyz", "code": "hunter2"}}'
    error = parse_failure(401, {}, body, secrets=("hunter2",))
    assert isinstance(error, Unauthorized)
    for word in ("hunter2", "sk-proj", "abc123", "xyz"):
        assert word not in repr(vars(error)) + str(error)
    assert (
        redact("ask-me-anything is no key, nor is task-list-1234") == "ask-me-anything is no key, nor is task-list-1234"
    )


@given(
    st.integers(201, 599),
    st.dictionaries(st.sampled_from(["retry-after", "date", "location", "x-request-id"]), st.text()),
    st.binary(),
)
def test_any_answer_has_a_name(status, headers, body):
    """Whatever a proxy says, it ends in the tree of errors, short enough to show."""
    error = parse_failure(status, headers, body, now_s=0.0)
    assert isinstance(error, LLLMError)
    assert len(error.excerpt) <= 4096
    assert error.retry_after_s is None or error.retry_after_s >= 0
    str(error)
