"""What a session owns beside its log, such as a running kernel: made at first use, closed with the session.

What serves an item of a map, or an inner run, is closed as soon as that is over: a session may have thousands.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable, Iterable
from contextlib import ExitStack
from typing import Any, Protocol, TypeVar

from lllm.errors import LogError
from lllm.log.scopes import is_within, scopes_around


class Closable(Protocol):
    """Something that holds on to the world until it is closed."""

    def close(self) -> None:
        """Let go."""
        ...


C = TypeVar("C", bound=Closable)


class Belongings:
    """Things by scope and key, each made once. Safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held: dict[tuple[str, Hashable], Any] = {}
        self._over: set[str] = set()
        self._closing: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._is_closed = False

    def get(self, key: Hashable, make: Callable[[], C], scope: str = "") -> C:
        """Return what is held under a key, made now if there is nothing.

        Args:
            key: of those in the scope.
            make: makes it.
            scope: of the session that it serves; empty for all of it.

        Raises:
            LogError: the session is closed, or the scope is over: whoever asks is late.
        """
        with self._lock:
            if self._is_closed:
                raise LogError("the session is closed, and with it what it owned")
            if any(around in self._over for around in scopes_around(scope)):
                raise LogError(f"what served {scope} is closed, since that is over")
            if (scope, key) not in self._held:
                self._held[scope, key] = make()
            return self._held[scope, key]

    def end_scope(self, scope: str) -> threading.Thread | None:
        """Close what served a scope that is over; on an event loop in a thread, which is returned: the loop goes on.

        What one of them raises is raised when the session is closed: the work that they served is done.
        """
        with self._lock:
            self._over.add(scope)
            keys = [key for key in self._held if is_within(key[0], scope)]
            things = [self._held.pop(key) for key in keys]
        closing = self._close_beside(things) if things and _is_on_loop() else None
        if closing is None:
            self._close_all(things)
        return closing

    def close(self) -> None:
        """Close all of them, the last one first; what one raises does not keep the others open.

        Raises:
            BaseException: the first that any of them has raised.
        """
        with self._lock:
            self._is_closed = True
            held, self._held = self._held, {}
            closing, self._closing = self._closing, []
        self._close_all(held.values())
        for thread in closing:
            if thread is not threading.current_thread():
                thread.join()
        if self._failures:
            raise self._failures.pop(0)

    def _close_beside(self, things: list[Any]) -> threading.Thread | None:
        """Close things in a thread, and return it; None if there is none to be had."""
        thread = threading.Thread(target=self._close_all, args=(things,), name="lllm-closing", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return None
        with self._lock:
            self._closing = [*filter(threading.Thread.is_alive, self._closing), thread]
        return thread

    def _close_all(self, things: Iterable[Closable]) -> None:
        try:
            with ExitStack() as stack:
                for thing in things:
                    stack.callback(thing.close)
        except BaseException as error:  # noqa: BLE001 - raised when the session is closed
            self._failures.append(error)


def _is_on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
