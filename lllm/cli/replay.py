"""``lllm replay``: run today's code over a recorded session, offline; or tell what it would ask, or ask it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lllm.cli import exits
from lllm.cli.again import Recorded, find_recorded, override_options, to_overrides
from lllm.cli.options import log_options, standard
from lllm.cli.screen import Screen, diff_style, preview

if TYPE_CHECKING:
    from lllm.replay import ReplayReport

_WORDS = {
    "same": "same: today's code does exactly what was recorded",
    "ended": "ended: the recorded run was killed or interrupted here, and up to here today's code does the same",
    "stopped": "stopped where you asked; up to here today's code does the same",
    "differs": "differs: today's code does something else than was recorded",
}
_STYLES = {"same": "green", "ended": "yellow", "stopped": "yellow", "differs": "bold red"}


@click.command()
@click.argument("session", default="last")
@click.option("--until", metavar="AT", help="Stop before this event: a seq, or an id such as 1/s2.")
@click.option("--pdb", "debugs", is_flag=True, help="Where the replay stops, open the debugger in your code.")
@click.option("--copy", metavar="DIR", help="Write what today's code said as a second log, with the recorded times.")
@click.option("--check", "checks", is_flag=True, help="List the model calls that today's code would change.")
@click.option("--what-if", "asks", is_flag=True, help="Ask the model for real; functions answer from the recording.")
@override_options
@log_options
@standard
def replay(  # noqa: PLR0913 - the options of a command line
    screen: Screen,
    session: str,
    until: str | None,
    debugs: bool,
    copy: str | None,
    checks: bool,
    asks: bool,
    settings: Sequence[str],
    model: str,
    prompts: Sequence[str],
    config: str | None,
    log_dir: str | None,
) -> int:
    """Replay SESSION (a name, a unique start of one, or "last") without network and without running any function.

    Exit code 3 tells that today's code or prompts do something else than was recorded, and the report says where.
    --set, --model and --prompt belong to --what-if, which is the only one that asks a model.
    """
    if checks and asks:
        raise click.UsageError("choose --check or --what-if")
    if (checks or asks) and (until or debugs or copy or "@" in session):
        raise click.UsageError("--until, --pdb, --copy and SESSION@AT belong to a replay, not to --check or --what-if")
    if (settings or model or prompts) and not asks:
        raise click.UsageError("--set, --model and --prompt belong to --what-if, or to lllm fork")
    recorded = find_recorded(session, config, log_dir)
    if checks:
        return _check(screen, recorded)
    if asks:
        from lllm.cli.what_if import show_what_if  # noqa: PLC0415 - heavy

        return show_what_if(screen, recorded, to_overrides(settings, model, prompts, recorded.config))
    return _replay(screen, recorded, until or recorded.at or None, debugs=debugs, copy=copy)


def _replay(screen: Screen, recorded: Recorded, until: str | None, *, debugs: bool, copy: str | None) -> int:
    from lllm.cli.debug import Stop  # noqa: PLC0415 - heavy
    from lllm.cli.work import to_data  # noqa: PLC0415 - as above
    from lllm.llm.talk import offline_run  # noqa: PLC0415 - as above
    from lllm.replay import replay as run_replay  # noqa: PLC0415 - as above

    code = offline_run(recorded.header)
    stop = Stop(debugs=debugs)
    with redirect_stdout(sys.stderr):  # what user code prints is no part of the report
        folder = Path(copy).absolute() if copy else None
        report = run_replay(recorded.log, recorded.name, code, until=until, on_stop=stop, copy_to=folder)
    if stop.was_quit:  # a debugger ends what it runs with an error of its own, which is no difference
        report = replace(report, status="stopped", difference={}, error="", stopped_at=stop.seq)
    if screen.as_json:
        screen.json(asdict(replace(report, result=None)) | {"result": to_data(report.result), "place": stop.place})
    else:
        _show(screen, report, recorded)
        if report.status == "stopped":
            screen.line(f"before   {stop.told}")
            screen.line(f"in       {stop.place}")
        _show_next(screen, report, recorded)
    return exits.DIFFERS if report.status == "differs" else exits.OK


def _show(screen: Screen, report: ReplayReport, recorded: Recorded) -> None:
    from lllm.cli.work import to_text  # noqa: PLC0415 - heavy
    from lllm.replay.second import is_identical  # noqa: PLC0415 - as above

    screen.line(f"session  {report.session}")
    screen.line(f"events   {report.replayed} of {report.events} agree")
    steps, dialogs = _count(report.steps, "model call"), _count(report.dialogs, "dialog")
    screen.line(f"steps    {steps} in {dialogs}, none of them sent")
    if report.error:
        screen.line(f"error    {preview(report.error, 300)}  (as recorded)")
    elif report.status == "same":
        screen.line(f"result   {preview(to_text(report.result), 300)}")
    screen.line(_WORDS[report.status], _STYLES[report.status])
    if report.status == "ended" and report.replayed < report.events:
        left = report.events - report.replayed
        screen.line(f"not compared: {_count(left, 'event')} of what ran beside it", "yellow")
    if report.copy:
        told = is_identical(recorded.log.session_path(report.session), Path(report.copy))
        screen.line(f"copy     {report.copy}: {'the same bytes' if told else 'other bytes than the recording'}")
    if report.difference:
        show_difference(screen, report.difference)
    for remark in report.remarks:
        screen.say(f"note: {remark}", "dim")


def _show_next(screen: Screen, report: ReplayReport, recorded: Recorded) -> None:
    """Write the command that goes on from here."""
    from lllm.log.flock import is_held  # noqa: PLC0415 - loaded when used
    from lllm.log.lock import NAME as LOCK  # noqa: PLC0415 - as above

    seq = report.difference.get("seq") if report.difference else report.stopped_at
    if report.status == "differs":
        screen.say(f"look at the recording:         lllm log show {report.session} --full{recorded.place.asked}")
        screen.say(f"every call that would change:  {recorded.to_command('replay')} --check")
    if report.status in {"differs", "stopped"}:
        screen.say(f"go on from here with today's code:  {recorded.to_command('fork', seq or '')}")
    if report.status == "ended" and is_held(recorded.log.session_path(report.session) / LOCK):
        screen.say(f"its process still runs; watch it:  lllm log tail {report.session} -f{recorded.place.asked}")
    elif report.status == "ended":
        died = recorded.log.describe_session(report.session).status == "open"  # else it was interrupted, and closed
        command = recorded.to_command("resume") if died else recorded.to_command("fork", report.events)
        screen.say(f"go on with it:  {command}")


def show_difference(screen: Screen, difference: Mapping[str, Any]) -> None:
    """Write a divergence report."""
    from lllm.replay.text import render_report  # noqa: PLC0415 - heavy

    for line in render_report(difference).splitlines():
        screen.line(line, diff_style(line))


def _check(screen: Screen, recorded: Recorded) -> int:
    from lllm.llm.talk import offline_run  # noqa: PLC0415 - heavy
    from lllm.replay.check import check as run_check  # noqa: PLC0415 - as above

    code = offline_run(recorded.header)
    with redirect_stdout(sys.stderr):
        report = run_check(recorded.log, recorded.name, code)
    if screen.as_json:
        screen.json(asdict(report))
        return exits.DIFFERS if report.changed or report.stopped else exits.OK
    screen.line(f"session  {report.session}")
    screen.line(f"calls    {len(report.changed)} of {_count(report.calls, 'model call')} would be another one today")
    for change in report.changed:
        told = f"{change['id']:<8} seq {change['seq']:<5} {change['cause']} ({change['pointer']})"
        screen.line(f"  {told}", "yellow")
    for change in report.because:
        screen.line(f"  {change['kind']} {change['id']}: {change['cause']}", "dim")
        for line in str(change["diff"]).splitlines()[2:12]:
            screen.line(f"    {line}", diff_style(line) or "dim")
    if report.stopped:
        told = f"from seq {report.stopped['seq']} on today's code does something else, so {report.untold} calls"
        screen.line(f"{told} cannot be told: {report.stopped['message']}", "bold red")
    if not (report.changed or report.stopped):
        screen.line("same: no call would change", "green")
        return exits.OK
    first = next((change["seq"] for change in (*report.changed, report.stopped) if change), "")
    screen.say(f"the changed calls had cost {report.tokens} tokens")
    screen.say(f"ask them anew:  {recorded.to_command('fork', first)}")
    return exits.DIFFERS


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
