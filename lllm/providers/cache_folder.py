"""What all caches of one folder share in a process: the file, the calls under way, and what was said of replies."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from lllm.const import APITypes
from lllm.models.message import (
    Message,
    message_from_dict,
    message_to_dict,
    reply_facts_from_dict,
    reply_facts_to_dict,
)
from lllm.providers.cache_single_flight import Flights
from lllm.providers.cache_store import ReplyStore
from lllm.utils import encode_json

NAME = "replies.sqlite"
_MOST_NOTED = 4096


class CacheFolder(ReplyStore):
    """One folder of replies, as this process sees it. What is still to be written keeps it alive."""

    def begin(self) -> None:
        """Know of nothing that is under way: at first, and in a process that was forked off."""
        super().begin()
        self.flights = Flights()
        # Replies that went out of here, and whether one is still to be kept: whatever a replay says of others is not
        # for us. The oldest are dropped, since nobody need ever say anything.
        self._noted: OrderedDict[bytes, bool] = OrderedDict()
        self._noting = threading.Lock()

    def find(self, key: bytes) -> Message[Any] | None:
        """Return a kept reply, or None; one that cannot be read is forgotten."""
        text = self.load(key)
        if text is None:
            return None
        try:
            reply = parse_kept(text)
        except (LookupError, TypeError, ValueError):
            self.remove(key)
            return None
        self.touch(key)
        self._note(key, is_new=False)
        return reply

    def note_new(self, key: bytes) -> None:
        """Take note that a reply came in."""
        self._note(key, is_new=True)

    def _note(self, key: bytes, *, is_new: bool) -> None:
        with self._noting:
            self._noted[key] = is_new
            self._noted.move_to_end(key)
            if len(self._noted) > _MOST_NOTED:
                self._noted.popitem(last=False)

    def keep(self, key: bytes, reply: Message[Any], secrets: Sequence[str]) -> None:
        """Keep a reply, unless it was kept already, is not one of ours, or holds a secret."""
        with self._noting:
            if not self._noted.get(key):
                return
            self._noted[key] = False
        try:
            text = render_kept(reply)
        except (TypeError, ValueError):  # what JSON cannot hold, such as a probability of NaN, is not kept
            return
        if not any(encode_json(secret)[1:-1] in text for secret in secrets):
            self.save(key, text)

    def forget(self, key: bytes) -> None:
        """Never give a reply again, if it is one that went out of here."""
        with self._noting:
            known = self._noted.pop(key, None)
        if known is not None:
            self.remove(key)


def render_kept(reply: Message[Any]) -> str:
    """Return a reply as JSON, without whose it was. Pure."""
    data = {"message": message_to_dict(reply.by("", {})), **reply_facts_to_dict(reply)}
    if reply.api_type is not APITypes.COMPLETION:
        data["api_type"] = reply.api_type.value
    return encode_json(data)


def parse_kept(text: str) -> Message[Any]:
    """Return the reply of :func:`render_kept`. Pure."""
    data = json.loads(text)
    api_type = APITypes(data.get("api_type", APITypes.COMPLETION))
    return message_from_dict(data["message"], api_type=api_type, **reply_facts_from_dict(data))


_folders: WeakValueDictionary[str, CacheFolder] = WeakValueDictionary()
_opening = threading.Lock()


def open_folder(folder: str | PathLike[str], max_bytes: int) -> CacheFolder:
    """Return what this process knows of a folder; the newest word about its size counts. Nothing is opened yet."""
    path = Path(os.path.realpath(Path(folder).expanduser()))
    with _opening:
        known = _folders.get(str(path))
        if known is None:
            known = _folders[str(path)] = CacheFolder(path / NAME, max_bytes)
        known.max_bytes = max_bytes
        return known


_paused: list[CacheFolder] = []


def _before_fork() -> None:
    _opening.acquire()
    _paused.extend(_folders.values())
    for folder in _paused:
        folder.pause()


def _after_fork() -> None:
    for folder in _paused:
        folder.resume()
    _paused.clear()
    _opening.release()


def _in_child() -> None:
    """Forget the threads, and the calls under way, that only the parent has."""
    for folder in _paused:
        folder.begin()
    _paused.clear()
    _opening.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
