"""``lllm run``: one task, or a file of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from lllm.cli.asked import Asked, parse_kwargs
from lllm.cli.options import config_options, standard
from lllm.cli.screen import Aside, Screen

if TYPE_CHECKING:
    from lllm.llm.session import Session


@click.command()
@click.argument("words", nargs=-1, metavar="[AGENT_TYPE] [TASK]")
@config_options
@click.option("--session", metavar="NAME", help="Name of the session; of the batch, with --tasks.")
@click.option("--no-stream", is_flag=True, help="Do not show the reply while it is written.")
@click.option("--kwargs", metavar="JSON", help="Further arguments of the agent's call, as a JSON object.")
@click.option("--tasks", metavar="FILE", help="Run every line of a JSONL file; run it again to go on where it stopped.")
@click.option("--concurrency", type=click.IntRange(1, 10_000), default=8, show_default=True, help="Tasks at once.")
@click.option("--out", metavar="FILE", help="Append the results of --tasks to a JSONL file.")
@standard
def run(screen: Screen, **given: Any) -> int:
    """Run TASK ("-" reads it from stdin) with the config's agents, and print the result.

    AGENT_TYPE runs another system than the config's agent_type. A line of --tasks is a JSON text, or an object with
    "task" and, if you like, "id" and "kwargs".
    """
    asked = Asked(**given)
    if asked.tasks is not None:
        if len(asked.words) > 1:
            raise click.UsageError("with --tasks, only AGENT_TYPE can be given")
        from lllm.cli.batch import run_batch  # noqa: PLC0415 - heavy

        return run_batch(screen, asked)
    if not 1 <= len(asked.words) <= 2:
        raise click.UsageError("give one task, in quotes: lllm run [AGENT_TYPE] TASK")
    if asked.out is not None:
        raise click.UsageError("--out belongs to --tasks")
    return _run_one(screen, asked)


def _run_one(screen: Screen, asked: Asked) -> int:
    from lllm.cli.players import tell_players  # noqa: PLC0415 - heavy
    from lllm.cli.project import discover, find_place, load_system, load_values  # noqa: PLC0415 - heavy
    from lllm.cli.work import Work, to_data, to_text, usage_to_dict  # noqa: PLC0415 - as above

    work = Work(_read_task(asked.words[-1]), asked.session, kwargs=parse_kwargs(asked.kwargs))
    place = find_place(asked.config)
    config = load_values(place, asked.settings)
    discover(place, config.values)
    system = load_system(config, asked.words[0] if len(asked.words) == 2 else None, Aside(screen))
    tell_players(screen, config.values)
    opened: list[Session] = []

    def begin(session: Session) -> None:
        opened.append(session)
        if session.journal.path is not None:  # before anything is done: whoever finds the process dead has the name
            given = f"  (for {asked.session!r})" if asked.session not in (None, session.name) else ""
            screen.say(f"session {session.name}{given}", "dim")

    try:
        result = _perform(screen, system, work, begin, streams=not asked.no_stream)
    finally:
        if opened and opened[0].journal.path is not None:
            screen.say(f"replay it: lllm replay {opened[0].name}{place.asked}", "dim")
    if screen.as_json:
        usage = usage_to_dict(opened[0].usage)
        screen.json({"session": opened[0].name, "result": to_data(result), "usage": usage, "status": "ok"})
    else:
        screen.data(to_text(result))
    return 0


def _perform(screen: Screen, system: Any, work: Any, begin: Callable[[Session], None], *, streams: bool) -> Any:
    """Run the task; in JSON mode, what the user's code prints may not get into the document."""
    import asyncio  # noqa: PLC0415 - heavy

    from lllm.cli.watch import Watcher  # noqa: PLC0415 - heavy
    from lllm.cli.work import arun_work, run_work  # noqa: PLC0415 - heavy

    watcher = Watcher(screen) if streams and not screen.as_json and sys.stderr.isatty() else None
    system.listener = watcher
    with redirect_stdout(sys.stderr) if screen.as_json else nullcontext():
        try:
            if system.is_async:
                return asyncio.run(arun_work(system, work, begin))
            return run_work(system, work, begin)
        finally:
            if watcher is not None:
                watcher.end()


def _read_task(word: str) -> str:
    """Return the task; ``-`` is all of stdin without its last line feed, whatever its bytes are."""
    if word != "-":
        return word
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape").removesuffix("\n")
