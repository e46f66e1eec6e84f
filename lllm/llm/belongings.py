"""What a session owns beside its log, such as a running kernel: made at first use, closed with the session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from typing import Any, Protocol, TypeVar

from lllm.errors import LogError


class Closable(Protocol):
    """Something that holds on to the world until it is closed."""

    def close(self) -> None:
        """Let go."""
        ...


C = TypeVar("C", bound=Closable)


class Belongings:
    """Things by key, each made once. Safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held: dict[Hashable, Any] = {}
        self._is_closed = False

    def get(self, key: Hashable, make: Callable[[], C]) -> C:
        """Return what is held under a key, made now if there is nothing.

        Raises:
            LogError: the session is closed.
        """
        with self._lock:
            if self._is_closed:
                raise LogError("the session is closed, and with it what it owned")
            if key not in self._held:
                self._held[key] = make()
            return self._held[key]

    def close(self) -> None:
        """Close all of them, the last one first; what one raises does not keep the others open."""
        with self._lock:
            self._is_closed = True
            held, self._held = self._held, {}
        with ExitStack() as stack:
            for thing in held.values():
                stack.callback(thing.close)
