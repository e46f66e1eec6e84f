"""An agent YAML: from files, ``--set`` and the environment to one plain dict whose every value has an origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lllm.config.merge import SET, expand, flatten, join_path, load_layers, override, to_plain
from lllm.config.project import DEFAULT_LOG_DIR, find_config_file, find_project
from lllm.config.schema import DEFAULTS, Fault, check_agent_tree
from lllm.config.source import Node
from lllm.errors import ConfigError

DEFAULT = "default"
RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """The effective config of a system of agents.

    Attributes:
        values: plain data, defaults filled in, ``base`` resolved away, ``log_dir`` absolute.
        origins: dotted path of each leaf -> ``file:line:col``, ``--set`` or ``default``. A key that holds a dot stands
            in double quotes; items of lists are counted from 0; an empty mapping or list is a leaf.
        path: the file that was asked for.
        files: that file and its bases, nearest first.
    """

    values: dict[str, Any]
    origins: dict[str, str]
    path: Path
    files: tuple[Path, ...]


def load_agent_config(
    path: Path | str, *, env: Mapping[str, str], overrides: Sequence[str] = (), root: Path | str | None = None
) -> AgentConfig:
    """Read an agent YAML with its bases.

    Args:
        path: the file.
        env: where ``${VAR}``, ``${VAR:-default}`` and ``LLLM_CONFIG`` come from; ``$${`` is a plain ``${``.
        overrides: settings ``a.b.c=value``, the value being YAML; a later one wins.
        root: folder that no ``base`` may leave, and that a relative ``log_dir`` counts from. Default: the folder of the
            project's ``lllm.toml``; without one, the file's own folder for ``base`` and the working directory for logs.

    Raises:
        ConfigError: anything in it is wrong; the message names each fault's ``file:line:col``, and the user acts.
    """
    path = Path(path).absolute()
    tree, files = load_layers(path, _root(path) if root is None else Path(root), env)
    for setting in overrides:
        tree = override(tree, setting)
    tree = _with_defaults(expand(tree, env))
    if faults := check_agent_tree(tree):
        raise _error(faults, path)
    tree = _with_log_dir(tree, _log_root(path, env) if root is None else Path(root))
    origins = {join_path(keys): node.where for keys, node in flatten(tree)}
    return AgentConfig(to_plain(tree), origins, path, tuple(files))


def to_overridden(values: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return a config as plain data with settings ``a.b.c=value`` laid over it. Pure.

    Raises:
        ConfigError: a setting is none, or the config that comes out is wrong.
    """
    if not settings:
        return dict(values)
    tree = _to_node(values)
    for setting in settings:
        tree = override(tree, setting)
    if faults := check_agent_tree(tree):
        raise _error(faults, Path(SET))
    return to_plain(tree)


def _to_node(value: Any) -> Node:
    """Return plain data as a tree whose values have no place in a file."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return Node({str(key): _to_node(part) for key, part in items}, RECORDED, RECORDED)
    if isinstance(value, list | tuple):
        return Node([_to_node(part) for part in cast("Sequence[Any]", value)], RECORDED, RECORDED)
    return Node(value, RECORDED, RECORDED)


def _root(path: Path) -> Path:
    found = find_config_file(path.parent) if path.parent.is_dir() else None
    return found.parent if found else path.parent


def _log_root(path: Path, env: Mapping[str, str]) -> Path:
    found = find_project(path, env)
    return found.parent if found else Path.cwd()


def _with_log_dir(tree: Node, root: Path) -> Node:
    """Return a tree whose ``log_dir`` means one folder, whoever reads it and from wherever."""
    values = tree.value if isinstance(tree.value, dict) else {}
    given = values.get("log_dir") or Node(None, DEFAULT)
    if not given.value and values["log_type"].value != "localfile":
        return tree
    folder = root.absolute() / Path(str(given.value or DEFAULT_LOG_DIR)).expanduser()
    return Node(values | {"log_dir": Node(str(folder), given.where, given.key_where)}, tree.where)


def _with_defaults(tree: Node) -> Node:
    given = tree.value if isinstance(tree.value, dict) else {}
    missing = {key: Node(value, DEFAULT) for key, value in DEFAULTS.items() if key not in given}
    return Node(given | missing, tree.where)


def _error(faults: list[Fault], path: Path) -> ConfigError:
    if len(faults) == 1:
        return ConfigError(faults[0][1], where=faults[0][0])
    lines = "".join(f"\n  {where}: {text}" for where, text in faults)
    return ConfigError(f"{len(faults)} faults{lines}", where=str(path))
