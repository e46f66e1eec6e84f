"""One call of an endpoint, as a generator that yields what is to be done. It decides; `drive.py` does.

The flow returns what a log keeps of a call: ``{"data": ...}`` or ``{"error": {...}}``, with ``"cached": true`` where
the answer was kept from an earlier call.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from lllm.errors import CallRefused, ProviderError, ProxyError
from lllm.proxies.answer import Answer, read_answer, read_retry_after
from lllm.proxies.base import BaseProxy, Endpoint
from lllm.proxies.cutoff import cut_answer, cut_params, remove_keys
from lllm.proxies.keys import load_key, to_forms, to_secrets
from lllm.proxies.params import check_params, read_params
from lllm.proxies.wire import build_request
from lllm.transport.port import Secrets, WireRequest

MAX_ATTEMPTS = 3
FIRST_WAIT_S = 0.5
MAX_WAIT_S = 60.0
"""A service that asks for more is not waited for: its caller is told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is called, with what.

    Attributes:
        path: the endpoint's, from the proxy's on.
        given: the parameters, unchecked.
        cutoff: the first day that is not visible, or None.
        origin: stands in for the service's scheme and host.
        cached: whether an earlier answer will do, and this one may be kept.
    """

    path: str
    service: BaseProxy
    endpoint: Endpoint
    given: dict[str, Any]
    cutoff: date | None = None
    origin: str = ""
    cached: bool = True


@dataclass(frozen=True, slots=True)
class Hide:
    """Keep a secret out of the session's log."""

    secret: str


@dataclass(frozen=True, slots=True)
class Find:
    """Look for a kept answer; its text, or None."""

    key: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep an answer's text for some seconds."""

    key: str
    text: str
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; the answer is filled. Fails with a ProviderError."""

    wire: WireRequest
    secrets: Secrets
    answer: Answer


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait, if there is time; whether there was."""

    seconds: float


Effect = Hide | Find | Keep | Send | Wait
Flow = Generator[Effect, Any, dict[str, Any]]


PROXY = "proxy"
"""What a log calls the step of a call."""


def call_flow(asked: Asked) -> Flow:
    """Call an endpoint: check, look into the cache, send, read, cut off, keep."""
    try:
        return (yield from _call(asked))
    except ProxyError as error:
        return {"error": to_facts(error, asked.path)}


def to_facts(error: ProxyError, path: str) -> dict[str, Any]:
    """Return an error as plain JSON data, its message with the path that was called. Pure."""
    facts = {
        "type": type(error).__name__,
        "message": f"{path}: {error.message}",
        "status": error.status,
        "hint": error.hint,
    }
    return {**{name: value for name, value in facts.items() if value}, "retryable": error.retryable}


def to_error(facts: dict[str, Any]) -> ProxyError:
    """Return the error that :func:`to_facts` was given. Pure."""
    hint, message = facts.get("hint", ""), facts["message"]
    if facts["type"] == CallRefused.__name__:
        return CallRefused(message, hint=hint)
    return ProxyError(message, status=facts.get("status"), retryable=facts["retryable"], hint=hint)


def to_answer(told: Mapping[str, Any]) -> Any:
    """Return the data of a call as it was logged, or raise the error that it ended in. Pure."""
    if "error" in told:
        raise to_error(told["error"])
    return told["data"]


def _call(asked: Asked) -> Flow:
    endpoint, service = asked.endpoint, asked.service
    values = check_params(endpoint, asked.given)
    if asked.cutoff is not None:
        values = cut_params(endpoint, read_params(endpoint), values, asked.cutoff)
    wire = build_request(service, endpoint, values, asked.origin)
    key = load_key(service, endpoint)
    secrets = to_secrets(service, key)
    if key:
        yield Hide(key)
    ttl_s = _ttl_s(asked)
    name = to_cache_key(asked, wire, key) if ttl_s else ""
    if name and (text := (yield Find(name))) is not None:
        return {"data": json.loads(text), "cached": True}
    data = yield from _ask(asked, wire, secrets, to_forms(key))
    if name:
        yield Keep(name, json.dumps(data), ttl_s)
    return {"data": data}


def _ttl_s(asked: Asked) -> float:
    own = asked.endpoint.cache_ttl_s
    ttl_s = asked.service.cache_ttl_s if own is None else own
    return max(ttl_s, 0.0) if asked.cached and asked.endpoint.is_repeatable else 0.0


def to_cache_key(asked: Asked, wire: WireRequest, key: str) -> str:
    """Return the name of an answer: a hash of all that it depends on, the account and the cutoff included. Pure."""
    parts = (asked.path, repr(asked.endpoint), asked.service.error_key, repr(wire), str(asked.cutoff), key)
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _ask(asked: Asked, wire: WireRequest, secrets: Secrets, forms: tuple[str, ...]) -> Generator[Effect, Any, Any]:
    """Send until an answer can be used, or nothing speaks for another attempt."""
    attempt = 0
    while True:
        attempt += 1
        answer = Answer()
        try:
            yield Send(wire, secrets, answer)
            data = read_answer(answer, asked.service, asked.endpoint, forms)
            break
        except ProviderError as error:
            failed = ProxyError(error.message, status=error.status, retryable=error.retryable, hint=error.hint)
        except ProxyError as error:
            failed = error
        wait_s = _to_wait_s(attempt, answer)
        may_repeat = failed.retryable and asked.endpoint.is_repeatable and attempt < MAX_ATTEMPTS
        if not may_repeat or wait_s > MAX_WAIT_S or not (yield Wait(wait_s)):
            raise failed
    data = data if asked.cutoff is None else cut_answer(asked.endpoint, data, asked.cutoff)
    return remove_keys(data, asked.endpoint.remove_keys)


def _to_wait_s(attempt: int, answer: Answer) -> float:
    told = read_retry_after(answer.headers)
    return FIRST_WAIT_S * 2 ** (attempt - 1) if told is None else told
