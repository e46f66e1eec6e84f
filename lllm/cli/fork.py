"""``lllm fork``: go on from any event of a session, in a new one, with other prompts, another model or other code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lllm.cli import exits
from lllm.cli.again import (
    Recorded,
    decide_options,
    find_recorded,
    live_run,
    override_options,
    place_options,
    show_live,
    to_overrides,
    watching,
)
from lllm.cli.options import standard
from lllm.cli.screen import Screen

if TYPE_CHECKING:
    from lllm.replay.live import LiveReport
    from lllm.replay.overrides import Overrides
    from lllm.replay.unfinished import Decide


@click.command()
@click.argument("session", default="last", metavar="[SESSION[@AT]]")
@override_options
@decide_options
@click.option("--name", default="", help="Name of the new session.  [default: SESSION-forkN]")
@click.option("--no-stream", is_flag=True, help="Do not show the reply while it is written.")
@place_options
@standard
def fork(  # noqa: PLR0913 - the options of a command line
    screen: Screen,
    session: str,
    settings: Sequence[str],
    model: str,
    prompts: Sequence[str],
    again: Sequence[str],
    tell: Sequence[str],
    answer: Sequence[str],
    name: str,
    no_stream: bool,
    config: str | None,
    log_dir: str | None,
) -> int:
    """Go on from event AT of SESSION, in a new session that shares everything before it.

    SESSION is the newest one by default. AT is a seq, or an id such as 1/s2, as `lllm log show --events` tells them;
    without one it is the last model call, or the end of a session whose process died.
    What was recorded before AT is served: no model is asked for it, and no function runs. From AT on, all is live; a
    function that was under way there runs again. If its process died in it, nobody knows whether it took effect: look,
    and say what is to be done.
    """
    from lllm.cli.decide import telling_unknown, to_decide  # noqa: PLC0415 - heavy

    recorded = find_recorded(session, config, log_dir)
    overrides = to_overrides(settings, model, prompts, recorded.config)
    decide = to_decide(screen, recorded, again, tell, answer)
    with telling_unknown(screen, recorded.to_command("fork", recorded.at)):
        report = _forked(screen, recorded, overrides, name, decide, streams=not no_stream)
    show_live(screen, report)
    return exits.OK


def _forked(
    screen: Screen, recorded: Recorded, overrides: Overrides, name: str, decide: Decide, *, streams: bool
) -> LiveReport:
    from lllm.cli.players import tell_players  # noqa: PLC0415 - heavy
    from lllm.replay.fork import fork as run_fork  # noqa: PLC0415 - as above
    from lllm.replay.overrides import to_built, to_overridden_header  # noqa: PLC0415 - as above

    opened: list[str] = []

    def on_open(name: str) -> None:
        opened.append(name)
        screen.say(f"session {name}", "dim")

    header = to_built(to_overridden_header(recorded.header, overrides), overrides)
    try:
        with watching(screen, streams=streams) as watcher:
            tell_players(screen, header.get("config") or {})
            code = live_run(recorded, screen, header)
            return run_fork(
                recorded.log,
                recorded.name,
                recorded.at or None,
                code,
                overrides=overrides,
                name=name,
                decide=decide,
                listen=watcher,
                on_open=on_open,
            )
    finally:
        if opened and not screen.as_json:
            screen.say(f"compare: lllm log diff {recorded.name} {opened[0]}{recorded.place.asked}", "dim")
