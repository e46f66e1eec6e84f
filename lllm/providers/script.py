"""What the mock model is told to answer: scripts, rules, and the check of both when they are loaded."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from lllm import errors
from lllm.const import Finish, Roles
from lllm.errors import ConfigError, ProviderError
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers.sample import build_sample
from lllm.utils import encode_json

Reply = str | Message[Any] | Mapping[str, Any] | Exception
"""What the mock may be told to answer. A mapping has ``text, calls: [{name, arguments, id}], finish, reasoning`` or
``error: {type: RateLimited, message, ...}``."""

DEFAULT_TEXT = "This is a reply of the mock model."
_FINISHES = frozenset(Finish)
_REPLY_KEYS = {"text", "calls", "finish", "reasoning", "refusal", "error", "model"}
_RULE_KEYS = ("when", "role", "system", "reply")


class Script:
    """Replies in order. Safe between threads."""

    def __init__(self, replies: Iterable[Reply]) -> None:
        self._replies = tuple(replies)
        for position, reply in enumerate(self._replies):
            check_reply(reply, f"reply {position}")
        self._next = 0
        self._lock = threading.Lock()

    def __call__(self, request: ModelRequest) -> Reply:
        """Return the next reply.

        Raises:
            ProviderError: there is none; not retryable.
        """
        del request
        with self._lock:
            position = self._next
            self._next += 1
        if position >= len(self._replies):
            raise ProviderError(
                f"the mock model has {len(self._replies)} replies, and was called once more",
                provider="mock",
                hint="add a reply to the script, or find out why there was one call more",
            )
        return self._replies[position]


class Rules:
    """The first rule whose patterns are found in the last message and in the system prompt answers. No state."""

    def __init__(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._rules: list[tuple[re.Pattern[str], str, re.Pattern[str], Reply]] = []
        for position, rule in enumerate(rules):
            if unknown := rule.keys() - set(_RULE_KEYS):
                known = ", ".join(_RULE_KEYS)
                raise ConfigError(f"mock rule {position}: unknown key {min(unknown)!r}; known: {known}")
            try:
                pattern, told = (re.compile(str(part)) for part in (rule["when"], rule.get("system", "")))
                reply = check_reply(rule["reply"], f"mock rule {position}")
            except KeyError as error:
                raise ConfigError(f"mock rule {position}: no {error.args[0]!r}") from None
            except re.error as error:
                raise ConfigError(f"mock rule {position}: {error.pattern!r} is no regex: {error}") from None
            self._rules.append((pattern, str(rule.get("role", "")), told, reply))

    def __call__(self, request: ModelRequest) -> Reply:
        """Return the reply of the first rule that fits, or the default."""
        first, last = request.history[0], request.history[-1]
        system = first.content if first.role is Roles.SYSTEM else ""
        for pattern, role, told, reply in self._rules:
            found = pattern.search(last.content)
            if found and role in ("", last.role.value) and told.search(system):
                return _filled(reply, last.content, found)
        return build_default(request)


def _filled(reply: Reply, last: str, found: re.Match[str]) -> Reply:
    """Put the last message and the groups into a reply's text and arguments; plain replacement, no format language."""
    fields = {"{last}": last} | {f"{{group{i}}}": text or "" for i, text in enumerate(found.groups(), 1)}

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\{(?:last|group\d+)\}", lambda m: fields.get(m.group(), m.group()), value)
        if isinstance(value, Mapping):
            return {key: fill(item) for key, item in cast("Mapping[str, Any]", value).items()}
        return [fill(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value

    return fill(reply)


def build_default(request: ModelRequest) -> Reply:
    """Return what the mock says by itself: a call of the first function, the smallest JSON, or a sentence. Pure."""
    contract = request.contract
    asked_by_user = len(request.history) > 0 and request.history[-1].role is Roles.USER
    if contract.functions and asked_by_user:
        function = contract.functions[0]
        return {"calls": [{"name": function.name, "arguments": build_sample(function.signature.parameters)}]}
    if contract.format_schema is not None:
        return encode_json(build_sample(contract.format_schema))
    return DEFAULT_TEXT


def check_reply(reply: Any, where: str) -> Reply:
    """Return ``reply`` when it is one.

    Raises:
        ConfigError: it is none; names the key that is wrong.
    """
    if isinstance(reply, str | Message | Exception):
        return cast("Reply", reply)
    if not isinstance(reply, Mapping):
        raise ConfigError(f"{where}: a reply is a text or a mapping, not {type(reply).__name__}")
    told = cast("Mapping[str, Any]", reply)
    if unknown := told.keys() - _REPLY_KEYS:
        raise ConfigError(f"{where}: unknown key {min(unknown)!r}; known: {', '.join(sorted(_REPLY_KEYS))}")
    if "error" in told:
        build_error(told["error"], where)
    for call in told.get("calls", ()):
        if not isinstance(call, Mapping) or "name" not in call:
            raise ConfigError(f"{where}: a call has a name and arguments")
    if told.get("finish", "stop") not in _FINISHES:
        raise ConfigError(f"{where}: finish is one of {', '.join(Finish)}")
    return told


def build_error(told: Any, where: str = "mock") -> ProviderError:
    """Return the error that ``{type: RateLimited, message: ..., retry_after_s: 1}`` or its bare type names. Pure."""
    facts: dict[str, Any] = {"type": told} if isinstance(told, str) else dict(told)
    kind = getattr(errors, str(facts.pop("type", "ProviderError")), None)
    if not (isinstance(kind, type) and issubclass(kind, ProviderError)):
        raise ConfigError(f"{where}: error type must be one of ProviderError's, such as RateLimited")
    facts.setdefault("provider", "mock")
    try:
        return kind(facts.pop("message", f"{kind.__name__} of the mock model"), **facts)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from None
