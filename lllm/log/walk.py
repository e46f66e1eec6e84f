"""How parsed JSON is walked: without recursion, since a model may nest its arguments deeper than Python's stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, cast

Node: TypeAlias = dict[str, Any] | list[Any]


def containers(root: Any) -> Iterator[Node]:
    """Yield every plain dict and list of parsed JSON, parents first.

    The caller may change a node before it asks for the next one; what then stands in the node is walked.
    """
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        # Exact types: a subclass marks a value that must not be walked into.
        if type(node) is dict:
            known = cast("dict[str, Any]", node)
            yield known
            stack.extend(known.values())
        elif type(node) is list:
            items = cast("list[Any]", node)
            yield items
            stack.extend(items)


def entries(node: Node) -> list[tuple[Any, Any]]:
    """Return key and value of every entry of a node; ``node[key] = value`` replaces one."""
    return list(node.items()) if isinstance(node, dict) else list(enumerate(node))
