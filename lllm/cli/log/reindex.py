"""``lllm log reindex``: make the index of a log's sessions anew."""

from __future__ import annotations

import click

from lllm.cli import exits
from lllm.cli.options import log_options, standard
from lllm.cli.project import open_store
from lllm.cli.screen import Screen


@click.command()
@log_options
@standard
def reindex(screen: Screen, config: str | None, log_dir: str | None) -> int:
    """Make the index of the log anew from the sessions' files. It is never needed: listing mends it by itself."""
    from lllm.log.marks import INDEX  # noqa: PLC0415 - loaded when used

    store = open_store(config, log_dir)
    count = store.rebuild_index(screen.say)
    path = store.folder / INDEX
    if screen.as_json:
        screen.json({"path": str(path), "sessions": count})
    else:
        screen.line(f"{count} sessions in {path}")
    return exits.OK
