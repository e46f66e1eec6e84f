"""What the verbs share that run a recorded session again: where it is, what it ran, and what is different."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lllm.cli.exits import MissingError
from lllm.cli.project import Place, discover, find_place, load_values, open_log
from lllm.cli.screen import Screen
from lllm.errors import ConfigError

if TYPE_CHECKING:
    from lllm.cli.watch import Watcher
    from lllm.log.local import LocalFileLog
    from lllm.replay.live import LiveReport
    from lllm.replay.overrides import Overrides
    from lllm.replay.rerun import Run

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Recorded:
    """A session of a project.

    Attributes:
        name: the session's.
        at: what follows ``@`` in what the command line calls it; empty when nothing does.
        header: of its session.open event.
        config: today's config, when the command line names one; None runs with the recorded one.
    """

    place: Place
    log: LocalFileLog
    name: str
    at: str
    header: Mapping[str, Any]
    config: Mapping[str, Any] | None

    def to_command(self, verb: str, at: object = "") -> str:
        """Return a command line about this session."""
        return f"lllm {verb} {self.name}{f'@{at}' if at else ''}{self.place.asked}"


def find_recorded(session: str, config: str | None, log_dir: str | None) -> Recorded:
    """Find a session and load the project's files.

    Raises:
        SessionNotFound: there is none.
        MissingError: there is no such config.
    """
    from lllm.replay.recording import check_header  # noqa: PLC0415 - heavy

    place = find_place(config)
    log = open_log(place, log_dir)
    named, _, at = session.partition("@")
    name = log.resolve(named or "last")
    header = log.read_header(name)
    check_header(header)
    discover(place, header.get("config") or {})
    return Recorded(place, log, name, at, header, load_values(place).values if config is not None else None)


def override_options(function: F) -> F:
    """Give a verb ``--set``, ``--model`` and ``--prompt``, as ``settings``, ``model`` and ``prompts``."""
    told = "Another text for a registered prompt: its key, and a file; may be repeated."
    function = click.option("--prompt", "prompts", metavar="KEY=FILE", multiple=True, help=told)(function)
    told = "Another model for every agent, or AGENT=NAME for one."
    function = click.option("--model", metavar="NAME", default="", help=told)(function)
    told = "A value over the recorded config's, such as agent_configs.main.temperature=0; may be repeated."
    return click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help=told)(function)


def place_options(function: F) -> F:
    """Give a verb that goes on ``-c`` and ``--log-dir``, as ``config`` and ``log_dir``."""
    told = "Where the logs are, in place of the config's log_dir."
    function = click.option("--log-dir", metavar="DIR", help=told)(function)
    told = "The agent YAML: says where the log is, and is used in place of the recorded config."
    return click.option("-c", "--config", metavar="FILE", help=told)(function)


def decide_options(function: F) -> F:
    """Give a verb ``--again``, ``--tell`` and ``--answer``, for what was under way when a process died."""
    told = "This is what it returned: JSON, or plain text; may be repeated."
    function = click.option("--answer", metavar="ID=ANSWER", multiple=True, help=told)(function)
    told = 'Tell the model that nobody knows: an id, or "all"; may be repeated.'
    function = click.option("--tell", metavar="ID", multiple=True, help=told)(function)
    told = 'Do it again: the id of a function or a step, or "all"; may be repeated.'
    return click.option("--again", metavar="ID", multiple=True, help=told)(function)


def to_overrides(
    settings: Sequence[str], model: str, prompts: Sequence[str], config: Mapping[str, Any] | None
) -> Overrides:
    """Return what a command line wants different.

    Raises:
        UsageError: a prompt is not given as ``KEY=FILE``.
        MissingError: there is no such file.
    """
    from lllm.replay.overrides import Overrides  # noqa: PLC0415 - heavy

    return Overrides(settings, model, dict(map(_read_prompt, prompts)), config)


def _read_prompt(told: str) -> tuple[str, str]:
    key, equals, name = told.partition("=")
    if not (key and equals and name):
        raise click.UsageError(f"--prompt {told!r}: write KEY=FILE, such as trip/planner=better.txt")
    try:
        return key, Path(name).read_text("utf-8")
    except OSError as error:
        raise MissingError(f"the prompt's file cannot be read: {error.strerror}", where=name) from error
    except UnicodeDecodeError as error:
        raise ConfigError("the prompt's file is not UTF-8", where=name, hint="save it as UTF-8") from error


def live_run(recorded: Recorded, screen: Screen, header: Mapping[str, Any]) -> Run | None:
    """Return what a session ran that no AgentBase made: a chat, with the user of this terminal; None for others.

    ``header`` is the session's, with whatever is different this time.
    """
    if "chat" not in header:
        return None
    from lllm.cli.chat import go_on  # noqa: PLC0415 - heavy

    return go_on(screen, header["config"], header["chat"], recorded.log)


@contextmanager
def watching(screen: Screen, *, streams: bool) -> Generator[Watcher | None]:
    """Show what calls do while they do it, where a person looks; nothing that user code prints gets into a document."""
    watcher = None
    if streams and not screen.as_json and sys.stderr.isatty():
        from lllm.cli.watch import Watcher  # noqa: PLC0415 - heavy

        watcher = Watcher(screen)
    with redirect_stdout(sys.stderr) if screen.as_json else nullcontext():
        try:
            yield watcher
        finally:
            if watcher is not None:
                watcher.end()


def show_live(screen: Screen, report: LiveReport) -> None:
    """Write the result of a session that went on."""
    from lllm.cli.work import to_data, to_text, usage_to_dict  # noqa: PLC0415 - heavy

    if screen.as_json:
        told = {"session": report.session, "result": to_data(report.result), "usage": usage_to_dict(report.usage)}
        screen.json(told | {"status": "ok", "served": report.served, "written": report.written})
        return
    served = f"{report.served} event{'' if report.served == 1 else 's'}"
    screen.say(f"{served} from the recording, {report.written} new", "dim")
    screen.data(to_text(report.result))
