"""What an import found in a document, before it becomes text: endpoints, the way to them, and what was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

JSON: TypeAlias = "str | int | float | bool | list[Any] | dict[str, Any] | None"


class UnfitError(Exception):
    """A part of the document that a proxy cannot say; whoever reads the part leaves it out and tells why.

    Args:
        reason: the same text for every part of this kind, by which parts are counted.
        detail: what it is about, as the document has it.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail[:200]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of the document that is not in the module, or only in part.

    Attributes:
        operation: such as ``GET /pets``.
        part: the parameter; empty where the whole operation is left out.
    """

    operation: str
    part: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asks for.

    Attributes:
        only: tags, and globs of paths, which begin with ``/``; empty is everything.
        deprecated: also what the document calls deprecated.
        name: name of the module; empty takes the title's.
        base_url: in place of the document's servers.
        max_operations: a larger module helps nobody; documents of 16,000 operations exist.
        max_values: of parameters and their allowed values, together.
    """

    only: tuple[str, ...] = ()
    deprecated: bool = False
    name: str = ""
    base_url: str = ""
    max_operations: int = 5000
    max_values: int = 200_000


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter.

    Attributes:
        place: ``path``, ``query``, ``header`` or ``body``.
        wire: its name in the document; a body whose wire name is empty is the parameter's value as a whole.
        kind: a type of :class:`~lllm.proxies.base.Endpoint`'s params, such as ``int`` or ``date``.
        allowed: its only values; empty is any.
        list_style: how a list in the query is written.
    """

    wire: str
    place: str
    kind: str
    example: JSON
    required: bool = False
    allowed: tuple[JSON, ...] = ()
    list_style: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that becomes an endpoint.

    Attributes:
        path: as the document has it, ``{name}`` for each parameter in it.
        base_url: empty is the module's.
    """

    method: str
    path: str
    category: str
    endpoint: str
    function: str
    description: str = ""
    base_url: str = ""
    params: tuple[Param, ...] = ()
    response: JSON = None
    answer: str = "json"
    body_type: str = "json"
    needs_key: bool = True


@dataclass(frozen=True, slots=True)
class Access:
    """Where the service is, and how its key is sent; the fields are those of a proxy class.

    Attributes:
        schemes: names of the document's security schemes that want a key sent in this way; empty where none is sent.
        notes: what a reader of the module must know of it.
    """

    base_url: str
    api_key_in: str = "none"
    api_key_name: str = ""
    api_key_prefix: str = ""
    api_key_optional: bool = False
    schemes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a module says, and what it does not.

    Attributes:
        seen: how many operations the document has.
    """

    name: str
    title: str
    version: str
    description: str
    access: Access
    operations: tuple[Operation, ...]
    left_out: tuple[LeftOut, ...] = ()
    seen: int = 0

    def count_reasons(self, *, whole: bool) -> dict[str, int]:
        """Return how often each reason left out operations, or parts of operations; the most frequent first."""
        found = Counter(each.reason for each in self.left_out if (not each.part) is whole)
        return dict(sorted(found.items(), key=lambda row: (-row[1], row[0])))
