"""The parameters and the body of one operation as params of an endpoint, and those that a proxy cannot send."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from lllm.proxies.openapi.access import HEADER_NAME
from lllm.proxies.openapi.document import Document, to_dict, to_list, to_text
from lllm.proxies.openapi.examples import to_allowed, to_example
from lllm.proxies.openapi.plan import LeftOut, Param, UnfitError
from lllm.proxies.openapi.schema import MAX_PROPERTIES, Folder, Schema

# OpenAPI 3.0.4, Parameter Object (read 2026-11-21): parameters of these names in a header are to be ignored.
_IGNORED_HEADERS = {"accept", "content-type", "authorization"}
_KINDS = {"integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
FORM = "application/x-www-form-urlencoded"
_JSON_TYPE = re.compile(r"(application/json|[\w.+-]+/[\w.+-]+\+json)\s*(;.*)?", re.IGNORECASE)


class Reader:
    """Reads what one operation is given; what is left out collects in ``left_out``."""

    def __init__(self, document: Document, operation: str, *, deprecated: bool) -> None:
        self._document, self._operation, self._deprecated = document, operation, deprecated
        self.left_out: list[LeftOut] = []

    def read_params(self, path: str, *lists: Any) -> list[Param]:
        """Return the parameters outside of the body; a later list overrides an earlier one.

        Raises:
            UnfitError: one that is required cannot be sent.
        """
        found: dict[tuple[str, str], Mapping[Any, Any]] = {}
        for each in lists:
            if len(to_list(each)) > MAX_PROPERTIES:
                raise UnfitError(f"it has more than {MAX_PROPERTIES} parameters")
            for item in to_list(each):
                stated = self._document.resolve(item)
                found[to_text(stated.get("name")), to_text(stated.get("in"))] = stated
        in_path = dict.fromkeys(_TEMPLATE.findall(path))
        params = [self._sent_in_path(name, found.get((name, "path"), {})) for name in in_path]
        for (name, place), stated in found.items():
            if place != "path":
                params += self._read(name, place, stated)
        return params

    def _sent_in_path(self, name: str, stated: Mapping[Any, Any]) -> Param:
        folder, schema = self._fold(stated, "-object")
        kind = _kind_of(schema) if schema.type not in {"array", "object"} else "str"
        text = schema if schema.type not in {"array", "object"} else Schema("string")
        example = to_example(folder, text, _examples(self._document, stated))
        if isinstance(example, str) and re.search(r"^\.*$|[/\\%\x00-\x1f\x7f]", example):
            example = "text"  # one that would end its part of the path, or leave it
            text = Schema("string")
        return Param(name, "path", kind, example, required=True, allowed=to_allowed(folder, text))

    def _read(self, name: str, place: str, stated: Mapping[Any, Any]) -> Iterable[Param]:
        required = stated.get("required") is True
        if place == "header" and name.lower() in _IGNORED_HEADERS:
            return
        try:
            self._check_age(stated, required=required)
            yield self._sent(name, place, stated, required=required)
        except UnfitError as error:
            if required:
                raise UnfitError(f"it needs {error.reason}", name) from None
            self.tell(name, error.reason, error.detail)

    def _check_age(self, stated: Mapping[Any, Any], *, required: bool) -> None:
        if stated.get("deprecated") is True and not required and not self._deprecated:
            raise UnfitError("a deprecated parameter")

    def _sent(self, name: str, place: str, stated: Mapping[Any, Any], *, required: bool) -> Param:
        if place not in {"query", "header"} or (place == "header" and not HEADER_NAME.fullmatch(name)):
            raise UnfitError(f"a parameter in the {place}" if place == "cookie" else "a parameter of no known place")
        if not name or not name.isprintable():
            raise UnfitError("a parameter without a usable name")
        folder, schema = self._fold(stated, "-object")
        if place == "header":
            return self._sent_as_header(name, folder, schema, stated, required=required)
        style, kind = _style_of(stated, schema), _kind_of(schema)
        example = to_example(folder, schema, _examples(self._document, stated))
        self._tell_types(name, schema)
        return Param(name, place, kind, example, required, to_allowed(folder, schema), style if kind == "list" else "")

    def _sent_as_header(
        self, name: str, folder: Folder, schema: Schema, stated: Mapping[Any, Any], *, required: bool
    ) -> Param:
        schema = Schema("string") if schema.type in {"array", "object"} else schema
        example = to_example(folder, schema, _examples(self._document, stated))
        allowed = to_allowed(folder, schema)
        if not all(str(value).isascii() and str(value).isprintable() for value in (example, *allowed)):
            example, allowed = "text", ()  # a header is of one line of ASCII
        self._tell_types(name, schema)
        return Param(name, "header", _kind_of(schema), example, required, allowed)

    def _tell_types(self, name: str, schema: Schema) -> None:
        if schema.several:
            self.tell(name, "of several types, only one is taken", _kind_of(schema))

    def _fold(self, stated: Mapping[Any, Any], prefer: str) -> tuple[Folder, Schema]:
        content = to_dict(next(iter(to_dict(stated.get("content")).values()), None))
        folder = Folder(self._document)
        return folder, folder.fold(stated.get("schema") or content.get("schema"), prefer)

    def tell(self, part: str, reason: str, detail: str = "") -> None:
        """Note a part that is left out."""
        self.left_out.append(LeftOut(self._operation, part[:100], reason, detail[:200]))

    def read_body(self, stated: Any) -> tuple[list[Param], str]:
        """Return the parameters in the body, and ``json`` or ``form``.

        Raises:
            UnfitError: a body is required that cannot be sent.
        """
        body = self._document.resolve(stated)
        try:
            return self._sent_in_body(to_dict(body.get("content")))
        except UnfitError as error:
            if body.get("required") is True:
                raise
            self.tell("body", error.reason, error.detail)
            return [], "json"

    def _sent_in_body(self, content: Mapping[Any, Any]) -> tuple[list[Param], str]:
        if not content:
            return [], "json"
        media, form = find_json(content), False
        if media is None:
            media, form = content.get(FORM), True
        if media is None:
            raise UnfitError("its body is neither JSON nor a form", name_some(content))
        media = to_dict(media)
        folder = Folder(self._document)
        schema = folder.fold(media.get("schema"), "object")
        given = [to_dict(value) for value in _examples(self._document, media)]
        if schema.type == "object" and schema.properties:
            return self._fields(schema, given), "form" if form else "json"
        if form:
            raise UnfitError("its form has no named fields")
        return [self._whole(folder, schema, _examples(self._document, media))], "json"

    def _whole(self, folder: Folder, schema: Schema, given: list[Any]) -> Param:
        """Return the one parameter that is a body without named fields."""
        schema.type = schema.type or "object"
        return Param("", "body", _kind_of(schema), to_example(folder, schema, given), required=True)

    def _fields(self, schema: Schema, given: list[dict[Any, Any]]) -> list[Param]:
        params: list[Param] = []
        for name, stated in schema.properties.items():
            required = name in schema.required
            try:
                if (
                    param := self._field(name, Folder(self._document).fold(stated), given, required=required)
                ) is not None:
                    params.append(param)
            except UnfitError as error:
                if required:
                    raise
                self.tell(name, error.reason, error.detail)
        return params

    def _field(self, name: str, schema: Schema, given: list[dict[Any, Any]], *, required: bool) -> Param | None:
        if schema.words.get("readOnly") is True:
            return None
        if not name or not name.isprintable():
            raise UnfitError("a parameter without a usable name")
        self._check_age(schema.words, required=required)
        self._tell_types(name, schema)
        folder = Folder(self._document)
        example = to_example(folder, schema, [each.get(name) for each in given])
        return Param(name, "body", _kind_of(schema), example, required, to_allowed(folder, schema))


def find_json(content: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    """Return the JSON one of several media types; None where there is none. Pure."""
    for name, media in content.items():
        stated = str(name)[:200].strip()
        if _JSON_TYPE.fullmatch(stated) or stated == "*/*":
            return to_dict(media)
    return None


def name_some(content: Mapping[Any, Any]) -> str:
    """Return the first few media types. Pure."""
    return ", ".join(str(name)[:40] for name in islice(content, 3))


def _kind_of(schema: Schema) -> str:
    if schema.words.get("format") == "date" and schema.type == "string":
        return "date"
    return _KINDS.get(schema.type, "str")


def _examples(document: Document, stated: Mapping[Any, Any]) -> list[Any]:
    """Return the examples beside a schema."""
    found = [stated.get("example")]
    for named in to_dict(stated.get("examples")).values():
        try:
            found.append(document.resolve(named).get("value"))
        except UnfitError:
            continue
    return found


def _style_of(stated: Mapping[Any, Any], schema: Schema) -> str:
    """Return how a list in the query is written.

    Raises:
        UnfitError: a style that no proxy writes.
    """
    style = stated.get("style", "form")
    if schema.type == "object" and not stated.get("content"):
        raise UnfitError("an object in the query", to_text(style))
    if schema.type == "array" and (style not in {"form", "deepObject"} or stated.get("content")):
        raise UnfitError("a list in the query of another style", to_text(style))
    return "comma" if stated.get("explode", True) is False else "repeat"
