"""Tier A: namespaces of its own for each kernel, made by bubblewrap, and a filter of system calls.

What is inside is an allow list: Python, its packages, the system's libraries, all read-only; three folders in memory
that may be written to; no network, no other process, no /proc, no file or socket of the host's.
Source of the options: bubblewrap's manual page, version 0.8 (2023-02).
"""

from __future__ import annotations

import os
import platform
import shutil
import sysconfig
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, run

from lllm.errors import SandboxUnavailable
from lllm.sandbox.isolation.isolator import NOBODY, Plan, build_command, build_spec
from lllm.sandbox.isolation.python_env import INSIDE, PythonEnv, find_python
from lllm.sandbox.isolation.seccomp import build_filter
from lllm.sandbox.policy import SandboxPolicy

_INSTALL = "apt install bubblewrap   (or dnf, pacman, zypper)"
UID = 1000
_SYSTEM = ("/lib", "/lib32", "/lib64", "/bin", "/sbin")
_LINKER = ("/etc/ld.so.cache", "/etc/alternatives")


class Bubblewrap:
    """Tier A."""

    name, tier = "bubblewrap", "A"

    def plan(self, policy: SandboxPolicy) -> Plan:
        """Return the process of one kernel."""
        program = find_program(os.environ.get("PATH", "") + ":/usr/bin:/usr/local/bin")
        python = find_python()
        is_root = os.geteuid() == 0
        places = _places(python)
        path = ["/lllm", *(inside for _, inside in places if inside.startswith("/site/"))]
        path += [str(site) for site in python.sites if site.is_relative_to("/usr")]
        spec = build_spec(policy, path, "/box", "/tmp")  # noqa: S108 - a folder of the sandbox's own
        if is_root:
            spec["drop_to"] = NOBODY
        else:  # counted for each user namespace; without one, it would count all sandboxes of this machine together
            spec["rlimits"]["NPROC"] = policy.processes
        libraries = _libraries(python)
        spec["env"] |= libraries
        seccomp = _to_file(build_filter(platform.machine()))
        argv = [
            program,
            *_namespaces(program, is_root=is_root),
            *("--perms", "0755", "--dir", "/site", "--perms", "0755", "--dir", "/etc"),
            *(word for host, inside in places for word in ("--ro-bind", str(host), inside)),
            *_system(),
            *_scratch(policy),
            *(word for name, value in libraries.items() for word in ("--setenv", name, value)),
            *("--seccomp", str(seccomp), "--as-pid-1", "--chdir", "/box", "--"),
            *build_command(_to_inside(python), Path("/lllm")),
        ]
        return Plan(argv, spec, [seccomp])


def find_program(path: str) -> str:
    """Return bubblewrap's program.

    Args:
        path: the folders in which it is looked for, as in ``PATH``.

    Raises:
        SandboxUnavailable: it is in none of them.
    """
    program = shutil.which("bwrap", path=path)
    if program is None:
        raise SandboxUnavailable("bubblewrap is not installed", hint=_INSTALL)
    return program


def _namespaces(program: str, *, is_root: bool) -> list[str]:
    """Return the options that take the host away.

    For root there is no user namespace: inside one, it would still be the host's root to the host's files. It mounts
    what it has to, and `inside/init.py` then becomes nobody for good.
    """
    shared = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    hidden = ["--new-session", "--hostname", "sandbox", "--cap-drop", "ALL"]
    if is_root:
        return [*shared, *hidden, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    nested = ["--disable-userns"] if _knows(program, "--disable-userns") else []
    return ["--unshare-user", *nested, "--uid", str(UID), "--gid", str(UID), *shared, *hidden]


def _places(python: PythonEnv) -> list[tuple[Path, str]]:
    """Return what is shown read-only, and where: under names that tell nothing of the host."""
    places = [(Path("/usr"), "/usr"), (INSIDE, "/lllm"), (INSIDE / "passwd", "/etc/passwd")]
    places += [(Path(file), file) for file in _LINKER if Path(file).exists()]
    if not python.prefix.is_relative_to("/usr"):
        places.append((python.prefix, "/python"))
    others = [site for site in python.sites if not site.is_relative_to("/usr")]
    return places + [(site, f"/site/{number}") for number, site in enumerate(others)]


def _to_inside(python: PythonEnv) -> Path:
    prefix = python.prefix if python.prefix.is_relative_to("/usr") else Path("/python")
    return prefix / python.program


def _libraries(python: PythonEnv) -> dict[str, str]:
    """Return what lets a Python find its own shared library, which it looks for where it was installed."""
    is_moved = not python.prefix.is_relative_to("/usr")
    return {"LD_LIBRARY_PATH": "/python/lib"} if is_moved and sysconfig.get_config_var("Py_ENABLE_SHARED") else {}


def _system() -> list[str]:
    """Return the options for the folders that most systems have as links into /usr."""
    words: list[str] = []
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), name]
        elif path.exists():
            words += ["--ro-bind", name, name]
    return words


def _scratch(policy: SandboxPolicy) -> list[str]:
    """Return the options for what may be written to: in memory, and bounded; all else is read-only."""
    size = str(policy.tmp_bytes)
    words = ["--dev", "/dev"]
    for folder in ("/box", "/tmp", "/dev/shm"):  # noqa: S108 - as above
        words += ["--perms", "1777", "--size", size, "--tmpfs", folder]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/"]


def _to_file(data: bytes) -> int:
    """Return a descriptor that ``data`` can be read from."""
    number = os.memfd_create("lllm-seccomp")
    os.write(number, data)
    os.lseek(number, 0, os.SEEK_SET)
    return number


@cache
def _knows(program: str, option: str) -> bool:
    shown = run([program, "--help"], stdin=DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    return option in shown.stdout + shown.stderr
