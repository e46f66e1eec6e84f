"""``lllm replay --what-if``: the recorded run and the new one, side by side."""

from __future__ import annotations

from typing import Any

from lllm.cli import exits
from lllm.cli.again import Recorded, live_run, watching
from lllm.cli.players import tell_players
from lllm.cli.screen import Screen, diff_style
from lllm.cli.work import to_data
from lllm.replay.diff_text import INDENT, render_diff
from lllm.replay.overrides import Overrides, to_built, to_overridden_header
from lllm.replay.what_if import what_if


def show_what_if(screen: Screen, recorded: Recorded, overrides: Overrides) -> int:
    """Run a recorded task anew and write how it differs; return the exit code."""
    header = to_built(to_overridden_header(recorded.header, overrides), overrides)
    with watching(screen, streams=True) as watcher:
        tell_players(screen, header.get("config") or {})
        code = live_run(recorded, screen, header)
        report = what_if(
            recorded.log,
            recorded.name,
            code,
            overrides=overrides,
            listen=watcher,
            on_open=lambda name: screen.say(f"session {name}", "dim"),
        )
    if screen.as_json:
        told: dict[str, Any] = {"session": report.session, "result": to_data(report.result)}
        screen.json(told | {"diff": report.diff.to_dict()})
    else:
        for line in render_diff(report.diff).splitlines():
            screen.line(line, diff_style(line, INDENT))
    return exits.OK
