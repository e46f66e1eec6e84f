"""A run that is killed in the middle of a server's function: ``python mcp_killed.py FOLDER NOTES TOOL``."""

from __future__ import annotations

import sys

from mcp_scenes import Scene, calls, odd

from lllm.log import LocalFileLog

REPLIES = {"hang": calls(("hang", {})), "wait": calls(("wait", {"place": "x"}))}


def run_of(folder, notes, tool):
    """Return the scene of a run."""
    log = LocalFileLog("killed", {"log_dir": str(folder)})
    return log, [odd(place=notes)], [REPLIES[tool], "done"]


if __name__ == "__main__":
    log, servers, replies = run_of(*sys.argv[1:])
    with Scene(*replies, servers=servers, log=log) as scene:
        scene.ask()
