"""The time that one attempt has, for a provider that does more than one thing in it."""

from __future__ import annotations

import time

MIN_TIMEOUT_S = 0.001
"""What is left when nothing is: 0 would mean "do not wait" to a socket, which is no timeout."""


class Deadline:
    """The end of an attempt.

    Args:
        timeout_s: seconds from now; None for no end.
    """

    def __init__(self, timeout_s: float | None) -> None:
        self._end_s = None if timeout_s is None else time.monotonic() + timeout_s

    def left_s(self, most_s: float | None = None) -> float | None:
        """Return the seconds that are left, ``most_s`` at most and never 0; None where neither sets an end."""
        if self._end_s is None:
            return most_s
        left_s = max(MIN_TIMEOUT_S, self._end_s - time.monotonic())
        return left_s if most_s is None else min(left_s, most_s)
