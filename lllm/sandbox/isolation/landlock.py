"""Tier B: Landlock and a filter of system calls, for a machine on which an ordinary user may not make namespaces.

Files are an allow list as in tier A, there is no network, and no signal reaches another process. But the host's process
numbers, its name and its kernel are in sight, the presence of a file whose path is guessed can be told, and what is
written lies on the host's disk, counted by the warden and removed at the end.
What Landlock restricts: https://docs.kernel.org/userspace-api/landlock.html (read 2026-11).
"""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path

from lllm.errors import SandboxUnavailable
from lllm.sandbox.isolation.isolator import NOBODY, Plan, build_command, build_spec
from lllm.sandbox.isolation.python_env import INSIDE, PythonEnv, find_python
from lllm.sandbox.isolation.seccomp import build_filter
from lllm.sandbox.policy import SandboxPolicy

_OLDEST_ABI = 3  # Linux 6.2; before it, a file could be emptied by its path
_SCOPES_ABI = 6  # Linux 6.12; before it, Landlock let signals out
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


class Landlock:
    """Tier B."""

    name, tier = "landlock", "B"

    def plan(self, policy: SandboxPolicy) -> Plan:
        """Return the process of one kernel."""
        abi = _find_abi()
        python = find_python()
        user = NOBODY if os.geteuid() == 0 else None
        _check_reach(python, user)
        program = build_filter(platform.machine(), namespaces=False, signals=abi >= _SCOPES_ABI)
        folder = _make_folder(user)
        home, tmp = folder / "box", folder / "tmp"
        spec = build_spec(policy, [str(INSIDE), *map(str, python.sites)], str(home), str(tmp))
        spec["rlimits"]["NPROC"] = _most_processes(policy)
        spec["seccomp"] = program.hex()
        spec["landlock"] = {"read": [*_SYSTEM, *map(str, _readable(python))], "write": [str(folder), *_DEVICES]}
        spec["folder"] = str(folder)
        return Plan(build_command(python.prefix / python.program, INSIDE), spec, user=user, folder=folder)


def _find_abi() -> int:
    from lllm.sandbox.inside.confine import landlock_abi  # noqa: PLC0415 - ctypes, which only this tier needs here

    abi = landlock_abi() if platform.system() == "Linux" else 0
    if abi < _OLDEST_ABI:
        had = f"has version {abi}" if abi else "has none"
        hint = "Linux 6.2 or later, with landlock among the names in /sys/kernel/security/lsm"
        raise SandboxUnavailable(f"Landlock version {_OLDEST_ABI} is needed, and this Linux {had}", hint=hint)
    return abi


def _readable(python: PythonEnv) -> tuple[Path, ...]:
    return (python.prefix, *python.sites, INSIDE)


def _check_reach(python: PythonEnv, user: int | None) -> None:
    """Refuse a Python that the sandbox could not read, and one that lies where everything would be read with it."""
    if python.prefix == Path("/"):
        raise SandboxUnavailable("Python is installed in /, so all files would be its own", hint="use a Python in /usr")
    for place in _readable(python) if user is not None else ():
        for folder in (place, *place.parents):
            if folder.exists() and not folder.stat().st_mode & 0o001:
                hint = "run lllm as an ordinary user, or with a Python that lies where every user can read"
                raise SandboxUnavailable(f"root's sandbox runs as nobody, who cannot enter {folder}", hint=hint)


def _make_folder(user: int | None) -> Path:
    """Return a new folder of the sandbox's own."""
    folder = Path(tempfile.mkdtemp(prefix="lllm-box-"))
    for place in (folder, folder / "box", folder / "tmp"):
        place.mkdir(mode=0o700, exist_ok=True)
        if user is not None:
            os.chown(place, user, user)
    return folder


def _most_processes(policy: SandboxPolicy) -> int:
    """Return how many processes and threads the user may have with this sandbox's.

    The limit counts all of a user's. So this one only ends a chain of forks that is faster than the warden, who counts
    what is the sandbox's own.
    """
    with Path("/proc/loadavg").open(encoding="ascii") as load:
        now = int(load.read().split()[3].partition("/")[2])
    return now + 2 * policy.processes
