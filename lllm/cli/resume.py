"""``lllm resume``: go on with a session whose process died."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lllm.cli import exits
from lllm.cli.again import Recorded, decide_options, find_recorded, live_run, place_options, show_live, watching
from lllm.cli.options import standard
from lllm.cli.screen import Screen

if TYPE_CHECKING:
    from lllm.replay.live import LiveReport
    from lllm.replay.unfinished import Decide


@click.command()
@click.argument("session", default="last")
@decide_options
@click.option("--no-stream", is_flag=True, help="Do not show the reply while it is written.")
@place_options
@standard
def resume(  # noqa: PLR0913 - the options of a command line
    screen: Screen,
    session: str,
    again: Sequence[str],
    tell: Sequence[str],
    answer: Sequence[str],
    no_stream: bool,
    config: str | None,
    log_dir: str | None,
) -> int:
    """Go on with SESSION (by default the newest), whose process died, in its own log.

    What has a result is served from the log. A model call that was under way is asked again, and a function that was
    declared repeatable or idempotent runs again. Whether any other function or step took effect nobody knows: look,
    and say for each what is to be done.
    """
    from lllm.cli.decide import telling_unknown, to_decide  # noqa: PLC0415 - heavy
    from lllm.errors import ReplayDiverged  # noqa: PLC0415 - as above

    recorded = find_recorded(session, config, log_dir)
    if recorded.at:
        raise click.UsageError("a session is gone on with at its end; from elsewhere: lllm fork SESSION@AT")
    decide = to_decide(screen, recorded, again, tell, answer)
    try:
        with telling_unknown(screen, recorded.to_command("resume")):
            report = _resumed(screen, recorded, decide, streams=not no_stream)
    except ReplayDiverged as error:
        fork = recorded.to_command("fork", error.report.get("seq") or "")
        error.hint += (
            f". See it: {recorded.to_command('replay')}. Take it back, or go on in a session of its own: {fork}"
        )
        raise
    screen.say(f"session {report.session}", "dim")
    show_live(screen, report)
    return exits.OK


def _resumed(screen: Screen, recorded: Recorded, decide: Decide, *, streams: bool) -> LiveReport:
    from lllm.cli.players import tell_players  # noqa: PLC0415 - heavy
    from lllm.replay.resume import resume as run_resume  # noqa: PLC0415 - as above

    with watching(screen, streams=streams) as watcher:
        header = recorded.header if recorded.config is None else {**recorded.header, "config": recorded.config}
        tell_players(screen, header.get("config") or {})
        code = live_run(recorded, screen, header)
        return run_resume(recorded.log, recorded.name, code, config=recorded.config, decide=decide, listen=watcher)
