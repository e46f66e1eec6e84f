"""The root command: which verbs there are, and how whatever ends one becomes a message and an exit code.

A verb's module is imported when the verb is used, so that ``lllm --help`` costs what click costs.
"""

from __future__ import annotations

import difflib
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from lllm.cli import exits
from lllm.cli.screen import Screen
from lllm.const import VERSION

# verb -> what it does; its module is lllm.cli.<verb>, and so is its name there
VERBS = {
    "create": "Start a project from a template.",
    "run": "Run a task, or a file of tasks.",
    "chat": "Talk with one agent of a config.",
    "replay": "Replay a session offline and tell whether today's code does the same.",
    "log": "List, show and check sessions.",
    "prompts": "List, show and lint the project's prompts.",
    "agents": "List agent types and configured agents.",
    "config": "Show and check a config.",
    "machine": "Show the table of states that every call runs through.",
    "doctor": "Check the installation and the project.",
}
_MODULES = {"log": "logs"}


class Root(click.Group):
    """The command ``lllm``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a first day's work."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = import_module(f"lllm.cli.{_MODULES.get(cmd_name, cmd_name)}")
        return getattr(module, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; an unknown one is told with the nearest."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            told = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(VERBS)}"
            ctx.fail(f"there is no verb {args[0]!r}; {told}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs from the table above, without importing any."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def main(  # pyright: ignore[reportIncompatibleMethodOverride] - its other arguments pass through
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command line and exit."""
        given = sys.argv[1:] if args is None else list(args)
        screen = Screen.of(given)
        extra["standalone_mode"] = False
        try:
            code: Any = super().main(given, prog_name or "lllm", **extra, obj=screen)
        except BaseException as error:
            if isinstance(error, SystemExit) and _raised_in(error).startswith(("click.", "rich.")):
                raise  # their way to say that nobody reads on
            code = report(error, screen)
        sys.exit(code if isinstance(code, int) else exits.OK)


def _raised_in(error: BaseException) -> str:
    """Return the name of the module whose code raised an error."""
    trace, name = error.__traceback__, ""
    while trace is not None:
        name, trace = trace.tb_frame.f_globals.get("__name__", ""), trace.tb_next
    return name


def report(error: BaseException, screen: Screen) -> int:
    """Tell of an error and return its exit code."""
    told = exits.to_told(error)
    if screen.debug:
        screen.say("".join(traceback.format_exception(error)).rstrip())
    if screen.as_json:
        with suppress(OSError, ValueError):  # stdout may be what failed: a full disk, or a stream that is closed
            screen.json({"error": told})
            return told["exit_code"]
    place = f"{told['where']}: " if told["where"] else ""
    screen.say("error: ", "bold red", end="")
    screen.say(place + told["message"])
    if told["hint"]:
        screen.say("hint: ", "bold", end="")
        screen.say(told["hint"])
    return told["exit_code"]


@click.group("lllm", cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="lllm")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def cli() -> None:
    """Run agents, and replay what they did.

    Exit codes: 0 ok, 1 failed, 2 usage or config, 3 replay differs, 4 not found, 130 interrupted.
    """
