"""``lllm log diff``: two sessions side by side."""

from __future__ import annotations

import click

from lllm.cli import exits
from lllm.cli.options import log_options, standard
from lllm.cli.project import open_store
from lllm.cli.screen import Screen, diff_style


@click.command()
@click.argument("a")
@click.argument("b")
@log_options
@standard
def diff(screen: Screen, a: str, b: str, config: str | None, log_dir: str | None) -> int:
    """Compare sessions A and B as runs: settings, prompts, what was said, called and returned, tokens and time.

    Exit code 3 tells that they differ. Times, seqs, addresses and seeds are no differences.
    """
    from lllm.log.lineage import read_readable  # noqa: PLC0415 - loaded when used
    from lllm.replay.diff import diff_runs  # noqa: PLC0415 - as above
    from lllm.replay.diff_text import INDENT, render_diff  # noqa: PLC0415 - as above

    store = open_store(config, log_dir)
    names = store.resolve(a), store.resolve(b)
    (left, damage_a), (right, damage_b) = (read_readable(store.read_run(name)) for name in names)
    fault_a, fault_b = (str(damage or "") for damage in (damage_a, damage_b))
    found = diff_runs(left, right, names)
    if screen.as_json:
        screen.json(found.to_dict() | {"damage": {"a": fault_a, "b": fault_b}})
    else:
        for line in render_diff(found).splitlines():
            screen.line(line, diff_style(line, INDENT))
    for name, fault in zip(names, (fault_a, fault_b), strict=True):
        if fault:
            screen.say(f"error: {fault}\nhint: lllm log fsck {name}")
    if fault_a or fault_b:
        return exits.FAILED
    return exits.OK if found.is_same else exits.DIFFERS
