"""A fork's log holds what is its own; what came before it stays in its parent's log. Here the two are read as one.

A fork's header names its ``parent``: the session, the seq of the last event that it shares, and that event's hash. Seqs
and causes of a fork count from the beginning of the whole run. An event of a fork whose kind and id the shared part has
too stands in that one's place, and at its time: it is the same thing, said by changed code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, NamedTuple

from lllm.errors import ConfigError, LogCorrupt, LogError, SessionNotFound
from lllm.log.envelope import Event, header_of

Read = Callable[[str], Iterator[Event]]

# A fork may change what is said and asked, never what was answered.
REPLACEABLE = frozenset({"session.open", "contract", "message", "model.request", "function.result", "frontend"})


class Parent(NamedTuple):
    """Where a fork begins: it shares the events of ``session`` up to ``seq``, whose chain hash is ``chain``."""

    session: str
    seq: int
    chain: str


def to_parent(header: Mapping[str, Any]) -> Parent | None:
    """Return the parent that a session.open event's data names, or None. Pure.

    Raises:
        LogCorrupt: it names one that cannot be.
    """
    told: Any = header.get("parent")
    if told is None:
        return None
    try:
        parent = Parent(told["session"], told["seq"], told["chain"])
    except (TypeError, KeyError) as error:
        raise LogCorrupt(f"the session's parent is {told!r:.80}") from error
    if [type(part) for part in parent] != [str, int, str] or parent.seq < 1:
        raise LogCorrupt(f"the session's parent is {told!r:.80}")
    return parent


def parent_of(first: Event | None) -> Parent | None:
    """Return the parent that a session's first event names, or None. Pure; raises as ``to_parent``."""
    return to_parent(header_of(first))


def read_run(read: Read, session: str) -> Iterator[Event]:
    """Yield all events of a run: what it shares with its parents, then its own. Of no fork, its own.

    Args:
        read: yields the stored events of a session.
        session: its name.

    Raises:
        SessionNotFound: the session, or one of its parents, is not there.
        LogCorrupt: one is damaged, or a parent is not what it was when the fork was made.
    """
    own = read(session)
    first = next(own, None)
    if first is None:
        return
    parent = parent_of(first)
    shared = read_shared(read, session, parent) if parent else []
    yield from _join(shared, chain([first], own))


def read_shared(read: Read, session: str, parent: Parent) -> list[Event]:
    """Return the events that a fork shares with its parents.

    Args:
        read: yields the stored events of a session.
        session: the fork's name.
        parent: the one that its header names.

    Raises:
        SessionNotFound: a parent is not there.
        LogCorrupt: one is damaged, is not what it was when the fork was made, or is its own parent.
    """
    shared: list[Event] = []
    for fork, link in reversed(_read_forks(read, session, parent).items()):
        shared = list(islice(_join(shared, _read_parent(read, fork, link)), link.seq))
        if len(shared) < link.seq or shared[-1].h != link.chain:
            raise LogCorrupt(
                f"session {fork} was forked from {link.session} at seq {link.seq}, which is another one now",
                hint="restore the parent's folder from a backup",
            )
    return shared


def read_readable(events: Iterable[Event]) -> tuple[list[Event], LogError | None]:
    """Return what can be read of a session or a run, and what stopped the reading."""
    found: list[Event] = []
    try:
        found.extend(events)  # extend keeps what came before an error
    except LogError as error:
        return found, error
    return found, None


class Placing:
    """Gives a fork's own events their places in the whole run, one by one, in their order.

    Args:
        shared: what the fork shares with its parents; nothing where it is no fork.
    """

    def __init__(self, shared: Sequence[Event] = ()) -> None:
        self._shared = len(shared)
        self._places = {(event.kind, event.id): event for event in shared if event.kind in REPLACEABLE}
        # Which places are taken, in the order in which they were, by the fork's own event of which seq.
        self._taken: dict[tuple[str, str], int] = {}

    def place(self, event: Event) -> tuple[Event, bool]:
        """Return the next event as it stands in the whole run, and whether it stands in a shared one's place."""
        key = (event.kind, event.id)
        old = self._places.get(key)
        if old is not None and key not in self._taken:
            self._taken[key] = event.seq
            return replace(event, seq=old.seq, cause=old.cause, ts=old.ts), True
        if not self._shared:
            return event, False
        return replace(event, seq=self._shared + event.seq - len(self._taken)), False

    def take_back(self, seq: int) -> None:
        """Forget the event that was placed last; ``seq`` is the one that it had among the fork's own."""
        if seq in islice(reversed(self._taken.values()), 1):
            self._taken.popitem()


def _read_forks(read: Read, session: str, parent: Parent | None) -> dict[str, Parent]:
    """Return the parent of a fork and of each of its parents that is a fork too, by the fork's name, nearest first."""
    forks: dict[str, Parent] = {}
    while parent is not None:
        forks[session] = parent
        if parent.session in forks:  # no log that lllm writes has such a ring
            raise LogCorrupt(f"session {parent.session} is one of its own parents")
        first = next(_read_parent(read, session, parent), None)
        session, parent = parent.session, parent_of(first)
    return forks


def _read_parent(read: Read, session: str, parent: Parent) -> Iterator[Event]:
    """Yield the stored events of a fork's parent."""
    try:
        yield from read(parent.session)
    except SessionNotFound as error:
        raise SessionNotFound(
            f"session {session} was forked from {parent.session}, which is not there any more",
            where=error.where,
            hint="a fork keeps nothing of its parent: restore the parent's folder from a backup",
        ) from error
    except ConfigError as error:  # a name that no session can have: somebody else wrote the header
        raise LogCorrupt(f"the parent of session {session} is {parent.session!a:.80}") from error


def _join(shared: list[Event], own: Iterable[Event]) -> Iterator[Event]:
    """Yield a whole run from what it shares and its own events. Damage in the latter is raised behind all the rest."""
    if not shared:
        yield from own
        return
    placing = Placing(shared)
    replaced: dict[int, Event] = {}
    added: list[Event] = []
    events, damage = read_readable(own)
    for event in events:
        placed, is_instead = placing.place(event)
        if is_instead:
            replaced[placed.seq] = placed
        else:
            added.append(placed)
    yield from (replaced.get(event.seq, event) for event in shared)
    yield from added
    if damage is not None:
        raise damage
