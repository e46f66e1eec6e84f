"""``lllm log fsck``: what is wrong with a session's files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from lllm.cli import exits
from lllm.cli.options import log_options, standard
from lllm.cli.project import open_store
from lllm.cli.screen import Screen
from lllm.errors import LogError

if TYPE_CHECKING:
    from lllm.log.local import LocalFileLog
    from lllm.log.recovery import FsckReport


@click.command()
@click.argument("session", default="last")
@log_options
@standard
def fsck(screen: Screen, session: str, config: str | None, log_dir: str | None) -> int:
    """Check SESSION byte for byte; tell what is damaged, what is left, and what to do. Changes nothing."""
    from lllm.log.recovery import fsck as run_fsck  # noqa: PLC0415 - loaded when used

    store = open_store(config, log_dir)
    name = store.resolve(session)
    report = run_fsck(store.session_path(name))
    if report.ok:
        _check_parents(store, name, report)
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


def _check_parents(store: LocalFileLog, name: str, report: FsckReport) -> None:
    """Add what is wrong with the sessions that a fork was made from: without them it is only a part of a run."""
    try:
        for _ in store.read_run(name):
            pass
    except LogError as error:
        report.ok = False
        report.problems.append(str(error))
        report.advice = error.hint or report.advice
