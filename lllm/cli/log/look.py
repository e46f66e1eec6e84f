"""``lllm log show``: what was said, called and refused in a session."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lllm.cli import exits
from lllm.cli.options import log_options, standard
from lllm.cli.project import open_store
from lllm.cli.screen import Screen

if TYPE_CHECKING:
    from lllm.log.envelope import Event


@click.command()
@click.argument("session", default="last")
@click.option("--full", is_flag=True, help="Show long texts whole.")
@click.option("--events", "as_events", is_flag=True, help="Show the events as they are stored.")
@log_options
@standard
def show(screen: Screen, session: str, full: bool, as_events: bool, config: str | None, log_dir: str | None) -> int:
    """Show the dialogs of SESSION: what was said, called and refused, and what it cost."""
    from lllm.cli.show import show_events, show_session  # noqa: PLC0415 - as below
    from lllm.export.view import to_view  # noqa: PLC0415 - heavy
    from lllm.log.lineage import read_readable  # noqa: PLC0415 - loaded when used

    store = open_store(config, log_dir)
    name = store.resolve(session)
    events, damage = read_readable(store.read_run(name))
    if as_events and screen.as_json:
        screen.json([event_to_dict(event) for event in events])
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


def event_to_dict(event: Event) -> dict[str, Any]:
    """Return one event as ``--json`` shows it. Pure."""
    names = ("seq", "kind", "cause", "id", "ts", "data")
    return {name: getattr(event, name) for name in names}
