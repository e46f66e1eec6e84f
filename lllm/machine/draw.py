"""The table as people read it: rows, Markdown, and a Mermaid diagram. Pure; generated, so that it cannot drift."""

from __future__ import annotations

from typing import Any, NamedTuple

from lllm.machine.transitions import STOPS, TABLE, TERMINAL, State
from lllm.utils import digest


class Row(NamedTuple):
    """One arrow of the table, in words."""

    state: str
    event: str
    when: str
    then: str
    command: str


def rows() -> list[Row]:
    """Return the arrows in the table's order."""
    return [
        Row(state.value, event.__name__, _words(arrow.when), arrow.then.value, _words(arrow.do))
        for (state, event), arrows in TABLE.items()
        for arrow in arrows
    ]


def _words(function: Any) -> str:
    return (function.__doc__ or "").split("\n", 1)[0].rstrip(".")


def render_markdown() -> str:
    """Return the table in Markdown."""
    lines = ["| state | event | when | next | command |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows()]
    return "\n".join(lines)


def render_mermaid() -> str:
    """Return a Mermaid state diagram; the events that stop any call are drawn once, as a note."""
    stops = {event.__name__ for event in STOPS}
    lines = ["stateDiagram-v2", f"    [*] --> {State.READY.value}"]
    for row in rows():
        if row.event not in stops:
            when = "" if row.when == "Always" else f" / {row.when}"
            lines.append(f"    {row.state} --> {row.then}: {row.event}{when}")
    lines += [f"    {state.value} --> [*]" for state in State if state in TERMINAL]
    lines.append(f"    note right of {State.FAILED.value}: also from every live state on {', '.join(sorted(stops))}")
    return "\n".join(lines)


def table_hash() -> str:
    """Return 32 hex digits of the table's text: a log says by which machine it was made."""
    return digest(render_markdown())
