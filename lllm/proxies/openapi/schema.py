"""A schema, with its references and alternatives folded together, as far as a parameter's declaration can say it.

Schemas may hold themselves, so folding has a depth and a budget; what lies behind them counts as unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lllm.errors import ConfigError
from lllm.proxies.openapi.document import Document, to_dict, to_list

_MAX_DEPTH = 16
_BUDGET = 2000
_MAX_FOLDED = 200_000
_MAX_PARTS = 100
MAX_PROPERTIES = 500
_KEYWORDS = (
    *("type", "format", "enum", "const", "items", "default", "example", "examples", "readOnly", "deprecated"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"),
)
_KINDS = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}


@dataclass(slots=True)
class Schema:
    """One schema.

    Attributes:
        type: a type of JSON, such as ``integer``; empty where the document does not say.
        words: those of its keywords that say something of a value.
        properties: of an object, by name, not folded.
        required: names among the properties.
        several: values of other types are allowed too.
    """

    type: str = ""
    words: dict[Any, Any] = field(default_factory=dict[Any, Any])
    properties: dict[str, Any] = field(default_factory=dict[str, Any])
    required: set[str] = field(default_factory=set[str])
    several: bool = False


class Folder:
    """Folds the schemas of a document; one folder is for one parameter, or one body."""

    def __init__(self, document: Document) -> None:
        self._document, self._left = document, _BUDGET

    def fold(self, schema: Any, prefer: str = "", depth: int = 0) -> Schema:
        """Return what a schema says.

        Args:
            schema: as the document has it.
            prefer: the type to take where there are several; ``-object`` is any but objects.
            depth: how many schemas it stands in.

        Raises:
            ConfigError: the whole document asked for more than anybody waits for.
            UnfitError: a reference leads out of the document, nowhere, or in a circle.
        """
        self._left -= 1
        self._document.n_folded += 1
        if self._document.n_folded > _MAX_FOLDED:
            raise ConfigError("the document's schemas hold each other too often", hint="choose with --only")
        if depth > _MAX_DEPTH or self._left < 0:
            return Schema()
        words = self._document.resolve(schema)
        known = {word: words[word] for word in _KEYWORDS if word in words}
        folded = Schema(_type_of(words), known, _properties(words), _required(words), _has_several(words))
        for part in to_list(words.get("allOf"))[:_MAX_PARTS]:
            _add(folded, self.fold(part, prefer, depth + 1))
        for word in ("oneOf", "anyOf"):
            parts = [self.fold(part, prefer, depth + 1) for part in to_list(words.get(word))[:_MAX_PARTS]]
            _choose(folded, [part for part in parts if not _is_null(part)], prefer)
        return folded


def type_of_value(value: Any) -> str:
    """Return the JSON type of a value; empty for null, and for what JSON does not have. Pure."""
    return next((name for name, kind in _KINDS.items() if type(value) is kind), "")


def _is_null(part: Schema) -> bool:
    return part.words.get("type") == "null" or part.words.get("enum") == [None]


def _types(words: dict[Any, Any]) -> list[str]:
    stated = words.get("type")
    return [name for name in (to_list(stated)[:_MAX_PARTS] or [stated]) if isinstance(name, str) and name in _KINDS]


def _has_several(words: dict[Any, Any]) -> bool:
    return len({"number" if name == "integer" else name for name in _types(words)}) > 1


def _type_of(words: dict[Any, Any]) -> str:
    """Return the type, also where only other keywords tell it."""
    if stated := _types(words):
        return stated[0]
    if to_dict(words.get("properties")) or to_dict(words.get("additionalProperties")):
        return "object"
    if "items" in words:
        return "array"
    values = [*to_list(words.get("enum"))[:_MAX_PARTS], words.get("const"), words.get("default"), words.get("example")]
    return next((name for value in values if (name := type_of_value(value))), "")


def _properties(words: dict[Any, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in islice(to_dict(words.get("properties")).items(), MAX_PROPERTIES)
        if isinstance(name, str)
    }


def _required(words: dict[Any, Any]) -> set[str]:
    return {name for name in to_list(words.get("required"))[:MAX_PROPERTIES] if isinstance(name, str)}


def _add(folded: Schema, part: Schema) -> None:
    """Fold in a part of which everything holds."""
    folded.type = folded.type or part.type
    folded.words = {**part.words, **folded.words}
    folded.properties = {**part.properties, **folded.properties}
    folded.required |= part.required
    folded.several |= part.several


def _choose(folded: Schema, parts: list[Schema], prefer: str) -> None:
    """Fold in what is allowed of several schemas: of objects their union, else the first that fits."""
    if not parts:
        return
    types = [part.type for part in parts if part.type]
    taken = folded.type or _preferred(types, prefer)
    folded.several |= any(name != taken for name in types) or any(part.several for part in parts)
    fitting = [part for part in parts if part.type == taken or (not part.type and taken == "object")]
    if not fitting:
        return
    folded.type = taken
    if taken == "object":
        folded.required |= {name for name in fitting[0].required if all(name in part.required for part in fitting)}
        for part in fitting:
            folded.properties = {**part.properties, **folded.properties}
        return
    folded.words = {**fitting[0].words, **folded.words}
    if len(fitting) > 1:
        folded.words["enum"] = _enums(fitting)
        folded.words.pop("const", None)


def _preferred(types: Iterable[str], prefer: str) -> str:
    types = list(types)
    if prefer.startswith("-"):
        return next((name for name in types if name != prefer[1:]), types[0] if types else "")
    return prefer if prefer in types else next(iter(types), "")


def _enums(parts: list[Schema]) -> list[Any]:
    """Return the values of several alternatives of one type; none where one of them allows any."""
    enums = [[part.words["const"]] if "const" in part.words else to_list(part.words.get("enum")) for part in parts]
    return [value for enum in enums for value in enum] if all(enums) else []
