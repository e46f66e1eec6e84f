"""YAML text to a tree in which every value knows its place. The only file that knows the YAML library.

Scalars follow the core schema of YAML 1.2 (yaml.org/spec/1.2.2, §10.3.2): ``no``, ``on`` and dates are texts, ``1e-3``
is a number. No tag makes an object of Python's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from lllm.errors import ConfigError

MAX_NODES = 20_000
MAX_DEPTH = 60
_TAG = "tag:yaml.org,2002:"
_SCALARS = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
)


Value: TypeAlias = "str | int | float | bool | list[Node] | dict[str, Node] | None"


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a config and where it was written.

    Attributes:
        value: a scalar, ``list[Node]`` or ``dict[str, Node]``.
        where: ``file:line:col`` of the value, or what stands in for a file.
        key_where: the same of the key that leads to it; empty for an item of a list.
        plain: it is a text without quotes.
    """

    value: Value
    where: str
    key_where: str = ""
    plain: bool = False


def parse_yaml(text: str, file: str, first_line: int = 1) -> Node | None:
    """Parse one YAML document. Pure.

    Args:
        text: the document.
        file: what places begin with.
        first_line: line of ``file`` that the text starts at.

    Returns:
        The tree, or None for a text without a value.

    Raises:
        ConfigError: syntax, a repeated key, a key that is no text, an unknown tag, or too many or too deep values.
    """
    import yaml  # noqa: PLC0415 - heavy, and not needed by a run without a config

    library: Any = yaml  # it has no types

    try:
        root = library.compose(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"not YAML: {told}", where=_place(file, mark, first_line)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + first_line
        column = error.position - text.rfind("\n", 0, error.position)
        raise ConfigError(f"not YAML: character {error.character!r:.12}", where=f"{file}:{line}:{column}") from None
    except RecursionError:
        raise ConfigError("nested too deep", where=file) from None
    return None if root is None else _Reader(file, first_line).read(root, "", 0)


def parse_scalar(text: str) -> str | float | bool | None:
    """Return what a plain YAML scalar of this text is: a number, a boolean, None, or the text itself."""
    for kind, pattern, _ in _SCALARS:
        if re.fullmatch(pattern, text):
            return _scalar(kind, text)
    return text


def _scalar(kind: str, text: str) -> str | float | bool | None:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        prefix = text[:2].lower()
        return int(text, {"0o": 8, "0x": 16}.get(prefix, 10))
    if kind == "float":
        return float(text)
    return text


@cache
def _loader() -> Any:
    from yaml import SafeLoader  # noqa: PLC0415 - heavy

    class Core(SafeLoader):
        """Safe, with the scalars of YAML 1.2."""

        yaml_implicit_resolvers: Any = {}  # noqa: RUF012 - the name and the shape are the library's

    loader: Any = Core
    for kind, pattern, starts in _SCALARS:
        first = [start.replace("\0", "") for start in starts]
        loader.add_implicit_resolver(_TAG + kind, re.compile(f"^(?:{pattern})$"), first)
    return loader


def _place(file: str, mark: Any, first_line: int) -> str:
    return f"{file}:{mark.line + first_line}:{mark.column + 1}" if mark else file


class _Reader:
    """Turns the library's nodes into ours, counting, since an alias may stand for any number of them."""

    def __init__(self, file: str, first_line: int) -> None:
        self._file, self._first_line, self._left = file, first_line, MAX_NODES

    def read(self, node: Any, key_where: str, depth: int) -> Node:
        where = _place(self._file, node.start_mark, self._first_line)
        self._left -= 1
        if self._left < 0:
            raise ConfigError(f"more than {MAX_NODES} values", where=where, hint="aliases count each time")
        if depth > MAX_DEPTH:
            raise ConfigError(f"nested deeper than {MAX_DEPTH}", where=where, hint="does an alias hold itself?")
        kind = node.tag.removeprefix(_TAG)
        if kind == "map" and node.id == "mapping":
            return Node(self._mapping(node, depth), where, key_where)
        if kind == "seq" and node.id == "sequence":
            return Node([self.read(item, "", depth + 1) for item in node.value], where, key_where)
        if node.id != "scalar" or kind not in {"str", "null", "bool", "int", "float", "merge"}:
            raise ConfigError(
                f"the tag {node.tag!r} means nothing here", where=where, hint="write the value without it"
            )
        try:
            return Node(_scalar(kind, node.value), where, key_where, plain=kind == "str" and node.style is None)
        except ValueError:
            raise ConfigError(f"{node.value!r:.60} is no {kind}", where=where) from None

    def _mapping(self, node: Any, depth: int) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in node.value:
            where = _place(self._file, key.start_mark, self._first_line)
            if key.tag == _TAG + "merge":
                merged = self._merge(self.read(value, where, depth + 1)) | merged
                continue
            if key.tag != _TAG + "str":
                raise ConfigError("a key must be a text", where=where, hint="put it in quotes")
            if key.value in own:
                raise ConfigError(
                    f"the key {key.value!r} stands twice; first at {own[key.value].key_where}", where=where
                )
            own[key.value] = self.read(value, where, depth + 1)
        return merged | own

    def _merge(self, source: Node) -> dict[str, Node]:
        """Return what ``<<`` brings in: one mapping, or a list of them of which the first wins."""
        parts = source.value if isinstance(source.value, list) else [source]
        merged: dict[str, Node] = {}
        for part in parts:
            if not isinstance(part.value, dict):
                raise ConfigError("<< takes a mapping", where=part.where)
            merged = part.value | merged
        return merged
