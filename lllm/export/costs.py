"""What the model calls of a session cost: each reply that was paid for, and sums of them. Pure.

Replies that could not be used were paid for as well. A fork counts what it did itself; its parent counts the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lllm.export.facts import dict_of, number_of, text_of, usage_of
from lllm.log.envelope import Event
from lllm.log.scopes import strand_of

By = Literal["model", "agent", "dialog", "session", "day"]
BY: tuple[By, ...] = get_args(By)


@dataclass(frozen=True, slots=True)
class Call:
    """One reply of a model.

    Attributes:
        cost_usd: None when the price was unknown.
        ts: seconds since 1970.
        cached: it came from a cache of ours.
    """

    session: str
    dialog: str
    agent: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    ts: float
    cached: bool = False


@dataclass(slots=True)
class Sum:
    """What several calls cost together.

    Attributes:
        known_usd: the money of those whose price is known.
        unpriced: how many calls have an unknown price.
        cached: how many came from a cache of ours.
    """

    name: str
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    known_usd: float = 0.0
    unpriced: int = 0
    cached: int = 0

    @property
    def cost_usd(self) -> float | None:
        """The money; None when that of one call is unknown."""
        return None if self.unpriced else self.known_usd

    def add(self, call: Call) -> None:
        """Count a call."""
        self.calls += 1
        self.prompt_tokens += call.prompt_tokens
        self.completion_tokens += call.completion_tokens
        self.known_usd += call.cost_usd or 0.0
        self.unpriced += call.cost_usd is None
        self.cached += call.cached

    def to_dict(self) -> dict[str, Any]:
        """Return the sum as plain data; ``cost_usd`` is null when a price is unknown."""
        return {
            "name": self.name,
            "calls": self.calls,
            "cached": self.cached,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost_usd": self.cost_usd,
            "known_usd": self.known_usd,
            "unpriced": self.unpriced,
        }


def to_calls(session: str, events: Iterable[Event]) -> Iterator[Call]:
    """Yield the replies of a session, in the order in which they came."""
    agents: dict[str, str] = {}
    for event in events:
        if event.kind == "dialog.open":
            agents[event.id] = text_of(event.data, "agent")
        elif event.kind == "model.reply":
            yield _to_call(session, agents, event)


def _to_call(session: str, agents: Mapping[str, str], event: Event) -> Call:
    dialog = strand_of(event.id)
    usage = usage_of(event.data)
    return Call(
        session,
        dialog,
        agents.get(dialog) or text_of(dict_of(event.data, "message"), "creator"),
        text_of(event.data, "model"),
        usage.prompt,
        usage.completion,
        number_of(event.data, "cost_usd"),
        event.ts,
        event.data.get("cached") is True,
    )


def _to_day(ts: float) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(ts))
    except (OverflowError, ValueError, OSError):  # a time that no calendar has, in a log of somebody else
        return ""


_KEYS: dict[By, Callable[[Call], str]] = {
    "model": lambda call: call.model,
    "agent": lambda call: call.agent,
    "dialog": lambda call: f"{call.session} {call.dialog}",
    "session": lambda call: call.session,
    "day": lambda call: _to_day(call.ts),
}


def to_sums(calls: Iterable[Call], by: By) -> tuple[list[Sum], Sum]:
    """Return a sum for each name, the dearest first (days in their order), and the sum over all. Days are in UTC."""
    sums: dict[str, Sum] = {}
    total = Sum("total")
    for call in calls:
        name = _KEYS[by](call)
        sums.setdefault(name, Sum(name)).add(call)
        total.add(call)
    if by == "day":
        return [sums[name] for name in sorted(sums)], total
    return sorted(sums.values(), key=lambda item: (-item.known_usd, -item.prompt_tokens, item.name)), total
