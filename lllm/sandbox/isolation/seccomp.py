"""The program that the kernel runs before each system call of a sandbox (seccomp, classic BPF), as bytes.

Nothing is compiled and nothing installed here: :func:`build_filter` is pure, so the program can be read, tested and
handed to bubblewrap as it is. Its form: Documentation/userspace-api/seccomp_filter.rst of Linux (read 2026-11).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable

from lllm.errors import SandboxUnavailable
from lllm.sandbox.isolation import syscalls

KILL_PROCESS = 0x8000_0000
ALLOW = 0x7FFF_0000
ERRNO = 0x0005_0000

_ARCHES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}  # linux/audit.h; both are little endian
_X32_BIT = 0x4000_0000  # the other ABI of x86_64: the same calls under other numbers

# Loads look into struct seccomp_data: int nr, u32 arch, u64 instruction_pointer, u64 args[6].
_LOAD, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_NR_AT, _ARCH_AT, _ARGS_AT = 0, 4, 16

_AF_UNIX = 1
# CLONE_NEW* (linux/sched.h), and CLONE_PARENT, by which a child would be its grandparent's.
_CLONE_FLAGS = 0x7E02_8000
_ANY_PERSONALITY = 0xFFFF_FFFF  # asks, sets nothing
# asm-generic/ioctls.h: a terminal's modes and size, one's own pseudo terminal, how much can be read, whether a
# descriptor blocks and is inherited. Not TIOCSTI and TIOCLINUX, which type into a terminal, nor any of a file system.
_IOCTLS = (
    *range(0x5401, 0x5405), 0x540E, 0x540F, 0x5410, 0x5413, 0x5414, 0x541B, 0x5421, 0x5422, 0x5441, 0x5450, 0x5451,
    0x8004_5430, 0x4004_5431,
)  # fmt: skip
# F_DUPFD, GETFD, SETFD, GETFL, SETFL, locks, GETOWN, locks of open files, F_DUPFD_CLOEXEC, GETPIPE_SZ, seals. Not
# F_SETOWN and F_SETSIG, by which the kernel would send a signal for us, nor leases, which stop who opens the file next.
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 36, 37, 38, 1030, 1032, 1033, 1034)

_PRIO_PROCESS, _IOPRIO_WHO_PROCESS = 0, 1  # linux/resource.h, linux/ioprio.h
_NEGATIVE, _OWN_CLOCKS = 0x8000_0000, 0xFFFF_FFF8  # linux/posix-timers.h: ~number, then three bits of a kind

_REFUSE = ERRNO | errno.EPERM
_NO_SUCH_CLOCK = ERRNO | errno.EINVAL
_NO_SUCH_CALL = ERRNO | errno.ENOSYS
_NO_SUCH_FAMILY = ERRNO | errno.EAFNOSUPPORT
_PRETEND = ERRNO | 0  # the caller sees success, and nothing was done

Instruction = tuple[int, int, int, int]


def build_filter(machine: str, *, namespaces: bool = True, signals: bool = True) -> bytes:
    """Return the filter as an array of ``struct sock_filter``. Pure.

    Args:
        machine: as ``platform.machine()`` says it: ``x86_64`` or ``aarch64``.
        namespaces: the process has its own of each kind. Where it shares the host's, refuse also what only they would
            stop: sockets that connect by path, signs of what happens in other folders, and most of what tells of a
            process by its number; a change of a file's mode, owner or times seems to succeed and does nothing, since
            ``shutil.copy`` would fail at an error.
        signals: something else keeps its signals inside. Where nothing does, it can send none, not even to its own.

    Raises:
        SandboxUnavailable: there is no table for that machine.
    """
    if machine not in _ARCHES:
        raise SandboxUnavailable(f"no system-call filter for {machine!r}", hint="x86_64 or aarch64, 64 bit")
    program = [*_entry(machine), *_checked(machine, namespaces=namespaces)]
    if not namespaces:
        program += _looks(machine, signals=signals)
    verdicts = [(syscalls.FORBIDDEN, _REFUSE), (syscalls.ABSENT, _NO_SUCH_CALL)]
    if not namespaces:
        verdicts += [(syscalls.WATCHES, _REFUSE), (syscalls.ATTRIBUTES, _PRETEND)]
    if not signals:
        verdicts.append((syscalls.SIGNALS, _REFUSE))
    for table, verdict in verdicts:
        for number in table[machine].values():
            program += _when(number, [_give(verdict)])
    program.append(_give(ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _entry(machine: str) -> list[Instruction]:
    """Kill who comes by another ABI, whose numbers mean other calls, and know no call that nobody has judged."""
    return [
        (_LOAD, 0, 0, _ARCH_AT),
        (_EQUAL, 1, 0, _ARCHES[machine]),
        _give(KILL_PROCESS),
        (_LOAD, 0, 0, _NR_AT),
        (_AT_LEAST, 0, 1, _X32_BIT),
        _give(KILL_PROCESS),
        (_GREATER, 0, 1, syscalls.LAST),
        _give(_NO_SUCH_CALL),
    ]


def _checked(machine: str, *, namespaces: bool) -> list[Instruction]:
    """Judge by their arguments the calls that are needed in one form and harmful in another."""
    bodies = {
        "socket": _only(0, [_AF_UNIX], _NO_SUCH_FAMILY) if namespaces else [_give(_NO_SUCH_FAMILY)],
        "socketpair": _only(0, [_AF_UNIX], _NO_SUCH_FAMILY),
        "ioctl": _only(1, _IOCTLS, _REFUSE),
        "fcntl": _only(1, _FCNTLS, _REFUSE),
        "clone": [_load(0), (_ANY_BIT, 0, 1, _CLONE_FLAGS), _give(_REFUSE), _give(ALLOW)],
        "personality": _only(0, [0, _ANY_PERSONALITY], _REFUSE),
        # of the calling process alone (0): all three reach every process of the same user
        "prlimit64": _only(0, [0], _REFUSE),
        "sched_setaffinity": _only(0, [0], _REFUSE),
        # libzmq (stock kernels) sets its threads to what they are, the plain SCHED_OTHER, and aborts where it cannot
        "sched_setscheduler": [_load(1), (_EQUAL, 0, 1, 0), _give(_PRETEND), _give(_REFUSE)],
        "setpriority": _own(_PRIO_PROCESS),
    }
    numbers = syscalls.CHECKED[machine]
    return [step for name, body in bodies.items() for step in _when(numbers[name], body)]


def _looks(machine: str, *, signals: bool) -> list[Instruction]:
    """Let a process ask about itself alone, as far as ordinary programs ask no more.

    What they do ask of others is left: ``getpgid``, by which a child's group is killed, where they can send signals;
    and how a thread is scheduled, which ``pthread_getschedparam`` asks by the thread's number.
    """
    bodies = {
        "getsid": _only(0, [0], _REFUSE),
        "getpriority": _own(_PRIO_PROCESS),
        "ioprio_get": _own(_IOPRIO_WHO_PROCESS),
        # ``pthread_getattr_np`` asks it of a thread, and takes this answer for a system without
        "sched_getaffinity": _only(0, [0], _NO_SUCH_CALL),
        "sched_getattr": _only(0, [0], _REFUSE),
        "sched_rr_get_interval": _only(0, [0], _REFUSE),
        "get_robust_list": _only(0, [0], _REFUSE),
        # the time of any process, by a clock of a negative number; the last eight are one's own
        "clock_gettime": [
            _load(0), (_AT_LEAST, 0, 2, _NEGATIVE), (_AT_LEAST, 1, 0, _OWN_CLOCKS), _give(_NO_SUCH_CLOCK), _give(ALLOW),
        ],
        # who opens one does without, where there is none: asyncio waits for children in threads
        "pidfd_open": [_give(_NO_SUCH_CALL)],
    }  # fmt: skip
    if not signals:
        bodies["getpgid"] = _only(0, [0], _REFUSE)
    numbers = syscalls.LOOKS[machine]
    return [step for name, body in bodies.items() for step in _when(numbers[name], body)]


def _when(number: int, body: list[Instruction]) -> list[Instruction]:
    """Run ``body``, which returns on each of its ways, for that call alone."""
    return [(_EQUAL, 0, len(body), number), *body]


def _only(index: int, values: Iterable[int], otherwise: int) -> list[Instruction]:
    """Allow where the argument is one of ``values``."""
    wanted = list(values)
    tests = [(_EQUAL, len(wanted) - at, 0, value) for at, value in enumerate(wanted)]
    return [_load(index), *tests, _give(otherwise), _give(ALLOW)]


def _own(kind: int) -> list[Instruction]:
    """Allow where the first argument says that the second is a process, and that one is the caller."""
    return [_load(0), (_EQUAL, 1, 0, kind), _give(_REFUSE), *_only(1, [0], _REFUSE)]


def _load(index: int) -> Instruction:
    """Load the low 32 bits of an argument: the kernel looks at no more of an ``int``, so neither may the filter.

    Comparing all 64 let TIOCSTI through (CVE-2019-10063).
    """
    return (_LOAD, 0, 0, _ARGS_AT + 8 * index)


def _give(verdict: int) -> Instruction:
    return (_RETURN, 0, 0, verdict)
