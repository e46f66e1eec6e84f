"""Whose turn it is: recorded answers arrive in the order in which they arrived when they were recorded.

Tasks and threads that run at the same time go on when what they wait for is there. Given the same answers in the same
order, they do the same things in the same order: which of them opens the next dialog, say. So an answer waits until
everything is done that the recording has before it. None of that can depend on the answer, so it comes by itself,
unless today's code is another. Then the answer is given after a while, and the difference shows.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator

from lllm.replay.recording import Recording

PATIENCE_S, END_PATIENCE_S = 0.1, 2.0
# How much slower than when it was recorded today's machine may be, in the code between two answers.
_SLOWER = 3
_ANSWERS = frozenset({"model.reply", "model.error", "function.result"})  # they took time then, and take none now
_EAGER, _PAUSE_S = 100, 0.001


class Turns:
    """Lets answers of one recording through, one after the other.

    Args:
        recording: where each answer stands.
        is_over: whether the replay has failed, so that nobody needs to wait any more.
    """

    def __init__(self, recording: Recording, is_over: Callable[[], bool]) -> None:
        self._recording, self._is_over = recording, is_over

    def wait(self, seq: int) -> None:
        """Return when it is the turn of event ``seq``. In a thread that runs an event loop, at once.

        What such a thread waits for, its own loop would have to do.
        """
        if self._recording.first_undone < seq and not runs_loop():
            for _ in self._passes(seq):
                time.sleep(_PAUSE_S)

    async def await_turn(self, seq: int) -> None:
        """Async twin of :meth:`wait`: other tasks go on meanwhile."""
        for number in self._passes(seq):
            await asyncio.sleep(0 if number < _EAGER else _PAUSE_S)

    def _passes(self, seq: int) -> Iterator[int]:
        """Yield as long as it is worth waiting for event ``seq``: how often, since anything went on."""
        seen, end, number = 0, 0.0, 0
        while (undone := self._recording.first_undone) < seq and not self._is_over():
            if undone > seen:
                seen, end, number = undone, time.monotonic() + self._patience_s(undone, seq), 0
            elif time.monotonic() > end:
                return
            number += 1
            yield number

    def _patience_s(self, seq: int, until: int) -> float:
        """Return how long today's code may take for an event, by how long it took when it was recorded."""
        if until > len(self._recording.events):  # nobody waits behind this one, so it can wait until all is compared
            return END_PATIENCE_S
        event = self._recording.events[seq - 1]
        return PATIENCE_S + (0.0 if event.kind in _ANSWERS else _SLOWER * self._recording.taken_s(event))


def runs_loop() -> bool:
    """Whether an event loop runs in this thread; nobody imports asyncio to find that out."""
    loaded = sys.modules.get("asyncio")
    return loaded is not None and loaded._get_running_loop() is not None  # noqa: SLF001 - the one that does not raise
