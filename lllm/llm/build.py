"""From a config to agents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, cast

from lllm.config.secret import find_secrets
from lllm.const import APITypes
from lllm.errors import ConfigError
from lllm.llm.agent import Agent
from lllm.llm.limits import Limits
from lllm.llm.prompts import PROMPT_REGISTRY
from lllm.log.base import ReplayableLogBase
from lllm.log.redact import Redactor
from lllm.models.prompt import text_prompt
from lllm.providers.base import secrets_of
from lllm.providers.build import build_provider, default_model, provider_params

BUDGETS = ("max_exception_retry", "max_interrupt_times", "max_llm_recall", "max_parallel_functions")
_OWN = {
    "model_name",
    "system_prompt_path",
    "system_prompt",
    "api_type",
    "provider",
    "provider_config",
    "limits",
    *BUDGETS,
}


def build_agents(config: Mapping[str, Any], group: Sequence[str], log_base: ReplayableLogBase) -> dict[str, Agent[Any]]:
    """Return the agents of ``config["agent_configs"]``, by name: those of ``group``, or all when it is empty.

    Raises:
        ConfigError: an agent of the group is not configured, or a value does not fit.
        NotRegisteredError: no prompt has the path of a ``system_prompt_path``.
    """
    configs = cast("Mapping[str, Mapping[str, Any]]", config.get("agent_configs") or {})
    if missing := [name for name in group if name not in configs]:
        raise ConfigError(f"agent_configs lacks {', '.join(missing)}", hint=f"it has: {', '.join(configs) or 'none'}")
    return {name: build_one(name, configs[name] or {}, config, log_base) for name in group or configs}


def build_one(name: str, own: Mapping[str, Any], config: Mapping[str, Any], log_base: ReplayableLogBase) -> Agent[Any]:
    """Return one agent: its own config over the system's; keys that are no setting of ours are model arguments."""
    settings = {
        **{key: config[key] for key in ("provider", "provider_config", "limits", *BUDGETS) if key in config},
        **own,
    }
    path = settings.get("system_prompt_path")
    prompt = PROMPT_REGISTRY[path] if path else text_prompt(f"{name}/system", str(settings.get("system_prompt", "")))
    provider = settings.get("provider", "openai")
    api_type = _api_type(name, settings.get("api_type", APITypes.COMPLETION))
    api = "responses" if api_type is APITypes.RESPONSE else ""
    model = settings.get("model_name") or ("mock" if provider == "mock" else default_model(provider))
    budgets = {key: settings[key] for key in BUDGETS if key in settings}
    return Agent(
        name=name,
        system_prompt=prompt,
        model=str(model) or _no_model(name),
        provider=build_provider(provider, settings.get("provider_config") or {}, api=api),
        log_base=log_base,
        api_type=api_type,
        model_args=provider_params(provider) | {key: value for key, value in own.items() if key not in _OWN},
        limits=build_limits(settings.get("limits") or {}),
        **budgets,
    )


def _api_type(name: str, value: Any) -> APITypes:
    try:
        return APITypes(value)
    except ValueError:
        known = ", ".join(APITypes)
        raise ConfigError(f"agent {name!r}: there is no api_type {value!r}", hint=f"known: {known}") from None


def _no_model(name: str) -> str:
    raise ConfigError(f"agent {name!r} has no model_name", hint=f"set agent_configs.{name}.model_name")


def build_limits(data: Mapping[str, Any]) -> Limits:
    """Return the limits of a config.

    Raises:
        ConfigError: an unknown key.
    """
    known = {item.name for item in fields(Limits)}
    if unknown := sorted(set(data) - known):
        raise ConfigError(f"unknown limits: {', '.join(unknown)}", hint=f"known: {', '.join(sorted(known))}")
    return Limits(**data)


def build_session_limits(config: Mapping[str, Any]) -> Limits:
    """Return the limits of each session of a config: its ``session_limits``.

    Raises:
        ConfigError: an unknown key, or one that counts for calls only.
    """
    data: Mapping[str, Any] = config.get("session_limits") or {}
    if "max_total_wait_s" in data:
        told = "session_limits: max_total_wait_s is a limit of each call"
        raise ConfigError(told, hint="set limits.max_total_wait_s")
    return build_limits(data)


def hide_secrets(redactor: Redactor, config: Mapping[str, Any], agents: Iterable[Agent[Any]]) -> None:
    """Have a redactor take out, from now on, what a config and the providers of its agents keep secret."""
    keys = (secret for agent in agents for secret in secrets_of(agent.provider))
    for secret in (*find_secrets(config), *keys):
        redactor.add(secret)
