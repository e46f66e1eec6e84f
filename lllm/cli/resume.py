"""``lllm resume``: go on with a session whose process died."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from lllm.cli import exits
from lllm.cli.again import Recorded, find_recorded, live_run, watching
from lllm.cli.fork import show_live
from lllm.cli.log.sessions import to_age
from lllm.cli.options import log_options, standard
from lllm.cli.screen import Screen, preview

if TYPE_CHECKING:
    from lllm.errors import ResumeUndecided
    from lllm.replay.unfinished import Decide, Decision, Unfinished


@click.command()
@click.argument("session", default="last")
@click.option("--again", metavar="ID", multiple=True, help='Do it again: the id of a function or a step, or "all".')
@click.option("--tell", metavar="ID", multiple=True, help='Tell the model that nobody knows: an id, or "all".')
@click.option("--answer", metavar="ID=JSON", multiple=True, help="This is what it returned.")
@click.option("--no-stream", is_flag=True, help="Do not show the reply while it is written.")
@log_options
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
    """Go on with SESSION, whose process died, in its own log.

    What has a result is served from the log. A model call that was under way is asked again, and a function that was
    declared repeatable or idempotent runs again. Whether any other function or step took effect nobody knows: look,
    and say for each what is to be done.
    """
    from lllm.errors import ResumeUndecided  # noqa: PLC0415 - as the rest of this verb

    recorded = find_recorded(session, config, log_dir)
    decide = _decider(screen, again, tell, answer)
    try:
        report = _resumed(screen, recorded, decide, streams=not no_stream)
    except ResumeUndecided as error:
        _tell_unknown(screen, error, recorded)
        raise
    screen.say(f"session {report.session}", "dim")
    show_live(screen, report)
    return exits.OK


def _resumed(screen: Screen, recorded: Recorded, decide: Decide, *, streams: bool) -> Any:
    from lllm.replay.resume import resume as run_resume  # noqa: PLC0415 - heavy

    with watching(screen, streams=streams) as watcher:
        header = recorded.header if recorded.config is None else {**recorded.header, "config": recorded.config}
        code = live_run(recorded, screen, header)
        return run_resume(recorded.log, recorded.name, code, config=recorded.config, decide=decide, listen=watcher)


def _decider(screen: Screen, again: Sequence[str], tell: Sequence[str], answer: Sequence[str]) -> Decide:
    """Return what decides: the options, then, at a terminal, the person before it."""
    from lllm.replay.unfinished import AGAIN, TELL, Decision  # noqa: PLC0415 - heavy

    answers = dict(map(_parse_answer, answer))
    asks = sys.stdin.isatty() and sys.stderr.isatty() and not screen.as_json

    def decide(unknown: Unfinished) -> Decision | None:
        if unknown.id in answers:
            return Decision("answer", answers[unknown.id])
        if {unknown.id, "all"} & set(again):
            return AGAIN
        if {unknown.id, "all"} & set(tell):
            return TELL
        return _ask(screen, unknown) if asks else None

    return decide


def _parse_answer(told: str) -> tuple[str, Any]:
    id_, equals, text = told.partition("=")
    if not equals:
        raise click.UsageError(f"--answer {told!r}: write ID=JSON, such as 1/s0/f0='\"done\"'")
    try:
        return id_, json.loads(text)
    except ValueError:
        return id_, text  # plain text is what most functions return


def _ask(screen: Screen, unknown: Unfinished) -> Decision | None:
    from lllm.replay.unfinished import AGAIN, TELL, Decision  # noqa: PLC0415 - heavy

    _describe(screen, unknown)
    choices = click.Choice(["again", "tell", "answer", "stop"])
    told = {"again": AGAIN, "tell": TELL}
    choice = click.prompt("do it again, tell the model, give its answer, or stop?", type=choices, err=True)
    if choice == "answer":
        return Decision("answer", _parse_answer(f"x={click.prompt('what it returned', err=True)}")[1])
    return told.get(choice)


def _describe(screen: Screen, unknown: Unfinished) -> None:
    """Tell what is known of something that may have happened."""
    import time  # noqa: PLC0415 - used here alone

    age = to_age(time.time() - unknown.begun_ts)
    screen.say(f"unknown  {unknown.kind} {unknown.name} ({unknown.id}), begun {age} ago", "bold yellow")
    if unknown.arguments:
        screen.say(f"         arguments {preview(unknown.arguments, 300)}")
    for line in unknown.inside:
        screen.say(f"         inside    {preview(line)}", "dim")


def _tell_unknown(screen: Screen, error: ResumeUndecided, recorded: Recorded) -> None:
    """Give an error the commands that decide, and tell what is known."""
    if not screen.as_json:
        for unknown in error.unknown:
            _describe(screen, unknown)
    command, id_ = recorded.to_command("resume"), error.unknown[0].id
    error.hint = (
        f"look whether it took effect. It did: {command} --answer '{id_}=\"what it returned\"'. "
        f"It did not: --again {id_}. Nobody can tell: --tell {id_}, and the model reads that"
    )
