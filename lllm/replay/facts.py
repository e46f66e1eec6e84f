"""One recorded run in a few numbers: how it ended, what it used. Pure, and content with whatever a log may hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from lllm.log.envelope import Event, header_of


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run.

    Attributes:
        session: its name.
        parent: of a fork, ``session@seq`` of where it begins; else empty.
        status: ``ok``, ``failed``, or ``open``: its process died, or still runs.
        task: what it was asked.
        result: what it returned; None unless it ended well.
        error: what it failed of.
        models: who answered, as the servers call themselves; sorted.
        steps: requests to models, repeats counted.
        calls: functions that were called.
        cost_usd: None when a price is unknown.
        wall_s: seconds from its first event to its last.
    """

    session: str = ""
    parent: str = ""
    status: str = "open"
    task: Any = None
    result: Any = None
    error: str = ""
    events: int = 0
    models: tuple[str, ...] = ()
    steps: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0
    wall_s: float = 0.0


def to_facts(events: Sequence[Event], name: str = "") -> RunFacts:
    """Return the facts of a run; ``name`` stands for the one that its header has."""
    header = header_of(next(iter(events), None))
    close = events[-1].data if events and events[-1].kind == "session.close" else {}
    parent = data_of(header.get("parent"))
    replies = [event.data for event in events if event.kind == "model.reply"]
    prompt_tokens, completion_tokens = (sum(_usage(reply)[i] for reply in replies) for i in (0, 1))
    return RunFacts(
        session=name or str(header.get("session", "")),
        parent=f"{parent['session']}@{parent['seq'] + 1}" if {"session", "seq"} <= parent.keys() else "",
        status=str(close.get("status", "open")),
        task=header.get("task"),
        result=close.get("result"),
        error=str(close.get("error", "")),
        events=len(events),
        models=tuple(sorted({str(reply["model"]) for reply in replies if reply.get("model")})),
        steps=sum(event.kind == "model.request" for event in events),
        calls=sum(event.kind == "function.call" for event in events),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost_usd=_sum_costs(reply.get("cost_usd") for reply in replies),
        wall_s=max(0.0, events[-1].ts - events[0].ts) if events else 0.0,
    )


def _usage(reply: dict[str, Any]) -> tuple[int, int]:
    told: Any = reply.get("usage")
    counts = cast("list[Any]", told)[:2] if isinstance(told, list) else []
    whole = [count for count in counts if isinstance(count, int)]
    return (whole[0], whole[1]) if len(whole) == 2 else (0, 0)


def _sum_costs(costs: Iterable[Any]) -> float | None:
    told = list(costs)
    return sum(told) if all(isinstance(cost, int | float) for cost in told) else None


def data_of(value: Any) -> dict[str, Any]:
    """Return a value if it is a mapping, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def fields_of(value: Any) -> list[dict[str, Any]]:
    """Return the mappings of a list; of anything else, none."""
    return [data_of(item) for item in cast("list[Any]", value)] if isinstance(value, list) else []
