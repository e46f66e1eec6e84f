"""The root command: which verbs there are, and how whatever ends one becomes a message and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from lllm.cli import exits
from lllm.cli.lazy import LazyGroup, Verb
from lllm.cli.screen import Screen
from lllm.const import VERSION

VERBS = {
    "create": Verb("Start a project from a template.", "lllm.cli.create"),
    "run": Verb("Run a task, or a file of tasks.", "lllm.cli.run"),
    "chat": Verb("Talk with one agent of a config.", "lllm.cli.chat"),
    "replay": Verb("Replay a session offline and tell whether today's code does the same.", "lllm.cli.replay"),
    "resume": Verb("Go on with a session whose process died.", "lllm.cli.resume"),
    "fork": Verb("Go on from any event of a session, in a new one.", "lllm.cli.fork"),
    "log": Verb("List, show, compare, export and prune sessions.", "lllm.cli.log"),
    "prompts": Verb("List, show and lint the project's prompts.", "lllm.cli.prompts"),
    "agents": Verb("List agent types and configured agents.", "lllm.cli.agents"),
    "proxies": Verb("List, call and test the services that agents may use.", "lllm.cli.proxies"),
    "models": Verb("List providers, and the models that they have.", "lllm.cli.models"),
    "config": Verb("Show and check a config.", "lllm.cli.config"),
    "machine": Verb("Show the table of states that every call runs through.", "lllm.cli.machine"),
    "doctor": Verb("Check the installation and the project.", "lllm.cli.doctor"),
}


class Root(LazyGroup):
    """The command ``lllm``."""

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
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # a group without a verb: its help, and no complaint
        screen.say(error.format_message())
        return exits.USAGE
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


@click.group("lllm", cls=Root, verbs=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="lllm")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def cli() -> None:
    """Run agents, and replay what they did.

    Exit codes: 0 ok, 1 failed, 2 usage or config, 3 replay differs, 4 not found, 130 interrupted.
    """
