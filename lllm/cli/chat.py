"""``lllm chat``: talk with one agent of a config."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from lllm.cli.exits import INTERRUPTED, MissingError
from lllm.cli.options import config_options, standard
from lllm.cli.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lllm.llm.session import Session
    from lllm.llm.talk import Talk
    from lllm.log.base import ReplayableLogBase


@click.command()
@click.argument("agent", required=False)
@config_options
@click.option("--session", metavar="NAME", help="Name of the session.")
@standard
def chat(screen: Screen, agent: str | None, config: str | None, settings: tuple[str, ...], session: str | None) -> int:
    """Talk with AGENT of the config, by default its first. Ctrl-C stops a reply, Ctrl-D ends the chat."""
    from lllm.cli.players import tell_players  # noqa: PLC0415 - heavy
    from lllm.cli.project import discover, find_place, load_values  # noqa: PLC0415 - heavy
    from lllm.config.secret import to_public  # noqa: PLC0415 - as above
    from lllm.llm.build import build_session_limits, hide_secrets  # noqa: PLC0415 - as above
    from lllm.llm.session import Session  # noqa: PLC0415 - as above
    from lllm.llm.talk import Talk, build_talker  # noqa: PLC0415 - as above
    from lllm.log.build import build_log_base  # noqa: PLC0415 - as above

    place = find_place(config)
    values = load_values(place, settings).values
    discover(place, values)
    name = _pick(values, agent, str(place.config))
    log = build_log_base(values)
    talker = build_talker(values, name, log)
    hide_secrets(log.redactor, values, [talker])
    header = {"task": f"chat with {name}", "chat": name, "config": to_public(values)}
    limits = build_session_limits(values)
    user = _User(screen, name)
    with Session.open(log, session, header=header, limits=limits, seed=values.get("random_seed")) as opened:
        opened.listen = user.watcher
        talk = Talk(talker, opened, user.read, user.tell)
        tell_players(screen, {**values, "agent_configs": {name: values["agent_configs"][name]}})
        screen.say(f"{name} ({talker.model}); /help tells the commands, Ctrl-D ends", "dim")
        opened.result = talk.run()
    _conclude(screen, opened.name, talk, kept=opened.journal.path is not None)
    return INTERRUPTED if user.interrupted else 0


def go_on(screen: Screen, values: Mapping[str, Any], name: str, log: ReplayableLogBase) -> Callable[[Session], int]:
    """Return what a chat's session ran, to go on with: what was typed is recorded, the rest is asked for here."""
    from lllm.llm.talk import Talk, build_talker  # noqa: PLC0415 - heavy

    talker, user = build_talker(values, name, log), _User(screen, name)

    def run(session: Session) -> int:
        session.result = Talk(talker, session, user.read, user.tell).run()
        return session.result

    return run


def _pick(values: Mapping[str, Any], agent: str | None, where: str) -> str:
    known = list(values.get("agent_configs") or {})
    if not known or (agent is not None and agent not in known):
        told = f"no agent is configured as {agent!r}" if agent else "no agents are configured"
        raise MissingError(told, where=where, hint=f"agent_configs has: {', '.join(known) or 'none'}")
    return agent or known[0]


class _User:
    """The person at the terminal, or the lines of a pipe."""

    def __init__(self, screen: Screen, agent: str) -> None:
        from lllm.cli.watch import Watcher  # noqa: PLC0415 - heavy

        self._screen, self._agent = screen, agent
        self._is_terminal = sys.stdin.isatty()
        streams = not screen.as_json and sys.stderr.isatty() and sys.stdout.isatty()
        self.watcher = Watcher(screen) if streams else None
        self.interrupted = False

    def read(self) -> str | None:
        """Return the next line; None at the end of input and at Ctrl-C, which ends the chat when nothing runs."""
        try:
            if self._is_terminal:
                import_module("readline")  # gives input() its line editing
                return input("> ")
            line = sys.stdin.readline()
        except (EOFError, KeyboardInterrupt) as error:
            self.interrupted = isinstance(error, KeyboardInterrupt)
            self._screen.say("")  # the cursor stands behind the prompt
            return None
        return line.removesuffix("\n") if line else None

    def tell(self, kind: str, text: str) -> None:
        """Show a reply, an error or a remark."""
        if self.watcher is not None:
            self.watcher.end()
        if kind == "error":
            self._screen.say("error: ", "bold red", end="")
            self._screen.say(text)
        elif kind == "info":
            self._screen.say(text, "dim")
        elif self.watcher is None and not self._screen.as_json:  # else it has been shown while it came
            self._screen.data(text)


def _conclude(screen: Screen, session: str, talk: Talk, *, kept: bool) -> None:
    if screen.as_json:
        screen.json({"session": session, "turns": talk.turns})
    if kept:
        screen.say(f"session {session}\nreplay it: lllm replay {session}", "dim")
