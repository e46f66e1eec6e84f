"""``lllm log tail``: the last events of a session, and those that are being written."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, cast

import click

from lllm.cli import exits
from lllm.cli.log.look import event_to_dict
from lllm.cli.options import log_options, standard
from lllm.cli.project import open_store
from lllm.cli.screen import Screen, preview
from lllm.export.asked import render_call, tell_step

if TYPE_CHECKING:
    from lllm.log.envelope import Event
    from lllm.log.follow import Follower

_STYLES = {
    "session": "bold",
    "run": "bold",
    "message": "",
    "model.reply": "green",
    "model.error": "red",
    "function": "cyan",
    "wait": "yellow",
}
_SHOWN_CHARS, _PIPE_WIDTH = 160, 240


@click.command()
@click.argument("session", default="last")
@click.option("-f", "--follow", "is_followed", is_flag=True, help="Go on until the session is closed.")
@click.option("-n", "--lines", "count", type=click.IntRange(0), default=10, show_default=True, help="How many events.")
@log_options
@standard
def tail(
    screen: Screen, session: str, *, is_followed: bool, count: int, config: str | None, log_dir: str | None
) -> int:
    """Show the last events of SESSION, one a line; with -f also those that are being written, until it is closed.

    With --json each line is one JSON object. With -f, exit code 1 tells that the session's process died.
    """
    from lllm.log.follow import Follower  # noqa: PLC0415 - loaded when used

    store = open_store(config, log_dir)
    name = store.resolve(session)
    with closing(Follower(store, name)) as follower:
        try:
            return _show(_Lines(screen), follower, count, name, is_followed=is_followed)
        except Exception as error:
            if not screen.as_json:
                raise
            told = exits.to_told(error)  # on one line: who reads the output takes it line by line
            screen.data(json.dumps({"error": told}))
            return told["exit_code"]


def _show(lines: _Lines, follower: Follower, count: int, name: str, *, is_followed: bool) -> int:
    last: dict[int, Event] = {}
    try:
        for event in follower.read():
            last[event.seq] = event  # of a fork, an event may take an earlier one's place
            if len(last) > 2 * count + 1000:
                last = _newest(last, count)
    finally:  # what stands before a damage is worth seeing
        lines.write(_newest(last, count).values())
    if not is_followed:
        return exits.OK
    lines.write(follower.read_on(lambda: False, time.sleep))
    if follower.is_closed:
        return exits.OK
    lines.screen.say(f"the session was never closed: its process died; lllm log show {name}", "yellow")
    return exits.FAILED


def _newest(events: dict[int, Event], count: int) -> dict[int, Event]:
    """Return the last of some events. Pure."""
    return dict(list(events.items())[max(0, len(events) - count) :])


class _Lines:
    """Writes events, one a line."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self._width = get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH

    def write(self, events: Iterable[Event]) -> None:
        for event in events:
            if self.screen.as_json:
                self.screen.data(json.dumps(event_to_dict(event)))
            else:
                self.screen.line(to_line(event)[: self._width], to_style(event.kind))


def to_line(event: Event) -> str:
    """Return one event for a person. Pure, but for the time zone."""
    at = _to_clock(event.ts)
    return f"{event.seq:>5} {at}  {event.kind:<15} {preview(event.id, 24):<12} {to_told(event.data)}".rstrip()


def to_style(kind: str) -> str:
    """Return how events of this kind are shown. Pure."""
    return _STYLES.get(kind, _STYLES.get(kind.partition(".")[0], "dim"))


def to_told(data: dict[str, Any]) -> str:
    """Return an event's facts on one line: what was said, else all of them. Pure."""
    if isinstance(data.get("message"), dict):
        message = cast("dict[str, Any]", data["message"])
        calls = [render_call(str(call.get("name")), str(call.get("arguments"))) for call in _calls(message)]
        said = [f"{message.get('role')}:", str(message.get("content") or "")[: _SHOWN_CHARS * 4]]
        return preview(" ".join([*said, *(f"calls {call}" for call in calls)]), _SHOWN_CHARS)
    if isinstance(data.get("arguments"), str):
        return preview(f"calls {render_call(str(data.get('name')), data['arguments'])}", _SHOWN_CHARS)
    return tell_step(data, limit_chars=_SHOWN_CHARS) or preview(json.dumps(data, ensure_ascii=False), _SHOWN_CHARS)


def _calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = cast("list[Any]", message["calls"]) if isinstance(message.get("calls"), list) else []
    return [call for call in calls if isinstance(call, dict)]


def _to_clock(ts: float) -> str:
    try:
        return time.strftime("%H:%M:%S", time.localtime(ts))
    except (OverflowError, ValueError, OSError):  # a time that no clock ever showed
        return "??:??:??"
