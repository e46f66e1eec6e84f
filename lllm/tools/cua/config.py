"""A prompt's ``computer_use_config``: a browser as data, in Python or in the front matter of a prompt file.

Its keys are those of :class:`~lllm.tools.cua.policy.BrowserPolicy`, with ``display_width`` and ``display_height`` in
place of ``display``, and:

- ``tool``: how the model is offered it: ``functions`` (the default, for every model that sees pictures), or the
  responses format's own tool, ``computer`` or ``computer_use_preview``.
- ``approve``: ``terminal`` asks whoever sits there; without it, what needs an approval is refused.
- ``environment``: ``browser``, which is the only one there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, cast

from lllm.errors import ConfigError
from lllm.models.function import Function
from lllm.parsing.json_text import load_json
from lllm.tools.cua.action import Display
from lllm.tools.cua.approval import Approve, ask_at_terminal
from lllm.tools.cua.functions import browser_functions, computer_function
from lllm.tools.cua.policy import BrowserPolicy
from lllm.utils import encode_json

_SIZE = {"display_width": "width", "display_height": "height"}
_OTHERS = ("tool", "approve", "environment")
_APPROVERS: Mapping[str, Approve | None] = {"": None, "terminal": ask_at_terminal}
_TOOLS: Mapping[str, Callable[[BrowserPolicy, Approve | None], tuple[Function, ...]]] = {
    "functions": browser_functions,
    "computer": lambda policy, approve: (computer_function(policy, approve),),
    "computer_use_preview": lambda policy, approve: (computer_function(policy, approve, preview=True),),
}


def build_functions(config: Mapping[str, Any]) -> tuple[Function, ...]:
    """Return the functions that a config stands for; equal configs have the same ones.

    Raises:
        ConfigError: a key is unknown, or a value is of no use.
    """
    try:
        return _build(encode_json(dict(sorted(config.items()))))
    except (TypeError, ValueError) as error:
        raise _named(f"it must be plain data: {error}") from error


@cache
def _build(config: str) -> tuple[Function, ...]:
    told: dict[str, Any] = load_json(config)
    make = _choose("tool", told.pop("tool", "functions"), _TOOLS)
    approve = _choose("approve", told.pop("approve", ""), _APPROVERS)
    _choose("environment", told.pop("environment", "browser"), {"browser": None})
    return make(to_policy(told), approve)


def to_policy(told: Mapping[str, Any]) -> BrowserPolicy:
    """Return the policy that is told as plain data.

    Raises:
        ConfigError: a key is unknown, or a value is of a wrong type.
    """
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - heavy, and most runs have no browser

    known = {field.name for field in fields(BrowserPolicy) if field.init} - {"display"}
    if unknown := sorted(told.keys() - known - _SIZE.keys()):
        hint = f"known: {', '.join(sorted([*known, *_SIZE, *_OTHERS]))}"
        raise _named(f"unknown key {', '.join(unknown)}", hint)
    values = {key: value for key, value in told.items() if key in known}
    for name in ("sites", "asks", "uploads"):
        if isinstance(told.get(name), str):
            raise _named(f"{name} is one text, {told[name]!r:.60}", f"write [{told[name]:.60}]")
    try:
        return TypeAdapter(BrowserPolicy).validate_python({**values, "display": _to_display(told)})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, cast("tuple[Any, ...]", first["loc"])))
        raise _named(f"{place}: {first['msg']}") from error
    except ConfigError as error:
        raise _named(error.message, error.hint) from error


def _to_display(told: Mapping[str, Any]) -> Display:
    size = {name: told[key] for key, name in _SIZE.items() if key in told}
    try:
        return Display(**size)
    except ConfigError as error:
        raise ConfigError(f"{', '.join(key for key in _SIZE if key in told)}: {error.message}") from error


def _choose(name: str, told: Any, known: Mapping[str, Any]) -> Any:
    if not isinstance(told, str) or told not in known:
        hint = f"known: {', '.join(filter(None, known))}"
        raise _named(f"{name} cannot be {told!r:.60}", hint)
    return known[told]


def _named(message: str, hint: str = "") -> ConfigError:
    return ConfigError(f"computer_use_config: {message}", hint=hint)
