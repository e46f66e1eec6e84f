"""``lllm replay``: run today's code over a recorded session, offline."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from lllm.cli import exits
from lllm.cli.options import log_options, standard
from lllm.cli.screen import Screen

if TYPE_CHECKING:
    from lllm.log.local import LocalFileLog
    from lllm.replay import ReplayReport

_WORDS = {
    "same": "same: today's code does exactly what was recorded",
    "ended": "ended: the recorded run was killed or interrupted here, and up to here today's code does the same",
    "differs": "differs: today's code does something else than was recorded",
}


@click.command()
@click.argument("session", default="last")
@log_options
@standard
def replay(screen: Screen, session: str, config: str | None, log_dir: str | None) -> int:
    """Replay SESSION (a name, a unique start of one, or "last") without network and without running any function.

    Exit code 3 tells that today's code or prompts do something else than was recorded, and the report says where.
    """
    from lllm.cli.project import discover, find_place, open_log  # noqa: PLC0415 - heavy
    from lllm.cli.work import to_data  # noqa: PLC0415 - as above

    place = find_place(config)
    log = open_log(place, log_dir)
    name = log.resolve(session)
    first = next(iter(log.read_session(name)), None)
    header = first.data if first is not None else {}
    discover(place, header.get("config") or {})
    with redirect_stdout(sys.stderr):  # what user code prints is no part of the report
        report = _replayed(log, name, header)
    if screen.as_json:
        screen.json(asdict(replace(report, result=None)) | {"result": to_data(report.result)})
    else:
        _show(screen, report)
    return exits.DIFFERS if report.status == "differs" else exits.OK


def _replayed(log: LocalFileLog, name: str, header: dict[str, Any]) -> ReplayReport:
    from lllm.replay import replay as run_replay  # noqa: PLC0415 - heavy

    if "chat" not in header:
        return run_replay(log, name)
    from lllm.cli.talk import rerun  # noqa: PLC0415 - heavy
    from lllm.log.memory import NoLog  # noqa: PLC0415 - loaded when used

    return run_replay(log, name, rerun(header, NoLog()))


def _show(screen: Screen, report: ReplayReport) -> None:
    from lllm.cli.screen import preview  # noqa: PLC0415 - used here alone
    from lllm.cli.work import to_text  # noqa: PLC0415 - heavy

    style = {"same": "green", "ended": "yellow", "differs": "bold red"}[report.status]
    screen.line(f"session  {report.session}")
    screen.line(f"events   {report.replayed} of {report.events} agree")
    steps, dialogs = _count(report.steps, "model call"), _count(report.dialogs, "dialog")
    screen.line(f"steps    {steps} in {dialogs}, none of them sent")
    if report.error:
        screen.line(f"error    {preview(report.error, 300)}  (as recorded)")
    elif report.status == "same":
        screen.line(f"result   {preview(to_text(report.result), 300)}")
    screen.line(_WORDS[report.status], style)
    if report.difference:
        _show_difference(screen, report)
    for remark in report.remarks:
        screen.say(f"note: {remark}", "dim")


def _show_difference(screen: Screen, report: ReplayReport) -> None:
    from lllm.replay.diverge import render_report  # noqa: PLC0415 - heavy

    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in render_report(report.difference).splitlines():
        screen.line(line, styles.get(line[:1], ""))
    screen.say(f"look at the recording: lllm log show {report.session} --full")
    screen.say("if the change is meant, run the task again; the old session stays as it is")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
