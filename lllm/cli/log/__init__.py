"""``lllm log``: the sessions of a project."""

from __future__ import annotations

import click

from lllm.cli.lazy import LazyGroup, Verb

_VERBS = {
    "list": Verb("List sessions, newest first.", "lllm.cli.log.sessions"),
    "show": Verb("Show the dialogs of a session.", "lllm.cli.log.look"),
    "path": Verb("Print the folder of a session.", "lllm.cli.log.sessions"),
    "fsck": Verb("Check a session byte for byte.", "lllm.cli.log.check"),
}


@click.group(cls=LazyGroup, verbs=_VERBS)
def log() -> None:
    """List, show and check sessions. SESSION is a name, a unique start of one, or "last"."""
