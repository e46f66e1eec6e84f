"""``lllm log prune``: remove old sessions, by age and by size."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, get_args

import click

from lllm.cli import exits
from lllm.cli.amounts import SIZE, SPAN, to_age, to_size
from lllm.cli.options import log_options, standard
from lllm.cli.project import open_store
from lllm.cli.screen import Screen
from lllm.log.base import Status

if TYPE_CHECKING:
    from lllm.log.prune import Plan, Pruned

_SHOWN = 20


@click.command()
@click.option("--older-than", "older_than_s", type=SPAN, help="Sessions whose last event is older, such as 30d.")
@click.option("--max-size", "max_bytes", type=SIZE, help="The oldest, until all that is left is smaller, such as 2GB.")
@click.option("--keep", type=click.IntRange(0), default=0, help="Keep so many of the newest in any case.")
@click.option("--status", type=click.Choice(get_args(Status)), help="Only sessions that ended so, or did not.")
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@log_options
@standard
def prune(screen: Screen, config: str | None, log_dir: str | None, *, dry_run: bool, yes: bool, **rules: Any) -> int:
    """Remove old sessions, and the large texts that only they held.

    A session that is being written stays, and one whose events a fork shares that stays.
    """
    from lllm.log.prune import Rules, build_plan, run_plan  # noqa: PLC0415 - loaded when used

    if rules["older_than_s"] is None and rules["max_bytes"] is None:
        raise click.UsageError("say what is old: --older-than 30d, or --max-size 2GB, or both")
    store = open_store(config, log_dir)
    plan = build_plan(store, Rules(**rules))
    if not screen.as_json:
        _show(screen, plan)
    if dry_run or not (plan.sessions or plan.blobs):
        return _tell(screen, plan, None)
    _ask(yes=yes)
    return _tell(screen, plan, run_plan(store, plan))


def _ask(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nothing was removed: say --yes, or look first with --dry-run")
    click.confirm("Remove them?", abort=True, err=True)


def _show(screen: Screen, plan: Plan) -> None:
    now = time.time()
    for listed in plan.sessions[:_SHOWN]:
        age = "?" if listed.ended_ts is None else to_age(now - listed.ended_ts)
        screen.line(f"{listed.info.session}  {listed.info.status}  {age}  {to_size(listed.size_bytes)}")
    if len(plan.sessions) > _SHOWN:
        screen.line(f"and {len(plan.sessions) - _SHOWN} more")
    for name, why in list(plan.spared.items())[:_SHOWN]:
        screen.line(f"{name}  stays: {why}", "yellow")
    if len(plan.spared) > _SHOWN:
        screen.line(f"and {len(plan.spared) - _SHOWN} more that stay")
    screen.line(
        f"{len(plan.sessions)} sessions and {plan.blobs} large texts to remove: {to_size(plan.freed_bytes)}; "
        f"{plan.kept} sessions stay, {to_size(plan.left_bytes)} in all",
        "bold",
    )


def _tell(screen: Screen, plan: Plan, done: Pruned | None) -> int:
    if screen.as_json:
        told = {"dry_run": done is None, "kept": plan.kept, "left_bytes": plan.left_bytes, "spared": plan.spared}
        names = [listed.info.session for listed in plan.sessions] if done is None else done.sessions
        blobs, freed = (plan.blobs, plan.freed_bytes) if done is None else done[1:]
        screen.json({"sessions": names, "blobs": blobs, "freed_bytes": freed} | told)
    elif done is not None:
        told = f"removed {len(done.sessions)} sessions and {done.blobs} large texts: {to_size(done.freed_bytes)}"
        screen.line(told, "green")
    return exits.OK
