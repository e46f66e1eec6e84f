"""Bytes to a document, and its references to what they mean; the only part that knows JSON, YAML and JSON pointers.

A document is anybody's: it is bounded in size and depth, tags make no objects, and a reference never leaves the text.
Nothing here expands references; whoever follows them bounds how far.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from urllib.parse import unquote

from lllm.errors import ConfigError
from lllm.proxies.openapi.plan import UnfitError

MAX_BYTES = 100 << 20
MAX_YAML_BYTES = 16 << 20
"""YAML costs fifty times what JSON does."""
_MAX_HOPS = 32
_TAG = "tag:yaml.org,2002:"
_CORE = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
)


def to_dict(value: Any) -> dict[Any, Any]:
    """Return a mapping as it is, anything else as an empty one."""
    return cast("dict[Any, Any]", value) if isinstance(value, dict) else {}


def to_list(value: Any) -> list[Any]:
    """Return a list as it is, anything else as an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def to_text(value: Any) -> str:
    """Return a text as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""


def to_word(value: Any) -> str:
    """Return a text or a number as text, anything else as an empty one: aliases make containers without bound."""
    return str(value) if isinstance(value, str | int | float) else ""


@dataclass(frozen=True, slots=True)
class Document:
    """An OpenAPI document as plain data."""

    root: dict[Any, Any]

    def resolve(self, node: Any) -> dict[Any, Any]:
        """Return an object behind its references; what is no object is an empty one.

        Raises:
            UnfitError: a reference leads out of the document, nowhere, or in a circle.
        """
        first = node
        for _ in range(_MAX_HOPS):
            found = to_dict(node)
            if not isinstance(found.get("$ref"), str):
                return found
            beside = {key: value for key, value in found.items() if key != "$ref"}
            target = to_dict(self._find(found["$ref"]))
            node = {**target, **beside} if beside else target
        raise UnfitError("a $ref leads in a circle", to_text(to_dict(first).get("$ref")))

    def _find(self, ref: str) -> Any:
        if not ref.startswith("#"):
            raise UnfitError("a $ref leads to another document", ref)
        node: Any = self.root
        for part in unquote(ref[1:]).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and key in node:
                node = cast("Any", node[key])
            elif isinstance(node, list) and key.isdecimal() and len(key) < 9 and int(key) < len(cast("Any", node)):
                node = cast("Any", node[int(key)])
            else:
                raise UnfitError("a $ref leads nowhere", ref)
        return node


def parse_document(data: bytes, where: str = "") -> Document:
    """Parse an OpenAPI 3 document in JSON, or in YAML of one document.

    Args:
        data: at most :data:`MAX_BYTES`.
        where: what errors name as the place.

    Raises:
        ConfigError: it is neither, too large or too deep, or no OpenAPI 3 document.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(f"the document is larger than {MAX_BYTES >> 20} MiB", where=where)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"the document is not UTF-8, at byte {error.start}", where=where) from None
    try:
        root = _parse_json(text, where) if text.lstrip()[:1] in {"{", "["} else _parse_yaml(text, where)
    except RecursionError:
        raise ConfigError("the document is nested too deep", where=where) from None
    return Document(_checked(root, where))


def _checked(root: Any, where: str) -> dict[Any, Any]:
    found = to_dict(root)
    if to_word(found.get("swagger")).startswith("2"):
        hint = "convert it to OpenAPI 3 first, such as with swagger2openapi"
        raise ConfigError("this is a Swagger 2.0 document", where=where, hint=hint)
    version = to_word(found.get("openapi"))
    if not re.match(r"3\.\d", version):
        told = f"its version is {version!r:.40}" if version else "it has no field 'openapi'"
        raise ConfigError(f"this is no OpenAPI 3 document: {told}", where=where)
    return found


def _parse_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"not JSON: {error.msg}", where=f"{where}:{error.lineno}:{error.colno}") from None
    except ValueError as error:  # a number of more digits than Python reads
        raise ConfigError(f"not JSON: {error}", where=where) from None


def _parse_yaml(text: str, where: str) -> Any:
    import yaml  # noqa: PLC0415 - heavy

    if len(text) > MAX_YAML_BYTES:
        hint = "convert it to JSON first"
        raise ConfigError(f"a YAML document may have {MAX_YAML_BYTES >> 20} MiB", where=where, hint=hint)
    library: Any = yaml  # it has no types
    try:
        return library.load(text, Loader=_loader())  # a safe one
    except library.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        told = ", ".join(part for part in (error.context, error.problem) if part)
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        raise ConfigError(f"not YAML: {told}", where=place) from None
    except (library.YAMLError, ValueError) as error:
        raise ConfigError(f"not YAML: {' '.join(str(error).split()):.200}", where=where) from None


@cache
def _loader() -> Any:
    """Return a safe loader with the scalars of YAML 1.2: ``no`` and dates are texts."""
    import yaml  # noqa: PLC0415 - heavy

    library: Any = yaml
    safe: Any = getattr(library, "CSafeLoader", library.SafeLoader)  # libyaml's own, ten times as fast

    class Core(safe):
        yaml_implicit_resolvers: Any = {}  # noqa: RUF012 - the name and the shape are the library's

        def flatten_mapping(self, node: Any) -> None:
            """Refuse ``<<``: each copies, so that a few lines could grow without bound."""
            for key, _ in node.value:
                if key.tag == f"{_TAG}merge":
                    raise library.constructor.ConstructorError(None, None, "<< is not read here", key.start_mark)

    loader: Any = Core
    for kind, pattern, first in _CORE:
        loader.add_implicit_resolver(f"{_TAG}{kind}", re.compile(f"^(?:{pattern})$"), first)
    loader.add_constructor(f"{_TAG}int", _read_int)
    return loader


def _read_int(loader: Any, node: Any) -> int:
    return int(loader.construct_scalar(node))  # 010 is ten
