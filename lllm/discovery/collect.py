"""What a project file defines: its own prompts and proxies, with the place of each, under their keys."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from lllm.discovery.files import Failures
from lllm.errors import DiscoveryError
from lllm.llm.base import AGENT_REGISTRY
from lllm.llm.prompts import PROMPT_REGISTRY
from lllm.models.prompt import Prompt
from lllm.proxies.base import PROXY_REGISTRY, BaseProxy
from lllm.registry import Registry

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(slots=True)
class Names:
    """Where a file binds its module-level names, as ``line:col``, and which of them come from an import."""

    bound: dict[str, str] = field(default_factory=dict[str, str])
    imported: set[str] = field(default_factory=set[str])

    def is_own(self, name: str) -> bool:
        """Tell whether the file makes the name's value; ``*`` may bring in any name that is not assigned."""
        return name in self.bound or not (name in self.imported or "*" in self.imported)


def parse_names(source: bytes) -> Names:
    """Find the module-level names of a file. Pure."""
    names = Names()
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.imported.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Attribute):
            # Another name for something that stands elsewhere, here or in another file.
            names.imported.update(target.id for target in node.targets if isinstance(target, ast.Name))
            continue
        elif isinstance(node, ast.ClassDef):
            names.bound[node.name] = f"{node.lineno}:{node.col_offset + 1}"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.bound.setdefault(node.id, f"{node.lineno}:{node.col_offset + 1}")  # the last one: it is met first
        if not isinstance(node, _SCOPES):
            todo.extend(ast.iter_child_nodes(node))
    return names


@dataclass(slots=True)
class Collector:
    """Puts what files define into the registries, and keeps count.

    Attributes:
        prompts, proxies: key -> ``file:line:col``.
        clashes: file -> the error of a key that it defines again.
    """

    prompts: dict[str, str] = field(default_factory=dict[str, str])
    proxies: dict[str, str] = field(default_factory=dict[str, str])
    clashes: Failures = field(default_factory=dict[str, DiscoveryError])
    _seen: dict[int, object] = field(default_factory=dict[int, object])

    def add_module(self, module: ModuleType, path: Path, source: bytes) -> None:
        """Register the module's own prompts and proxies; what it imports belongs to another file."""
        found = [(name, value) for name, value in vars(module).items() if _is_prompt(value) or _is_proxy(value, module)]
        if not found:
            return
        names = parse_names(source)
        for name, value in found:
            if not names.is_own(name) or id(value) in self._seen:
                continue
            self._seen[id(value)] = value  # held, so that its id stays its own
            origin = f"{path}:{names.bound.get(name, '1:1')}"
            if isinstance(value, Prompt):
                self.add_prompt(cast("Prompt[Any]", value), path.stem, origin)
            else:
                self._add_proxy(cast("type[BaseProxy]", value), path.stem, origin)

    def add_prompt(self, prompt: Prompt[Any], stem: str, origin: str) -> None:
        """Register a prompt under its path; one without ``/`` gets the file's name before it."""
        key = prompt.path if "/" in prompt.path else f"{stem}/{prompt.path}"
        value = prompt if prompt.path == key else prompt.with_path(key)
        self._add(PROMPT_REGISTRY, self.prompts, key, value, origin)

    def _add_proxy(self, proxy: type[BaseProxy], stem: str, origin: str) -> None:
        own_path = vars(proxy).get("_proxy_path")  # an inherited one belongs to the parent
        self._add(PROXY_REGISTRY, self.proxies, own_path or f"{stem}/{proxy.__name__}", proxy, origin)

    def _add(self, registry: Registry[Any], known: dict[str, str], key: str, value: Any, origin: str) -> None:
        file = origin.rsplit(":", 2)[0]
        if key in known:  # also within one file, where a registry would replace
            told = f"{registry.kind} {key!r} is defined twice: in {known[key]} and in {origin}"
            self.clashes.setdefault(file, DiscoveryError(told, where=origin, hint="rename one of them"))
            return
        try:
            registry.register(key, value, origin=origin)
        except DiscoveryError as error:
            self.clashes.setdefault(file, error)
        else:
            known[key] = origin


def _is_prompt(value: object) -> bool:
    return isinstance(value, Prompt)


def _is_proxy(value: object, module: ModuleType) -> bool:
    if not isinstance(value, type) or not issubclass(value, BaseProxy):
        return False
    return value is not BaseProxy and value.__module__ == module.__name__


def registries() -> Iterator[Registry[Any]]:
    """Yield the registries that a project's files fill; agents register themselves when their class is made."""
    yield PROMPT_REGISTRY
    yield PROXY_REGISTRY
    yield AGENT_REGISTRY
