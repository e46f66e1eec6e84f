"""A plan as the text of a Python module, as a person would write it; equal plans give equal texts."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any

from lllm.proxies.openapi.literal import INDENT, WIDTH, Word, render_value
from lllm.proxies.openapi.names import Names, to_ascii, to_class_name, to_name
from lllm.proxies.openapi.plan import Access, Operation, Param, Plan

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-\[\]]{0,99}")
_MARKS = {"path": "$", "query": "", "header": "@", "body": "#"}
_DEFAULTS: dict[str, Any] = {
    "method": "GET",
    "params": {},
    "wire_names": {},
    "body_type": "json",
    "answer": "json",
    "needs_key": True,
    "response": None,
}
_CUTOFF = """\
Made by `lllm proxies import`, and yours to edit. Under a cutoff date an endpoint is refused until `dt_cutoff`,
`cutoff_params` or `timeless` says how its answers are cut off."""


def render_module(plan: Plan) -> str:
    """Return the source of a plan's module. Pure."""
    class_name = to_class_name(plan.name, plan.title)
    styles = Counter(param.list_style for each in plan.operations for param in each.params if param.list_style)
    list_style = "repeat" if styles["repeat"] >= styles["comma"] and styles else "comma"
    lines = [*_docstring(plan), "", "from lllm import BaseProxy, ProxyRegistrator", "", ""]
    lines += _call("@ProxyRegistrator", {"path": plan.name, "name": plan.title, "description": plan.description}, "")
    lines += [
        f"class {class_name}(BaseProxy):",
        f'{INDENT}"""Endpoints of {to_ascii(plan.title) or class_name}."""',
        "",
    ]
    lines += _attributes(plan.access, f"{plan.name.upper()}_API_KEY", list_style)
    for operation in plan.operations:
        lines += ["", *_call(f"{INDENT}@BaseProxy.endpoint", _fields(operation, list_style), INDENT)]
        lines.append(f"{INDENT}def {operation.function}(self) -> None: ...")
    return "\n".join(lines) + "\n"


def _docstring(plan: Plan) -> list[str]:
    version = f", version {to_ascii(plan.version)}" if to_ascii(plan.version) else ""
    about = textwrap.wrap(" ".join(_CUTOFF.split()), WIDTH)
    return [f'"""{to_ascii(plan.title, 60) or to_class_name(plan.name)}{version}.', "", *about, '"""']


def _call(name: str, fields: dict[str, Any], indent: str) -> list[str]:
    lines = [f"{name}("]
    for key, value in fields.items():
        lines += render_value(value, f"{indent}{INDENT}{key}=")
    return [*lines, f"{indent})"]


def _attributes(access: Access, variable: str, list_style: str) -> list[str]:
    stated: dict[str, Any] = {"base_url": access.base_url}
    if access.api_key_in != "none":
        stated |= {"api_key_env": variable, "api_key_in": access.api_key_in, "api_key_name": access.api_key_name}
        stated |= {"api_key_prefix": access.api_key_prefix, "api_key_optional": access.api_key_optional}
    else:
        stated["api_key_in"] = "none"
    if list_style != "comma":
        stated["list_style"] = list_style
    notes = [f"{INDENT}# {line}" for note in access.notes for line in textwrap.wrap(to_ascii(note, 200), WIDTH - 6)]
    lines = [line for key, value in stated.items() if value for line in render_value(value, f"{INDENT}{key} = ", "")]
    return [lines[0], *notes, *lines[1:]]


def _fields(operation: Operation, list_style: str) -> dict[str, Any]:
    named = list(_iter_names(operation.params))
    path = operation.path
    if renamed := {param.wire: name for name, param in named if param.place == "path" and param.wire != name}:
        path = re.sub(r"\{([^{}]*)\}", lambda found: f"{{{renamed.get(found[1], found[1])}}}", path)
    wire = {name: param.wire for name, param in named if param.place != "path" and param.wire != name}
    own = {param.list_style for _, param in named if param.list_style} - {list_style}
    stated: dict[str, Any] = {
        "category": operation.category,
        "endpoint": operation.endpoint,
        "description": operation.description,
        "base_url": operation.base_url,
        "path": path,
        "method": operation.method,
        "params": dict(_param(name, param) for name, param in named),
        "wire_names": wire,
        "list_style": own.pop() if own else "",
        "body_type": operation.body_type,
        "answer": operation.answer,
        "needs_key": operation.needs_key,
        "response": operation.response,
    }
    return {key: value for key, value in stated.items() if value != _DEFAULTS.get(key, "")}


def _iter_names(params: tuple[Param, ...]) -> Iterator[tuple[str, Param]]:
    """Yield each parameter with the name that a caller gives it: its own, where that is plain and free. Pure."""
    names = Names()
    for param in params:
        plain = _FIELD if param.place == "path" else _PLAIN
        name = param.wire if plain.fullmatch(param.wire) else to_name(param.wire, "body")
        yield names.take(name if name not in names else f"{param.place}_{to_name(name)}"), param


def _param(name: str, param: Param) -> tuple[str, tuple[Any, ...]]:
    key = f"{_MARKS[param.place]}{name}{'*' if param.required else ''}"
    kind: Any = param.kind if param.kind == "date" else Word(param.kind)
    return key, (kind, param.example, param.allowed) if param.allowed else (kind, param.example)
