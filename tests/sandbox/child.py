"""Runs a piece of code in a process of its own, which can then confine itself for good."""

from __future__ import annotations

import json
import subprocess
import sys

from lllm.sandbox.isolation.python_env import INSIDE

_BEGIN = """
import json, sys
sys.path.insert(0, sys.argv[1])
import confine
given = json.loads(sys.stdin.read())
program = bytes.fromhex(given["program"])
def say(**facts):
    print(json.dumps(facts), flush=True)
"""


def run_in_child(code, program=b"", **given):
    """Return what ``code`` says by ``say(...)``. It finds ``confine``, ``program`` (the filter) and ``given``."""
    said = subprocess.run(
        [sys.executable, "-IB", "-c", _BEGIN + code, str(INSIDE)],
        input=json.dumps({"program": program.hex(), **given}), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)
