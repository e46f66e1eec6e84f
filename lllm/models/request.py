"""What a model is asked: the standing part (Contract), which is rendered once, and the dialog so far."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lllm.errors import ConfigError
from lllm.models.function import Function
from lllm.models.history import History
from lllm.models.prompt import Prompt
from lllm.utils import digest, encode_json

# Services take such names only for a schema; a generic's own is `Box[int]`.
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """The part of a request that stays the same from turn to turn.

    Attributes:
        model: name of the model, as its server knows it.
        functions: what the model may call; empty when it may call nothing.
        format_name: name of the JSON schema asked for; empty for free text.
        format_schema: the JSON schema of the reply, or None.
        params: model arguments that all wire formats know, such as ``temperature, max_tokens, seed, logprobs``.
        extra_body: fields of one vendor, put into the body as they are.
        rendered: what a wire format made of this contract, by format; a cache that only wire formats touch.
    """

    model: str
    functions: tuple[Function, ...] = ()
    format_name: str = ""
    format_schema: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    extra_body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rendered: dict[str, Any] = field(default_factory=dict[str, Any])
    fingerprint: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", digest(encode_json(self.to_dict())))

    def to_dict(self) -> dict[str, Any]:
        """Return everything that a server could notice, as plain JSON data; this is what is logged and compared."""
        return {
            "model": self.model,
            "functions": [f.to_dict() for f in self.functions],
            "format": {"name": self.format_name, "schema": self.format_schema} if self.format_schema else None,
            "params": dict(self.params),
            "extra_body": dict(self.extra_body),
        }


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One model call. Its identity is ``(contract.fingerprint, history.chain)``; streaming does not change it."""

    contract: Contract
    history: History
    stream: bool = False


def build_contract(model: str, prompt: Prompt[Any], *, offered: bool, params: Mapping[str, Any]) -> Contract:
    """Return the standing part of a turn's requests. Pure.

    Args:
        model: name of the model.
        prompt: whose functions and format are asked for.
        offered: whether functions may be called.
        params: model arguments; ``extra_body`` among them is taken apart.

    Raises:
        ConfigError: the prompt asks for what no format sends yet; a request without it would be another one. Or an
            argument would name another model than the one that is logged and priced.
    """
    names = ("mcp_servers_list", "allow_web_search", "computer_use_config")
    if unsent := [name for name in names if getattr(prompt, name)]:
        hint = "leave it out" if prompt.allow_web_search else "ask through an agent, which makes functions of it"
        raise ConfigError(f"prompt {prompt.path!r}: {', '.join(unsent)} cannot be sent yet", hint=hint)
    arguments = dict(params)
    extra_body = arguments.pop("extra_body", {})
    if "model" in arguments:
        raise ConfigError("'model' is no model argument", hint="name it as the agent's model (model_name in a config)")
    schema = prompt.format_schema
    return Contract(
        model,
        prompt.functions_list if offered else (),
        _NO_NAME.sub("_", getattr(prompt.format, "__name__", "reply"))[:64] if schema else "",
        schema,
        arguments,
        extra_body,
    )
