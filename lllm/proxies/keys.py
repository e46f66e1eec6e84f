"""A service's key: read from the environment at each call, added by the transport, and hidden in what comes back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import quote, quote_plus

from lllm.errors import CallRefused, ConfigError
from lllm.proxies.base import BaseProxy, Endpoint
from lllm.transport.port import QUERY_MARK, Secrets

HIDDEN = "[redacted]"
MIN_HIDDEN_CHARS = 8
"""A shorter key would eat ordinary words; it is kept out of requests that are shown all the same."""


def load_key(service: BaseProxy, endpoint: Endpoint) -> str:
    """Return the key for a call; empty where none is needed.

    Raises:
        CallRefused: it is not set, or no key of any service looks like it.
    """
    name = service.api_key_env
    if not name or not endpoint.needs_key or service.api_key_in == "none":
        return ""
    key = os.environ.get(name, "").strip()
    if not key and not service.api_key_optional:
        raise CallRefused("the key is missing", hint=f"set the environment variable {name}")
    if not key.isascii() or not key.isprintable():
        raise CallRefused(f"{name} holds characters that no key has", hint="set it again")
    return key


def to_secrets(service: BaseProxy, key: str) -> Secrets:
    """Return where the key goes, for the transport. Pure.

    Raises:
        ConfigError: the service does not say where.
    """
    if not key:
        return ()
    if service.api_key_in == "bearer":
        return (("authorization", f"Bearer {key}"),)
    if not service.api_key_name or service.api_key_in not in ("query", "header"):
        raise ConfigError(f"{type(service).__name__}: it is not said where its key goes", hint="set api_key_name")
    if service.api_key_in == "query":
        return ((QUERY_MARK + service.api_key_name, key),)
    return ((service.api_key_name, service.api_key_prefix + key),)


def to_forms(key: str) -> tuple[str, ...]:
    """Return the forms in which a service may send a key back, the longest first; none for a short key. Pure."""
    if len(key) < MIN_HIDDEN_CHARS:
        return ()
    forms = {key, quote(key), quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1]}
    return tuple(sorted(forms, key=len, reverse=True))


def hide_forms(value: Any, forms: Iterable[str]) -> Any:
    """Return JSON data, or a text, in which no text and no mapping's key holds one of the forms. Pure."""
    if not forms:
        return value
    if isinstance(value, str):
        for form in forms:
            value = value.replace(form, HIDDEN)
        return value
    if isinstance(value, list):
        return [hide_forms(item, forms) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {hide_forms(key, forms): hide_forms(item, forms) for key, item in items}
    return value
