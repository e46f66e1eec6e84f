"""How many requests an event loop has under way at once: as many as there are sockets to be had.

Each takes a file descriptor. A process that runs out of them fails everywhere, also where it writes its log; so whoever
comes when most are taken waits here, and the longest waiter goes first.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

FALLBACK = 256
"""Where the system does not say how many files may be open: the smallest default of those that are in use."""
SHARE = 0.75
"""Of the free descriptors; the rest is for logs, sandboxes, and the program's own."""

_gates: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def find_gate() -> asyncio.Semaphore:
    """Return the gate of the running event loop: first come, first served."""
    loop = asyncio.get_running_loop()
    gate = _gates.get(loop)
    if gate is None:
        for old in [old for old in list(_gates) if old.is_closed()]:
            _gates.pop(old, None)
        gate = _gates[loop] = asyncio.Semaphore(count_sockets())
    return gate


def count_sockets() -> int:
    """Return how many sockets may be open: a share of the descriptors that are free now."""
    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return FALLBACK
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        limit = 1 << 20
    return max(1, int((limit - _count_open()) * SHARE))


def _count_open() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return sum(1 for _ in Path(folder).iterdir())
        except OSError:
            continue
    return 0
