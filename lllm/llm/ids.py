"""Ids of what happens in a session: from its structure, never from chance.

Dialogs are numbered in the order in which they are opened, steps and functions within them. Work that runs at the same
time has scopes of its own, so that the numbers do not depend on who came first. One ``Ids`` serves a session and the
runs inside it, since they share one log.
"""

from __future__ import annotations

import random
import threading
from itertools import count

from lllm.errors import ConfigError
from lllm.llm.place import BEFORE, SCOPE

_ASIDE = frozenset({"contract", "note"})  # they stand where they stand by chance


class Ids:
    """Numbers, random streams and the order of events of one log."""

    def __init__(self) -> None:
        self._counters: dict[str, count[int]] = {}
        self._randoms: dict[str, random.Random] = {}
        self._seen: set[str] = set()
        self._threads: dict[str, int] = {}
        self._lock = threading.Lock()
        self._mark = object()

    def next(self, strand: str) -> str:
        """Return the next id of a strand in the current scope, such as ``fe/0``, ``a.fe/1``."""
        key = f"{self._scope()}{strand}"
        return f"{key}/{next(self._counters.setdefault(key, count()))}"

    def next_dialog(self) -> str:
        """Return the next dialog's id: ``1``, ``2``, or ``a.1`` in scope ``a``."""
        scope = self._scope()
        return f"{scope}{next(self._counters.setdefault(scope, count(1)))}"

    def next_place(self, name: str) -> str:
        """Return the next id of something that gives its name to a scope: ``run@0``, ``a.run@1``."""
        head, _, number = self.next(name).rpartition("/")
        return f"{head}@{number}"

    def random(self, seed: int) -> random.Random:
        """Return the stream of random numbers of the current scope."""
        scope = SCOPE.get()
        return self._randoms.setdefault(scope, random.Random(f"{seed}:{scope}"))  # noqa: S311 - repeatable by design

    def is_first(self, key: str) -> bool:
        """Whether nobody asked about ``key`` before; of two threads that ask at once, one is told so."""
        with self._lock:
            if key in self._seen:
                return False
            self._seen.add(key)
            return True

    def last(self) -> int:
        """Return the seq of the event before this one in the same thread or task; 0 when there is none."""
        mark, last = BEFORE.get()
        return last if mark is self._mark else 0

    def follow(self, kind: str, seq: int) -> None:
        """Take note that this thread or task has just logged event ``seq``."""
        if kind not in _ASIDE:
            BEFORE.set((self._mark, seq))

    def _scope(self) -> str:
        """Return the current scope, unless a thread that knows nothing of it takes numbers from where others do.

        Raises:
            ConfigError: it is such a thread: which number it gets would be chance.
        """
        scope, thread = SCOPE.get(), threading.get_ident()
        owner = self._threads.setdefault(scope, thread)
        if owner != thread and BEFORE.get()[0] is not self._mark:
            raise ConfigError(
                "a thread of your own has no place in the session's order, so a replay could not tell who did what",
                hint="`with session.scope('a name'):` in the thread, or give the work to session.map",
            )
        return scope
