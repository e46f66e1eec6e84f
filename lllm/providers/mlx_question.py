"""A model call in the words of mlx-lm: messages for the model's own chat template, and how the reply is made. Pure.

An argument that mlx-lm has no word for is refused here, before the call waits for anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lllm.const import Roles
from lllm.errors import ConfigError
from lllm.models.history import History
from lllm.models.message import Message
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.body import call_to_dict, to_fields, to_tool

_NUMBERS = ("temperature", "top_p", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty")
_COUNTS = ("top_k", "max_tokens", "seed", "top_logprobs")
_NAMES = {name: name for name in (*_NUMBERS, *_COUNTS, "stop", "logprobs", "reasoning_effort", "tool_choice")}
_NAMES["max_completion_tokens"] = "max_tokens"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a reply is made.

    Attributes:
        max_tokens: of the reply.
        stop: texts that end the reply, and are not part of it.
        top_logprobs: how many tokens are told at each place; None tells no log-probabilities at all.
        sampler: arguments of ``mlx_lm.sample_utils.make_sampler``, but for the temperature's short name.
        penalties: arguments of ``mlx_lm.sample_utils.make_logits_processors``.
        template: further arguments of the chat template.
    """

    max_tokens: int = 1
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    sampler: Mapping[str, Any] = field(default_factory=dict[str, Any])
    penalties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    template: Mapping[str, Any] = field(default_factory=dict[str, Any])


def to_settings(contract: Contract, max_tokens: int) -> Settings:
    """Return how a contract wants its replies made. Pure.

    Args:
        contract: whose ``params``.
        max_tokens: of a reply where the contract does not say.

    Raises:
        ConfigError: an argument that there is no word for, or that has the wrong type.
    """
    given = to_fields(contract, _NAMES, "MLX")
    _check_types(given)
    if given.get("tool_choice", "auto") != "auto":
        raise ConfigError("MLX has no tool_choice: its model is free to call", hint="leave out tool_choice")
    if unknown := contract.extra_body.keys() - {"chat_template_kwargs"}:
        raise ConfigError(f"MLX does not know {', '.join(sorted(unknown))}", hint="extra_body: chat_template_kwargs")
    effort = given.get("reasoning_effort")
    thinking = {} if effort is None else {"enable_thinking": effort != "none", "reasoning_effort": effort}
    stop = given.get("stop", ())
    asked = given.get("logprobs") or "top_logprobs" in given
    return Settings(
        max_tokens=given.get("max_tokens", max_tokens),
        seed=given.get("seed"),
        stop=tuple(text for text in ((stop,) if isinstance(stop, str) else stop) if text),
        top_logprobs=given.get("top_logprobs", 0) if asked else None,
        sampler={
            "temp": given.get("temperature", 0.0),
            **{name: given[name] for name in ("top_p", "min_p", "top_k") if name in given},
        },
        penalties={name: value for name, value in given.items() if name.endswith("_penalty")},
        template={**thinking, **contract.extra_body.get("chat_template_kwargs", {})},
    )


def _check_types(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        bad = (name in _COUNTS and not (whole and value >= 0)) or (
            name in _NUMBERS and not (whole or isinstance(value, float))
        )
        if bad or (name == "max_tokens" and value == 0):
            raise ConfigError(f"{name} may not be {value!r}")


class Question(NamedTuple):
    """What a model is asked, in the words of mlx-lm: messages and tools for its chat template, and how to answer."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None
    settings: Settings


def to_question(request: ModelRequest, *, max_tokens: int, family: str = "") -> Question:
    """Return what a request asks. Pure; a JSON Schema is not looked at, because nothing here can hold a model to it.

    Args:
        request: the model call.
        max_tokens: of a reply where nobody says.
        family: whose earlier reasoning is given back; empty for nobody's.

    Raises:
        ConfigError: a model argument or a message that there is no word for.
    """
    tools = [to_tool(function) for function in request.contract.functions] or None
    return Question(to_chat(request.history, family), tools, to_settings(request.contract, max_tokens))


def to_chat(history: History, family: str = "") -> list[dict[str, Any]]:
    """Return a dialog as chat templates take it: arguments are objects, and a result names its function. Pure.

    Args:
        history: the dialog.
        family: whose earlier reasoning is given back; empty for nobody's.

    Raises:
        ConfigError: there is a picture.
    """
    names: dict[str, str] = {}
    messages: list[dict[str, Any]] = []
    for message in history:
        names.update((call.id, call.name) for call in message.function_calls)
        messages.append(_to_dict(message, names, family))
    return messages


def _to_dict(message: Message[Any], names: Mapping[str, str], family: str) -> dict[str, Any]:
    if message.images:
        raise ConfigError("MLX models take text alone here", hint="ask a model server about pictures")
    data: dict[str, Any] = {"role": message.role.value, "content": message.content or message.refusal}
    if family and message.reasoning and message.native and message.native.family == family:
        data["reasoning_content"] = message.reasoning
    if message.function_calls:
        data["tool_calls"] = [call_to_dict(call) for call in message.function_calls]
    if message.role is Roles.TOOL:
        data |= {"tool_call_id": message.tool_call_id, "name": names.get(message.tool_call_id, "")}
    return data
