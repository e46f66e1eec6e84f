"""Whose turn it is: recorded answers arrive in the order in which they arrived when they were recorded.

Tasks and threads that run at the same time go on when what they wait for is there. Given the same answers in the same
order, they do the same things in the same order: which of them opens the next dialog, say. So an answer waits until
everything is done that the recording has before it. None of that can depend on the answer, so it comes by itself,
unless today's code is another. Then the answer is given after a while, and the difference shows.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time

from lllm.replay.recording import Recording

PATIENCE_S = 0.25
_EAGER, _PAUSE_S = 100, 0.001


class Turns:
    """Lets answers of one recording through, one after the other."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def wait(self, seq: int) -> None:
        """Return when it is the turn of event ``seq``. In a thread that runs an event loop, at once.

        What such a thread waits for, its own loop would have to do.
        """
        if self._recording.first_undone >= seq or runs_loop():
            return
        seen, end = 0, 0.0
        while (undone := self._recording.first_undone) < seq:
            if undone > seen:
                seen, end = undone, time.monotonic() + PATIENCE_S
            elif time.monotonic() > end:
                return
            threading.Event().wait(_PAUSE_S)

    async def await_turn(self, seq: int) -> None:
        """Async twin of :meth:`wait`: other tasks go on meanwhile."""
        seen, end, passes = 0, 0.0, 0
        while (undone := self._recording.first_undone) < seq:
            if undone > seen:
                seen, end, passes = undone, time.monotonic() + PATIENCE_S, 0
            elif time.monotonic() > end:
                return
            passes += 1
            await asyncio.sleep(0 if passes < _EAGER else _PAUSE_S)


def runs_loop() -> bool:
    """Whether an event loop runs in this thread; nobody imports asyncio to find that out."""
    loaded = sys.modules.get("asyncio")
    return loaded is not None and loaded._get_running_loop() is not None  # noqa: SLF001 - the one that does not raise
