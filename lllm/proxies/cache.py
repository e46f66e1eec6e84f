"""Answers that are kept for a while: in memory, and on disk for other processes. Nothing in it is a key or an error.

A file is written beside its place and moved there whole, so that two writers do no harm. It is only a cache: a disk
that is full or a file that is damaged costs another request, and nothing else.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, cast

MAX_MEMORY_CHARS = 32 << 20
MAX_FILE_CHARS = 4 << 20
MAX_FILES = 5000


class AnswerCache:
    """Answers by name. Safe under threads and between processes.

    Args:
        folder: where they lie; None keeps them in memory alone. It is made when the first is kept.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self._folder = None if folder is None else Path(folder)
        self._held: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._held_chars = 0
        self._lock = threading.Lock()
        self._pruned = False

    def find(self, key: str) -> str | None:
        """Return an answer that is fresh, or None."""
        with self._lock:
            held = self._held.get(key)
        found = held or self._load(key)
        if found is None or found[0] <= time.time():
            self._drop(key)
            return None
        if held is None:
            self._hold(key, *found)
        return found[1]

    def keep(self, key: str, text: str, ttl_s: float) -> None:
        """Keep an answer for some seconds. What cannot be kept is not."""
        until = time.time() + ttl_s
        self._hold(key, until, text)
        if self._folder is not None and len(text) <= MAX_FILE_CHARS:
            with suppress(OSError):
                self._save(self._folder, key, json.dumps({"key": key, "until": until, "answer": text}))

    def _hold(self, key: str, until: float, text: str) -> None:
        with self._lock:
            self._forget(key)
            self._held[key] = (until, text)
            self._held_chars += len(text)
            while self._held_chars > MAX_MEMORY_CHARS:
                self._forget(next(iter(self._held)))

    def _forget(self, key: str) -> None:
        if (old := self._held.pop(key, None)) is not None:
            self._held_chars -= len(old[1])

    def _drop(self, key: str) -> None:
        with self._lock:
            self._forget(key)

    def _load(self, key: str) -> tuple[float, str] | None:
        if self._folder is None:
            return None
        try:
            told: Any = json.loads((self._folder / f"{key}.json").read_text("utf-8"))
            data = cast("dict[str, Any]", told)
            json.loads(data["answer"])
            return (float(data["until"]), data["answer"]) if data["key"] == key else None
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def _save(self, folder: Path, key: str, text: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prune(folder)
        with NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False, encoding="utf-8") as file:
            part = Path(file.name)
            try:
                file.write(text)
                file.close()
                part.replace(folder / f"{key}.json")
            except BaseException:
                part.unlink(missing_ok=True)
                raise

    def _prune(self, folder: Path) -> None:
        """Once in a process, remove what is a day old, and the oldest of what is too much."""
        if self._pruned:
            return
        self._pruned = True
        aged = sorted(((path.stat().st_mtime, path) for path in folder.iterdir()), reverse=True)
        oldest = time.time() - 86400
        for number, (written, path) in enumerate(aged):
            if written < oldest or number >= MAX_FILES:
                path.unlink(missing_ok=True)


def load_cache() -> AnswerCache:
    """Return the cache that the proxies of this process share, in the user's folder for caches.

    It is ``$XDG_CACHE_HOME/lllm/proxies``, else ``~/.cache/lllm/proxies`` (XDG base directory specification 0.8); and
    memory alone where there is no home.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return _open(None)
    return _open(base / "lllm" / "proxies")


@cache
def _open(folder: Path | None) -> AnswerCache:
    return AnswerCache(folder)
