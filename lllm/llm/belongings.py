"""What a session owns beside its log, such as a running kernel: made at first use, closed with the session.

What serves a piece of work that runs beside others is closed as soon as that is over: a session may have thousands.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from contextlib import ExitStack
from typing import Any, NamedTuple, Protocol, TypeVar

from lllm.errors import LogError
from lllm.log.scopes import is_within


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
        self._held: dict[Hashable, _Held] = {}
        self._closing: list[threading.Thread] = []
        self._is_closed = False

    def get(self, key: Hashable, make: Callable[[], C], scope: str = "") -> C:
        """Return what is held under a key, made now if there is nothing.

        Args:
            key: of all that the session owns.
            make: makes it.
            scope: of the session that it serves; empty for all of it.

        Raises:
            LogError: the session is closed.
        """
        with self._lock:
            if self._is_closed:
                raise LogError("the session is closed, and with it what it owned")
            if key not in self._held:
                self._held[key] = _Held(make(), scope)
            return self._held[key].thing

    def end_scope(self, scope: str) -> None:
        """Close what served a scope that is over, beside the work that goes on."""
        with self._lock:
            over = [key for key, held in self._held.items() if is_within(held.scope, scope)]
            if not over:
                return
            closing = threading.Thread(
                target=_close_all, args=([self._held.pop(key).thing for key in over],), name="lllm-closing", daemon=True
            )
            self._closing = [*filter(threading.Thread.is_alive, self._closing), closing]
            closing.start()

    def close(self) -> None:
        """Close all of them, the last one first; what one raises does not keep the others open."""
        with self._lock:
            self._is_closed = True
            held, self._held = self._held, {}
            closing, self._closing = self._closing, []
        with ExitStack() as stack:
            for thread in closing:
                stack.callback(thread.join)
            stack.callback(_close_all, [each.thing for each in held.values()])


class _Held(NamedTuple):
    thing: Any
    scope: str


def _close_all(things: Iterable[Closable]) -> None:
    with ExitStack() as stack:
        for thing in things:
            stack.callback(thing.close)
