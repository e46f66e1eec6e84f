"""What a person reads when a replayed test does not pass. Pure."""

from __future__ import annotations

import shlex

from lllm.errors import LLLMError, ReplayDiverged
from lllm.replay import ReplayReport, render_report
from lllm.replay.text import printable


def render_drift(report: ReplayReport, session: str, folder: str, command: str) -> str:
    """Return how today's code differs from a recording, and what to do next.

    Args:
        report: of the replay.
        session: the recorded session's name.
        folder: of its log.
        command: what records it anew; empty where nothing does.
    """
    told = printable(str(report.difference.get("message", "")))
    lines = [f"replay differs: {told}", render_report(report.difference)]
    lines += [f"note: {printable(remark)}" for remark in report.remarks]
    lines.append(f"look at the recording:      lllm log show {session} --full --log-dir {shlex.quote(folder)}")
    if command:
        lines.append(f"if the change is meant:     {command}")
    return "\n".join(lines)


def render_command(place: str) -> str:
    """Return the command that records the session of a test anew; ``place`` is what names the test to pytest."""
    return f"pytest {shlex.quote(place)} --lllm-record new"


def render_error(error: LLLMError) -> str:
    """Return an error as a test's failure: what, where, and what to do next."""
    told = "\n".join(printable(line) for line in str(error).splitlines())
    lines = [f"{type(error).__name__}: {told}"]
    if isinstance(error, ReplayDiverged) and error.report:
        lines.append(render_report(error.report))
    if error.hint:
        lines.append(f"hint: {printable(error.hint)}")
    return "\n".join(lines)
