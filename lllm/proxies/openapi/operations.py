"""The operations of a document as endpoints: which there are, what each is called, and which are left out and why."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from lllm.errors import ConfigError
from lllm.proxies.openapi.access import alternatives, is_kin, to_access, to_base_url
from lllm.proxies.openapi.answers import read_answer
from lllm.proxies.openapi.document import Document, to_dict, to_text, to_word
from lllm.proxies.openapi.names import Names, to_class_name, to_line, to_name, to_title_name
from lllm.proxies.openapi.parameters import Reader
from lllm.proxies.openapi.plan import Access, LeftOut, Operation, Param, Plan, UnfitError, Wanted
from lllm.proxies.openapi.selection import METHODS, is_meant, tags_of

_MAX_PATH = 500
_SENT = frozenset(METHODS[:5])
# What may stand between two ``{name}``: nothing that ends a path, leaves it, or is no sign of a URL.
_PATH = re.compile(r"(?!.*//)/(?:[A-Za-z0-9._~!$&'()*+,;=:@%/-]|\{[^{}/?#\\\x00-\x20]{1,100}\})*")
_CLIMBING = {".", ".."}


def build_plan(document: Document, wanted: Wanted) -> Plan:
    """Decide what a document's module says.

    Raises:
        ConfigError: the document does not say where its service is, or has more than a module should.
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


class _Importer:
    """Walks the paths once and keeps what is taken and what is not."""

    def __init__(self, document: Document, wanted: Wanted, access: Access) -> None:
        self._document, self._wanted, self.access = document, wanted, access
        self._operations: list[Operation] = []
        self._endpoints: defaultdict[str, Names] = defaultdict(Names)
        self._functions = Names(function=True)
        self.left_out: list[LeftOut] = []
        self.seen = self._values = 0

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
        for method in METHODS:
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
        self._values += sum(1 + len(param.allowed) for param in operation.params)
        most, values = self._wanted.max_operations, self._wanted.max_values
        if len(self._operations) > most or self._values > values:
            told = f"over {most:,} operations, or {values:,} parameters and allowed values of theirs"
            raise ConfigError(f"the module would be too large: {told}", hint="choose with --only")
        self.left_out += reader.left_out

    def _check(self, method: str, path: str, stated: Mapping[Any, Any]) -> None:
        if self._wanted.only and not any(is_meant(only, path, tags_of(stated)) for only in self._wanted.only):
            raise UnfitError("not asked for with --only")
        if stated.get("deprecated") is True and not self._wanted.deprecated:
            raise UnfitError("deprecated")
        if method not in _SENT:
            raise UnfitError("of a method that a proxy does not send")
        if len(path) > _MAX_PATH or not _PATH.fullmatch(path) or _CLIMBING & set(unquote(path).split("/")):
            raise UnfitError("its path cannot be called", path)

    def _read(
        self, method: str, path: str, item: Mapping[Any, Any], stated: Mapping[Any, Any], reader: Reader
    ) -> Operation:
        params = reader.read_params(path, item.get("parameters"), stated.get("parameters"))
        fields, body_type = reader.read_body(stated.get("requestBody"))
        answer, response = read_answer(self._document, to_dict(stated.get("responses")))
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
        tags = tags_of(stated)
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


def _without_doubles(params: list[Param], access: Access) -> tuple[Param, ...]:
    """Return the parameters without the key's own, which is sent anyway."""
    if access.api_key_in not in {"query", "header"}:
        return tuple(params)
    own = (access.api_key_in, access.api_key_name.lower())
    return tuple(each for each in params if (each.place, each.wire.lower()) != own)
