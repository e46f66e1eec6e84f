"""Replay: a recorded session through today's code: as it was, to where it broke, or on from there."""

from lllm.errors import ResumeUndecided
from lllm.replay.check import CheckReport, check
from lllm.replay.diff import RunDiff, diff_runs
from lllm.replay.diff_text import render_diff
from lllm.replay.fork import fork
from lllm.replay.live import LiveReport
from lllm.replay.overrides import Overrides
from lllm.replay.resume import resume
from lllm.replay.strict import ReplayReport, replay
from lllm.replay.text import render_report
from lllm.replay.to_test import SavedTest, save_test
from lllm.replay.unfinished import AGAIN, TELL, Decision, Unfinished
from lllm.replay.what_if import WhatIfReport, what_if

__all__ = [
    "AGAIN",
    "TELL",
    "CheckReport",
    "Decision",
    "LiveReport",
    "Overrides",
    "ReplayReport",
    "ResumeUndecided",
    "RunDiff",
    "SavedTest",
    "Unfinished",
    "WhatIfReport",
    "check",
    "diff_runs",
    "fork",
    "render_diff",
    "render_report",
    "replay",
    "resume",
    "save_test",
    "what_if",
]
