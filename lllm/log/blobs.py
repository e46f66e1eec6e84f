"""Where large texts live: files named by the SHA-256 of their content, beside the sessions that refer to them.

In an event, a text over 8 KB is replaced by ``{"$blob": sha, "bytes": size}``. A dict of the user that has a key
``$blob`` of its own is stored with that key escaped, and gets it back when it is read.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from lllm.errors import LogCorrupt
from lllm.log.envelope import Event
from lllm.log.file import WriteOptions
from lllm.log.sync import make_folder, write_all
from lllm.log.walk import containers, entries
from lllm.utils import encode_json

FOLDER = "blobs"
OVER_BYTES = 8192
_REFERENCE = "$blob"
_MARK = f'{_REFERENCE}"'
_STORED = re.compile(rb'"\$blob"\s*:\s*"([0-9a-f]{64})"')
_SHA = re.compile(r"[0-9a-f]{64}")
_ESCAPED = re.compile(r"\$+\$blob")
_HINT = "`lllm log fsck` lists every blob that is missing or damaged"


def find_references(data: bytes) -> Iterator[str]:
    """Yield the SHA-256 of each blob that stored bytes refer to, sound or damaged, maybe again. Pure."""
    return (found[1].decode("ascii") for found in _STORED.finditer(data))


class _Reference(dict[str, Any]):
    """A dict that stands for a text; its type keeps it from being taken for data."""


def is_walk_needed(data_json: str) -> bool:
    """Return whether the text may hold a large string, or a key that must be escaped. Pure and cheap."""
    return len(data_json) > OVER_BYTES or _MARK in data_json


class BlobStore:
    """The blobs of one log.

    Args:
        folder: where they live, as ``ab/<sha256>``.
        options: how to write; where they promise anything about a power loss, a blob survives one before its event is
            written.
    """

    def __init__(self, folder: Path, options: WriteOptions) -> None:
        self.folder = folder
        self._options = options

    def save_large(self, data_json: str) -> str:
        """Store the large texts of one JSON object and return it with references in their place.

        Raises:
            OSError: a blob cannot be written; whoever owns the log poisons it.
        """
        data = json.loads(data_json)
        for node in containers(data):
            if isinstance(node, dict) and any(_is_like_reference(key) for key in node):
                _rename(node, lambda key: f"${key}" if _is_like_reference(key) else key)
            for key, value in entries(node):
                if isinstance(value, str) and len(value) * 4 > OVER_BYTES:
                    content = value.encode("utf-8", "surrogatepass")
                    if len(content) > OVER_BYTES:
                        node[key] = _Reference({_REFERENCE: self._save(content), "bytes": len(content)})
        return encode_json(data)

    def load_event(self, event: Event) -> Event:
        """Put the large texts of an event back into its data, in place, and return it.

        Raises:
            LogCorrupt: a blob is missing or is not what its name says; ``where`` is its file.
        """
        if _MARK.encode("ascii") in event.raw:
            for node, key, sha in _references(event.data):
                node[key] = self.load(sha)
            for node in containers(event.data):
                if isinstance(node, dict) and any(_ESCAPED.fullmatch(key) for key in node):
                    _rename(node, lambda key: key[1:] if _ESCAPED.fullmatch(key) else key)
        return event

    def find_bad(self, event: Event) -> Iterator[tuple[str, LogCorrupt]]:
        """Yield the SHA-256 of each blob of an event that is missing or damaged, and what is wrong with it."""
        if _MARK.encode("ascii") in event.raw:
            for _, _, sha in _references(event.data):
                try:
                    self.load(sha)
                except LogCorrupt as error:
                    yield sha, error

    def sync_event(self, event: Event) -> None:
        """Make the blobs of an event survive a power loss. One that is not there is the reader's to tell."""
        if _MARK.encode("ascii") in event.raw:
            for path in [self.path(sha) for _, _, sha in _references(event.data) if _SHA.fullmatch(sha)]:
                with suppress(FileNotFoundError):
                    self._sync(path)
                    self._sync_names(path)

    def path(self, sha: str) -> Path:
        """Return where the blob with this SHA-256 lives."""
        return self.folder / sha[:2] / sha

    def load(self, sha: str) -> str:
        """Return one blob's text, verified.

        Raises:
            LogCorrupt: it is missing or damaged; ``where`` is its file.
        """
        if not _SHA.fullmatch(sha):
            # Anything else could name a file elsewhere.
            raise LogCorrupt("a reference to a blob names no SHA-256", where=sha[:80], hint=_HINT)
        path = self.path(sha)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise LogCorrupt(f"a blob cannot be read: {error.strerror}", where=str(path), hint=_HINT) from error
        if sha256(content).hexdigest() != sha:
            raise LogCorrupt("a blob is damaged: its content does not fit its name", where=str(path), hint=_HINT)
        return content.decode("utf-8", "surrogatepass")

    def _save(self, content: bytes) -> str:
        sha = sha256(content).hexdigest()
        path = self.path(sha)
        if not _holds(path, content):
            make_folder(path.parent, self._sync_folder)
            self._write(path, content)
        elif self._options.is_durable:
            # Somebody else may have written it without waiting for the disk.
            self._sync(path)
        self._sync_names(path)
        return sha

    def _write(self, path: Path, content: bytes) -> None:
        """Write under a name of our own, then rename: a blob is there whole or not at all."""
        draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            with draft.open("wb", buffering=0) as file:
                write_all(self._options.write, file.fileno(), content)
                if self._options.is_durable:
                    self._options.sync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _sync(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY)
        try:
            self._options.sync(fd)
        finally:
            os.close(fd)

    def _sync_names(self, path: Path) -> None:
        for folder in (path.parent, self.folder, self.folder.parent):
            self._sync_folder(folder)

    def _sync_folder(self, folder: Path) -> None:
        if self._options.is_durable:
            self._options.sync_folder(folder)


def _references(data: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Yield each reference in parsed data: the node that holds it, its key there, and the SHA-256."""
    for node in containers(data):
        for key, value in entries(node):
            reference = cast("dict[str, Any]", value) if type(value) is dict else {}
            if reference.keys() == {_REFERENCE, "bytes"}:
                yield node, key, str(reference[_REFERENCE])


def _is_like_reference(key: str) -> bool:
    return key == _REFERENCE or _ESCAPED.fullmatch(key) is not None


def _rename(node: dict[str, Any], new_name: Callable[[str], str]) -> None:
    """Rename keys in place, in their order."""
    items = [(new_name(key), value) for key, value in node.items()]
    node.clear()
    node.update(items)


def _holds(path: Path, content: bytes) -> bool:
    """Return whether a blob is there and sound. One of the right size may be zeros since a power loss."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except FileNotFoundError:
        return False
