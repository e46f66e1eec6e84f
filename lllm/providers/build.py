"""Providers by name: what a config file says, checked and made into an object. Nothing is sent; httpx is not loaded."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, cast

from lllm.errors import ConfigError
from lllm.providers.base import Provider
from lllm.providers.http import HTTPProvider
from lllm.providers.mock import MockProvider
from lllm.providers.wire.profile import PRESETS, Profile

Builder = Callable[[Mapping[str, Any]], Provider]
_OVERRIDES = {
    "base_url": str,
    "api_key_env": str,
    "timeout_s": (int, float),
    "max_tokens_field": str,
    "system_role": str,
    "stream_usage": bool,
    "json_mode": str,
    "send_reasoning": bool,
}
_CHOICES = {
    "max_tokens_field": ("max_tokens", "max_completion_tokens"),
    "system_role": ("system", "developer"),
    "json_mode": ("json_schema", "json_object", "none"),
}
_HTTP_KEYS = {*_OVERRIDES, "api_key", "headers"}
_MOCK_KEYS = {"replies", "rules", "function"}


def build_provider(name: str, config: Mapping[str, Any] | None = None) -> Provider:
    """Return the provider that is registered as ``name``.

    Args:
        name: ``mock``, ``openai``, ``local``, ``openai_compatible``, or a name given to :func:`register_provider`.
        config: over HTTP ``base_url, api_key_env, api_key, timeout_s, headers`` and the fields of Profile; for the mock
            one of ``replies``, ``rules``, ``function`` (a callable, or its ``module:name``).

    Raises:
        ConfigError: an unknown name or key, with the nearest known one; a value of the wrong type.
    """
    builder = _BUILDERS.get(name)
    if builder is None:
        raise ConfigError(f"there is no provider {name!r}", hint=_nearest(name, _BUILDERS))
    return builder(config or {})


def register_provider(name: str, builder: Builder, *, overwrite: bool = False) -> None:
    """Make ``builder``, which turns a config into a provider, known as ``name``.

    Raises:
        ConfigError: the name is taken, and ``overwrite`` is not set.
    """
    if name in _BUILDERS and not overwrite and _BUILDERS[name] is not builder:
        raise ConfigError(f"a provider {name!r} is registered already", hint="choose another name, or overwrite=True")
    _BUILDERS[name] = builder


def list_providers() -> tuple[str, ...]:
    """Return the known names, sorted."""
    return tuple(sorted(_BUILDERS))


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"


def _check_keys(config: Mapping[str, Any], known: Collection[str], provider: str) -> None:
    for key in config:
        if key not in known:
            raise ConfigError(f"provider {provider!r} has no setting {key!r}", hint=_nearest(str(key), known))


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
    if facts.get("timeout_s", 1) <= 0:
        raise ConfigError(f"provider {name!r}: timeout_s must be more than 0")
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
        if key in ("authorization", "x-api-key", "api-key"):
            raise ConfigError(
                f"provider {name!r}: header {key!r} would put a key into logs", hint="name the key with api_key_env"
            )
    return headers


def _build_http(name: str, base: Profile, config: Mapping[str, Any]) -> Provider:
    _check_keys(config, _HTTP_KEYS, name)
    key = config.get("api_key")
    if key is not None and not isinstance(key, str):
        raise ConfigError(f"provider {name!r}: api_key is a text", hint="better: name its variable with api_key_env")
    return HTTPProvider(build_profile(name, base, config), api_key=key)


def _preset(name: str) -> Builder:
    return lambda config: _build_http(name, PRESETS[name], config)


def _compatible(config: Mapping[str, Any]) -> Provider:
    if "base_url" not in config:
        raise ConfigError("provider 'openai_compatible' needs base_url", hint="base_url: http://localhost:8000/v1")
    return _build_http("openai_compatible", replace(PRESETS["local"], name="openai_compatible"), config)


def _mock(config: Mapping[str, Any]) -> Provider:
    _check_keys(config, _MOCK_KEYS, "mock")
    function = config.get("function")
    if isinstance(function, str):
        function = load_callable(function)
    for key in ("replies", "rules"):
        if config.get(key) is not None and not isinstance(config[key], list | tuple):
            raise ConfigError(f"provider 'mock': {key} is a list")
    return MockProvider(config.get("replies"), function=function, rules=config.get("rules"))


def load_callable(place: str) -> Callable[..., Any]:
    """Import what ``module:name`` names.

    Raises:
        ConfigError: there is no such module or name, or it cannot be called.
    """
    module, _, name = place.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{place!r} cannot be loaded: {error}", hint="write it as module:name") from error
    if not callable(found):
        raise ConfigError(f"{place!r} is no function")
    return found


_BUILDERS: dict[str, Builder] = {
    "mock": _mock,
    "openai_compatible": _compatible,
    **{name: _preset(name) for name in PRESETS},
}
