"""What a cell may use: it is stopped at each limit, told why, and the host does not suffer."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from kernels import FIND_SOCKETS, GRACE_S, MiB, run_host, texts, value, wait_gone, watch_all

FLOOD = """
kernel = start(output_bytes={limit})
for _ in range(3):
    kernel.execute("print(1)")
gc.collect()
before = rss()
result = kernel.execute({cell!r})
usable = kernel.execute("1 + 1").status
say(status=result.status, ename=result.ename, lost=result.state_lost, usable=usable, grown=rss() - before,
    kept=sum(len(str(output)) for output in result.outputs))
kernel.close()
"""


def flood(isolator, cell, limit=4 * MiB):
    """Run a cell in a host of its own; return what it came to, and how far the host grew."""
    said = json.loads(run_host(isolator, FLOOD.format(cell=cell, limit=limit)))
    assert said.pop("grown") < 32 * MiB
    assert said.pop("kept") < 5 * MiB
    return said


@pytest.mark.parametrize(
    "cell",
    [
        "print('x' * 100_000_000)",
        "for _ in range(100_000): print('x' * 1000)",
        "while True: display(1)",
        "import sys\nwhile True:\n    print(1)\n    print(2, file=sys.stderr)",
        "while True: print('x', end='', flush=True)",
        "while True:\n    try: print('x' * 1000)\n    except Exception: kept = 2",
        "'x' * 10_000_000",
        "import sys\nsys.stdout.buffer.write(b'x' * 10_000_000)",
    ],
    ids=["one write", "prints", "displays", "both streams", "flushes", "caught", "value", "bytes"],
)
def test_a_flood_ends_its_cell_and_no_more(start, cell):
    """Code that prints in a loop is an honest mistake: the variables of an hour's work stay."""
    kernel = start(output_bytes=1 * MiB, output_messages=100, timeout_s=10)
    kernel.execute("kept = 1")
    result = kernel.execute(cell)
    if cell.startswith("'x'"):  # one value that is too large is left out, or is what is too much
        assert result.status in ("ok", "output_limit")
    else:
        assert (result.status, result.ename) == ("output_limit", "OutputLimit")
    assert sum(len(str(output)) for output in result.outputs) < 2 * MiB
    count = result.execution_count
    assert value(kernel.execute("kept")) == "1"
    assert kernel.execute("1").execution_count == count + 2


def test_what_fits_is_kept_and_the_cut_is_told(start):
    kernel = start(output_bytes=1000)
    result = kernel.execute("print('y' * 600)\nprint('x' * 5000)")
    assert texts(result).startswith("y" * 600 + "\nx")
    assert "cut" in texts(result, "stderr")


def test_a_print_flood_does_not_fill_the_host(isolator):
    said = flood(isolator, "for _ in range(1000): print('x' * 100_000)")
    assert said == {"status": "output_limit", "ename": "OutputLimit", "lost": False, "usable": "ok"}


def test_a_flood_past_the_kernel_does_not_fill_the_host(isolator):
    """A program's output, or one write to the descriptor, asks no limit of the kernel's."""
    said = flood(isolator, "import os\nfor _ in range(1000): os.write(1, b'x' * 100_000)")
    assert said == {"status": "output_limit", "ename": "OutputLimit", "lost": True, "usable": "died"}


def test_a_little_too_much_past_the_kernel_loses_no_state(start):
    kernel = start(output_bytes=1 * MiB)
    result = kernel.execute("import os\nfor _ in range(20): os.write(1, b'x' * 100_000)\nNone")
    assert (result.status, result.state_lost) == ("output_limit", False)
    assert value(kernel.execute("1 + 1")) == "2"


HOSTILE = {
    "junk": "send_all(b'junk' * 1000)\ntime.sleep(60)",
    "largest length": "send_all(b'\\xff' * 4)\ntime.sleep(60)",
    "endless": "while True: send_all(struct.pack('>I', 2_000_000) + b'[' * 60_000, 50)",
    "endless small": "while True: send_all(struct.pack('>I', 2) + b'{}', 50)",
    "deep": "send_all(struct.pack('>I', 200_000) + b'[' * 200_000, 9)\ntime.sleep(60)",
    "brackets": "send_all(struct.pack('>I', 190_000) + b'[]' * 95_000, 9)\ntime.sleep(60)",
    "no number": "send_all(struct.pack('>I', 9) + b'{\"a\":NaN}')\ntime.sleep(60)",
    "no object": "send_all(struct.pack('>I', 4) + b'null')\ntime.sleep(60)",
    "no content": 'send_all(struct.pack(\'>I\', 49) + b\'{"msg_type":"execute_reply","content":5,"parent":[]}\')\ntime.sleep(60)',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_frames_end_their_kernel_or_deceive_it_alone(start, name):
    """Whatever comes on its sockets: the host neither hangs nor breaks, and kills what it cannot read."""
    kernel = start(timeout_s=1, grace_s=GRACE_S)
    watched = watch_all(kernel.pid)
    result = kernel.execute(FIND_SOCKETS + HOSTILE[name])
    assert result.status in ("died", "timeout", "output_limit"), result
    if name != "no content":
        assert result.state_lost
        assert wait_gone(watched) == 0
    else:
        assert kernel.execute("1").status in ("ok", "died")


def test_endless_frames_do_not_fill_the_host(isolator):
    """As much as a hostile cell can send: whole frames of the largest size, full of what is dear to hold."""
    cell = (
        FIND_SOCKETS
        + """
frame = b'{"msg_type":"display_data","parent":"4","content":{"data":{"application/json":[' + b",".join([b"1.5"] * 90_000) + b"]}}}"
data = struct.pack(">I", len(frame)) + frame
found = sockets()
while True:
    for s in found:
        s.sendall(data)
"""
    )
    said = flood(isolator, cell, 1 * MiB)
    assert said["usable"] == "died"


def test_calls_that_take_no_answer_do_not_hold_the_host(start):
    """Each answer would be waited for; a thousand of them would be an hour."""
    kernel = start(timeout_s=20, grace_s=GRACE_S, call_count=100_000)
    cell = (
        FIND_SOCKETS
        + """
frame = b'{"endpoint":"a","params":{}}'
data = struct.pack(">I", len(frame)) + frame
while True: send_all(data, 100)
"""
    )
    result = kernel.execute(cell, None, lambda *_: "x" * 10_000)
    assert (result.status, result.ename) == ("died", "KernelDied")
    assert "did not take the answer" in result.evalue


def test_memory_of_one_process_is_refused_to_it(start):
    """A MemoryError, that is, in which the cell can do with less; the variables stay."""
    kernel = start(memory_bytes=512 * MiB)
    result = kernel.execute("kept = 1\nlarge = bytearray(1 << 30)")
    assert (result.status, result.ename, result.state_lost) == ("error", "MemoryError", False)
    assert value(kernel.execute("kept")) == "1"


def test_memory_of_all_processes_together_is_bounded(start):
    """A limit on each process bounds no sum: twenty children, each within it, would fill the machine."""
    kernel = start(memory_bytes=300 * MiB)
    watched = watch_all(kernel.pid)
    cell = """
import os, time
for _ in range(6):
    if not os.fork():
        held = bytearray(os.urandom(1 << 20) * 80)
        time.sleep(60)
time.sleep(60)
"""
    result = kernel.execute(cell)
    assert (result.status, result.ename, result.state_lost) == ("died", "KernelDied", True)
    assert result.evalue == "its processes used more than 300 MiB of memory together"
    assert wait_gone(watched) == 0


def test_memory_that_is_used_between_cells_is_bounded(start):
    """A cell that has ended, or that says so, may have left something that goes on to take memory."""
    kernel = start(memory_bytes=300 * MiB)
    watched = watch_all(kernel.pid)
    cell = """
import os, threading, time
def grow():
    for _ in range(6):
        if not os.fork():
            held = bytearray(os.urandom(1 << 20) * 80)
            time.sleep(60)
thread = threading.Timer(0.2, grow)
thread.start()
"""
    assert kernel.execute(cell).status == "ok"
    assert wait_gone(watched) == 0
    result = kernel.execute("1")
    assert result.status == "died"


def test_processes_are_counted(start):
    """Whether the operating system refuses them, or the warden kills what has them: a fork bomb ends."""
    kernel = start(processes=20, timeout_s=20)
    cell = """
import os, time
def bomb():
    count = 0
    try:
        for _ in range(200):
            if not os.fork():
                time.sleep(60)
                os._exit(0)
            count += 1
    except OSError as error:
        return count, type(error).__name__
    time.sleep(60)
bomb()
"""
    result = kernel.execute(cell)
    if result.status == "ok":
        count, ename = json.loads(value(result).replace("(", "[").replace(")", "]").replace("'", '"'))
        assert (count < 20, ename) == (True, "BlockingIOError")
        assert os.geteuid() != 0
    else:
        assert (result.status, "processes and threads, and may have 20" in result.evalue) == ("died", True)


def test_threads_are_counted(start):
    kernel = start(processes=20, timeout_s=20)
    cell = "import threading, time\nfor _ in range(200): threading.Thread(target=time.sleep, args=(60,)).start()\ntime.sleep(60)"
    result = kernel.execute(cell)
    if result.status == "error":
        assert (result.ename, "start new thread" in result.evalue) == ("RuntimeError", True)
    else:
        assert (result.status, "processes and threads, and may have 20" in result.evalue) == ("died", True)


def test_a_fork_bomb_ends_within_its_time(start):
    """Each child forks again: what counts is that the machine is free afterwards."""
    kernel = start(processes=30, timeout_s=2, grace_s=GRACE_S)
    watched = watch_all(kernel.pid)
    result = kernel.execute("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass")
    assert result.status in ("died", "timeout")
    kernel.close()
    assert wait_gone(watched) == 0


@pytest.mark.parametrize("folder", [".", "/tmp", "/dev/shm"])
def test_folders_are_full_at_their_size(start, folder):
    kernel = start(tmp_bytes=4 * MiB)
    if kernel.tier != "A":
        pytest.skip("folders of their own are tier A's; in tier B the warden counts")
    cell = f"""
import errno
try:
    with open("{folder}/large", "wb") as file:
        for _ in range(10):
            file.write(bytes(1 << 20))
            file.flush()
except OSError as error:
    print(errno.errorcode[error.errno])
"""
    assert texts(kernel.execute(cell)) == "ENOSPC\n"
    assert value(kernel.execute("1 + 1")) == "2"


def test_a_file_is_no_longer_than_allowed(start):
    kernel = start(file_bytes=1 * MiB)
    cell = "file = open('large', 'wb', 0)\nfile.write(bytes(1 << 20))\nfile.write(b'x')"
    result = kernel.execute(cell)
    assert (result.ename, "File too large" in result.evalue) == ("OSError", True)
    assert value(kernel.execute("1 + 1")) == "2"


def test_open_files_are_counted(start):
    kernel = start(open_files=40)
    result = kernel.execute("held = []\nfor _ in range(100): held.append(open('/dev/null'))")
    assert (result.ename, "Too many open files" in result.evalue) == ("OSError", True)
    assert value(kernel.execute("del held[:]\nlen(open('/dev/null').read())")) == "0"


def test_seconds_of_cpu_are_counted(start):
    """A loop that nobody waits for, such as one of a thread that was left behind, ends some time."""
    kernel = start(cpu_s=1)
    result = kernel.execute("while True: pass")
    assert (result.status, result.state_lost) == ("died", True)
    assert result.evalue == "it used 1 s of CPU, and may use no more"


def test_seconds_of_cpu_between_cells_are_told_to_the_next(start):
    """What a thread used after its cell had ended is what a model must hear of."""
    kernel = start(cpu_s=1)
    watched = watch_all(kernel.pid)
    cell = "import threading\ndef burn():\n    while True: pass\nthreading.Thread(target=burn).start()"
    assert kernel.execute(cell).status == "ok"
    assert wait_gone(watched) == 0
    result = kernel.execute("1")
    assert result.evalue == "the kernel has ended before this cell: it used 1 s of CPU, and may use no more"


def test_a_kernel_that_ended_otherwise_was_not_out_of_cpu(start):
    """Its own time counts: a child may use up a limit of its own, and the kernel then end for another reason."""
    kernel = start(cpu_s=1)
    cell = """
import os
child = os.fork()
while not child:
    pass
print(os.waitpid(child, 0)[1], flush=True)
os.kill(os.getpid(), 9)
"""
    result = kernel.execute(cell)
    assert (texts(result), result.status) == ("9\n", "died")
    assert result.evalue == "the kernel's process ended by itself"


def test_a_crash_leaves_no_core_file(start):
    kernel = start()
    cell = """
import os, resource
child = os.fork()
if not child:
    os.abort()
status = os.waitpid(child, 0)[1]
os.WCOREDUMP(status), os.WTERMSIG(status), os.listdir("."), resource.getrlimit(resource.RLIMIT_CORE)
"""
    assert value(kernel.execute(cell)) == "(False, 6, [], (1, 1))"


def test_the_kernel_knows_nothing_of_its_host(start, monkeypatch):
    """Neither the environment, nor the words by which it was started, nor the folders of the host."""
    monkeypatch.setenv("PLANTED_KEY", "planted-secret")
    kernel = start()
    told = value(
        kernel.execute("import os, sys\ndict(os.environ), sys.argv, sys.orig_argv, sys.path, os.getcwd(), sys.prefix")
    )
    assert "PLANTED_KEY" not in told
    assert "planted-secret" not in told
    if kernel.tier == "A":
        assert str(Path.cwd()) not in told
        assert sys.prefix == "/usr" or sys.prefix not in told
        assert value(kernel.execute("os.path.exists('/proc/self'), os.getpid() < 10")) == "(False, True)"


def test_the_hosts_input_is_not_the_kernels(isolator):
    """A cell that reads it would take what the user types."""
    code = """
kernel = start()
say(read=kernel.execute("import os\\nos.read(0, 99)").outputs[0]["data"]["text/plain"])
kernel.close()
"""
    assert json.loads(run_host(isolator, code, input="planted")) == {"read": "b''"}
