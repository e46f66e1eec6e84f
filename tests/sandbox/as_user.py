"""Runs a command as an ordinary user, also where the tests run as root: ``python as_user.py COMMAND...``.

The command may be the Python of a worker of pytest-xdist: ``--tx "2*popen//python=python as_user.py python"``.

Root's own home is closed to others, and Python may well lie in it (pyenv). So the command gets a view of its own (a
mount namespace), in which the closed folder is empty but for the Python, its packages and this tree.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "lllm/sandbox/inside"))

from scratch import remove_folder

USER = 60_000 + os.getpid() % 5_000
"""A user that owns nothing here, another one each time, since limits on processes count all of a user's; it needs no
entry in /etc/passwd."""
TREE = Path(__file__).parents[2]
CANNOT = 77
"""Exit status where no such view can be made, as in a container whose root may not mount."""

_NEWNS = 0x0002_0000
_BIND_ALL, _PRIVATE_ALL = 0x1000 | 0x4000, 0x0004_0000 | 0x4000
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, flags, options=""):
    """Mount, or raise OSError."""
    words = [text.encode() if text else None for text in (source, str(target), kind)]
    if _libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None):
        raise OSError(ctypes.get_errno(), f"mount {target}")


def find_closed(path):
    """Return the highest folder above ``path`` that other users cannot enter; None where they can reach it."""
    above = [*reversed(path.parents), path]
    return next((folder for folder in above if folder.is_dir() and not folder.stat().st_mode & 0o001), None)


def open_view(paths):
    """Let other users reach ``paths``, in a view of this process's own."""
    closed = {}
    for path in dict.fromkeys(Path(path).resolve() for path in paths):
        if (folder := find_closed(path)) == path:
            raise OSError(errno.EACCES, f"{path} itself is closed to others")
        if folder is not None:
            closed.setdefault(folder, []).append(path)
    if not closed:
        return
    if _libc.unshare(_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    mount("none", "/", None, _PRIVATE_ALL)
    for folder, inner in closed.items():
        held = [
            (path, os.open(path, os.O_PATH)) for path in inner
        ]  # of this view: those of the old one cannot be bound
        mount("none", folder, "tmpfs", 0, "mode=755,size=1m")
        for path, number in held:
            path.mkdir(parents=True, exist_ok=True)
            mount(f"/proc/self/fd/{number}", path, None, _BIND_ALL)
            os.close(number)


def become_user(home):
    """Become an ordinary user, for good."""
    os.chown(home, USER, USER)
    os.environ.update(HOME=home, USER="someone", LOGNAME="someone", TMPDIR=home)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = f"{home}/hypothesis"  # the tree is not this user's
    os.environ.pop("XDG_RUNTIME_DIR", None)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.umask(0o022)


def run_as_user(command, home):
    """Run ``command`` in a child that is an ordinary user; return its exit status."""
    child = os.fork()
    if not child:
        try:
            open_view([sys.base_prefix, sys.prefix, TREE])
        except OSError as error:
            print(f"no ordinary user can be made here: {error}", file=sys.stderr)
            os._exit(CANNOT)
        become_user(home)
        os.execvp(command[0], command)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main():
    if os.geteuid() != 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    home = tempfile.mkdtemp(prefix="lllm-user-", dir="/var/tmp")
    try:
        sys.exit(run_as_user(sys.argv[1:], home))
    finally:
        remove_folder(home)


if __name__ == "__main__":
    main()
