"""From what a config says of a server to its Profile: every wrong word is found before anything is sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from lllm.errors import ConfigError
from lllm.providers.project import nearest
from lllm.providers.wire.formats import APIS
from lllm.providers.wire.profile import Profile

_OVERRIDES = {
    "base_url": str,
    "api": str,
    "family": str,
    "model": str,
    "api_key_env": str,
    "key_header": str,
    "timeout_s": (int, float),
    "max_tokens_field": str,
    "system_role": str,
    "stream_usage": bool,
    "json_mode": str,
    "send_reasoning": bool,
    "reasoning_field": str,
    "bridge_results": bool,
    "system_turns": bool,
    "max_tokens": int,
}
_CHOICES = {
    "api": APIS,
    "key_header": ("authorization", "x-api-key"),
    "max_tokens_field": ("max_tokens", "max_completion_tokens"),
    "system_role": ("system", "developer"),
    "json_mode": ("json_schema", "json_object", "none"),
    "reasoning_field": ("reasoning_content", "reasoning"),
}
_MOST = {"timeout_s": 10_000_000, "max_tokens": 1 << 40}  # above it, sockets and clocks overflow
HTTP_KEYS = frozenset({*_OVERRIDES, "api_key", "headers"})


def check_keys(config: Mapping[str, Any], known: Collection[str], provider: str) -> None:
    """Refuse a setting that a provider does not have.

    Raises:
        ConfigError: names the nearest one that it has.
    """
    for key in config:
        if key not in known:
            raise ConfigError(f"provider {provider!r} has no setting {key!r}", hint=nearest(str(key), known))


def build_profile(name: str, base: Profile, config: Mapping[str, Any]) -> Profile:
    """Return ``base`` with the settings of a config file. Pure.

    Raises:
        ConfigError: a setting has the wrong type, or is none of its choices.
    """
    facts: dict[str, Any] = {}
    for key, kind in _OVERRIDES.items():
        if key in config:
            value = config[key]
            if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
                raise ConfigError(f"provider {name!r}: {key} has the wrong type: {type(value).__name__}")
            if key in _CHOICES and value not in _CHOICES[key]:
                raise ConfigError(f"provider {name!r}: {key} is one of {', '.join(_CHOICES[key])}, not {value!r}")
            facts[key] = value
    for key in ("timeout_s", "max_tokens"):
        if not 0 < facts.get(key, 1) <= _MOST[key]:  # what is no number at all is neither
            raise ConfigError(f"provider {name!r}: {key} must be more than 0, and at most {_MOST[key]:,}")
    if "headers" in config:
        facts["headers"] = _headers(name, config["headers"])
    return replace(base, **facts)


def _headers(name: str, given: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, Mapping):
        raise ConfigError(f"provider {name!r}: headers is a mapping of names to texts")
    headers = tuple((str(key).lower(), str(value)) for key, value in cast("Mapping[Any, Any]", given).items())
    for key, value in headers:
        if not key.replace("-", "").isalnum() or not (key + value).isascii() or not value.isprintable():
            raise ConfigError(f"provider {name!r}: header {key!r} cannot be sent")
        if key in ("content-length", "transfer-encoding", "host"):
            raise ConfigError(f"provider {name!r}: header {key!r} frames the request, and is not yours to set")
        if key in ("authorization", "x-api-key", "api-key"):
            raise ConfigError(
                f"provider {name!r}: header {key!r} would put a key into logs", hint="name the key with api_key_env"
            )
    return headers


def to_address(text: str) -> str:
    """Return the base URL that an environment variable means. Pure.

    Ollama's may be a bare ``host``, or the ``0.0.0.0`` that its server listens at; its port is then 11434 (Ollama's
    envconfig, read 2026-11).
    """
    url = text.strip().rstrip("/")
    if "://" not in url:
        url = f"http://{url}" if re.search(r":\d+$|/", url) else f"http://{url}:11434"
    return url.replace("://0.0.0.0", "://127.0.0.1", 1)
