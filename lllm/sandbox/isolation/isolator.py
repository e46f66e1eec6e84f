"""How a kernel is shut in: an isolator plans a process, `local/process.py` starts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lllm.sandbox.policy import SandboxPolicy

NOBODY = 65534
"""User and group that the code in a sandbox runs as where root starts it."""
LIMITS = ("output_bytes", "output_messages", "call_bytes")
LOCALE = {"LANG": "C.UTF-8", "TZ": "UTC", "TERM": "dumb", "NO_COLOR": "1", "USER": "sandbox", "LOGNAME": "sandbox"}
BACKEND = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(slots=True)
class Plan:
    """A process that is to be started, with the host's environment taken away.

    Attributes:
        argv: program and arguments; the number of the lifeline is added at the end.
        spec: what `inside/init.py` is told beside the numbers of its sockets.
        fds: descriptors that the process inherits, and that are closed here once it has them.
        user: numeric user and group that it is started as; None keeps this process's.
        folder: a folder of the host that it may write to, which is counted, and removed at the end; None has none.
    """

    argv: list[str]
    spec: dict[str, Any]
    fds: list[int] = field(default_factory=list[int])
    user: int | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """Which of the programs in `inside/` the sandbox runs.

    Attributes:
        name: its module; what it runs is that one's ``serve``.
        fds: descriptors that it gets beside its usual ones, by name.
        told: what it is told beside the isolator's own words.
    """

    name: str = "kernel"
    fds: Mapping[str, int] = field(default_factory=dict[str, int])
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])


KERNEL = Program()


class Isolator(Protocol):
    """One way to shut a kernel in."""

    @property
    def name(self) -> str:
        """What it is called, such as ``bubblewrap``."""
        ...

    @property
    def tier(self) -> str:
        """``A``, ``B`` or ``none``."""
        ...

    def plan(self, policy: SandboxPolicy) -> Plan:
        """Return the process of one kernel.

        Raises:
            SandboxUnavailable: this machine lacks what it needs; the hint is what mends it.
        """
        ...


def build_command(python: Path, inside: Path) -> list[str]:
    """Return program and arguments of `init.py`, all but the lifeline's number. Pure.

    Nothing that lies in its folder or in the environment is imported (``-I``, ``-S``), and nothing is written (``-B``).

    Args:
        python: the interpreter, as it is called inside.
        inside: the folder that holds `init.py`, as it is called inside.
    """
    return [str(python), "-I", "-S", "-B", str(inside / "init.py")]


def build_spec(policy: SandboxPolicy, path: list[str], home: str, tmp: str) -> dict[str, Any]:
    """Return what every isolator tells `inside/init.py`. Pure.

    Args:
        policy: the limits.
        path: folders that are put before Python's own, as they are called inside; the first one holds `init.py`.
        home: the folder in which cells run.
        tmp: the folder for temporary files.
    """
    packages = ":".join(path[1:])
    env: Mapping[str, str] = {
        **LOCALE,
        **BACKEND,
        "PATH": "/python/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": tmp,
        "IPYTHONDIR": f"{tmp}/.ipython",
        "MPLCONFIGDIR": f"{tmp}/.matplotlib",
        "PYTHONPATH": packages,
    }
    rlimits = {
        "AS": policy.memory_bytes,
        "FSIZE": policy.file_bytes,
        "NOFILE": policy.open_files,
        "CPU": policy.cpu_s,
        "CORE": 1,  # with 0, a program of the host might still be given the memory (Linux, fs/coredump.c)
    }
    return {
        "path": path,
        "home": home,
        "env": dict(env),
        "limits": {name: getattr(policy, name) for name in LIMITS},
        "rlimits": rlimits,
    }
