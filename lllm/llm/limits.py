"""What a call or a session may use up, and what a session has used up so far."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from lllm.const import NO_COST, CompletionCost


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call, or a session, may use up. None means no limit.

    Attributes:
        max_tokens: prompt and completion tokens.
        max_cost_usd: money; for a session as far as prices are known, for a call the price must be known.
        deadline_s: seconds from the start.
        max_total_wait_s: seconds of waiting between repeats of failed model calls, for each call.
    """

    max_tokens: int | None = None
    max_cost_usd: float | None = None
    deadline_s: float | None = None
    max_total_wait_s: float = 120.0


NO_LIMITS = Limits()


class Spending:
    """Tokens, money and time of a session. What an inner run spends is its outer session's, too.

    Args:
        limits: of this session.
        outer: the spending of the session that it runs in, or None.

    Attributes:
        usage: tokens and money so far; money is None once a reply had no price.
        deadline: moment on the monotonic clock when time is up, or None.
    """

    def __init__(self, limits: Limits, outer: Spending | None = None) -> None:
        self.usage: CompletionCost = NO_COST
        own = None if limits.deadline_s is None else time.monotonic() + limits.deadline_s
        ends = [own, None if outer is None else outer.deadline]
        self.deadline: float | None = min((end for end in ends if end is not None), default=None)
        self._limits, self._outer = limits, outer
        self._known_usd = 0.0
        self._lock = threading.Lock()

    def add(self, usage: CompletionCost) -> None:
        """Add a reply's tokens and money."""
        with self._lock:
            self.usage = self.usage + usage
            self._known_usd += usage.cost_usd or 0.0  # a sum that one reply without a price does not make unknown
        if self._outer is not None:
            self._outer.add(usage)

    @property
    def is_over(self) -> bool:
        """Whether the tokens or the money are used up, here or in the outer session."""
        tokens, money = self._limits.max_tokens, self._limits.max_cost_usd
        return (
            (tokens is not None and self.usage.total_tokens >= tokens)
            or (money is not None and self._known_usd >= money)
            or (self._outer is not None and self._outer.is_over)
        )
