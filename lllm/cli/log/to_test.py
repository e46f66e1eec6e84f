"""``lllm log to-test``: a recorded session as a test."""

from __future__ import annotations

from pathlib import Path

import click

from lllm.cli import exits
from lllm.cli.options import log_options, standard
from lllm.cli.project import find_place, open_log
from lllm.cli.screen import Screen


@click.command("to-test")
@click.argument("session", default="last")
@click.option("-o", "--out", metavar="FILE", help="The test's file.  [default: tests/test_NAME.py of the project]")
@click.option("--name", default="", help="What test and recording are called; made from the task by default.")
@log_options
@standard
def to_test(screen: Screen, session: str, out: str | None, name: str, config: str | None, log_dir: str | None) -> int:
    """Write a pytest file that replays SESSION, and a copy of the session beside it. Nothing is written over."""
    from lllm.replay.to_test import save_test  # noqa: PLC0415 - loaded when used

    place = find_place(config)
    log = open_log(place, log_dir)
    file = Path(out).expanduser() if out is not None else None
    saved = save_test(log, log.resolve(session), file, folder=place.root / "tests", name=name)
    if screen.as_json:
        told = {"session": saved.session, "test": str(saved.test), "recording": str(saved.recording)}
        screen.json({**told, "events": saved.events, "prompts": saved.prompts})
        return exits.OK
    screen.data(_shown(saved.test))
    screen.say(f"recording {_shown(saved.recording)}, {saved.events} events", "dim")
    for key in saved.prompts:
        screen.say(f"note: the session has a text of its own for the prompt {key}; its test keeps to that one")
    screen.say(f"run it: pytest {_shown(saved.test)}")
    return exits.OK


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
