"""Bytes to a document, and its references to what they mean; the only part that knows JSON pointers.

A document is anybody's: it is bounded in size and depth, tags make no objects, and a reference never leaves the text.
Nothing here expands references; whoever follows them bounds how far.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from lllm.errors import ConfigError
from lllm.proxies.openapi.plan import UnfitError
from lllm.proxies.openapi.yaml_text import parse_yaml

MAX_BYTES = 100 << 20
MAX_YAML_BYTES = 16 << 20
"""YAML costs fifty times what JSON does."""
_MAX_HOPS = 32


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


@dataclass(slots=True)
class Document:
    """An OpenAPI document as plain data.

    Attributes:
        n_folded: how many schemas were folded so far; a small document can ask for any number.
    """

    root: dict[Any, Any]
    n_folded: int = 0

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
    if text.lstrip()[:1] in {"{", "["}:
        return Document(_checked(_parse_json(text, where), where))
    if len(text) > MAX_YAML_BYTES:
        hint = "convert it to JSON first"
        raise ConfigError(f"a YAML document may have {MAX_YAML_BYTES >> 20} MiB", where=where, hint=hint)
    return Document(_checked(parse_yaml(text, where), where))


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
    except RecursionError:
        raise ConfigError("not JSON: nested too deep", where=where) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise ConfigError(f"not JSON: {error}", where=where) from None
