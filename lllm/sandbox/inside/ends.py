"""Ends all processes below one, also those that fork faster than one can kill. Imports nothing of lllm, like init."""

from __future__ import annotations

import os
import signal


def kill_below(top: int) -> bool:
    """Send SIGKILL to every process below ``top``; return whether there was one that had not ended.

    They are stopped first, until none is new: whoever is still running while the others are killed takes their place.
    What is killed is gone soon after, not yet when this returns. One that was born while its parent ended may have been
    on no list (proc(5): ``children`` is reliable only of what is stopped), so whoever must be sure asks until nobody is
    left, and keeps ``top`` alive meanwhile: below nobody they are found no more.
    """
    stopped = set[int]()
    while new := set(list_tree(top)) - stopped - {top}:
        _send(signal.SIGSTOP, new)
        stopped |= new
    is_any = not all(map(_has_ended, stopped))
    _send(signal.SIGKILL, stopped)
    return is_any


def list_tree(top: int) -> list[int]:
    """Return a process and those below it, parents first, as they are now; nothing where it has ended."""
    found = [top]
    for pid in found:  # grows meanwhile
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            if pid == top:
                return []
            continue
        for thread in threads:
            try:  # one that ends meanwhile must not hide the children of the others
                with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as children:
                    found += map(int, children.read().split())
            except OSError:
                continue
    return found


def _has_ended(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _send(number: int, pids: set[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue
