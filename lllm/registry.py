"""Names to objects: what is registered under a key, who put it there, and what to say when a key is missing.

A registry fills itself on first use. Who fills it is decided by the roof (``lllm/__init__.py``), so that no floor below
discovery has to know it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, NamedTuple, TypeVar

from lllm.errors import DiscoveryError, NotRegisteredError

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """One registered object and its origin, ``file:line:col`` or a module's name."""

    value: T
    origin: str


def _nothing() -> None:
    return None


class Discoverer:
    """The one hook by which first use of any registry loads the project's files."""

    def __init__(self) -> None:
        """Start without a hook: registries then hold only what was registered by hand."""
        self.run: Callable[[], object] = _nothing
        # Of one thread or task: another one that asks meanwhile must wait for the hook, which locks.
        self._running: ContextVar[bool] = ContextVar("lllm_discovering", default=False)

    def ensure(self) -> None:
        """Run the hook, unless it is running now (a project file may itself look something up)."""
        if self._running.get():
            return
        token = self._running.set(True)
        try:
            self.run()
        finally:
            self._running.reset(token)


DISCOVERER = Discoverer()


class Port(Generic[T]):
    """Something that a floor needs of one above it: the roof says where it is found.

    Args:
        kind: what it is called in errors.
    """

    def __init__(self, kind: str) -> None:
        """Start unconnected."""
        self.load: Callable[[], T] = self._missing
        self._kind = kind

    def _missing(self) -> T:
        raise NotRegisteredError(f"nothing is connected as {self._kind}", hint="import lllm first")


MCP_CLIENTS: Port[Any] = Port("the client of MCP servers")
"""Loads the class of ``lllm.llm.mcp_servers.Clients``."""

COMPUTER: Port[Any] = Port("the browser that a model drives")
"""Loads ``lllm.tools.cua.config.build_functions``."""

OUTSIDE: Port[Any] = Port("the session that effects are logged in")
"""Loads the module ``lllm.llm.outside``."""


class Registry(Mapping[str, T]):
    """Objects of one kind by key. Looking anything up first loads the project's files, once.

    Args:
        kind: what the objects are called in errors, such as ``prompt``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry[T]] = {}
        # Why a file could not be loaded, by the file's path: told to whoever misses a key that it may have defined.
        self.failures: dict[str, DiscoveryError] = {}

    def register(self, key: str, value: T, *, origin: str = "", overwrite: bool = False) -> None:
        """Put ``value`` under ``key``.

        Registering again from the same file replaces, as a notebook cell or a reloaded module does.

        Raises:
            DiscoveryError: another file holds the key; the message names both.
        """
        old = self._entries.get(key)
        if old is not None and not overwrite and old.value is not value and _file(old.origin) != _file(origin):
            raise DiscoveryError(
                f"{self.kind} {key!r} is defined twice: in {old.origin or 'code'} and in {origin or 'code'}",
                where=origin,
                hint="rename one of them, or register with overwrite=True",
            )
        self._entries[key] = Entry(value, origin)

    def origin(self, key: str) -> str:
        """Return where ``key`` was defined."""
        return self._entry(key).origin

    def __getitem__(self, key: str) -> T:
        return self._entry(key).value

    def _entry(self, key: str) -> Entry[T]:
        entry = self._entries.get(key)
        if entry is None:
            DISCOVERER.ensure()
            entry = self._entries.get(key)
        if entry is None:
            raise self._missing(key)
        return entry

    def _missing(self, key: str) -> NotRegisteredError:
        import difflib  # noqa: PLC0415 - only an error needs it

        near = difflib.get_close_matches(key, self._entries, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(self._entries)) or 'none'}"
        broken = "".join(f"\n  not loaded: {error}" for error in self.failures.values())
        return NotRegisteredError(f"no {self.kind} is registered as {key!r}{broken}", hint=hint)

    def __iter__(self) -> Iterator[str]:
        DISCOVERER.ensure()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        DISCOVERER.ensure()
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        if key not in self._entries:
            DISCOVERER.ensure()
        return key in self._entries

    def __repr__(self) -> str:
        return f"<Registry of {len(self._entries)} {self.kind}s>"

    @contextmanager
    def isolated(self) -> Generator[None]:
        """Give a block contents that begin as a copy of these, and put these back after it."""
        entries, failures = dict(self._entries), dict(self.failures)
        try:
            yield
        finally:
            self._entries, self.failures = entries, failures


def _file(origin: str) -> str:
    """Return the file of an origin ``file:line:col``; a file or a module's name alone stays as it is."""
    head, _, place = origin.rpartition(":")
    name, _, line = head.rpartition(":")
    return name if place.isdigit() and line.isdigit() else origin
