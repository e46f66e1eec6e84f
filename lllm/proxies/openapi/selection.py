"""Which operations of a document the user means: by tag, or by path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lllm.proxies.openapi.document import Document, to_dict, to_list
from lllm.proxies.openapi.plan import UnfitError

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")


def tags_of(operation: Mapping[Any, Any]) -> list[str]:
    """Return the tags of an operation. Pure."""
    return [tag for tag in to_list(operation.get("tags")) if isinstance(tag, str)]


def is_meant(only: str, path: str, tags: Iterable[str]) -> bool:
    """Tell whether an operation is meant by one of ``Wanted.only``. Pure."""
    if only.startswith("/"):
        return fnmatchcase(path, only)
    return any(fnmatchcase(tag.casefold(), only.casefold()) for tag in tags)


def list_tags(document: Document) -> list[str]:
    """Return the tags that the document's operations have, sorted. Pure."""
    return sorted({tag for _, tags in _iter_operations(document) for tag in tags})


def list_unmatched(document: Document, only: Iterable[str]) -> list[str]:
    """Return those of ``Wanted.only`` that no operation is meant by. Pure."""
    operations = list(_iter_operations(document))
    return [each for each in only if not any(is_meant(each, path, tags) for path, tags in operations)]


def _iter_operations(document: Document) -> Iterator[tuple[str, list[str]]]:
    for path, item in to_dict(document.root.get("paths")).items():
        for method in METHODS:
            try:
                operation = document.resolve(document.resolve(item).get(method))
            except UnfitError:
                continue
            if operation:
                yield str(path).partition("#")[0], tags_of(operation)
