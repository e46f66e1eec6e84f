"""No isolation: for a machine that is a sandbox itself, and by nobody's choice but the user's own process."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from lllm.sandbox.isolation.isolator import Plan, build_command, build_spec
from lllm.sandbox.isolation.python_env import INSIDE, find_python
from lllm.sandbox.policy import SandboxPolicy

UNSAFE = "LLLM_UNSAFE_NO_SANDBOX"
"""Environment variable by which the user's process allows kernels without isolation. No file of a project can."""


class Unconfined:
    """Tier none: a process like any other of this user's. Only its limits and its empty environment are kept."""

    name, tier = "none", "none"

    def plan(self, policy: SandboxPolicy) -> Plan:
        """Return the process of one kernel."""
        python = find_python()
        folder = Path(tempfile.mkdtemp(prefix="lllm-unsafe-"))
        path = [str(INSIDE), *map(str, python.sites)]
        spec = build_spec(policy, path, str(folder), str(folder))
        spec["folder"] = str(folder)
        return Plan(build_command(python.prefix / python.program, INSIDE), spec, folder=folder)


def is_unsafe_allowed() -> bool:
    """Whether the environment of this process allows kernels without isolation."""
    return os.environ.get(UNSAFE, "").lower() in ("1", "true", "yes")


def warn_unsafe() -> None:
    """Say on the terminal what was chosen."""
    print(f"lllm: {UNSAFE} is set: code of models runs on this machine without isolation", file=sys.stderr)  # noqa: T201
