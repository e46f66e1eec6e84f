"""What servers offer becomes functions: their names, what is checked, and what the model reads of a result. Pure.

A server is not trusted. Whatever it offers either becomes a function that can be called, or a named error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from lllm.errors import ConfigError, FunctionError
from lllm.models.call import is_deep
from lllm.models.declared import declared_signature
from lllm.models.function import MAX_RESULT_CHARS, Function, FunctionCall, fail
from lllm.models.mcp import MCP
from lllm.models.plain import to_plain
from lllm.models.prompt import Prompt
from lllm.utils import digest, encode_json

MAX_TOOLS = 1000
"""Most functions that one server may offer."""

MAX_OFFER_CHARS = 1_000_000
"""Longest list of functions of one server, as JSON."""

_LONGEST = 64
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")

Caller = Callable[[MCP, str], Callable[..., Any]]
"""Makes what calls the tool of that name at a server."""


@dataclass(frozen=True, slots=True)
class ToolReply:
    """What a server answered to one call.

    Attributes:
        text: what the model reads.
        data: structured content, as JSON data; None when there is none.
        is_error: whether the tool says that it failed.
    """

    text: str
    data: Any = None
    is_error: bool = False


class ServerFunction(Function):
    """A function that a server offers.

    Args:
        name: what the model calls it.
        tool: what the server tells of it, checked.
        timeout_s: seconds that its caller waits.
        function: what calls it; its result is a :class:`ToolReply`.
    """

    def __init__(self, name: str, tool: Mapping[str, Any], timeout_s: float, function: Callable[..., Any]) -> None:
        hints: Mapping[str, Any] = tool.get("annotations") or {}
        repeatable = hints.get("readOnlyHint") is True or hints.get("idempotentHint") is True
        told = str(tool.get("description") or "")
        super().__init__(
            name,
            told,
            function=function,
            timeout_s=timeout_s,
            repeatable=repeatable,
            allow_repeat=repeatable,  # what it reads may have changed meanwhile
        )
        self._signature = declared_signature(_to_parameters(tool["inputSchema"]))

    def finish(self, call: FunctionCall, value: Any) -> FunctionCall:
        """Return the call with what the server answered: its text for the model, its data, if any, for code."""
        if not isinstance(value, ToolReply):  # what the user says it returned
            return super().finish(call, value)
        if value.is_error:
            return fail(call, FunctionError(value.text or "it failed, and does not say why"))
        done = super().finish(call, value.text)
        data = to_plain(value.data)[0]
        if data is None or len(encode_json(data)) > MAX_RESULT_CHARS:
            return done
        return call.answered(data, done.result_str)


def build_offered(prompt: Prompt[Any], offers: Sequence[Mapping[str, Any]], caller: Caller) -> Prompt[Any]:
    """Return a prompt with the functions of its servers in place of the servers.

    Args:
        prompt: names the servers.
        offers: what each of them offers, in the prompt's order: ``{"tools": [...]}``.
        caller: makes the functions' callables.

    Raises:
        ConfigError: a server offers what cannot be a function, or two functions would have one name.
    """
    found = [
        tool for server, offer in zip(prompt.mcp_servers_list, offers, strict=True) for tool in _tools(server, offer)
    ]
    names = _to_names(found, [function.name for function in prompt.functions_list])
    functions = [
        ServerFunction(name, told, _patience_s(server), caller(server, told["name"]))
        for name, (server, _, told) in zip(names, found, strict=True)
    ]
    return replace(prompt, functions_list=(*prompt.functions_list, *functions), mcp_servers_list=())


def _patience_s(server: MCP) -> float:
    """Return seconds after which nobody waits for a call: it ends itself before, also where the server starts first."""
    return server.start_timeout_s + server.timeout_s + 5.0


class _Tool(NamedTuple):
    """A tool, and the name that a model could call it by if its server were the only one."""

    server: MCP
    name: str
    told: Mapping[str, Any]


def _tools(server: MCP, offer: Mapping[str, Any]) -> list[_Tool]:
    """Return the tools of a server that may be called."""
    if server.require_approval != "never":
        told = f"MCP server {server.server_label!r}: nobody can be asked whether a function may run"
        raise ConfigError(told, hint="set require_approval='never', and name in allowed_tools what may be called")
    tools: list[Mapping[str, Any]] = offer["tools"]
    names = {told["name"]: _to_name(told["name"]) for told in tools}
    shared = Counter(names.values())
    known = {raw: name if shared[name] == 1 else _shortened(name, raw) for raw, name in names.items()}
    allowed = known if server.allowed_tools is None else server.allowed_tools
    if missing := [name for name in allowed if name not in known]:
        raise ConfigError(
            f"MCP server {server.server_label!r} does not offer {', '.join(missing)}",
            hint=f"it offers: {', '.join(sorted(known)) or 'nothing'}",
        )
    return [_Tool(server, known[told["name"]], told) for told in tools if told["name"] in allowed]


# --- names -----------------------------------------------------------------------------------------------------------


def _to_names(tools: Sequence[_Tool], taken: Iterable[str]) -> list[str]:
    """Return what the model calls each tool: its own name where a model takes it, and nothing else has it."""
    shared = Counter([*(tool.name for tool in tools), *taken])
    names = [
        _to_name(f"{server.server_label}_{name}") if server.prefix or shared[name] > 1 else name
        for server, name, _ in tools
    ]
    again = Counter([*names, *taken])
    if clashes := [name for name in names if again[name] > 1]:
        raise ConfigError(
            f"two functions have one name: {', '.join(sorted(set(clashes)))}",
            hint="name in allowed_tools those that you need, or give a server another label",
        )
    return names


def _to_name(text: str) -> str:
    """Return a name that models take; one that had to be cut ends in a hash of what it was."""
    name = _NO_NAME.sub("_", text)
    return name if len(name) <= _LONGEST else _shortened(name, text)


def _shortened(name: str, text: str) -> str:
    return f"{name[: _LONGEST - 9]}_{digest(text)[:8]}"


# --- what a server says ----------------------------------------------------------------------------------------------


def check_offer(label: str, tools: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a list of tools of which one could not be called.

    Args:
        label: the server's.
        tools: each ``{"name", "description", "inputSchema", "annotations"}``.

    Raises:
        ConfigError: the list is too long, two tools have one name, or a schema is none.
    """
    if len(tools) > MAX_TOOLS or len(encode_json(list(tools))) > MAX_OFFER_CHARS:
        told = f"MCP server {label!r} offers {len(tools)} functions"
        raise ConfigError(f"{told}; at most {MAX_TOOLS} are taken, and {MAX_OFFER_CHARS} characters of JSON")
    names = Counter(tool["name"] for tool in tools)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ConfigError(f"MCP server {label!r} offers twice: {', '.join(map(ascii, twice))}")
    for tool in tools:
        fault = "it has no name" if not tool["name"] else _find_fault(tool["inputSchema"])
        if fault:
            raise ConfigError(f"MCP server {label!r}, tool {tool['name']!a:.80}: {fault}")


def _find_fault(schema: Mapping[str, Any]) -> str:
    """Return why a tool's schema cannot be used; empty when it can."""
    if is_deep(schema):
        return "its schema is nested too deep"
    if schema.get("type", "object") != "object":
        return f"its arguments are no object but {schema['type']!a:.80}"
    try:
        for part in _schemas(schema):
            _check_keywords(part)
        declared_signature(_to_parameters(schema))
    except ConfigError as error:
        return f"its schema cannot be used: {error.message}"
    return ""


def _schemas(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and those inside of it that arguments are checked against."""
    yield schema
    for part in (*schema.get("properties", {}).values(), schema.get("items")):
        if isinstance(part, Mapping):
            yield from _schemas(cast("Mapping[str, Any]", part))


def _check_keywords(schema: Mapping[str, Any]) -> None:
    """Raise for a keyword that arguments are checked against, and whose value is not what it must be."""
    kind = schema.get("type", [])
    fits = {
        "type": isinstance(kind, str) or _is_texts(kind),
        "enum": isinstance(schema.get("enum", []), list),
        "required": _is_texts(schema.get("required", [])),
        "properties": isinstance(schema.get("properties", {}), dict),
    }
    for name, is_right in fits.items():
        if not is_right:
            raise ConfigError(f"{name} is {schema[name]!a:.80}")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[Any]", value))


def _to_parameters(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool's schema as models are told it: whole, but for the address of the dialect."""
    own = {key: value for key, value in schema.items() if key != "$schema"}
    return {"type": "object", "properties": {}, "required": [], **own}
