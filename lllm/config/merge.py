"""How layers become one tree: ``base:`` files, ``--set`` overrides, and variables of the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lllm.config.secret import is_secret_key
from lllm.config.source import Node, parse_scalar, parse_yaml
from lllm.config.text import inside, load_text
from lllm.errors import ConfigError
from lllm.utils import Secret

SET = "--set"
# ``$${`` is a plain ``${``; a variable's default ends at the first brace.
_VARIABLE = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def load_layers(path: Path, root: Path, env: Mapping[str, str], seen: Sequence[Path] = ()) -> tuple[Node, list[Path]]:
    """Read a YAML file on top of the files that its ``base`` names, each on top of its own.

    Returns:
        The merged tree without ``base``, and the files, the first one read last.

    Raises:
        ConfigError: a file cannot be read, is no mapping, leaves ``root``, or is its own base.
    """
    tree = parse_yaml(load_text(path), str(path))
    if tree is None:
        raise ConfigError("the file is empty", where=f"{path}:1:1")
    if not isinstance(tree.value, dict):
        raise ConfigError(f"expected a mapping, got {kind_of(tree.value)}", where=tree.where, hint="write key: value")
    layer = dict(tree.value)
    base = layer.pop("base", None)
    own = Node(layer, tree.where)
    if base is None:
        return own, [path]
    chain = [*seen, path.resolve()]
    below, files = load_layers(_base_file(base, path, root, env, chain), root, env, chain)
    return merge(below, own), [path, *files]


def _base_file(base: Node, path: Path, root: Path, env: Mapping[str, str], chain: list[Path]) -> Path:
    """Return the file that ``base`` names, once it is known to be a new one inside of ``root``."""
    name = expand(base, env).value
    if not isinstance(name, str) or not name:
        raise ConfigError(f"base: expected a file's name, got {kind_of(name)}", where=base.where)
    try:
        target = (path.parent / name).resolve()
        if not inside(root, target):
            raise ConfigError(f"base: {name!r} leaves the project {root}", where=base.where)
    except (OSError, RuntimeError, ValueError) as error:  # a link that goes in circles, or a NUL
        raise ConfigError(f"base: {name!r} is no file: {error}", where=base.where) from error
    if target in chain:
        told = " -> ".join(file.name for file in [*chain, target])
        raise ConfigError(f"base goes in circles: {told}", where=base.where)
    if not target.is_file():
        raise ConfigError(f"base: there is no file {name!r}", where=base.where)
    return target


def merge(below: Node, above: Node) -> Node:
    """Lay one tree over another: mappings join, everything else, lists too, is replaced. Pure.

    Who names another provider starts its ``provider_config`` afresh: settings of one mean nothing to the other.
    """
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    joined = dict(below.value)
    if "provider" in above.value and "provider" in joined and above.value["provider"].value != joined["provider"].value:
        joined.pop("provider_config", None)
    for key, node in above.value.items():
        joined[key] = merge(joined[key], node) if key in joined else node
    return Node(joined, above.where, above.key_where)


def override(tree: Node, setting: str) -> Node:
    """Lay ``a.b.c=value`` over a tree; the value is YAML. Pure.

    Raises:
        ConfigError: there is no ``=``, no path, or the path leads through something that is no mapping.
    """
    path, equals, text = setting.partition("=")
    keys = split_path(path.strip())
    where = f"{SET} {path}"
    if not equals or not all(keys):
        raise ConfigError(f"{setting!r:.80} is no setting", where=SET, hint="write a.b.c=value")
    value = parse_yaml(text, where)
    return _put(tree, keys, _mark(value) if value else Node(None, SET, SET), 0)


def _put(tree: Node, keys: Sequence[str], value: Node, depth: int) -> Node:
    """Return a tree with ``value`` at a path; what was there is replaced, even where both are mappings."""
    if depth == len(keys):
        return value
    if not isinstance(tree.value, dict):
        told = f"{join_path(keys[:depth])} is no mapping, so it has no {keys[depth]!r}"
        raise ConfigError(told, where=f"{SET} {join_path(keys)}")
    inner = _put(tree.value.get(keys[depth], Node({}, SET, SET)), keys, value, depth + 1)
    return Node(tree.value | {keys[depth]: inner}, tree.where, tree.key_where)


def _mark(node: Node) -> Node:
    """Give a tree of the command line its origin."""
    value = node.value
    if isinstance(value, dict):
        value = {key: _mark(child) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_mark(child) for child in value]
    return Node(value, SET, SET, node.plain)


def expand(node: Node, env: Mapping[str, str], key: str = "") -> Node:
    """Put variables into the texts of a tree. Pure.

    A text without quotes is read again afterwards, so that ``${RETRIES}`` may be a number; a quoted one stays a text.
    Texts under a key that names a secret become ``Secret``, which no log and no listing shows.

    Raises:
        ConfigError: a variable is not set and has no default, or is not closed; names the place.
    """
    if isinstance(node.value, dict):
        children = node.value
        grown = {name: expand(child, env, name) for name, child in children.items()}
        return Node(grown, node.where, node.key_where)
    if isinstance(node.value, list):
        items = [expand(child, env, key) for child in node.value]
        return Node(items, node.where, node.key_where)
    if not isinstance(node.value, str):
        return node
    text = _VARIABLE.sub(lambda match: _variable(match, env, node.where), node.value)
    if is_secret_key(key):
        return Node(Secret(text, key), node.where, node.key_where)
    value = parse_scalar(text) if node.plain and "${" in node.value else text
    return Node(value, node.where, node.key_where, node.plain)


def _variable(match: re.Match[str], env: Mapping[str, str], where: str) -> str:
    if match[0] == "$${":
        return "${"
    named = _NAME.fullmatch(match[1])
    if not match[2] or not named:
        raise ConfigError(f"{match[0]!r:.60} is no variable", where=where, hint="write ${NAME}, or $${ for a plain ${")
    name, default = named.groups()
    # As in a shell, ``:-`` also stands in for a variable that is set to nothing.
    value = env.get(name) if default is None else env.get(name) or default
    if value is None:
        raise ConfigError(f"${name} is not set", where=where, hint=f"set it, or write ${{{name}:-default}}")
    return value


def flatten(node: Node, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield each leaf of a tree and the keys that lead to it; an empty mapping or list is a leaf."""
    children: list[tuple[str, Node]] = []
    if isinstance(node.value, dict):
        children = list(node.value.items())
    elif isinstance(node.value, list):
        children = [(str(number), child) for number, child in enumerate(node.value)]
    if not children:
        yield keys, node
    for key, child in children:
        yield from flatten(child, (*keys, key))


def to_plain(node: Node) -> Any:
    """Return a tree's values without their places."""
    if isinstance(node.value, dict):
        return {key: to_plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [to_plain(child) for child in node.value]
    return node.value


def join_path(keys: Sequence[str]) -> str:
    """Return ``a.b."c.d"``: keys with a dot or a quote stand in quotes."""
    return ".".join(f'"{key}"' if "." in key or not key else key for key in keys)


def split_path(path: str) -> list[str]:
    """Return the keys of a dotted path; a key in double quotes may hold dots."""
    return [quoted or plain for quoted, plain in re.findall(r'(?:^|\.)(?:"([^"]*)"|([^.]*))', path)]


def kind_of(value: Any) -> str:
    """Return what a YAML value is, in words."""
    kinds = ((bool, "a boolean"), (int, "a whole number"), (float, "a number"), (str, "a text"), (list, "a list"))
    if value is None:
        return "nothing"
    return next((name for kind, name in kinds if isinstance(value, kind)), "a mapping")
