"""Gives up, for good, what a process could do: limits, capabilities, files (Landlock), system calls (seccomp).

Runs inside the sandbox, in the kernel's process before any code of a model does, and imports nothing of lllm. Each
function raises OSError where the operating system refuses, so that no kernel comes up with a wall missing.

Numbers: linux/prctl.h, linux/seccomp.h, linux/landlock.h, linux/capability.h of Linux 6.18; the three system calls of
Landlock have the same number on every machine. Landlock's own rules: docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes as long to load as all of this
    from collections.abc import Iterable
    from typing import Any

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_PR_SET_CHILD_SUBREAPER, _PR_CAPBSET_DROP = 36, 24
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
OOM_SCORE = "500"

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_TO_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV  # the others mean something for folders alone
_DEVICES = 1 << 6 | 1 << 11  # making them
# How many rights of each kind a kernel knows, by version of its ABI: over files, over TCP, and scopes.
_RIGHTS = {1: (13, 0, 0), 2: (14, 0, 0), 3: (15, 0, 0), 4: (15, 2, 0), 5: (16, 2, 0), 6: (16, 2, 2)}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def confine_init() -> None:
    """Have orphans of the sandbox fall to this process, and let it all be what ends first when memory runs out."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write(OOM_SCORE)
    except OSError:
        pass  # there is no /proc in tier A: its host does it


def confine_kernel(spec: dict[str, Any]) -> None:
    """Confine this process as the host says; what is not in ``spec`` is not asked for.

    Args:
        spec: ``fds`` (kept open, beside 0, 1 and 2), ``rlimits`` (name -> value), ``drop_to`` (user and group),
            ``landlock`` (``read`` and ``write``: lists of paths), ``seccomp`` (the program, in hexadecimal).
    """
    close_others(spec["fds"].values())
    set_limits(spec["rlimits"])
    drop_privileges(spec.get("drop_to"))
    if "landlock" in spec:
        restrict_files(spec["landlock"]["read"], spec["landlock"]["write"])
    if "seccomp" in spec:
        install_seccomp(bytes.fromhex(spec["seccomp"]))


def close_others(keep: Iterable[int]) -> None:
    """Close every descriptor but 0, 1, 2 and those in ``keep``."""
    first = 3
    for number in sorted({*keep, 1 << 16}):
        os.closerange(first, number)
        first = number + 1


def set_limits(limits: dict[str, int]) -> None:
    """Set limits that cannot be raised again; no memory is locked and no message queued.

    Args:
        limits: name as in ``resource``, without ``RLIMIT_``, to its value. Where less is allowed already, less it is.
    """
    for name, value in {"MEMLOCK": 0, "MSGQUEUE": 0, "RTPRIO": 0, "NICE": 0, **limits}.items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)  # noqa: PLW2901
        resource.setrlimit(number, (value, value))


def drop_privileges(user: int | None = None) -> None:
    """Become ``user`` where one is given, and give up every capability, also those that a program could bring.

    The process can still be looked at by its own user on the host: that is how the host measures it.
    """
    _drop_bounding()
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    _check(_libc.capset(header, ctypes.create_string_buffer(24)), "capset")
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _drop_bounding() -> None:
    """Empty the set that bounds what programs bring; who may not do that has none to lose that it could use."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), *_zeros(3)) != 0:
            return


def install_seccomp(program: bytes) -> None:
    """Run ``program``, an array of ``struct sock_filter``, before each system call from now on, for good."""
    code = ctypes.create_string_buffer(program, len(program))
    described = ctypes.create_string_buffer(struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(code)))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(described))


def landlock_abi() -> int:
    """Return the version of Landlock's ABI; 0 where this kernel has none, or it is turned off."""
    return max(0, _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_ASK_VERSION)))


def restrict_files(read: list[str], write: list[str]) -> None:
    """Let this process, and all below it, reach the files below these paths alone.

    Beside that, as far as this Landlock knows it: no TCP (ABI 4), no abstract sockets and no signals to others (ABI 6).

    Args:
        read: files and folders that may be read and executed; those that do not exist are passed over.
        write: files and folders that may be changed, too.

    Raises:
        OSError: there is no Landlock.
    """
    abi = landlock_abi()
    if not abi:
        raise OSError(errno.EOPNOTSUPP, "this Linux has no Landlock")
    files, net, scopes = ((1 << count) - 1 for count in _RIGHTS[min(abi, max(_RIGHTS))])
    rules = _number("landlock_create_ruleset", _CREATE_RULESET, struct.pack("=QQQ", files, net, scopes))
    try:
        allowed = dict.fromkeys(read, _READ) | dict.fromkeys(write, files & ~_DEVICES)
        for path, rights in allowed.items():
            _allow(rules, path, rights & files)
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _check(_libc.syscall(_RESTRICT_SELF, rules, ctypes.c_uint(0)), "landlock_restrict_self")
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        is_folder = os.path.isdir(path)
        rule = struct.pack("=Qi", rights if is_folder else rights & _TO_A_FILE, place)
        buffer = ctypes.create_string_buffer(rule, len(rule))
        done = _libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, buffer, ctypes.c_uint(0))
        _check(done, f"landlock_add_rule {path}")
    finally:
        os.close(place)


def _number(name: str, call: int, attributes: bytes) -> int:
    """Return what a call gives that takes a structure and its size."""
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    return _check(_libc.syscall(call, buffer, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0)), name)


def _prctl(option: int, *arguments: int) -> None:
    # 64 bits each: the kernel refuses some options where an argument that they do not use is not zero.
    words = [ctypes.c_ulong(word) for word in arguments]
    _check(_libc.prctl(option, *words, *_zeros(4 - len(words))), f"prctl {option}")


def _zeros(count: int) -> list[ctypes.c_ulong]:
    return [ctypes.c_ulong(0)] * count


def _check(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
