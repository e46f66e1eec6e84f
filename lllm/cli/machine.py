"""``lllm machine``: the table of states that every call runs through."""

from __future__ import annotations

import click

from lllm.cli.options import standard
from lllm.cli.screen import Screen


@click.command()
@click.option("--mermaid", is_flag=True, help="Draw it as a Mermaid state diagram.")
@click.option("--markdown", is_flag=True, help="Write it as a table in Markdown.")
@standard
def machine(screen: Screen, *, mermaid: bool, markdown: bool) -> int:
    """Show the table of states and events. It is the one that runs, so it cannot be out of date."""
    from lllm.machine.draw import render_markdown, render_mermaid, rows, table_hash  # noqa: PLC0415 - when used

    if screen.as_json:
        screen.json({"hash": table_hash(), "rows": [row._asdict() for row in rows()]})
    elif mermaid:
        screen.data(render_mermaid())
    elif markdown:
        screen.data(render_markdown())
    else:
        screen.table(("state", "event", "when", "next", "command"), rows(), wrap=True)
    return 0
