"""What an agent YAML may say: its keys, their types and bounds, and their defaults."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from lllm.config.merge import kind_of
from lllm.config.source import Node
from lllm.utils import Secret

Fault = tuple[str, str]
"""``file:line:col`` and what is wrong there."""
Check = Callable[[Node, str], Iterator[Fault]]


def _shown(value: Any) -> str:
    is_short = isinstance(value, str | int | float) and not isinstance(value, Secret)
    return f"{kind_of(value)} ({value!r:.40})" if is_short else kind_of(value)


def scalar(kind: type | tuple[type, ...], words: str, *, least: float | None = None, null: bool = False) -> Check:
    """Make a check for a scalar of a type, not below ``least``."""

    def check(node: Node, name: str) -> Iterator[Fault]:
        value = node.value
        if value is None and null:
            return
        # In Python a boolean is a whole number; in a config it is not.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            yield node.where, f"{name}: expected {words}, got {_shown(value)}"
        elif least is not None and cast("float", value) < least:
            yield node.where, f"{name}: expected {least} or more, got {value}"

    return check


def _one_of(*words: str) -> Check:
    def check(node: Node, name: str) -> Iterator[Fault]:
        if node.value not in words:
            near = difflib.get_close_matches(str(node.value), words, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            yield node.where, f"{name}: expected {' or '.join(words)}, got {node.value!r:.40}{hint}"

    return check


def texts(node: Node, name: str) -> Iterator[Fault]:
    """Check a list of texts."""
    if not isinstance(node.value, list):
        yield node.where, f"{name}: expected a list of texts, got {_shown(node.value)}"
        return
    for number, item in enumerate(node.value):
        yield from _TEXT(item, f"{name}.{number}")


def open_mapping(node: Node, name: str) -> Iterator[Fault]:
    """Check a mapping of anything."""
    if not isinstance(node.value, dict):
        yield node.where, f"{name}: expected a mapping, got {_shown(node.value)}"


def closed(node: Node, name: str, checks: Mapping[str, Check]) -> Iterator[Fault]:
    """Check a mapping that has no other keys than these."""
    if not isinstance(node.value, dict):
        yield from open_mapping(node, name)
        return
    for key, child in node.value.items():
        path = f"{name}.{key}" if name else key
        if key in checks:
            yield from checks[key](child, path)
            continue
        near = difflib.get_close_matches(key, checks, n=1)
        told = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(checks))}"
        yield child.key_where or child.where, f"unknown key {path!r} ({told})"


def _texts_or_false(node: Node, name: str) -> Iterator[Fault]:
    """Check a list of texts; ``false`` switches off what is built in, too."""
    if node.value is not False:
        yield from texts(node, name)


def _limits(node: Node, name: str) -> Iterator[Fault]:
    yield from closed(node, name, _LIMITS)


def _session_limits(node: Node, name: str) -> Iterator[Fault]:
    """Check the limits of a session, which does not wait itself: each of its calls does."""
    yield from closed(node, name, {**_LIMITS, "max_total_wait_s": _of_calls})


def _of_calls(node: Node, name: str) -> Iterator[Fault]:
    yield node.key_where, f"{name}: it is a limit of each call; set limits.{name.rpartition('.')[2]}"


def _agents(node: Node, name: str) -> Iterator[Fault]:
    yield from open_mapping(node, name)
    if isinstance(node.value, dict):
        for agent, child in node.value.items():
            yield from _agent(child, f"{name}.{agent}")


def _agent(node: Node, name: str) -> Iterator[Fault]:
    """Check one agent; keys that are not known are arguments of the model, unless they look like a slip."""
    yield from open_mapping(node, name)
    if not isinstance(node.value, dict):
        return
    for key, child in node.value.items():
        if key in _AGENT:
            yield from _AGENT[key](child, f"{name}.{key}")
        elif key == "model_args":  # a word of the code; here it would be sent to the server as it stands
            yield child.key_where or child.where, f"unknown key '{name}.{key}' (its keys stand beside model_name)"
        elif near := difflib.get_close_matches(key, _AGENT, n=1, cutoff=0.85):
            yield child.key_where or child.where, f"unknown key '{name}.{key}' (did you mean {near[0]!r}?)"


def _day(node: Node, name: str) -> Iterator[Fault]:
    """Check a day; whether there is one of this number, who uses it finds."""
    if node.value is not None and not (isinstance(node.value, str) and _DAY.fullmatch(node.value)):
        yield node.where, f"{name}: expected a day YYYY-MM-DD, got {_shown(node.value)}"


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TEXT = scalar(str, "a text")
_TEXT_OR_NULL = scalar(str, "a text", null=True)
_COUNT = scalar(int, "a whole number", least=0)
_COUNT_OR_NULL = scalar(int, "a whole number, or null for no limit", least=0, null=True)
_NUMBER_OR_NULL = scalar((int, float), "a number, or null for no limit", least=0, null=True)
_LIMITS: dict[str, Check] = {
    "max_tokens": _COUNT_OR_NULL,
    "max_cost_usd": _NUMBER_OR_NULL,
    "deadline_s": _NUMBER_OR_NULL,
    "max_total_wait_s": scalar((int, float), "a number", least=0),
}
_BUDGETS: dict[str, Check] = {
    "max_exception_retry": _COUNT,
    "max_interrupt_times": _COUNT_OR_NULL,
    "max_llm_recall": _COUNT,
    "max_parallel_functions": scalar(int, "a whole number", least=1),
}
_AGENT: dict[str, Check] = {
    "model_name": _TEXT,
    "system_prompt_path": _TEXT_OR_NULL,
    "api_type": _one_of("completion", "response"),
    "system_prompt": _TEXT,
    "provider": _TEXT,
    "provider_config": open_mapping,
    "limits": _limits,
    **_BUDGETS,
}
_KEYS: dict[str, Check] = {
    "name": _TEXT,
    "log_type": _one_of("localfile", "none", "memory"),
    "log_dir": _TEXT_OR_NULL,
    "log_durability": _one_of("none", "flush", "barrier", "strict"),
    "log_redact": _texts_or_false,
    "log_max_segment_bytes": _COUNT,
    "ckpt_dir": _TEXT_OR_NULL,
    "random_seed": scalar(int, "a whole number", null=True),
    "agent_type": _TEXT_OR_NULL,
    "system_type": _TEXT_OR_NULL,
    "provider": _TEXT,
    "provider_config": open_mapping,
    "auto_discover": scalar(bool, "true or false"),
    "agent_configs": _agents,
    "activate_proxies": texts,
    "cutoff_date": _day,
    "deploy_mode": scalar(bool, "true or false"),
    **_BUDGETS,
    "limits": _limits,
    "session_limits": _session_limits,
}
DEFAULTS: dict[str, Any] = {
    "log_type": "localfile",
    "log_durability": "barrier",
    "auto_discover": True,
    "max_exception_retry": 3,
    "max_interrupt_times": 5,
    "max_llm_recall": 2,
}


def check_agent_tree(tree: Node) -> list[Fault]:
    """Return every fault of an agent config, in the order of its keys. Pure."""
    return list(closed(tree, "", _KEYS))
