"""What is done about functions and steps that were under way when a process died: by options, or by who is asked."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from lllm.cli.amounts import to_age
from lllm.cli.screen import Screen, preview
from lllm.errors import ResumeUndecided
from lllm.replay.recording import Recording
from lllm.replay.unfinished import AGAIN, TELL, Decide, Decision, find_undecided

if TYPE_CHECKING:
    from lllm.cli.again import Recorded
    from lllm.replay.unfinished import Unfinished


def to_decide(
    screen: Screen, recorded: Recorded, again: Sequence[str], tell: Sequence[str], answer: Sequence[str]
) -> Decide:
    """Return what decides: the options, then, at a terminal, the person before it.

    Raises:
        UsageError: an answer is not given as ``ID=ANSWER``, or nothing is undecided that has such an id.
    """
    answers = dict(map(_parse_answer, answer))
    if named := ({*again, *tell} - {"all"}) | answers.keys():
        _check_named(recorded, named)
    asks = _can_ask(screen)

    def decide(unknown: Unfinished) -> Decision | None:
        if unknown.id in answers:
            return Decision("answer", _to_answer(unknown, answers[unknown.id]))
        if {unknown.id, "all"} & set(again):
            return AGAIN
        if {unknown.id, "all"} & set(tell):
            return TELL
        return _ask(screen, unknown) if asks else None

    return decide


@contextmanager
def telling_unknown(screen: Screen, command: str) -> Generator[None]:
    """Give an error of the block that nobody has decided the commands that do, and tell what is known."""
    try:
        yield
    except ResumeUndecided as error:
        if not (screen.as_json or _can_ask(screen)):  # who was asked has seen it
            for unknown in error.unknown:
                _describe(screen, unknown)
        id_ = error.unknown[0].id
        error.hint = (
            f"look whether it took effect. It did: {command} --answer '{id_}=what it returned'. "
            f"It did not: --again {id_}. Nobody can tell: --tell {id_}, and the model reads that"
        )
        raise


def _can_ask(screen: Screen) -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty() and not screen.as_json


def _parse_answer(told: str) -> tuple[str, str]:
    id_, equals, text = told.partition("=")
    if not equals:
        raise click.UsageError(f"--answer {told!r}: write ID=ANSWER, such as 1/s0/f0=done")
    return id_, text


def _check_named(recorded: Recorded, named: AbstractSet[str]) -> None:
    """Let no slip of the finger pass for a decision."""
    undecided = find_undecided(Recording(recorded.log.read_run(recorded.name)), recorded.at or None)
    strange = sorted(named - {item.id for item in undecided})
    if strange:
        told = ", ".join(f"{item.id} ({item.kind} {item.name})" for item in undecided) or "nothing"
        raise click.UsageError(f"no such id is undecided: {', '.join(strange)}. Undecided here: {told}")


def _to_answer(unknown: Unfinished, text: str) -> Any:
    """Return an answer: JSON, else plain text. A number of a function stays as it was typed: the model reads it so."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if unknown.kind == "function" and isinstance(value, int | float) else value


def _ask(screen: Screen, unknown: Unfinished) -> Decision | None:
    _describe(screen, unknown)
    choices = click.Choice(["again", "tell", "answer", "stop"])
    told = {"again": AGAIN, "tell": TELL}
    choice = click.prompt("do it again, tell the model, give its answer, or stop?", type=choices, err=True)
    if choice == "answer":
        return Decision("answer", _to_answer(unknown, click.prompt("what it returned, JSON or plain text", err=True)))
    return told.get(choice)


def _describe(screen: Screen, unknown: Unfinished) -> None:
    """Tell what is known of something that may have happened."""
    age = to_age(time.time() - unknown.begun_ts)
    screen.say(f"unknown  {unknown.kind} {unknown.name} ({unknown.id}), begun {age} ago", "bold yellow")
    screen.say("         its process died, and nobody knows whether it took effect: look first")
    if unknown.arguments:
        screen.say(f"         arguments {preview(unknown.arguments, 300)}")
    for line in unknown.inside:
        screen.say(f"         inside    {preview(line)}", "dim")
