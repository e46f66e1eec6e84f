"""The operations of a document as endpoints: which there are, what each is called, and which are left out and why."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any
from urllib.parse import unquote

from lllm.errors import ConfigError
from lllm.proxies.openapi.access import alternatives, is_kin, to_access, to_base_url
from lllm.proxies.openapi.document import Document, to_dict, to_list, to_text, to_word
from lllm.proxies.openapi.examples import make_up, shorten
from lllm.proxies.openapi.names import Names, to_class_name, to_line, to_name, to_title_name
from lllm.proxies.openapi.parameters import Reader, find_json
from lllm.proxies.openapi.plan import JSON, Access, LeftOut, Operation, Param, Plan, UnfitError, Wanted
from lllm.proxies.openapi.schema import Folder

MAX_OPERATIONS = 20_000
_MAX_PATH = 500
_METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
_SENT = frozenset(_METHODS[:5])
# What may stand between two ``{name}``: nothing that ends a path, leaves it, or is no sign of a URL.
_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%/-]|\{[^{}/?#\\\x00-\x20]{1,100}\})*")


def build_plan(document: Document, wanted: Wanted) -> Plan:
    """Decide what a document's module says.

    Raises:
        ConfigError: the document does not say where its service is.
    """
    info = to_dict(document.root.get("info"))
    title = to_text(info.get("title"))
    name = to_name(wanted.name, "service") if wanted.name else to_title_name(title)
    importer = _Importer(document, wanted, to_access(document, wanted.base_url))
    for path, item in to_dict(document.root.get("paths")).items():
        importer.take_path(str(path), item)
    return Plan(
        name,
        to_line(title, limit=60) or to_class_name(name),
        to_word(info.get("version"))[:40],
        to_line(to_text(info.get("summary")), to_text(info.get("description")), title),
        importer.access,
        importer.sorted_operations(),
        tuple(importer.left_out),
        importer.seen,
    )


def list_tags(document: Document) -> list[str]:
    """Return the tags that the document's operations have, sorted. Pure."""
    return sorted({tag for _, tags in _iter_tags(document) for tag in tags})


def list_unmatched(document: Document, only: Iterable[str]) -> list[str]:
    """Return those of ``Wanted.only`` that no operation is meant by. Pure."""
    operations = list(_iter_tags(document))
    return [each for each in only if not any(_is_meant(each, path, tags) for path, tags in operations)]


def _iter_tags(document: Document) -> Iterator[tuple[str, list[str]]]:
    for path, item in to_dict(document.root.get("paths")).items():
        for method in _METHODS:
            try:
                stated = document.resolve(document.resolve(item).get(method))
            except UnfitError:
                continue
            if stated:
                yield str(path), _tags_of(stated)


def _tags_of(stated: Mapping[Any, Any]) -> list[str]:
    return [tag for tag in to_list(stated.get("tags")) if isinstance(tag, str)]


class _Importer:
    """Walks the paths once and keeps what is taken and what is not."""

    def __init__(self, document: Document, wanted: Wanted, access: Access) -> None:
        self._document, self._wanted, self.access = document, wanted, access
        self._operations: list[Operation] = []
        self._endpoints: defaultdict[str, Names] = defaultdict(Names)
        self._functions = Names(function=True)
        self.left_out: list[LeftOut] = []
        self.seen = 0

    def sorted_operations(self) -> tuple[Operation, ...]:
        """Return what was taken, each category in one piece, in the order of the document."""
        order = {name: at for at, name in enumerate(dict.fromkeys(each.category for each in self._operations))}
        return tuple(sorted(self._operations, key=lambda each: order[each.category]))

    def take_path(self, path: str, item: Any) -> None:
        """Take the operations of one path."""
        try:
            stated = self._document.resolve(item)
        except UnfitError as error:
            self.seen += 1
            self.left_out.append(LeftOut(path[:_MAX_PATH], "", error.reason, error.detail))
            return
        for method in _METHODS:
            if method in stated:
                self.seen += 1
                self._take(method, path, stated)

    def _take(self, method: str, path: str, item: Mapping[Any, Any]) -> None:
        label = f"{method.upper()} {path[:_MAX_PATH]}"
        path = path.partition("#")[0]  # some documents tell operations of one path apart by what is never sent
        reader = Reader(self._document, label, deprecated=self._wanted.deprecated)
        try:
            stated = self._document.resolve(item[method])
            self._check(method, path, stated)
            operation = self._read(method, path, item, stated, reader)
        except UnfitError as error:
            self.left_out.append(LeftOut(label, "", error.reason, error.detail))
            return
        self._operations.append(operation)
        if len(self._operations) > MAX_OPERATIONS:
            raise ConfigError(f"the document has more than {MAX_OPERATIONS:,} operations", hint="choose with --only")
        self.left_out += reader.left_out

    def _check(self, method: str, path: str, stated: Mapping[Any, Any]) -> None:
        if self._wanted.only and not any(_is_meant(only, path, _tags_of(stated)) for only in self._wanted.only):
            raise UnfitError("not asked for with --only")
        if stated.get("deprecated") is True and not self._wanted.deprecated:
            raise UnfitError("deprecated")
        if method not in _SENT:
            raise UnfitError("of a method that a proxy does not send")
        if (
            len(path) > _MAX_PATH
            or not _PATH.fullmatch(path)
            or "//" in path
            or {".", ".."} & set(unquote(path).split("/"))
        ):
            raise UnfitError("its path cannot be called", path[:_MAX_PATH])

    def _read(
        self, method: str, path: str, item: Mapping[Any, Any], stated: Mapping[Any, Any], reader: Reader
    ) -> Operation:
        params = reader.read_params(path, item.get("parameters"), stated.get("parameters"))
        fields, body_type = reader.read_body(stated.get("requestBody"))
        answer, response = self._read_answer(to_dict(stated.get("responses")))
        base_url, needs_key = self._base_url(item, stated), self._needs_key(stated)
        if base_url and needs_key and self.access.schemes and not is_kin(base_url, self.access.base_url):
            reader.tell("key", "on another host, so that no key is sent there", base_url)
            needs_key = False
        category, endpoint, function = self._name(method, path, stated)
        return Operation(
            method.upper(),
            path,
            category,
            endpoint,
            function,
            to_line(to_text(stated.get("summary")), to_text(stated.get("description")), function.replace("_", " ")),
            base_url,
            _without_doubles([*params, *fields], self.access),
            response,
            answer,
            body_type,
            needs_key,
        )

    def _name(self, method: str, path: str, stated: Mapping[Any, Any]) -> tuple[str, str, str]:
        """Return the category, the endpoint in it, and the name of the method that declares it."""
        parts = [part for part in path.split("/") if part and not part.startswith("{")]
        tags = _tags_of(stated)
        category = to_name(tags[0] if tags else next(iter(parts), ""), "default")
        plain = to_name(re.sub(r"\{([^{}]*)\}", r"by \1", f"{method} {path}"))
        whole = to_name(to_text(stated.get("operationId")), plain)
        short = whole.removeprefix(f"{category}_")
        return category, self._endpoints[category].take(short), self._functions.take(whole)

    def _base_url(self, item: Mapping[Any, Any], stated: Mapping[Any, Any]) -> str:
        servers = stated.get("servers") or item.get("servers")
        if not servers or self._wanted.base_url:
            return ""
        url = to_base_url(servers)
        return "" if url == self.access.base_url else url

    def _needs_key(self, stated: Mapping[Any, Any]) -> bool:
        if "security" not in stated or not self.access.schemes:
            return True
        asked = alternatives(stated["security"])
        if not asked or asked == [set()]:
            return False
        if not any(each <= self.access.schemes for each in asked):
            raise UnfitError("it asks for another key", ", ".join(sorted(set[str]().union(*asked))))
        return True

    def _read_answer(self, responses: Mapping[Any, Any]) -> tuple[str, JSON]:
        """Return ``json`` or ``text``, and a short example of the answer."""
        good = {str(code).upper(): stated for code, stated in responses.items()}
        codes = [code for code in good if code.startswith("2")] or [code for code in good if code == "DEFAULT"]
        if good and not codes:
            raise UnfitError("it has no answer that a proxy reads", ", ".join(islice(good, 5)))
        contents = [to_dict(self._document.resolve(good[code]).get("content")) for code in codes]
        for content in contents:
            if (media := find_json(content)) is not None:
                return "json", self._example_of(media)
        for content in contents:
            if any(str(name).startswith("text/") and "event-stream" not in str(name) for name in content):
                return "text", None
        if all(contents) and contents:
            raise UnfitError(
                "its answer is neither JSON nor text", ", ".join(str(name)[:40] for name in islice(contents[0], 3))
            )
        return "json", None

    def _example_of(self, media: Mapping[Any, Any]) -> JSON:
        folder = Folder(self._document)
        try:
            if (example := media.get("example")) is not None:
                return shorten(example)
            for named in to_dict(media.get("examples")).values():
                if (example := self._document.resolve(named).get("value")) is not None:
                    return shorten(example)
            schema = folder.fold(media.get("schema"))
        except UnfitError:
            return None
        return shorten(make_up(folder, schema, whole=True)) if schema.type else None


def _is_meant(only: str, path: str, tags: list[str]) -> bool:
    if only.startswith("/"):
        return fnmatchcase(path, only)
    return any(fnmatchcase(tag.casefold(), only.casefold()) for tag in tags)


def _without_doubles(params: list[Param], access: Access) -> tuple[Param, ...]:
    """Return the parameters without the key's own, which is sent anyway."""
    if access.api_key_in not in {"query", "header"}:
        return tuple(params)
    own = (access.api_key_in, access.api_key_name.lower())
    return tuple(each for each in params if (each.place, each.wire.lower()) != own)


def iter_names(params: tuple[Param, ...]) -> Iterator[tuple[str, Param]]:
    """Yield each parameter with the name that a caller gives it: its own, where that is plain and free. Pure."""
    names = Names()
    for param in params:
        plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\-\[\]]{0,99}", param.wire) is not None
        if param.place == "path" or not plain:
            name = (
                param.wire if re.fullmatch(r"[A-Za-z_]\w{0,99}", param.wire, re.ASCII) else to_name(param.wire, "body")
            )
        else:
            name = param.wire
        yield names.take(name if name not in names else f"{param.place}_{to_name(name)}"), param
