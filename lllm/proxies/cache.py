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
from typing import Any, NamedTuple, cast


class CacheLimits(NamedTuple):
    """How much is kept: signs of all answers in memory, signs of one file, files."""

    memory_chars: int = 32 << 20
    file_chars: int = 4 << 20
    files: int = 5000


LIMITS = CacheLimits()
_PART = ".part"
_ABANDONED_S = 3600


class AnswerCache:
    """Answers by name. Safe under threads and between processes.

    Args:
        folder: where they lie; None keeps them in memory alone. It is made when the first is kept.
        limits: how much is kept.
    """

    def __init__(self, folder: Path | str | None = None, limits: CacheLimits = LIMITS) -> None:
        self._folder, self._limits = None if folder is None else Path(folder), limits
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
        if self._folder is not None and len(text) <= self._limits.file_chars:
            with suppress(OSError):
                self._save(self._folder, key, text, until)

    def _hold(self, key: str, until: float, text: str) -> None:
        with self._lock:
            self._forget(key)
            self._held[key] = (until, text)
            self._held_chars += len(text)
            while self._held_chars > self._limits.memory_chars:
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

    def _save(self, folder: Path, key: str, text: str, until: float) -> None:
        from tempfile import NamedTemporaryFile  # noqa: PLC0415 - heavy

        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prune(folder)
        with NamedTemporaryFile("w", dir=folder, suffix=_PART, delete=False, encoding="utf-8") as file:
            part = Path(file.name)
            try:
                file.write(json.dumps({"key": key, "until": until, "answer": text}))
                file.close()
                os.utime(part, (until, until))
                part.replace(folder / f"{key}.json")
            except BaseException:
                part.unlink(missing_ok=True)
                raise

    def _prune(self, folder: Path) -> None:
        """Once in a process, remove what is no longer fresh, and of too much what will be the first to age."""
        if self._pruned:
            return
        self._pruned = True
        now = time.time()
        aged = ((until, path) for path in folder.iterdir() if (until := _aged(path)) is not None)
        for number, (until, path) in enumerate(sorted(aged, reverse=True)):
            # What is half written has the time at which it was begun, and belongs to somebody for a while.
            end = now - _ABANDONED_S if path.suffix == _PART else now
            if until < end or number >= self._limits.files:
                with suppress(OSError):  # it is gone, or no file of ours
                    path.unlink()


def _aged(path: Path) -> float | None:
    """Return until when a file is fresh; None where another writer has moved it to its place meanwhile."""
    try:
        return path.stat().st_mtime
    except OSError:
        return None


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
