"""Whether a declaration holds together, found without calling anything. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from lllm.errors import LLLMError
from lllm.proxies.base import BaseProxy, Endpoint
from lllm.proxies.cutoff import RANGE, ROLES, cut_params, has_cutoff, read_paths
from lllm.proxies.dates import is_format, render_last
from lllm.proxies.keys import to_secrets
from lllm.proxies.params import Param, check_params, read_params, to_examples
from lllm.proxies.wire import build_request

_WORD = re.compile(r"[A-Za-z0-9_.{}-]+")
_PROBE = date(2023, 5, 17)
_CHOICES = {"answer": ("json", "text"), "body_type": ("json", "form"), "list_style": ("", "comma", "repeat")}


def list_issues(service: BaseProxy, endpoint: Endpoint) -> list[str]:
    """Return what is wrong with an endpoint's declaration; nothing where it can be called with its own examples."""
    faults = (_fault_of(step, service, endpoint) for step in (_check_request, _check_key))
    return [*_check_words(service, endpoint), *_check_dates(endpoint), *filter(None, faults)]


def _check_words(service: BaseProxy, endpoint: Endpoint) -> Iterator[str]:
    for part in (endpoint.category, endpoint.sub_category, endpoint.endpoint):
        if part and not all(_WORD.fullmatch(word) for word in part.split("/")):
            yield f"{part!r} is no plain word to call it by"
    for name, allowed in _CHOICES.items():
        if getattr(endpoint, name) not in allowed:
            yield f"{name}: {getattr(endpoint, name)!r} is none of {', '.join(filter(None, allowed))}"
    if service.list_style not in _CHOICES["list_style"]:
        yield f"list_style: {service.list_style!r} is none of comma, repeat"
    if not (endpoint.description or endpoint.name):
        yield "it has no description"


def _check_dates(endpoint: Endpoint) -> Iterator[str]:
    formats = [kind for _, kind in endpoint.cutoff_params.values()]
    try:
        formats += [kind for _, kind in read_paths(endpoint)]
    except LLLMError as error:
        yield error.message
    yield from (f"{kind!r} is no date format" for kind in formats if not is_format(kind))
    roles = [role for role, _ in endpoint.cutoff_params.values() if role not in ROLES]
    yield from (f"cutoff_params: {role!r} is none of {', '.join(ROLES)}" for role in roles)


def _fault_of(step: Callable[[BaseProxy, Endpoint], object], service: BaseProxy, endpoint: Endpoint) -> str:
    try:
        step(service, endpoint)
    except LLLMError as error:
        return error.message
    return ""


def _check_request(service: BaseProxy, endpoint: Endpoint) -> None:
    params = read_params(endpoint)
    values = check_params(endpoint, to_examples(params))
    build_request(service, endpoint, values)
    if has_cutoff(endpoint):
        given = {**values, **_to_dates(endpoint, params)}
        build_request(service, endpoint, check_params(endpoint, cut_params(endpoint, params, given, _PROBE)))


def _to_dates(endpoint: Endpoint, params: Mapping[str, Param]) -> dict[str, Any]:
    """Return the last date that is visible, for each parameter that a cutoff is about."""
    dated = endpoint.cutoff_params.items()
    last = {name: render_last(kind, _PROBE, as_day=params[name].kind == "date") for name, (_, kind) in dated}
    return {name: f"{day} {day}" if endpoint.cutoff_params[name][0] == RANGE else day for name, day in last.items()}


def _check_key(service: BaseProxy, endpoint: Endpoint) -> None:
    if service.api_key_env and endpoint.needs_key and service.api_key_in != "none":
        to_secrets(service, "a key")
