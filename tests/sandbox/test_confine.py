"""What a process gives up before code of a model runs in it: each for real, in a child, with what it is then refused."""

from __future__ import annotations

import errno
import os
import platform
import socket
import subprocess
import sys

import pytest
from child import run_in_child

from lllm.sandbox.inside.confine import landlock_abi
from lllm.sandbox.isolation.seccomp import build_filter

ABI = landlock_abi() if platform.system() == "Linux" else 0
pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="of Linux")
LANDLOCK = pytest.mark.skipif(ABI < 3, reason=f"Landlock here has version {ABI}, and 3 is needed")
SCOPES = pytest.mark.skipif(ABI < 6, reason=f"Landlock here has version {ABI}, and 6 is needed")

TRIED = """
import os, socket
def tried(make):
    try:
        make()
    except OSError as error:
        return error.errno
    except ValueError:
        return "ValueError"
    return "done"
"""


def test_limits_cannot_be_raised_again():
    """A soft limit alone is undone by one line of the cell."""
    said = run_in_child(
        TRIED
        + """
import resource
confine.set_limits({"NOFILE": 64, "CORE": 0, "AS": 1 << 30})
say(now=resource.getrlimit(resource.RLIMIT_NOFILE), locked=resource.getrlimit(resource.RLIMIT_MEMLOCK),
    raised=tried(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (65, 65))) if os.geteuid() else "ValueError")
"""
    )
    assert said == {"now": [64, 64], "locked": [0, 0], "raised": "ValueError"}


def test_a_limit_that_is_lower_already_stays():
    """A user's own hard limit is below what the policy would allow: asking for more would end the kernel's start."""
    said = run_in_child("""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
confine.set_limits({"NOFILE": 4096})
say(now=resource.getrlimit(resource.RLIMIT_NOFILE))
""")
    assert said == {"now": [50, 50]}


def test_descriptors_of_the_host_are_closed():
    """What is open needs no path, and no rule of Landlock's asks for it again."""
    said = run_in_child(
        TRIED
        + """
kept, other = os.open("/", os.O_RDONLY), os.open("/", os.O_RDONLY)
confine.close_others([kept])
say(kept=tried(lambda: os.fstat(kept)), other=tried(lambda: os.fstat(other)), out=tried(lambda: os.fstat(1)))
"""
    )
    assert said == {"kept": "done", "other": errno.EBADF, "out": "done"}


def test_no_capability_is_left_and_none_comes_back():
    """Also for a process that root started: as nobody it keeps none, and no program can bring it one."""
    said = run_in_child("""
import os
if os.geteuid() == 0:
    os.setgroups([0, 4])
confine.drop_privileges(65534 if os.geteuid() == 0 else None)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
say(left=[int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")], nnp=int(status["NoNewPrivs"]),
    uids=sorted({os.getuid(), os.geteuid()}), groups=os.getgroups() if os.getuid() == 65534 else [])
""")
    assert said == {"left": [0] * 4, "nnp": 1, "uids": [os.getuid() or 65534], "groups": []}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a bounding set to lose")
def test_root_s_bounding_set_is_emptied():
    """With it, and root's number, each new program would have all capabilities again."""
    said = run_in_child("""
confine.drop_privileges()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
say(left=[int(status[name], 16) for name in ("CapBnd", "CapPrm", "CapEff")])
""")
    assert said == {"left": [0] * 3}


def test_the_sandbox_is_the_first_that_ends_when_memory_runs_out():
    """Otherwise the kernel of the operating system may choose the user's own program."""
    assert run_in_child("confine.confine_init(); say(score=int(open('/proc/self/oom_score_adj').read()))") == {
        "score": 500
    }


def test_orphans_fall_to_the_first_process_of_the_sandbox():
    """A daemon that double-forked would otherwise be a child of the host's first process, and stay."""
    said = run_in_child("""
import os
confine.confine_init()
read, write = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        os.read(read, 1)
    os._exit(0)
os.wait()
os.write(write, b"x")
say(orphan=os.wait()[1])
""")
    assert said == {"orphan": 0}


@LANDLOCK
def test_files_are_what_was_listed(tmp_path):
    """An allow list: what nobody thought of is closed."""
    for name in ("read", "write", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text")
    said = run_in_child(
        TRIED
        + """
from pathlib import Path
home = Path(given["home"])
confine.restrict_files([str(home / "read"), "/no/such/place"], [str(home / "write"), "/dev/null"])
say(read=tried((home / "read/file").read_text), read_write=tried(lambda: (home / "read/file").write_text("x")),
    write=tried(lambda: (home / "write/new").write_text("x")), folder=tried((home / "write/folder").mkdir),
    across=tried(lambda: (home / "write/new").rename(home / "write/folder/new")),
    null=tried(lambda: open("/dev/null", "w").write("x")),
    other=tried((home / "other/file").read_text), emptied=tried(lambda: os.truncate(home / "other/file", 0)),
    listed=tried(lambda: os.listdir(home)), proc=tried(lambda: open("/proc/self/status")),
    linked=tried(lambda: os.link(home / "other/file", home / "write/link")),
    through=tried(lambda: [os.symlink(home / "other", home / "write/way"), (home / "write/way/file").read_text()]),
    removed=tried(lambda: os.unlink(home / "read/file")))
""",
        home=str(tmp_path),
    )
    denied = {"read_write", "other", "emptied", "listed", "proc", "through", "removed"}
    assert {name for name, came in said.items() if came == errno.EACCES} == denied
    assert said.pop("linked") in (errno.EACCES, errno.EXDEV)
    assert {came for name, came in said.items() if name not in denied} == {"done"}
    assert (tmp_path / "other/file").read_text() == "text"


@LANDLOCK
def test_a_program_is_confined_as_its_parent_is(tmp_path):
    """Rules that ended at a subprocess would be none."""
    (tmp_path / "secret").write_text("canary")
    said = run_in_child(
        """
import subprocess
confine.restrict_files(["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"], [])
done = subprocess.run(["/bin/cat", given["path"]], capture_output=True, text=True)
say(out=done.stdout, said="denied" in done.stderr)
""",
        path=str(tmp_path / "secret"),
    )
    assert said == {"out": "", "said": True}


@LANDLOCK
@pytest.mark.skipif(ABI < 4, reason="before version 4, Landlock knows no TCP")
def test_tcp_is_closed():
    """A second wall behind the filter of system calls."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = run_in_child(
            TRIED
            + """
confine.restrict_files([], [])
say(out=tried(lambda: socket.socket().connect(("127.0.0.1", given["port"]))),
    served=tried(lambda: socket.socket().bind(("127.0.0.1", 0))))
""",
            port=server.getsockname()[1],
        )
    assert said["out"] == errno.EACCES
    assert said["served"] in (errno.EACCES, "done")  # any free port (0) is no port that a rule could name


@SCOPES
def test_signals_and_abstract_sockets_stay_inside():
    """Without namespaces, every process of the same user is one number away."""
    with (
        socket.socket(socket.AF_UNIX) as server,
        subprocess.Popen([sys.executable, "-ISc", "input()"], stdin=-1) as other,
    ):
        server.bind("\0lllm-test-" + str(os.getpid()))
        server.listen()
        said = run_in_child(
            TRIED
            + """
confine.restrict_files([], [])
held = socket.socketpair()
child = os.fork()
if not child:
    held[0].recv(1)
    os._exit(0)
say(other=tried(lambda: os.kill(given["pid"], 9)), own=tried(lambda: os.kill(child, 9)),
    abstract=tried(lambda: socket.socket(socket.AF_UNIX).connect("\\0" + given["name"])))
""",
            pid=other.pid,
            name="lllm-test-" + str(os.getpid()),
        )
        assert said == {"other": errno.EPERM, "own": "done", "abstract": errno.EPERM}
        assert other.poll() is None
        other.communicate(b"\n")


def test_what_is_not_asked_for_is_not_done():
    """In tier A, bubblewrap has made the walls of files and calls already; both are limits that stay."""
    said = run_in_child(
        TRIED
        + """
import resource
confine.confine_kernel({"fds": {}, "rlimits": {"NOFILE": 99}})
say(limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0], opened=tried(lambda: open("/etc/passwd")),
    called=tried(lambda: socket.socket(socket.AF_INET)))
"""
    )
    assert said == {"limit": 99, "opened": "done", "called": "done"}


@LANDLOCK
def test_all_that_is_asked_for_is_done():
    """A kernel that comes up with one wall missing would look like any other."""
    said = run_in_child(
        TRIED
        + """
stray = os.open("/", os.O_RDONLY)
confine.confine_kernel({"fds": {}, "rlimits": {}, "landlock": {"read": [], "write": []}, "seccomp": given["asked"]})
say(stray=tried(lambda: os.fstat(stray)), opened=tried(lambda: open("/etc/passwd")), called=tried(lambda: socket.socket(socket.AF_INET)))
""",
        asked=build_filter(platform.machine()).hex(),
    )
    assert said == {"stray": errno.EBADF, "opened": errno.EACCES, "called": errno.EAFNOSUPPORT}


@pytest.mark.parametrize("program", [b"", b"\x06\0\0\0\0\0\0", b"\x15\0\xff\xff\0\0\0\0"])
def test_a_filter_that_the_kernel_refuses_is_an_error(program):
    """The kernel's process must not come up without it."""
    said = run_in_child(TRIED + "say(came=tried(lambda: confine.install_seccomp(program)))", program)
    assert said == {"came": errno.EINVAL}
