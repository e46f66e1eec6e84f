"""A sandbox's process as the host holds it: started with what the isolator says and nothing else, ended for good."""

from __future__ import annotations

import gc
import json
import os
import select
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from kernels import open_files, wait_gone, watch_all

from lllm.errors import ConfigError, SandboxUnavailable
from lllm.sandbox.inside.ends import list_tree
from lllm.sandbox.isolation.isolator import Plan
from lllm.sandbox.local.process import SandboxProcess
from lllm.sandbox.policy import SandboxPolicy


class Program:
    """An isolator that isolates nothing: it runs a piece of Python, with ``line`` for what the host sent first."""

    name, tier = "program", "B"
    begin = "import json, os, socket, sys, time\nend = socket.socket(fileno=int(sys.argv[1]))\n"
    begin += "line = end.makefile('rb', 0).readline().decode()\n"

    def __init__(self, code, **other):
        self.argv, self.spec, self.other = [sys.executable, "-c", self.begin + code], {"a": 1}, other

    def plan(self, policy):
        return Plan(list(self.argv), self.spec, **self.other)


@pytest.fixture
def run():
    """Starts a process that runs a piece of Python; it is closed at the end."""
    started = []

    def run(code, **other):
        process = SandboxProcess(Program(code, **other), SandboxPolicy())
        started.append(process)
        return process

    yield run
    for process in started:
        process.close()


def read(process):
    """Return what the process writes until its output ends."""
    os.set_blocking(process.output, True)
    pieces = []
    while piece := os.read(process.output, 65536):
        pieces.append(piece)
    return b"".join(pieces).decode()


FERTILE = """
for number in range(28):
    if not os.fork():
        time.sleep(600)
    print(number, flush=True)
    time.sleep(0.1)
time.sleep(600)
"""


def list_session(sid):
    """Return the processes of a session that have not ended, whoever their parent is."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _parent, _group, session = (place / "stat").read_text().rpartition(")")[2].split()[:4]
            found += [int(place.name)] if int(session) == sid and state not in "ZX" else []
    return found


def test_nobody_is_left_behind_when_the_first_process_is_slow_to_end(run):
    """What it leaves would fall to the host's process 1 and go on for ever: a bomb of forks did, on a busy machine."""
    process = run(FERTILE)
    assert select.select([process.output], [], [], 20)[0]
    process.kill()
    assert list_session(process.pid) == []


def test_it_is_told_what_to_start_in_one_line(run):
    process = run("print(line, end='')")
    told = json.loads(read(process))
    assert (told["a"], told["program"], sorted(told["fds"])) == (1, "kernel", ["broker", "control", "output"])


def test_it_has_no_environment_and_no_descriptor_of_the_host(run, monkeypatch, tmp_path):
    """What is open needs no path; what is in the environment may be a key."""
    monkeypatch.setenv("PLANTED_KEY", "secret")
    with (tmp_path / "file").open("w") as file:
        planted = file.fileno()
        os.set_inheritable(planted, True)
        code = "spec = json.loads(line)\nprint(json.dumps([sorted(os.environ), sorted(map(int, os.listdir('/proc/self/fd'))), sorted(spec['fds'].values())]))"
        environment, numbers, told = json.loads(read(run(code)))
    assert not set(environment) - {"LC_CTYPE"}  # which Python itself sets
    assert planted not in numbers
    assert len(numbers) <= 3 + len(told) + 2  # the lifeline, and the folder that was listed


def test_it_is_in_a_session_of_its_own(run):
    """Ctrl-C in the user's terminal is the host's business."""
    assert int(read(run("print(os.getsid(0))"))) not in (0, os.getsid(0))


def test_closing_ends_it_and_all_below_it(run):
    """Also what has left its group and its session."""
    process = run(
        "if not os.fork():\n    os.setsid()\n    os.fork()\n    end.recv(1); time.sleep(600)\nprint('up', flush=True)\ntime.sleep(600)"
    )
    os.set_blocking(process.output, True)
    assert os.read(process.output, 10) == b"up\n"
    watched = watch_all(process.pid)
    process.close()
    process.close()
    assert wait_gone(watched) == 0
    assert not process.is_running


def test_the_first_reason_of_a_kill_is_kept(run):
    process = run("end.recv(1)")
    process.kill("memory")
    process.kill("it was closed")
    assert process.why_killed == "memory"


@pytest.mark.parametrize("argv", [["/nowhere/bwrap"], ["/etc/passwd"], ["/"]])
def test_a_program_that_cannot_be_started_is_told_and_leaves_nothing(argv, tmp_path):
    """Neither a descriptor nor a folder: a server would try again and again."""
    folder = tmp_path / "folder"
    folder.mkdir()
    spare = os.open("/dev/null", os.O_RDONLY)
    before = open_files()
    program = Program("", folder=folder, fds=[spare])
    program.argv = argv
    with pytest.raises(SandboxUnavailable, match="cannot be started"):
        SandboxProcess(program, SandboxPolicy())
    assert before - open_files() == {item for item in before if item[0] == str(spare)}
    assert open_files() <= before
    assert not folder.exists()


def test_a_program_that_ends_at_once_can_be_read(run):
    """Its last words say what this machine lacks."""
    process = run("print('what is missing', flush=True); end.close(); os._exit(1)")
    assert read(process) == "what is missing\n"
    process.settle(0.01)
    process.interrupt()


def test_a_program_that_ends_before_it_was_told_is_no_error():
    """Whoever waits for the kernel reads why."""
    program = Program("")
    program.argv, program.spec = ["/bin/sh", "-c", "echo gone"], {"a": "x" * 5_000_000}  # more than waits in a socket
    process = SandboxProcess(program, SandboxPolicy())
    try:
        assert read(process) == "gone\n"
    finally:
        process.close()


def test_descriptors_of_the_plan_are_passed_and_closed(run):
    read_end, write_end = os.pipe()
    os.write(write_end, b"a filter")
    os.close(write_end)
    process = run(f"print(os.read({read_end}, 100))", fds=[read_end])
    assert read(process) == "b'a filter'\n"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read_end)


def make_deep(folder, levels):
    """Make folders in folders, as a cell can: more than the usual removal can go down."""
    number = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=number)
        number, above = os.open("d", os.O_RDONLY, dir_fd=number), number
        os.close(above)
    os.close(number)


def test_its_folder_is_removed_with_it(run, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    make_deep(folder, 1500)
    run("end.recv(1)", folder=folder).close()
    assert not folder.exists()


DEAF = "import select\npoll = select.poll()\npoll.register(end, 0)\npoll.poll()"
"""Reads nothing, and ends with the host."""


def test_settling_waits_for_each_interrupt(run):
    """One that is on its way would hit the cell that comes next."""
    code = "for _ in range(3):\n    told = end.recv(1)\n    print(told, flush=True)\n    end.send(told)\nend.recv(1)"
    process = run(code)
    os.set_blocking(process.output, True)
    for _ in range(3):
        process.interrupt()
    process.settle(20)
    assert os.read(process.output, 1000).count(b"b'I'\n") == 3
    process.settle(0)


def test_settling_with_the_dead_is_over_at_once(run):
    process = run("")
    process.interrupt()
    read(process)
    process.interrupt()
    process.settle(600)
    process.close()
    process.interrupt()


def test_settling_with_the_deaf_ends(run):
    process = run(DEAF)
    process.interrupt()
    process.settle(0.01)
    process.interrupt()
    process.settle(0.01)


def test_many_interrupts_hold_nobody(run):
    """The socket's room is small, and init might be stopped."""
    process = run(DEAF)
    for _ in range(2000):
        process.interrupt()


def test_a_fork_of_the_host_lets_go_of_it(run):
    """A lifeline that a child of the host holds would keep the sandbox after the host's death."""
    process = run("print('up', flush=True); end.recv(1); print('over', flush=True)")
    os.set_blocking(process.output, True)
    assert os.read(process.output, 10) == b"up\n"
    lifeline = process._lifeline.fileno()
    child = os.fork()
    if not child:
        try:
            os.fstat(lifeline)
            os._exit(1)
        except OSError:
            process.close()  # says nothing to anybody
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert process.is_running
    process._lifeline.send(b"x")
    assert os.read(process.output, 10) == b"over\n"


def test_one_that_nobody_holds_is_let_go():
    """A session that was never closed: with its last reference the lifeline closes, and the sandbox ends."""
    process = SandboxProcess(Program("end.recv(1)"), SandboxPolicy())
    watched = [os.pidfd_open(process.pid)]
    output = process.output
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del process
        gc.collect()
    assert wait_gone(watched) == 0
    os.close(output)


def test_a_tree_is_the_process_and_all_below_it(run):
    process = run("children = [os.fork() for _ in range(2)]\nprint('up', flush=True)\nend.recv(1)\nos._exit(0)")
    os.set_blocking(process.output, True)
    said = b""
    while said.count(b"up") < 4:
        said += os.read(process.output, 100)
    assert len(set(list_tree(process.pid))) == 4
    watched = watch_all(process.pid)
    process.close()
    assert wait_gone(watched) == 0
    assert list_tree(process.pid) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can")
def test_it_is_started_as_another_user():
    """With none of root's groups: by one of them, a file of the host would be readable."""
    program = Program("", user=65534)
    program.argv = ["/bin/sh", "-c", "id -u; id -G"]
    before = os.getgroups()
    os.setgroups([4, 24])
    try:
        process = SandboxProcess(program, SandboxPolicy())
        assert read(process) == "65534\n65534\n"
        process.close()
    finally:
        os.setgroups(before)


def test_the_policy_is_checked():
    for wrong in ({"memory_bytes": 0}, {"timeout_s": -1}, {"timeout_s": float("nan")}, {"processes": 0}):
        with pytest.raises(ConfigError, match="must be more than 0"):
            SandboxPolicy(**wrong)
    with pytest.raises(ConfigError, match="no tier 'C'"):
        SandboxPolicy(min_tier="C")
    assert SandboxPolicy() == SandboxPolicy()
