"""Where in a run an event stands, as its id tells: its strand, and the scopes around it. Pure.

What stands before the first ``/`` of an id is its strand; what stands before the strand's last dot is its scope, and a
scope may stand in another. In ``a.1-s2-f0+1.3/s0`` the strand is dialog ``3`` of a function's scope, which stands in
scope ``a`` of the user's own. Scopes are named by the user's code, by a run inside the session (its id, ``run@0``), by
a function that is called (its call's id, ``1-s2-f0``) or by a step (``v~0``: a mark that no scope of the user's can
have). ``+1`` says that a function or a step was begun once before, by a process that died.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_OF_A_STEP = "~"
_OF_A_CALL = re.compile(r"[0-9]+-s[0-9]+-f[0-9]+")
_ATTEMPT = re.compile(r"\+[0-9]+(?=\.|$)")


@lru_cache(4096)
def strand_of(id_: str) -> str:
    """Return the strand of an event: its dialog, or what comes before the first ``/``.

    A value is a strand of its own: it is logged when it is there, and the next one may be there first.
    """
    place = id_.partition("/")[0]
    return id_ if place == "v" or place.endswith(".v") else place


def scope_of(id_: str) -> str:
    """Return the scope that an event's strand belongs to; empty outside of any."""
    return strand_of(id_).rpartition(".")[0]


def to_scope(id_: str, *, is_step: bool = False, attempt: int = 0) -> str:
    """Return the scope of a function's call, or of a step, for what it does with the session itself.

    Args:
        id_: of the call, or of the step.
        is_step: which of them it is.
        attempt: how often it was begun before: it must not use the ids of then twice.
    """
    again = f"+{attempt}" if attempt else ""
    return f"{id_.replace('/', _OF_A_STEP if is_step else '-')}{again}"


def without_attempts(scope: str) -> str:
    """Return the scope that the same work had when nothing around it, nor itself, had been begun before."""
    return _ATTEMPT.sub("", scope) if "+" in scope else scope


def scope_of_work(scope: str) -> str:
    """Return the scope that a work had when it was first begun, whatever is around it."""
    outer, dot, last = scope.rpartition(".")
    return f"{outer}{dot}{without_attempts(last)}"


def scopes_around(scope: str) -> Iterator[str]:
    """Yield a scope and those that it stands in, innermost first."""
    while scope:
        yield scope
        scope = scope.rpartition(".")[0]


def to_user_scope(scope: str) -> str:
    """Return the scope of the user's own, or of a run, around what functions and steps have opened inside it."""
    while scope:
        outer, _, last = scope.rpartition(".")
        name = without_attempts(last)
        if _OF_A_STEP not in name and not _OF_A_CALL.fullmatch(name):
            return without_attempts(scope)
        scope = outer
    return ""


def is_within(scope: str, outer: str) -> bool:
    """Whether a scope is ``outer`` or stands in it."""
    return f"{scope}.".startswith(f"{outer}.")


def is_in_step(scope: str) -> bool:
    """Whether one of the scopes around is a step's."""
    return _OF_A_STEP in scope
