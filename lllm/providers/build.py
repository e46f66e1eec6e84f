"""Providers by name: what a config file says, checked and made into an object. Nothing is sent; httpx is not loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from math import isfinite
from typing import Any, cast

from lllm.errors import ConfigError
from lllm.providers.base import Provider
from lllm.providers.http import HTTPProvider
from lllm.providers.mock import MockProvider
from lllm.providers.nano import FOLDER, NANO, RULES, SCRIPTS, StandIn, choose_player
from lllm.providers.presets import PRESETS
from lllm.providers.project import ProviderTables, nearest, provider_tables
from lllm.providers.settings import HTTP_KEYS, build_profile, check_keys, to_address
from lllm.providers.wire.profile import Profile

Builder = Callable[[Mapping[str, Any]], Provider]
_MLX_KEYS = frozenset({"model_path", "name", "adapter_path", "max_tokens", "timeout_s", "send_reasoning"})
_NANO_KEYS = frozenset({"name", "max_tokens", "timeout_s"})
_OWN_MODEL = {NANO: NANO}
PARAMS = ("temperature", "max_tokens", "top_p", "seed")
"""Model arguments that a table of ``lllm.toml`` may give for all calls of its provider."""


def build_provider(
    name: str, config: Mapping[str, Any] | None = None, *, api: str = "", tables: ProviderTables | None = None
) -> Provider:
    """Return the provider of a name: one that comes with lllm, one of ``lllm.toml``, or a registered one.

    Args:
        name: such as ``openai``, ``ollama``, ``mock``, ``openai_compatible``; see ``lllm models list``.
        config: over HTTP ``base_url, api_key_env, api_key, timeout_s, headers`` and the fields of Profile; for the mock
            one of ``replies``, ``rules``, ``function`` (a callable, or its ``module:name``); for all ``cache``, a
            folder, and ``override``, a class as ``module:Class``. It goes over what the table ``[llm.<name>]`` says,
            which goes over the preset and its environment variable.
        api: the wire format to speak, where the config does not say and the provider may speak several.
        tables: of the ``lllm.toml`` that counts; default: the project's.

    Raises:
        ConfigError: an unknown name or key, with the nearest known one; a value of the wrong type.
    """
    known = tables or provider_tables()
    table = {key: value for key, value in known.llm.get(name, {}).items() if key != "provider"}
    kind = kind_of(name, known)
    builder = _BUILDERS.get(kind if name in known.llm else name)
    if builder is None:
        if name in known.llm:
            told = f"[llm.{name}] is a table of provider {kind!r}, and there is none"
            raise ConfigError(told, where=str(known.path or ""), hint=nearest(kind, _BUILDERS))
        raise ConfigError(f"there is no provider {name!r}", hint=nearest(name, {*_BUILDERS, *known.llm}))
    settings = {**_to_settings(name, table), **(config or {})}
    cache, override = settings.pop("cache", None), settings.pop("override", None)
    if api and kind in _SPEAK_CHAT:
        settings.setdefault("api", api)
    if kind != name and name in known.llm and kind != "mock":  # the mock has one name
        settings.setdefault("name", name)
    provider = builder(settings)
    if tables is not None and hasattr(provider, "tables"):
        cast("Any", provider).tables = tables
    return _wrapped(provider, override, cache, settings)


def _wrapped(provider: Provider, override: Any, cache: Any, settings: Mapping[str, Any]) -> Provider:
    """Return a provider with what its settings put around it: the cache outermost, so that a hit runs nothing else."""
    if override is not None:
        from lllm.providers.override import wrap_provider  # noqa: PLC0415 - only where it is asked for

        made: Any = load_callable(override) if isinstance(override, str) else override
        provider = wrap_provider(provider, made)
    if cache is not None:
        from lllm.providers.cache import build_cached  # noqa: PLC0415 - as above

        provider = build_cached(provider, cache, settings)
    return provider


def _to_settings(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """Return what a table of ``lllm.toml`` says of the server; its other words are for calls."""
    settings = {key: value for key, value in table.items() if key not in PARAMS or key == "max_tokens"}
    if "timeout_ms" in settings:
        timeout_ms = settings.pop("timeout_ms")
        if isinstance(timeout_ms, bool) or not isinstance(timeout_ms, int | float):
            raise ConfigError(f"[llm.{name}] timeout_ms is a number of milliseconds, not {timeout_ms!r}")
        settings["timeout_s"] = timeout_ms / 1000
    return settings


def provider_params(name: str, tables: ProviderTables | None = None) -> dict[str, Any]:
    """Return the model arguments that ``lllm.toml`` gives for all calls of a provider."""
    table = (tables or provider_tables()).llm.get(name, {})
    params = {key: table[key] for key in PARAMS if key in table}
    for key, value in params.items():
        kinds = int if key in ("max_tokens", "seed") else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not isfinite(value):
            raise ConfigError(f"[llm.{name}] {key} is a number, not {value!r}")
    return params


def default_model(name: str, tables: ProviderTables | None = None) -> str:
    """Return the model that a provider is asked for when nobody names one; empty where there is none."""
    table = (tables or provider_tables()).llm.get(name, {})
    kind = kind_of(name, tables)
    return str(table.get("model") or (PRESETS[kind].model if kind in PRESETS else _OWN_MODEL.get(kind, "")))


def kind_of(name: str, tables: ProviderTables | None = None) -> str:
    """Return which provider a name stands for: a table of ``lllm.toml`` may be of another."""
    table = (tables or provider_tables()).llm.get(name, {})
    return str(table.get("provider", name if name in _BUILDERS else "openai_compatible"))


def find_player(name: str, config: Mapping[str, Any]) -> str | None:
    """Return who answers for the model in the box; see ``choose_player``. None where another one is asked for."""
    tables = provider_tables()
    return choose_player({**tables.llm.get(name, {}), **config}) if kind_of(name, tables) == NANO else None


def register_provider(name: str, builder: Builder, *, overwrite: bool = False) -> None:
    """Make ``builder``, which turns a config into a provider, known as ``name``.

    Raises:
        ConfigError: the name is taken, and ``overwrite`` is not set.
    """
    if name in _BUILDERS and not overwrite and _BUILDERS[name] is not builder:
        raise ConfigError(f"a provider {name!r} is registered already", hint="choose another name, or overwrite=True")
    _BUILDERS[name] = builder


def list_providers() -> tuple[str, ...]:
    """Return the known names, those of ``lllm.toml`` among them, sorted."""
    return tuple(sorted({*_BUILDERS, *provider_tables().llm}))


def _build_http(base: Profile, config: Mapping[str, Any]) -> Provider:
    settings = dict(config)
    name = settings.pop("name", base.name)
    if not isinstance(name, str) or not name.isprintable():
        raise ConfigError(f"a provider's name is a text, not {name!r:.80}")
    base = replace(base, name=name)
    check_keys(settings, HTTP_KEYS, base.name)
    key = settings.get("api_key")
    if key is not None and not isinstance(key, str):
        raise ConfigError(
            f"provider {base.name!r}: api_key is a text", hint="better: name its variable with api_key_env"
        )
    if address := os.environ.get(base.base_url_env, "") if base.base_url_env else "":
        settings.setdefault("base_url", to_address(address))
    return HTTPProvider(build_profile(base.name, base, settings), api_key=key)


def _preset(name: str) -> Builder:
    return lambda config: _build_http(PRESETS[name], config)


def _compatible(config: Mapping[str, Any]) -> Provider:
    name = config.get("name", "openai_compatible")
    if "base_url" not in config:
        raise ConfigError(f"provider {name!r} needs base_url", hint="base_url: http://localhost:8000/v1")
    return _build_http(replace(PRESETS["local"], name=name, family=name), config)


def _mock(config: Mapping[str, Any], make: Callable[..., MockProvider] = MockProvider) -> Provider:
    config = {key: value for key, value in config.items() if key != "model"}  # which is what a request asks for
    check_keys(config, SCRIPTS, "mock")
    function: Any = config.get("function")
    if isinstance(function, str):
        function = load_callable(function)
    if function is not None and not callable(function):
        raise ConfigError("provider 'mock': function is a callable, or its module:name")
    for key in ("replies", "rules"):
        if config.get(key) is not None and not isinstance(config[key], list | tuple):
            raise ConfigError(f"provider 'mock': {key} is a list")
    return make(config.get("replies"), function=cast("Any", function), rules=config.get("rules"))


def _mlx(config: Mapping[str, Any]) -> Provider:
    config = {key: value for key, value in config.items() if key != "model"}  # as above
    check_keys(config, _MLX_KEYS, "mlx")
    from lllm.providers.mlx import MLXProvider  # noqa: PLC0415 - an extra

    return MLXProvider(**config)


def _nano(config: Mapping[str, Any]) -> Provider:
    """Return the model in the box; where it cannot run, the mock that the same config describes, if it does."""
    part = {key: value for key, value in config.items() if key in SCRIPTS}
    own = {key: value for key, value in config.items() if key not in (*part, "model")}
    check_keys(own, _NANO_KEYS | SCRIPTS, NANO)
    stand_in = _mock(part, StandIn)  # also where it is not needed: what is wrong with a script is wrong everywhere
    return stand_in if choose_player(part) == RULES else _mlx({"name": NANO, **own, "model_path": str(FOLDER)})


def load_callable(place: str) -> Callable[..., Any]:
    """Import what ``module:name`` names.

    Raises:
        ConfigError: there is no such module or name, or it cannot be called.
    """
    module, _, name = place.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{place!r} cannot be loaded: {error}", hint="write it as module:name") from error
    if not callable(found):
        raise ConfigError(f"{place!r} is no function")
    return found


_SPEAK_CHAT = frozenset({"openai_compatible", *(name for name, preset in PRESETS.items() if preset.api == "chat")})
_BUILDERS: dict[str, Builder] = {
    "mock": _mock,
    "mlx": _mlx,
    NANO: _nano,
    "openai_compatible": _compatible,
    **{name: _preset(name) for name in PRESETS},
}
