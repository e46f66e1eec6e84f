"""``lllm log cost``: what the model calls of one session, or of many, cost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from lllm.cli import exits
from lllm.cli.amounts import SPAN
from lllm.cli.options import log_options, standard
from lllm.cli.project import open_store
from lllm.cli.screen import Screen
from lllm.errors import LogError
from lllm.export.costs import BY, By, Call, Sum, to_calls, to_sums

if TYPE_CHECKING:
    from lllm.log.local import LocalFileLog

_MANY = 100_000


@click.command()
@click.argument("session", default="")
@click.option("--all", "every", is_flag=True, help="All sessions together.")
@click.option("--since", "since_s", type=SPAN, help="All sessions begun in this time, such as 90min, 2d or 1w.")
@click.option("--by", type=click.Choice(BY), default="model", show_default=True, help="What to sum by.")
@log_options
@standard
def cost(screen: Screen, session: str, by: By, config: str | None, log_dir: str | None, **asked: Any) -> int:
    """Sum tokens and money of SESSION (default: the last), or of many.

    Replies that could not be used count, since they were paid for. A price that was unknown stays unknown: the money is
    then "at least". Prices come from model cards, from [prices] in lllm.toml, and from the extra "prices".
    """
    every = asked["every"] or asked["since_s"] is not None
    if every and session:
        raise click.UsageError("name a session, or ask for many with --all or --since")
    store = open_store(config, log_dir)
    names = _many(store, screen, asked["since_s"]) if every else [store.resolve(session or "last")]
    sums, total = to_sums(_calls(store, names, screen), by)
    if screen.as_json:
        screen.json(
            {"by": by, "sessions": len(names), "rows": [row.to_dict() for row in sums], "total": total.to_dict()}
        )
        return exits.OK
    told = f"{len(names)} session{'' if len(names) == 1 else 's'}" if every else f"session {names[0]}"
    screen.line(told, "bold")
    head = (by, "calls", "cached", "prompt", "completion", "money")
    screen.table(head, [_to_row(row) for row in [*sums, total]])
    return exits.OK


def _many(store: LocalFileLog, screen: Screen, since_s: float | None) -> list[str]:
    from lllm.log.listing import Wanted  # noqa: PLC0415 - loaded when used

    since_ts = None if since_s is None else time.time() - since_s
    return [found.info.session for found in store.find_sessions(Wanted(limit=_MANY, since_ts=since_ts), screen.say)]


def _calls(store: LocalFileLog, names: list[str], screen: Screen) -> Iterator[Call]:
    for name in names:
        try:
            yield from to_calls(name, store.read_session(name))
        except LogError as error:
            if len(names) == 1:
                raise
            screen.say(f"not counted: {error}", "red")


def _to_row(row: Sum) -> tuple[str, ...]:
    counts = (row.calls, row.cached, row.prompt_tokens, row.completion_tokens)
    return (row.name or "(none)", *(f"{count:,}" for count in counts), to_money(row))


def to_money(row: Sum) -> str:
    """Return the money of a sum in words. Pure."""
    if not row.unpriced:
        return f"${row.known_usd:.4f}"
    if row.unpriced == row.calls:
        return "unknown"
    return f"at least ${row.known_usd:.4f}, {row.unpriced} calls unknown"
