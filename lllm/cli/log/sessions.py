"""``lllm log list`` and ``path``: which sessions there are, and where."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args

import click

from lllm.cli import exits
from lllm.cli.amounts import SPAN, to_age, to_size
from lllm.cli.options import log_options, standard
from lllm.cli.project import open_store
from lllm.cli.screen import Screen
from lllm.log.base import Status

if TYPE_CHECKING:
    from lllm.log.listing import Listed


@click.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many to show.")
@click.option("--status", type=click.Choice(get_args(Status)), help="Only those that ended so, or did not.")
@click.option("--since", "since_s", type=SPAN, help="Only those begun in this time, such as 90min, 2d or 1w.")
@click.option("--grep", "text", metavar="TEXT", default="", help="Only those whose task holds this text.")
@log_options
@standard
def list_(screen: Screen, limit: int, config: str | None, log_dir: str | None, **asked: Any) -> int:
    """List sessions, newest first.

    A session that is open still runs, or its process died. For the task, its first 120 characters are searched.
    """
    from lllm.log.listing import Wanted  # noqa: PLC0415 - loaded when used

    store, now = open_store(config, log_dir), time.time()
    since_ts = None if asked["since_s"] is None else now - asked["since_s"]
    wanted = Wanted(limit=limit, status=asked["status"], since_ts=since_ts, text=asked["text"])
    found = store.find_sessions(wanted, screen.say)
    if screen.as_json:
        screen.json([to_dict(listed) for listed in found])
    elif found:
        screen.table(("session", "status", "age", "size", "task"), [_to_row(listed, now) for listed in found])
    else:
        screen.say(f"no {'such ' if wanted != Wanted(limit=limit) else ''}sessions in {store.folder}")
    return exits.OK


@click.command()
@click.argument("session", default="last")
@log_options
@standard
def path(screen: Screen, session: str, config: str | None, log_dir: str | None) -> int:
    """Print the folder of SESSION."""
    store = open_store(config, log_dir)
    name = store.resolve(session)
    folder = str(store.session_path(name))
    if screen.as_json:
        screen.json({"session": name, "path": folder})
    else:
        screen.data(folder)
    return exits.OK


def to_dict(listed: Listed) -> dict[str, Any]:
    """Return a session of a listing as plain data. Pure."""
    told = {"ended_ts": listed.ended_ts, "parent": listed.parent, "size_bytes": listed.size_bytes}
    return asdict(listed.info) | told


def _to_row(listed: Listed, now: float) -> tuple[str, ...]:
    info = listed.info
    age = "?" if info.started_ts is None else to_age(now - info.started_ts)
    return info.session, info.status, age, to_size(listed.size_bytes), info.task
