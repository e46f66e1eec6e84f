"""A group of verbs, each of which is imported when it is used, so that ``lllm --help`` costs what click costs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Verb(NamedTuple):
    """One line of a group's help, and the module whose attribute of the verb's own name, ``-`` as ``_``, it is."""

    told: str
    module: str


class LazyGroup(click.Group):
    """A group that knows its verbs by name.

    Args:
        verbs: by name, in the order of a first day's work.
    """

    def __init__(self, *args: Any, verbs: Mapping[str, Verb] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.verbs = verbs or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in their order."""
        del ctx
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        del ctx
        if cmd_name not in self.verbs:
            return None
        module = import_module(self.verbs[cmd_name].module)
        name = cmd_name.replace("-", "_")
        return getattr(module, name, None) or getattr(module, f"{name}_")  # such as list_, which would hide list

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; an unknown one is told with the nearest."""
        if args and args[0] not in self.verbs and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.verbs, n=1)
            told = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(self.verbs)}"
            ctx.fail(f"there is no verb {args[0]!r}; {told}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing any."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.told) for name, verb in self.verbs.items()])
