"""``lllm log``: the sessions of a project."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lllm.cli import exits
from lllm.cli.options import log_options, standard
from lllm.cli.screen import Screen

if TYPE_CHECKING:
    from lllm.errors import LLLMError
    from lllm.log.envelope import Event
    from lllm.log.local import LocalFileLog


@click.group()
def log() -> None:
    """List, show and check sessions. SESSION is a name, a unique start of one, or "last"."""


def _open(config: str | None, log_dir: str | None) -> LocalFileLog:
    from lllm.cli.project import find_place, open_log  # noqa: PLC0415 - heavy

    return open_log(find_place(config), log_dir)


@log.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many to show.")
@log_options
@standard
def list_(screen: Screen, limit: int, config: str | None, log_dir: str | None) -> int:
    """List sessions, newest first."""
    store = _open(config, log_dir)
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


@log.command()
@click.argument("session", default="last")
@click.option("--full", is_flag=True, help="Show long texts whole.")
@click.option("--events", "as_events", is_flag=True, help="Show the events as they are stored.")
@log_options
@standard
def show(screen: Screen, session: str, full: bool, as_events: bool, config: str | None, log_dir: str | None) -> int:
    """Show the dialogs of SESSION: what was said, called and refused, and what it cost."""
    from lllm.cli.show import show_events, show_session  # noqa: PLC0415 - as below
    from lllm.cli.view import to_view  # noqa: PLC0415 - heavy

    store = _open(config, log_dir)
    name = store.resolve(session)
    events, damage = _read(store, name)
    if as_events and screen.as_json:
        screen.json([_event_to_dict(event) for event in events])
    elif as_events:
        show_events(screen, events, full=full)
    elif screen.as_json:
        screen.json({"session": name} | asdict(to_view(events)) | {"damage": str(damage) if damage else ""})
    else:
        show_session(screen, name, to_view(events), full=full)
    if damage is None:
        return exits.OK
    screen.say(f"error: {damage}\nhint: lllm log fsck {name}")
    return exits.FAILED


@log.command()
@click.argument("session", default="last")
@log_options
@standard
def fsck(screen: Screen, session: str, config: str | None, log_dir: str | None) -> int:
    """Check SESSION byte for byte; tell what is damaged, what is left, and what to do. Changes nothing."""
    from lllm.log.recovery import fsck as run_fsck  # noqa: PLC0415 - loaded when used

    store = _open(config, log_dir)
    name = store.resolve(session)
    report = run_fsck(store.session_path(name))
    if screen.as_json:
        screen.json({"session": name} | asdict(report))
        return exits.OK if report.ok else exits.FAILED
    end = "closed" if report.closed else "never closed: its process died, or still runs"
    screen.line(f"session  {name}")
    screen.line(f"events   {report.events} can be read; {end}")
    screen.line(f"head     {report.head}")
    for problem in report.problems:
        screen.line(f"problem  {problem}", "red")
    screen.line("ok" if report.ok else f"damaged: {report.advice}", "green" if report.ok else "bold red")
    return exits.OK if report.ok else exits.FAILED


@log.command()
@click.argument("session", default="last")
@log_options
@standard
def path(screen: Screen, session: str, config: str | None, log_dir: str | None) -> int:
    """Print the folder of SESSION."""
    store = _open(config, log_dir)
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


def _read(store: LocalFileLog, name: str) -> tuple[list[Event], LLLMError | None]:
    """Return the events that can be read, and what stopped the reading."""
    from lllm.errors import LogError  # noqa: PLC0415 - used here alone

    events: list[Event] = []
    try:
        events.extend(store.read_session(name))
    except LogError:
        events.clear()
    else:
        return events, None
    try:  # once more, one by one: what stands before the damage is worth seeing
        for event in store.read_session(name):
            events.append(event)  # noqa: PERF402 - extend would lose them at the damage
    except LogError as error:
        return events, error
    return events, None


def _event_to_dict(event: Event) -> dict[str, Any]:
    names = ("seq", "kind", "cause", "id", "ts", "data")
    return {name: getattr(event, name) for name in names}
