"""How fast one key may be used: when a server refuses one call for its rate, all that share the key slow down.

The call that was refused is for the machine to repeat, after the wait that the server asked for. Here its siblings wait
until the same moment, so that the two waits are one. Then they are let through one by one at first, and ever faster:
the rate doubles every ``STEP_S``. A call that was sent after the refusal and is answered ends it all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from math import log2
from weakref import WeakValueDictionary

from lllm.errors import Overloaded, ProviderError, RateLimited
from lllm.utils import digest

STEP_S = 0.25
MOST_S = 60.0
"""The longest that a refusal holds up others: what it was for may not be what they ask for."""


class Pace:
    """When a call may be sent. For all threads and event loops at once; nobody holds anything while it waits.

    Args:
        clock: returns seconds that only grow.

    Attributes:
        until_s: nothing is sent before this moment; None while nobody was refused.
        refusals: how often that moment was set. A call that was sent at an earlier count tells nothing new.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.until_s: float | None = None
        self.refusals = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._order = 0
        self._error: ProviderError = RateLimited("")

    def naps(self, timeout_s: float) -> Iterator[float]:
        """Yield how many seconds to wait before sending, again and again, until it may be sent.

        Raises:
            RateLimited, Overloaded: whichever the refusal was; the time that the call has ends before it could be sent.
        """
        end_s = self._clock() + timeout_s
        seen = order = -1
        while True:
            with self._lock:
                if self.until_s is None:
                    return
                if seen != self.refusals:  # all who wait line up anew
                    seen, order = self.refusals, self._order
                    self._order += 1
                at_s = self.until_s + STEP_S * log2(1 + order)
            left_s = at_s - self._clock()
            if left_s <= 0:
                return
            if at_s > end_s:
                raise self._refusal(left_s)
            yield left_s

    def failed(self, error: ProviderError, sent_at: int) -> None:
        """Take note of a failure; only RateLimited and Overloaded mean anything here.

        Args:
            error: its ``retry_after_s`` counts; without, a wait that doubles with each refusal in a row.
            sent_at: what ``refusals`` was when the call was sent.
        """
        if not isinstance(error, RateLimited | Overloaded):
            return
        with self._lock:
            is_new = sent_at == self.refusals
            if is_new:
                self._in_a_row += 1
            wait_s = error.retry_after_s
            if wait_s is None:
                wait_s = 0.25 * 2.0 ** (min(max(self._in_a_row, 1), 5) - 1)
            until_s = self._clock() + min(MOST_S, max(0.0, wait_s))
            if is_new or self.until_s is None or until_s > self.until_s:
                self.until_s, self._error = max(until_s, self.until_s or until_s), error
                self.refusals += 1
                self._order = 0

    def answered(self, sent_at: int) -> None:
        """Take note of an answer: the server takes calls again, unless this one was sent before it refused."""
        if self.until_s is None:
            return
        with self._lock:
            if sent_at == self.refusals:
                self.until_s = None
                self._in_a_row = self._order = 0

    def _refusal(self, left_s: float) -> ProviderError:
        was = self._error
        kind = RateLimited if isinstance(was, RateLimited) else Overloaded
        return kind(
            f"not sent: the server refused a call with this key, and may be asked again in {left_s:.3g} s",
            retry_after_s=left_s,
            status=was.status,
            code=was.code,
        )


_paces: WeakValueDictionary[tuple[str, str], Pace] = WeakValueDictionary()
_finding = threading.Lock()


def find_pace(base_url: str, key: str) -> Pace:
    """Return the pace that all providers of this process with this address and this key share."""
    named = (base_url, digest(key))
    with _finding:
        pace = _paces.get(named)
        if pace is None:
            pace = _paces[named] = Pace()
        return pace
