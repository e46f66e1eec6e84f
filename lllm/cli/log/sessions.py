"""``lllm log list`` and ``path``: which sessions there are, and where."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from lllm.cli import exits
from lllm.cli.options import log_options, standard
from lllm.cli.project import open_store
from lllm.cli.screen import Screen


@click.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many to show.")
@log_options
@standard
def list_(screen: Screen, limit: int, config: str | None, log_dir: str | None) -> int:
    """List sessions, newest first."""
    store = open_store(config, log_dir)
    found = store.list_sessions()[:limit]
    if screen.as_json:
        screen.json([asdict(info) for info in found])
        return exits.OK
    now = time.time()
    rows = [(i.session, i.status, to_age(now - i.started_ts) if i.started_ts else "?", i.task) for i in found]
    if rows:
        screen.table(("session", "status", "age", "task"), rows)
    else:
        screen.say(f"no sessions in {store.folder}")
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


def to_age(seconds: float) -> str:
    """Return a span of time in one number and its unit. Pure."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
