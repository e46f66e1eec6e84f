"""When a page has come to rest: nothing that an action began is still being loaded."""

from __future__ import annotations

import asyncio
from typing import Any

_GLANCE_S = 0.02


class Traffic:
    """What a browser is loading. What began before the last :meth:`begin` no longer counts, such as a long poll."""

    def __init__(self) -> None:
        self._loading: set[Any] = set()
        self._changed_at = 0.0

    def watch(self, context: Any) -> None:
        """Follow the requests of a browser's context."""
        context.on("request", self._add)
        context.on("requestfinished", self._end)
        context.on("requestfailed", self._end)

    def begin(self) -> None:
        """Count anew."""
        self._loading.clear()
        self._mark()

    async def rest(self, quiet_s: float, longest_s: float) -> None:
        """Return once nothing was loaded for ``quiet_s``, or ``longest_s`` have passed."""
        now = asyncio.get_running_loop().time
        end = now() + longest_s
        # An event could tell that nothing is loading, not that nothing has been for a while.
        while now() < end and (self._loading or now() - self._changed_at < quiet_s):  # noqa: ASYNC110
            await asyncio.sleep(_GLANCE_S)

    def _add(self, request: Any) -> None:
        self._loading.add(request)
        self._mark()

    def _end(self, request: Any) -> None:
        self._loading.discard(request)
        self._mark()

    def _mark(self) -> None:
        self._changed_at = asyncio.get_running_loop().time()
