"""What is different when a recorded task runs again: a setting, a model, a prompt's text, a whole config. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from lllm.config.agent import to_overridden
from lllm.config.secret import to_public
from lllm.errors import ConfigError
from lllm.llm.opening import versions
from lllm.utils import encode_json


class Overrides(NamedTuple):
    """What is different.

    Attributes:
        settings: ``a.b.c=value`` over the recorded config; the value is YAML.
        model: another model's name, for every agent; ``agent=name`` for one.
        prompts: other texts of registered prompts, by key.
        config: another config in place of the recorded one.
    """

    settings: Sequence[str] = ()
    model: str = ""
    prompts: Mapping[str, str] = MappingProxyType({})
    config: Mapping[str, Any] | None = None


NO_OVERRIDES = Overrides()


def to_overridden_header(header: Mapping[str, Any], overrides: Overrides) -> dict[str, Any]:
    """Return a recorded header with what is different, and with today's versions.

    Raises:
        ConfigError: an override does not fit.
    """
    config: Mapping[str, Any] = header.get("config") or {}
    if overrides.config is not None:
        config = to_public(overrides.config)
    return {
        **header,
        **versions(),
        "config": to_overridden(config, _to_settings(config, overrides)),
        "prompts": {**(header.get("prompts") or {}), **overrides.prompts},
    }


def to_built(header: Mapping[str, Any], overrides: Overrides) -> Mapping[str, Any]:
    """Return the header to build a system from: with the secrets of a config that was given, which no log keeps."""
    if overrides.config is None:
        return header
    return {**header, "config": to_overridden(overrides.config, _to_settings(overrides.config, overrides))}


def _to_settings(config: Mapping[str, Any], overrides: Overrides) -> list[str]:
    """Return all that is different in a config as settings, the one that names the model first."""
    known = list(config.get("agent_configs") or {})
    agent, equals, name = overrides.model.partition("=")
    if equals and agent not in known:
        raise ConfigError(f"no agent is configured as {agent!r}", hint=f"there are: {', '.join(known) or 'none'}")
    agents = [agent] if equals else known if overrides.model else []
    named = encode_json(name or overrides.model)
    return [*(f"agent_configs.{key}.model_name={named}" for key in agents), *overrides.settings]
