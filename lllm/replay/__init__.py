"""Replay: run a recorded session through today's code, without models, functions or a network."""

from lllm.replay.strict import ReplayReport, replay
from lllm.replay.text import render_report

__all__ = ["ReplayReport", "render_report", "replay"]
