"""The warden finds what is over its limits from outside, and looks at nobody longer than needed."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import weakref

import pytest
from kernels import MiB, wait_gone

from lllm.sandbox.inside.ends import list_tree
from lllm.sandbox.local.warden import Warden, find_excess
from lllm.sandbox.policy import SandboxPolicy


class Watched:
    """A process with limits, as the warden sees one."""

    def __init__(self, pid, folder=None, tier="B", **limits):
        self.pid, self.folder, self.tier = pid, folder, tier
        self._policy = SandboxPolicy(**limits)
        self.looked = threading.Event()
        self.killed = []
        self._read, self._write = os.pipe()

    @property
    def policy(self):
        self.looked.set()
        return self._policy

    def kill(self, why):
        self.killed.append(why)
        os.write(self._write, b"x")

    def wait_killed(self, timeout_s=10):
        return bool(select.select([self._read], [], [], timeout_s)[0])

    def close(self):
        os.close(self._read)
        os.close(self._write)


@pytest.fixture
def program():
    """Starts a program that says ``up`` and stays until its input ends."""
    started = []

    def start(code):
        text = f"import os, sys, threading\n{code}\nprint('up', flush=True)\nsys.stdin.read()"
        process = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        process.stdout.readline()
        return process.pid

    yield start
    for process in started:
        watched = [os.pidfd_open(pid) for pid in list_tree(process.pid)]
        process.stdin.close()
        process.stdout.close()
        process.wait()
        assert wait_gone(watched) == 0


@pytest.fixture
def watched():
    """Makes what the warden watches."""
    made = []

    def make(*args, **kwargs):
        made.append(Watched(*args, **kwargs))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_what_is_within_its_limits_is_left_alone(program, watched, tmp_path):
    (tmp_path / "file").write_bytes(bytes(MiB))
    assert find_excess(watched(program(""), tmp_path)) == ""


def test_the_dead_are_over_no_limit(program, watched):
    assert find_excess(watched(2**22 + 1, memory_bytes=1)) == ""


THREADS = "for _ in range(12): threading.Thread(target=sys.stdin.read, daemon=True).start()"


@pytest.mark.parametrize("code", [THREADS, "for _ in range(12):\n    if not os.fork(): sys.stdin.read(); os._exit(0)"])
def test_processes_and_threads_count_alike(program, watched, code):
    pid = program(code)
    assert find_excess(watched(pid, processes=5)) == "it had 13 processes and threads, and may have 5"
    assert find_excess(watched(pid, processes=20)) == ""


def test_memory_is_summed_over_all_processes(program, watched):
    child = "held = b'x' * (20 << 20); os.write(there, b'x'); sys.stdin.read(); os._exit(0)"
    pid = program(f"here, there = os.pipe()\nfor _ in range(3):\n    if not os.fork(): {child}\n    os.read(here, 1)")
    over = find_excess(watched(pid, memory_bytes=60 * MiB))
    assert over == "its processes used more than 60 MiB of memory together"
    assert find_excess(watched(pid, memory_bytes=400 * MiB)) == ""


def test_memory_that_processes_share_counts_once(program, watched):
    """Children of a kernel that holds a large table would else be killed for what they never wrote."""
    pid = program("held = b'x' * (40 << 20)\nfor _ in range(5):\n    if not os.fork(): sys.stdin.read(); os._exit(0)")
    assert find_excess(watched(pid, memory_bytes=150 * MiB)) == ""


def test_files_are_summed(program, watched, tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a", "deep/b"):
        (tmp_path / name).write_bytes(os.urandom(MiB))
    assert (
        find_excess(watched(program(""), tmp_path, tmp_bytes=2 * MiB - 8192)) == "its files took 2 MiB, and may take 1"
    )


def test_a_file_with_holes_counts_what_it_takes(program, watched, tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert find_excess(watched(program(""), tmp_path, tmp_bytes=MiB)) == ""


def test_links_lead_nowhere(program, watched, tmp_path):
    """A link to the root would have all of the host's files counted."""
    (tmp_path / "all").symlink_to("/")
    assert find_excess(watched(program(""), tmp_path, tmp_bytes=MiB)) == ""


def test_too_many_files_take_too_much(program, watched, tmp_path):
    """Each takes an inode, and the time to look at it."""
    (tmp_path / "one").touch()
    for number in range(20_001):
        os.link(tmp_path / "one", tmp_path / str(number))
    assert "20,000 files" in find_excess(watched(program(""), tmp_path))


def test_what_is_over_a_limit_is_killed_and_forgotten(program, watched):
    warden, over, within = Warden(), watched(program(THREADS), processes=5), watched(program(""))
    warden.watch(over)
    warden.watch(within)
    assert over.wait_killed()
    warden.forget(over)
    assert (len(over.killed), within.killed) == (1, [])
    assert over not in warden._busy


def test_an_idle_one_is_looked_at_less_often_but_looked_at(program, watched):
    """That its cell has ended is only what its own code said."""
    warden, idle = Warden(), watched(program(""))
    warden.watch(idle)
    warden.rest(idle)
    assert (idle in warden._busy, idle in warden._idle) == (False, True)
    object.__setattr__(idle.policy, "memory_bytes", 1)
    assert idle.wait_killed()


def test_one_that_left_something_running_is_not_idle(program, watched):
    warden = Warden()
    for code in (THREADS, "for _ in range(3):\n    if not os.fork(): sys.stdin.read(); os._exit(0)"):
        busy = watched(program(code))
        warden.watch(busy)
        warden.rest(busy)
        assert busy in warden._busy
        warden.forget(busy)


def test_the_bubblewrap_process_is_no_work_of_a_cell(program, watched):
    warden, idle = (
        Warden(),
        watched(program("for _ in range(2):\n    if not os.fork(): sys.stdin.read(); os._exit(0)"), tier="A"),
    )
    warden.watch(idle)
    warden.rest(idle)
    assert idle in warden._idle


def test_nobody_is_kept_alive_by_being_watched(program, watched):
    """A session that was never closed ends with its last reference."""
    warden, gone = Warden(), threading.Event()
    idle = Watched(program(""))
    idle.close()
    looked, seen = idle.looked, weakref.ref(idle, lambda _: gone.set())
    warden.watch(idle)
    warden.rest(idle)
    looked.clear()
    assert looked.wait(10)
    del idle
    assert gone.wait(5)
    assert seen() is None


def test_a_child_of_the_host_has_a_warden_of_its_own(program, watched):
    """Threads do not survive a fork: nobody would look at the child's sandboxes."""
    warden, over = Warden(), watched(program(THREADS), processes=5)
    warden.watch(watched(program("")))
    child = os.fork()
    if not child:
        try:
            warden.watch(over)
            os._exit(0 if over.wait_killed() and len(warden._busy) <= 1 else 1)
        except BaseException:  # noqa: BLE001
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_one_that_cannot_be_watched_is_killed_and_the_others_go_on_being_watched(program):
    """An error that ended the thread would leave every sandbox without limits, and nobody would see it."""

    class Odd(Watched):
        @property
        def policy(self):
            raise RuntimeError("odd")

    warden, odd, next_ = Warden(), Odd(os.getpid()), Watched(program(""), processes=1, memory_bytes=1)
    warden.watch(odd)
    assert odd.wait_killed()
    assert odd.killed == ["it could not be watched: RuntimeError: odd"]
    warden.watch(next_)
    assert next_.wait_killed()
    odd.close()
    next_.close()
