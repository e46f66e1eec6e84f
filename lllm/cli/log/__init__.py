"""``lllm log``: the sessions of a project."""

from __future__ import annotations

import click

from lllm.cli.lazy import LazyGroup, Verb

_VERBS = {
    "list": Verb("List sessions, newest first.", "lllm.cli.log.sessions"),
    "show": Verb("Show the dialogs of a session.", "lllm.cli.log.look"),
    "diff": Verb("Compare two sessions.", "lllm.cli.log.diff"),
    "to-test": Verb("Write a test that replays a session.", "lllm.cli.log.to_test"),
    "tail": Verb("Show the last events of a session, and follow it while it runs.", "lllm.cli.log.tail"),
    "path": Verb("Print the folder of a session.", "lllm.cli.log.sessions"),
    "export": Verb("Write a session as a page, a transcript, events, a notebook or traces.", "lllm.cli.log.export"),
    "cost": Verb("Sum the tokens and the money of one session, or of many.", "lllm.cli.log.cost"),
    "fsck": Verb("Check a session byte for byte.", "lllm.cli.log.check"),
    "prune": Verb("Remove old sessions, and what only they needed.", "lllm.cli.log.prune"),
    "reindex": Verb("Make the index of all sessions anew.", "lllm.cli.log.reindex"),
}


@click.group(cls=LazyGroup, verbs=_VERBS)
def log() -> None:
    """List, show, compare, check, export and prune sessions. SESSION is a name, a unique start of one, or "last"."""
