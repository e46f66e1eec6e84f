"""Ids of what happens in a session: from its structure, never from chance.

Dialogs are numbered in the order in which they are opened, steps and functions within them. Work that runs at the same
time has scopes of its own, so that the numbers do not depend on who came first. One ``Ids`` serves a session and the
runs inside it, since they share one log.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from lllm.errors import ConfigError
from lllm.llm.effects import Tape
from lllm.llm.place import BEFORE, SCOPE
from lllm.log.scopes import without_attempts

_ASIDE = frozenset({"contract", "note", "offer"})  # they stand where they stand by chance


class Ids:
    """Numbers, random streams and the order of events of one log."""

    def __init__(self, tape: Tape | None = None) -> None:
        self._tape = tape
        self._next: dict[str, int] = {}
        self._randoms: dict[str, random.Random] = {}
        self._seen: set[str] = set()
        self._threads: dict[str, int] = {}
        self._lock, self._once = threading.Lock(), threading.Lock()
        self._mark = object()

    def next(self, strand: str) -> str:
        """Return the next id of a strand in the current scope, such as ``fe/0``, ``a.fe/1``."""
        return self._draw(f"{self._scope()}{strand}/", 0)

    def next_dialog(self) -> str:
        """Return the next dialog's id: ``1``, ``2``, or ``a.1`` in scope ``a``."""
        return self._draw(self._scope(), 1)

    def next_place(self, name: str) -> str:
        """Return the next id of something that gives its name to a scope: ``run@0``, ``a.run@1``."""
        return self._draw(f"{self._scope()}{name}@", 0)

    def _draw(self, prefix: str, first: int) -> str:
        """Return a prefix with its next number.

        Where threads or tasks draw from one place, chance decides who comes first. The recording knows who came when:
        its event after the last one of this thread has the number that was drawn.
        """
        tape = self._tape
        recorded = None if tape is None else tape.next_number(prefix, self.last())
        with self._lock:
            free = self._next.get(prefix)
            if free is None:
                free = first if tape is None else tape.first_free(prefix, first)
            number = free if recorded is None else recorded
            self._next[prefix] = max(free, number + 1)
        return f"{prefix}{number}"

    def random(self, seed: int) -> random.Random:
        """Return the stream of random numbers of the current scope; a function that runs again draws what it drew."""
        scope = without_attempts(SCOPE.get())
        return self._randoms.setdefault(scope, random.Random(f"{seed}:{scope}"))  # noqa: S311 - repeatable by design

    def once(self, key: str, do: Callable[[], object]) -> None:
        """Do something once for each ``key``. A thread that comes meanwhile waits until it is done."""
        if key in self._seen:
            return
        with self._once:
            if key not in self._seen:
                do()
                self._seen.add(key)

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
