"""A fork's log holds what is its own; what came before it stays in its parent's log. Here the two are read as one.

A fork's header names its ``parent``: the session, the seq of the last event that it shares, and that event's hash. Seqs
and causes of a fork count from the beginning of the whole run. An event of a fork whose kind and id the shared part has
too stands in that one's place, and at its time: it is the same thing, said by changed code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

from lllm.errors import ConfigError, LogCorrupt, LogError, SessionNotFound
from lllm.log.envelope import Event

Read = Callable[[str], Iterator[Event]]

# A fork may change what is said and asked, never what was answered.
REPLACEABLE = frozenset({"session.open", "contract", "message", "model.request", "function.result", "frontend"})
# Deeper than anybody forks; a ring of parents, which a hostile log may have, ends here.
_DEEPEST = 250


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


def read_run(read: Read, session: str) -> Iterator[Event]:
    """Yield all events of a run: what it shares with its parents, then its own. Of no fork, its own.

    Args:
        read: yields the stored events of a session.
        session: its name.

    Raises:
        SessionNotFound: the session, or one of its parents, is not there.
        LogCorrupt: one is damaged, or a parent is not what it was when the fork was made.
    """
    yield from _read_run(read, session, 0)


def _read_run(read: Read, session: str, depth: int) -> Iterator[Event]:
    own = read(session)
    first = next(own, None)
    if first is None:
        return
    parent = to_parent(first.data) if first.kind == "session.open" else None
    if parent is None:
        yield first
        yield from own
        return
    if depth > _DEEPEST:
        raise LogCorrupt(f"session {session} has more than {_DEEPEST} parents, or is its own")
    shared = _read_shared(read, session, parent, depth)
    events, damage = _read_whole(first, own)
    replaced, added = _sort_out(events, shared)
    yield from (replaced.get((event.kind, event.id), event) for event in shared)
    yield from added
    if damage is not None:
        raise damage


def _read_whole(first: Event, rest: Iterator[Event]) -> tuple[list[Event], LogError | None]:
    """Return what can be read of a fork's own events, and what stopped the reading."""
    events = [first]
    try:
        events.extend(rest)  # extend keeps what came before an error
    except LogError as error:
        return events, error
    return events, None


def _read_shared(read: Read, session: str, parent: Parent, depth: int) -> list[Event]:
    try:
        shared = list(islice(_read_run(read, parent.session, depth + 1), parent.seq))
    except SessionNotFound as error:
        raise SessionNotFound(
            f"session {session} was forked from {parent.session}, which is not there any more",
            where=error.where,
            hint="a fork keeps nothing of its parent: restore the parent's folder from a backup",
        ) from error
    except ConfigError as error:  # a name that no session can have: somebody else wrote the header
        raise LogCorrupt(f"the parent of session {session} is {parent.session!a:.80}") from error
    if len(shared) < parent.seq or shared[-1].h != parent.chain:
        raise LogCorrupt(
            f"session {session} was forked from {parent.session} at seq {parent.seq}, which is another one now",
            hint="restore the parent's folder from a backup",
        )
    return shared


def _sort_out(own: Iterable[Event], shared: list[Event]) -> tuple[dict[tuple[str, str], Event], list[Event]]:
    """Return a fork's events that stand in the place of shared ones, by kind and id, and those that follow them."""
    places = {(event.kind, event.id): event for event in shared if event.kind in REPLACEABLE}
    replaced: dict[tuple[str, str], Event] = {}
    added: list[Event] = []
    for event in own:
        key = (event.kind, event.id)
        old = places.get(key)
        if old is not None and key not in replaced:
            replaced[key] = replace(event, seq=old.seq, cause=old.cause, ts=old.ts)
        else:
            added.append(replace(event, seq=len(shared) + len(added) + 1))
    return replaced, added
