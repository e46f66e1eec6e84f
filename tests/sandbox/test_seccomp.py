"""The filter of system calls: read by a machine of our own for both processors, and really installed on this one."""

from __future__ import annotations

import errno
import platform
import re
from pathlib import Path

import pytest
from bpf_machine import check_form, judge
from child import run_in_child

from lllm.errors import SandboxUnavailable
from lllm.sandbox.isolation import syscalls
from lllm.sandbox.isolation.seccomp import ALLOW, ERRNO, KILL_PROCESS, build_filter

REFUSED, ABSENT, NO_FAMILY, PRETENDED = (
    ERRNO | number for number in (errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT, 0)
)
NO_CLOCK = ERRNO | errno.EINVAL
BOTH = pytest.mark.parametrize("machine", syscalls.MACHINES)
HERE = platform.machine()
ONLY_HERE = pytest.mark.skipif(HERE not in syscalls.MACHINES or platform.system() != "Linux", reason="no filter for it")
WAYS = [{}, {"namespaces": False}, {"namespaces": False, "signals": False}]

# Calls that Python, its packages and their subprocesses live on, from strace of them; each on both machines.
NEEDED = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "mmap": (9, 222), "mprotect": (10, 226), "brk": (12, 214),
    "rt_sigaction": (13, 134), "madvise": (28, 233), "getpid": (39, 172), "execve": (59, 221), "exit": (60, 93),
    "wait4": (61, 260), "uname": (63, 160), "getcwd": (79, 17), "openat": (257, 56), "unlinkat": (263, 35),
    "futex": (202, 98), "sched_getaffinity": (204, 123), "getdents64": (217, 61), "clock_gettime": (228, 113),
    "exit_group": (231, 94), "epoll_ctl": (233, 21), "pipe2": (293, 59), "getrandom": (318, 278), "statx": (332, 291),
    "rseq": (334, 293), "close_range": (436, 436), "landlock_restrict_self": (446, 446),
    "prctl": (157, 167), "setsid": (112, 157), "connect": (42, 203), "sendmsg": (46, 211), "mseal": (462, 462),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("way", WAYS)
def test_the_kernel_would_take_the_program(machine, way):
    """A jump past the end would be refused at install time, on the one processor that no test here has."""
    check_form(build_filter(machine, **way))


@BOTH
def test_every_call_of_the_tables_is_refused(machine):
    """One number that is off by one would let its call through, and stop an innocent one."""
    program = build_filter(machine)
    for number in syscalls.FORBIDDEN[machine].values():
        assert judge(program, machine, number) == REFUSED
    for number in syscalls.ABSENT[machine].values():
        assert judge(program, machine, number) == ABSENT


@BOTH
def test_what_programs_are_made_of_is_allowed(machine):
    """A filter that stops Python is no filter."""
    for way in WAYS:
        program = build_filter(machine, **way)
        for name, numbers in NEEDED.items():
            assert judge(program, machine, numbers[syscalls.MACHINES.index(machine)]) == ALLOW, name


@BOTH
def test_another_abi_is_killed(machine):
    """The entry int 0x80, and a 32 bit program, number their calls otherwise: 101 is not ptrace there."""
    program = build_filter(machine)
    for arch in (0x40000003, 0x40000028, 0xC0000015, 0):
        assert judge(program, machine, 39, arch=arch) == KILL_PROCESS


@BOTH
def test_the_numbers_of_x32_are_killed(machine):
    """They reach the same calls under another number, so a list of numbers alone would miss them."""
    program = build_filter(machine)
    for number in (0, 101, 39, 512, 547):
        assert judge(program, machine, 0x40000000 | number) == KILL_PROCESS


@BOTH
def test_calls_of_newer_kernels_are_absent(machine):
    """Nobody has judged them: that is what makes a list of refused calls as tight as a list of allowed ones."""
    program = build_filter(machine)
    for number in (syscalls.LAST + 1, syscalls.LAST + 5, 512, 0x3FFFFFFF):
        assert judge(program, machine, number) == ABSENT
    assert judge(program, machine, syscalls.LAST) == ALLOW


@BOTH
@pytest.mark.parametrize("family", [2, 10, 16, 17, 38, 40, 0, -1])
def test_sockets_are_unix_alone(machine, family):
    """AF_VSOCK is in no network namespace; AF_ALG, AF_NETLINK and AF_PACKET talk to the kernel itself."""
    program, number = build_filter(machine), syscalls.CHECKED[machine]
    assert judge(program, machine, number["socket"], family) == NO_FAMILY
    assert judge(program, machine, number["socketpair"], family) == NO_FAMILY
    assert judge(program, machine, number["socket"], 1) == ALLOW
    assert judge(program, machine, number["socketpair"], 1 | 1 << 32) == ALLOW  # the kernel sees the low half, too


@BOTH
def test_without_namespaces_no_socket_can_connect(machine):
    """A socket by path is under no rule of Landlock's, and neither is UDP; a pair of sockets reaches nobody."""
    program, number = build_filter(machine, namespaces=False), syscalls.CHECKED[machine]
    assert judge(program, machine, number["socket"], 1) == NO_FAMILY
    assert judge(program, machine, number["socketpair"], 1) == ALLOW
    assert judge(program, machine, number["socketpair"], 2) == NO_FAMILY


@BOTH
@pytest.mark.parametrize("flag", [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x8000])
def test_a_clone_makes_no_namespace_and_no_sibling(machine, flag):
    """In a user namespace of its own, a process is root to the kernel's least tested parts."""
    program, number = build_filter(machine), syscalls.CHECKED[machine]["clone"]
    assert judge(program, machine, number, flag | 17) == REFUSED
    assert judge(program, machine, number, flag | 17 | 1 << 40) == REFUSED
    assert judge(program, machine, number, 0x3D0F00) == ALLOW  # a thread
    assert judge(program, machine, number, 17) == ALLOW  # a fork


@BOTH
@pytest.mark.parametrize("request_", [0x5412, 0x541C, 0x5412 | 1 << 32, 0x8912, 0x8901, 0x40086602, 0x5423])
def test_no_ioctl_types_into_a_terminal_or_reaches_a_device(machine, request_):
    """TIOCSTI with a bit above the 32 that the kernel looks at got past two well-known sandboxes (CVE-2019-10063)."""
    program, number = build_filter(machine), syscalls.CHECKED[machine]["ioctl"]
    assert judge(program, machine, number, 0, request_) == REFUSED
    for needed in (0x5401, 0x5413, 0x541B, 0x5421, 0x5451, 0x80045430):
        assert judge(program, machine, number, 0, needed) == ALLOW


@BOTH
@pytest.mark.parametrize("command", [8, 10, 15, 1024, 1026, 1031, 8 | 1 << 32])
def test_no_descriptor_sends_signals_or_holds_a_lease(machine, command):
    """F_SETOWN has the kernel send a signal to any process of the same user."""
    program, number = build_filter(machine), syscalls.CHECKED[machine]["fcntl"]
    assert judge(program, machine, number, 0, command) == REFUSED
    for needed in (0, 1, 2, 3, 4, 6, 1030):
        assert judge(program, machine, number, 0, needed) == ALLOW


@BOTH
@pytest.mark.parametrize("name", ["prlimit64", "sched_setaffinity", "setpriority"])
def test_limits_are_of_the_process_itself_alone(machine, name):
    """Each reaches any process of the same user: one call would leave an editor on the host without descriptors."""
    program, number = build_filter(machine), syscalls.CHECKED[machine][name]
    assert judge(program, machine, number, 0, 0) == ALLOW
    assert judge(program, machine, number, 1 if name == "setpriority" else 4711, 0) == REFUSED


@BOTH
def test_only_one_s_own_priority_is_set(machine):
    """PRIO_USER with 0 means all processes of the user."""
    program, number = build_filter(machine), syscalls.CHECKED[machine]["setpriority"]
    assert [judge(program, machine, number, 2, 0), judge(program, machine, number, 0, 1)] == [REFUSED, REFUSED]


@BOTH
def test_a_personality_is_asked_for_and_not_changed(machine):
    """Flags of it turn address randomisation off, and pages executable."""
    program, number = build_filter(machine), syscalls.CHECKED[machine]["personality"]
    assert judge(program, machine, number, 0xFFFFFFFF) == ALLOW
    assert judge(program, machine, number, 0x0040000) == REFUSED


@BOTH
def test_without_namespaces_a_file_s_mode_and_owner_stay(machine):
    """Landlock lets a process change the mode of files that it may not open; copying a file must go on working."""
    program = build_filter(machine, namespaces=False)
    for number in syscalls.ATTRIBUTES[machine].values():
        assert judge(program, machine, number) == PRETENDED
        assert judge(build_filter(machine), machine, number) == ALLOW
    for number in syscalls.WATCHES[machine].values():
        assert judge(program, machine, number) == REFUSED


def judge_looks(machine, program, *args):
    """Return what it says to each call that tells of a process by its number."""
    return {name: judge(program, machine, number, *args) for name, number in syscalls.LOOKS[machine].items()}


@BOTH
def test_without_namespaces_a_process_asks_about_itself_alone(machine):
    """A number says little, but with group, session, priority, cores and time it says what the host is doing."""
    program, told = build_filter(machine, namespaces=False), dict.fromkeys(syscalls.LOOKS[machine], ALLOW)
    silent = build_filter(machine, namespaces=False, signals=False)
    other = dict.fromkeys(told, REFUSED) | {"sched_getaffinity": ABSENT, "pidfd_open": ABSENT}
    assert judge_looks(machine, build_filter(machine), 4711, 4711) == told
    for low in (4711, 4711 | 1 << 32):
        assert judge_looks(machine, silent, low, low) == other | {"clock_gettime": ALLOW}
        assert judge_looks(machine, program, low, low) == other | {"clock_gettime": ALLOW, "getpgid": ALLOW}
    assert judge_looks(machine, silent, ~4711 << 3 | 2)["clock_gettime"] == NO_CLOCK
    assert judge_looks(machine, silent, 0x8000_0000)["clock_gettime"] == NO_CLOCK
    for own in (0, 1, 2, 3, 11, -1, -6, -8):  # the real one, processor time of the process and of the thread ...
        assert judge_looks(machine, silent, own)["clock_gettime"] == ALLOW
    assert judge_looks(machine, silent, -9)["clock_gettime"] == NO_CLOCK
    refused = {"ioprio_get": REFUSED, "pidfd_open": ABSENT}  # which asks of who 1 is about, not of what 0 is
    assert judge_looks(machine, silent, 0, 0) == told | refused
    assert judge_looks(machine, silent, 1, 0)["ioprio_get"] == ALLOW
    assert judge_looks(machine, silent, 1, 0)["getpriority"] == judge_looks(machine, silent, 0, 1)["getpriority"]


@BOTH
def test_where_nothing_keeps_signals_inside_none_is_sent(machine):
    """Before Linux 6.12, Landlock lets a process kill all others of its user."""
    program = build_filter(machine, namespaces=False, signals=False)
    for number in syscalls.SIGNALS[machine].values():
        assert judge(program, machine, number, 1, 9) == REFUSED
        assert judge(build_filter(machine, namespaces=False), machine, number, 1, 9) == ALLOW


@pytest.mark.parametrize("machine", ["i686", "armv7l", "aarch64_be", ""])
def test_a_machine_without_a_table_is_refused(machine):
    """A filter with another machine's numbers would look like one, and stop the wrong calls."""
    with pytest.raises(SandboxUnavailable, match="no system-call filter"):
        build_filter(machine)


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        ("x86_64", "x86_64-linux-gnu/asm/unistd_64.h"),
        ("x86_64", "asm/unistd_64.h"),
        ("aarch64", "asm-generic/unistd.h"),
    ],
)
def test_the_numbers_are_those_of_the_kernel_s_headers(machine, header):
    """The tables are typed from the kernel's own; where its headers are installed, they are compared."""
    path = Path("/usr/include") / header
    if not path.exists():
        pytest.skip(f"no {path} on this machine")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", path.read_text("utf-8"))
    true = {name: int(number) for name, number in found}
    tables = [
        syscalls.FORBIDDEN,
        syscalls.ABSENT,
        syscalls.ATTRIBUTES,
        syscalls.WATCHES,
        syscalls.LOOKS,
        syscalls.SIGNALS,
        syscalls.CHECKED,
    ]
    ours = {name: number for table in tables for name, number in table[machine].items()}
    known = ours.keys() & true.keys()
    assert {name: true[name] for name in known} == {name: ours[name] for name in known}
    assert len(known) > 100


def test_no_number_is_judged_twice():
    """The second line for the same number would never be reached."""
    tables = [
        syscalls.FORBIDDEN,
        syscalls.ABSENT,
        syscalls.ATTRIBUTES,
        syscalls.WATCHES,
        syscalls.LOOKS,
        syscalls.SIGNALS,
        syscalls.CHECKED,
    ]
    for machine in syscalls.MACHINES:
        numbers = [number for table in tables for number in table[machine].values()]
        assert len(numbers) == len(set(numbers))
        assert max(numbers) <= syscalls.LAST


@ONLY_HERE
def test_the_kernel_of_this_machine_takes_it_and_obeys():
    """What our own machine reads could be wrong in the same way as what it wrote."""
    said = run_in_child(CALLS, build_filter(HERE), refused=[*syscalls.FORBIDDEN[HERE].values()])
    assert said["refused"] == [errno.EPERM] * len(syscalls.FORBIDDEN[HERE])
    assert said["clone3"] == said["newer"] == errno.ENOSYS
    assert said["inet"] == errno.EAFNOSUPPORT
    assert said["namespace"] == said["tiocsti"] == said["prlimit"] == said["setown"] == errno.EPERM
    assert said["works"] == [0, "in a thread", "from a program"]


@ONLY_HERE
def test_without_namespaces_the_kernel_obeys_too():
    """The stricter filter is the one that has nothing behind it."""
    said = run_in_child(CALLS_WITHOUT, build_filter(HERE, namespaces=False, signals=False))
    assert said == {"unix": errno.EAFNOSUPPORT, "pair": "ok", "chmod": 0o600, "kill": errno.EPERM, "copy": "ok"}


@ONLY_HERE
def test_without_namespaces_ordinary_code_of_processes_works():
    """Children are waited for, signalled and asked about; of others only what a signal's error tells is told."""
    said = run_in_child(PROCESSES, build_filter(HERE, namespaces=False))
    assert said["own"] == ["True", "True", "0", "True", "True"]
    assert said["children"] == [0, -15, -9, True, 3, "hi"]
    assert said["others"] == [errno.EPERM] * 3 + [errno.ENOSYS] * 2 + [errno.EINVAL]


@ONLY_HERE
@pytest.mark.skipif(HERE != "x86_64", reason="x32 and int 0x80 are of x86_64")
def test_a_process_that_uses_another_abi_is_killed():
    """SIGSYS ends the whole process, not only the thread that tried."""
    said = run_in_child(OTHER_ABIS, build_filter(HERE))
    assert said == {"x32": 31, "int80": 31}


CALLS = """
import ctypes, os, socket, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    return 0 if libc.syscall(number, *map(ctypes.c_ulong, args)) >= 0 else ctypes.get_errno()
confine.install_seccomp(program)
def caught(make):
    try:
        make()
    except OSError as error:
        return error.errno
x86 = os.uname().machine == "x86_64"
words = []
thread = threading.Thread(target=words.append, args=("in a thread",)); thread.start(); thread.join()
say(refused=[call(number, *[(1 << 64) - 1] * 6) for number in given["refused"]],
    clone3=call(435, 0, 0), newer=call(468),
    inet=caught(lambda: socket.socket(socket.AF_INET)),
    namespace=call(56 if x86 else 220, 0x10000011), tiocsti=call(16 if x86 else 29, 0, 0x5412 | 1 << 32),
    prlimit=call(302 if x86 else 261, os.getppid(), 7, 0, 0), setown=call(72 if x86 else 25, 0, 8, 1),
    works=[call(39 if x86 else 172), *words,
           subprocess.run([sys.executable, "-ISc", "print('from a program')"], capture_output=True, text=True).stdout.strip()])
"""

CALLS_WITHOUT = """
import os, shutil, socket, tempfile
folder = tempfile.mkdtemp()
path = os.path.join(folder, "file")
os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
confine.install_seccomp(program)
def caught(make):
    try:
        make()
    except OSError as error:
        return error.errno
    return "ok"
os.chmod(path, 0o777)
facts = dict(unix=caught(lambda: socket.socket(socket.AF_UNIX)), pair=caught(socket.socketpair),
    chmod=os.stat(path).st_mode & 0o777, kill=caught(lambda: os.kill(os.getppid(), 0)),
    copy=caught(lambda: shutil.copy2(path, path + "2")))
shutil.rmtree(folder)
say(**facts)
"""

PROCESSES = """
import asyncio, ctypes, os, signal, subprocess, sys, threading, time
confine.install_seccomp(program)
def caught(make, *args):
    try:
        return repr(make(*args))
    except OSError as error:
        return error.errno
def child(code):
    return subprocess.Popen([sys.executable, "-ISc", code], start_new_session=True, stdout=subprocess.DEVNULL)
async def amade():
    made = await asyncio.create_subprocess_exec(sys.executable, "-ISc", "print('hi')", stdout=-1)
    return (await made.communicate())[0].decode().strip()
terminated, killed, ended = child("import time; time.sleep(60)"), child("import time; time.sleep(60)"), child("")
terminated.terminate()
os.killpg(os.getpgid(killed.pid), signal.SIGKILL)
codes = [process.wait(20) for process in (ended, terminated, killed)]
left = os.fork()
if not left:
    os._exit(3)
alive = caught(os.kill, left, 0) == "None"
status = os.waitstatus_to_exitcode(os.waitpid(left, 0)[1])
parent = os.getppid()
own = [caught(lambda: os.sched_getaffinity(0) != set()), caught(lambda: time.process_time() > 0),
       caught(os.getpriority, os.PRIO_PROCESS, 0), caught(lambda: os.getsid(0) >= 0), caught(lambda: time.thread_time() > 0)]
others = [caught(os.getsid, parent), caught(os.getpriority, os.PRIO_PROCESS, parent), caught(os.getpriority, os.PRIO_USER, 0),
          caught(os.sched_getaffinity, parent), caught(os.pidfd_open, parent), caught(time.clock_gettime, ~parent * 8 + 2)]
say(own=own, children=[*codes, alive, status, asyncio.run(amade())], others=others)
"""

OTHER_ABIS = r"""
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
confine.install_seccomp(program)
def died_of(make):
    child = os.fork()
    if not child:
        make()
        os._exit(0)
    return os.waitpid(child, 0)[1] & 127
def int80():
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
say(x32=died_of(lambda: libc.syscall(0x40000000 | 39)), int80=died_of(int80))
"""
