"""A kernel runs cells as a notebook's reader expects, and is still there after whatever they did."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from kernels import GRACE_S, PNG, host_code, open_files, run_host, texts, value, wait_gone, watch_all

from lllm.errors import SandboxUnavailable
from lllm.sandbox.cell import CellResult
from lllm.sandbox.host.frames import build_frame
from lllm.sandbox.inside.ends import list_tree
from lllm.sandbox.local.cell_run import CellRun
from lllm.sandbox.local.kernel import LocalKernel
from lllm.sandbox.policy import SandboxPolicy


def test_the_last_line_is_the_value(kernel):
    result = kernel.execute("a = 20\na + 1")
    assert (result.status, value(result), result.ename) == ("ok", "21", "")
    assert kernel.execute("a + 1;").outputs == ()


def test_state_stays_and_cells_are_numbered(kernel):
    """Also a cell that failed has had its number."""
    first = kernel.execute("import math\nkept = [1]").execution_count
    assert first > 0
    assert kernel.execute("1/0").execution_count == first + 1
    assert kernel.execute("(").execution_count == first + 2
    result = kernel.execute("kept, math.floor(2.5)")
    assert (value(result), result.execution_count) == ("([1], 2)", first + 3)


def test_text_and_displays_stand_in_their_order(kernel):
    result = kernel.execute("""
import sys
print("a")
sys.stderr.write("b")
print("c", end="", flush=True)
display("d")
print("e")
"f"
""")
    told = [item.get("text") or item["data"]["text/plain"] for item in result.outputs]
    assert told == ["a\n", "b", "c", "'d'", "e\n", "'f'"]
    assert [item.get("name") for item in result.outputs] == ["stdout", "stderr", "stdout", None, "stdout", None]


def test_any_text_arrives(kernel):
    """Also half of a surrogate pair, which no file can hold."""
    result = kernel.execute("print('é😀', '\\ud800'); '\\x00\\x1b[31m'")
    assert (texts(result), value(result)) == ("é😀 ?\n", "'\\x00\\x1b[31m'")


def test_an_error_has_its_traceback(kernel):
    result = kernel.execute("def f():\n    return {}['key']\nf()")
    assert (result.status, result.ename, result.evalue) == ("error", "KeyError", "'key'")
    text = "\n".join(result.traceback)
    assert "----> 3 f()" in text
    assert "\x1b" not in text
    assert result.outputs[-1]["output_type"] == "error"


@pytest.mark.parametrize(
    ("code", "ename"),
    [
        ("(", "_IncompleteInputError|SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("raise BaseException('x')", "BaseException"),
        ("class Rude(Exception):\n    def __str__(self): raise ValueError\nraise Rude", "Rude|ValueError"),
        ("'\x00'", "SyntaxError|ValueError"),
        ("'\ud800'", "UnicodeEncodeError|SyntaxError"),
        ("await 5", "TypeError"),
        ("%no_such_magic", "UsageError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_whatever_a_cell_raises_is_its_error(kernel, code, ename):
    result = kernel.execute(code)
    assert result.status in ("error", "ok" if ename == "UsageError" else "error")
    assert result.ename in ename.split("|") or ename == "UsageError"
    assert value(kernel.execute("1 + 1")) == "2"


def test_await_works_at_the_top(kernel):
    code = "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 7\nawait f()"
    assert value(kernel.execute(code)) == "7"


def test_what_programs_write_is_the_cells(kernel):
    """They write past the kernel, to the descriptors that they inherit."""
    code = "import subprocess, sys\nsubprocess.run(['/bin/sh', '-c', 'echo one; echo two >&2'])\nNone"
    assert texts(kernel.execute(code)) == "one\ntwo\n"
    assert texts(kernel.execute("import os; os.write(2, b'raw \\xff'); None")) == "raw \ufffd"


def test_a_command_writes_in_its_place(kernel):
    """With names of the cell in it, and its exit status in a name."""
    result = kernel.execute("word = 'é'\nprint(1)\n!echo {word}; echo two >&2; exit 3\nprint(_exit_code)")
    assert texts(result) == "1\né\ntwo\n3\n"
    assert kernel.execute("!nowhere").status == "ok"


def test_a_command_may_stay_behind(kernel):
    """Nobody waits for a server that the cell started."""
    kernel.execute("!sleep 600 &")
    code = "import os, signal\nos.killpg(0, 0)\n_exit_code"
    assert kernel.execute(code).status == "ok"


def test_a_flood_of_a_command_ends_it(start):
    kernel = start(output_bytes=100_000)
    assert kernel.execute("!yes").status == "output_limit"
    assert value(kernel.execute("1")) == "1"


def test_the_value_of_a_command_is_kept(kernel):
    assert value(kernel.execute("out = !echo hi\nout[0]")) == "'hi'"


def test_help_is_shown(kernel):
    """A pager would wait for keys that nobody presses."""
    shown = kernel.execute("print?").outputs
    assert "Docstring" in shown[0]["data"]["text/plain"]


def test_nobody_can_be_asked(kernel):
    result = kernel.execute("input('name? ')")
    assert (result.status, result.ename) == ("error", "EOFError")
    assert "nobody can be asked" in result.evalue


@pytest.mark.parametrize("code", ["exit()", "quit()", "exit", "import sys; sys.exit()"])
def test_a_cell_cannot_end_the_kernel_by_leaving(kernel, code):
    kernel.execute("kept = 1")
    kernel.execute(code)
    assert value(kernel.execute("kept")) == "1"


def test_pictures_arrive_as_they_are(kernel):
    code = f"display({{'image/png': {PNG!r}, 'text/plain': 'a picture'}}, raw=True)"
    (shown,) = kernel.execute(code).outputs
    assert shown["output_type"] == "display_data"
    assert base64.b64decode(shown["data"]["image/png"]) == PNG


@pytest.mark.parametrize(
    "made",
    ["[[i] for i in range(40_000)]", "eval('[' * 60 + ']' * 60)", "'x' * 3_000_000"],
    ids=["items", "levels", "bytes"],
)
def test_a_display_that_is_too_large_is_left_out_with_a_word(kernel, made):
    """The host would refuse the frame, and the kernel with it: an honest cell loses no state for a large figure."""
    result = kernel.execute(f"display({{'application/json': {made}, 'text/plain': 'a'}}, raw=True)")
    assert result.status == "ok"
    assert "was left out" in result.outputs[0]["data"]["text/plain"]


def test_a_page_with_many_braces_is_shown(kernel):
    """Figures of plotting libraries are pages with a script in them."""
    result = kernel.execute("from IPython.display import HTML\nHTML('{[,:' * 100_000)")
    assert len(result.outputs[0]["data"]["text/html"]) == 400_000


def test_a_forked_child_writes_beside_the_kernel(kernel):
    """Two that wrote to one socket would garble each other's frames, and the kernel would be lost."""
    code = """
import os, sys
children = []
for number in range(3):
    child = os.fork()
    if not child:
        for line in range(20):
            print(f"child {number} {line}")
        display("nobody sees this")
        sys.stdout.flush()
        os._exit(number)
    children.append(child)
    print("parent\\n", end="")
[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
"""
    result = kernel.execute(code)
    assert value(result) == "[0, 1, 2]"
    lines = sorted(texts(result).split("\n"))
    assert lines.count("parent") == 3
    assert len([line for line in lines if line.startswith("child")]) == 60
    assert not [item for item in result.outputs if item["output_type"] == "display_data"]


def test_a_forked_child_that_goes_on_ends_with_the_cell(kernel):
    """Else there were two kernels, and both would answer the next cell."""
    code = "import os\nme = os.getpid()\nchild = os.fork()\nif not child: print('x', end='')\nchild or 'child'"
    assert value(kernel.execute(code)).isdigit()
    result = kernel.execute("os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), me == os.getpid()")
    assert value(result) == "(0, True)"


def test_a_forked_child_that_fails_says_why(kernel):
    code = "import os\nchild = os.fork()\nif not child: raise ValueError('of the child')\nos.waitpid(child, 0)[1] >> 8"
    result = kernel.execute(code)
    assert value(result) == "1"
    assert "of the child" in texts(result)


def test_processes_of_multiprocessing_print(kernel):
    code = """
import multiprocessing
process = multiprocessing.get_context("fork").Process(target=print, args=("from a process",))
process.start()
process.join()
process.exitcode
"""
    result = kernel.execute(code)
    assert (value(result), "from a process" in texts(result)) == ("0", True)


THREAD = """
import threading
go, gone = threading.Event(), threading.Event()
def late():
    go.wait()
    for _ in range({count}):
        print("{text}")
    display("late")
    gone.set()
threading.Thread(target=late).start()
"""


def test_a_thread_of_the_cell_writes_to_it(kernel):
    result = kernel.execute("import threading\nt = threading.Thread(target=print, args=('x',))\nt.start()\nt.join()")
    assert texts(result) == "x\n"


def test_a_thread_that_is_left_behind_writes_to_no_later_cell(kernel):
    """A reader would take it for what the later cell printed."""
    kernel.execute(THREAD.format(count=3, text="late"))
    result = kernel.execute("print('mine')\ngo.set()\ngone.wait()")
    assert (texts(result), value(result), len(result.outputs)) == ("mine\n", "True", 2)
    assert "late" in result.background + kernel.execute("1").background


def test_what_is_left_behind_cannot_write_without_end(kernel):
    """Neither into the next result, nor so much that the next cell never begins."""
    kernel.execute(THREAD.format(count=30_000, text="x" * 1000))
    kernel.execute("go.set()")
    result = kernel.execute("gone.wait()")
    assert value(result) == "True"
    assert len(result.background) + len(kernel.execute("1").background) <= 3 * (64 << 10)


def test_a_cell_that_is_left_to_wait_gives_the_thread_no_time_of_its_own(kernel):
    """Two threads use one kernel: their cells follow each other, and each gets its own result."""
    results = {}

    def run(name):
        results[name] = kernel.execute(f"print({name!r})\n{name!r}")

    threads = [threading.Thread(target=run, args=(f"t{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: (value(result), texts(result)) for name, result in results.items()} == {
        f"t{number}": (f"'t{number}'", f"t{number}\n") for number in range(6)
    }


def test_two_kernels_run_at_once(kernel, start):
    other = start()
    found = []
    thread = threading.Thread(target=lambda: found.append(other.execute("mine = 5\nmine")))
    thread.start()
    assert kernel.execute("'mine' in globals()").status == "ok"
    thread.join()
    assert value(found[0]) == "5"
    assert kernel.execute("mine").ename == "NameError"


def test_resetting_the_names_leaves_the_services(kernel):
    kernel.execute("of_old = 1")
    kernel.execute("%reset -f")
    assert value(kernel.execute("'of_old' in globals(), callable(CALL_API)")) == "(False, True)"


def test_a_cell_that_runs_out_of_time_is_interrupted_and_its_state_stays(start):
    kernel = start()
    kernel.execute("kept = 1")
    result = kernel.execute("import time\nprint('before')\ntime.sleep(60)", 0.5)
    assert (result.status, result.ename, result.state_lost) == ("timeout", "CellTimeout", False)
    assert "within 0.5 s and was interrupted" in result.evalue
    assert texts(result) == "before\n"
    assert value(kernel.execute("kept")) == "1"


@pytest.mark.parametrize(
    "code",
    [
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        "import itertools\nsum(itertools.repeat(1))",
        "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass",
    ],
    ids=["ignored", "in C", "swallowed"],
)
def test_a_cell_that_cannot_be_interrupted_is_killed(start, code):
    kernel = start(grace_s=GRACE_S)
    result = kernel.execute(code, 0.5)
    assert (result.status, result.ename, result.state_lost) == ("timeout", "CellTimeout", True)
    assert not kernel.is_alive
    again = kernel.execute("1")
    assert (again.status, again.state_lost, again.evalue) == ("died", True, "the kernel has ended before this cell")


def test_a_pattern_that_never_ends_is_interrupted(start):
    kernel = start()
    kernel.execute("kept = 1")
    assert kernel.execute("import re\nre.match(r'(a+)+$', 'a' * 50 + 'b')", 0.1).status == "timeout"
    assert value(kernel.execute("kept")) == "1"


def test_a_program_that_the_cell_waits_for_is_interrupted_with_it(start):
    kernel = start()
    assert kernel.execute("import subprocess\nsubprocess.run(['sleep', '600'])", 0.1).state_lost is False
    code = "import os, errno\ntry: os.waitpid(-1, os.WNOHANG)\nexcept ChildProcessError: print('none is left')"
    assert texts(kernel.execute(code)) == "none is left\n"


@pytest.mark.parametrize("timeout_s", [float("inf"), 1e12])
def test_a_cell_may_have_all_the_time(kernel, timeout_s):
    """The operating system's own waits end at 24 days."""
    assert value(kernel.execute("3", timeout_s)) == "3"


def interrupt_when(kernel, code):
    """Run a cell whose CALL_API tells another thread to interrupt it; return its result."""
    ready = threading.Event()
    thread = threading.Thread(target=lambda: (ready.wait(), kernel.interrupt()))
    thread.start()
    result = kernel.execute(code, 30, lambda *_: ready.set())
    thread.join()
    return result


def test_another_thread_can_interrupt_a_cell(start):
    kernel = start()
    result = interrupt_when(kernel, "kept = 1\nCALL_API('now')\nwhile True: pass")
    assert (result.status, result.ename, result.state_lost) == ("error", "KeyboardInterrupt", False)
    assert value(kernel.execute("kept")) == "1"


def test_an_interrupt_between_cells_does_nothing(kernel):
    """It may come a moment too late: the cell after it is not the one that was meant."""
    kernel.execute("kept = 1")
    for _ in range(30):
        kernel.interrupt()
        kernel.interrupt()
        assert value(kernel.execute("sum(range(20_000)); kept")) == "1"


def test_an_interrupt_that_is_on_its_way_does_not_hit_the_next_cell(start):
    """It goes through the sandbox's first process, which may be slow: here it is stopped for a moment."""
    kernel = start()
    first = list_tree(kernel.pid)[-2]
    os.kill(first, signal.SIGSTOP)
    kernel.interrupt()
    timer = threading.Timer(0.2, os.kill, (first, signal.SIGCONT))
    timer.start()
    assert value(kernel.execute("import time\ntime.sleep(0.5)\n'whole'")) == "'whole'"
    timer.join()


def test_an_interrupt_in_the_midst_of_a_frame_leaves_it_whole(start):
    """A frame of which half was sent would make all that follows unreadable."""
    kernel = start(output_bytes=64 << 20, output_messages=100_000)

    def press(*_):  # while it runs nobody reads, and the flood fills the socket
        threading.Event().wait(0.2)
        kernel.interrupt()
        kernel._process.settle(20)

    code = "import threading\nthreading.Thread(target=CALL_API, args=('now',)).start()\nwhile True: display({'text/plain': 'x' * 1_500_000}, raw=True)"
    result = kernel.execute(code, 30, press)
    assert (result.ename, result.state_lost) == ("KeyboardInterrupt", False)
    assert value(kernel.execute("1")) == "1"


def test_ctrl_c_on_the_host_stops_the_cell_and_leaves_the_kernel(start):
    """The user gave up one cell, not the work of an hour."""
    kernel = start()
    host = threading.main_thread().ident

    def press(*_):
        signal.pthread_kill(host, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        kernel.execute("kept = 1\nCALL_API('now')\nwhile True: pass", 30, press)
    assert value(kernel.execute("kept")) == "1"


def test_a_signal_that_comes_while_a_cell_runs_stops_it(start):
    kernel = start()
    host, ready = threading.main_thread().ident, threading.Event()
    thread = threading.Thread(target=lambda: (ready.wait(), signal.pthread_kill(host, signal.SIGINT)))
    thread.start()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        kernel.execute("kept = 1\nCALL_API('now')\nwhile True: pass", 30, lambda *_: ready.set())
        thread.join()
    thread.join()
    assert value(kernel.execute("kept")) == "1"


def test_a_cell_that_ignores_ctrl_c_is_killed(start):
    kernel = start(grace_s=GRACE_S)

    def press(*_):
        raise KeyboardInterrupt

    code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nCALL_API('now')\nwhile True: pass"
    with pytest.raises(KeyboardInterrupt):
        kernel.execute(code, 30, press)
    assert not kernel.is_alive


def test_ctrl_c_before_the_cell_was_sent_costs_nothing(start):
    """There is nothing to stop, and nothing to wait for."""
    kernel = start(grace_s=GRACE_S)
    CellRun(kernel._link, "1", 5, None).stop()
    assert value(kernel.execute("1 + 1")) == "2"


def test_a_kernel_that_was_killed_answers_nothing(start):
    """Its reply may have come before the flood for which it was killed: its state is lost all the same."""
    run = CellRun(start()._link, "1", 5, None)
    run._reply = {"status": "ok"}
    run._kill("output")
    assert (run._result().status, run._result().state_lost) == ("output_limit", True)


@pytest.mark.parametrize(
    "code", ["import os; os._exit(3)", "import os; os.kill(os.getpid(), 9)", "import os; os.abort()"]
)
def test_a_kernel_that_dies_is_told(start, code):
    kernel = start()
    result = kernel.execute("import os; os.write(1, b'last words')\n" + code)
    assert (result.status, result.ename, result.state_lost) == ("died", "KernelDied", True)
    assert result.evalue == "the kernel's process ended by itself"
    assert texts(result) == "last words"
    assert not kernel.is_alive


def test_a_kernel_that_hangs_up_is_ended(start):
    """It lives on, but nobody can ask it any more."""
    kernel = start()
    watched = watch_all(kernel.pid)
    result = kernel.execute(
        "import os, time\nfor n in range(3, 256):\n    try: os.close(n)\n    except OSError: pass\ntime.sleep(60)"
    )
    assert result.status == "died"
    assert wait_gone(watched) == 0


LEAVE = """
import os, subprocess, time
subprocess.Popen(["sleep", "600"], start_new_session=True)
if not os.fork():
    os.setsid()
    if not os.fork():
        time.sleep(600)
    os._exit(0)
os.wait()
import threading
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""


def test_nothing_is_left_of_a_kernel_that_was_closed(isolator):
    """No process, descriptor, thread or folder: a server opens thousands of sessions."""
    LocalKernel(isolator, SandboxPolicy()).close()
    before, threads = open_files(), threading.active_count()
    kernel = LocalKernel(isolator, SandboxPolicy())
    assert kernel.execute(LEAVE).status == "ok"
    folder, watched = kernel._process.folder, watch_all(kernel.pid)
    assert len(watched) >= 4
    kernel.close()
    kernel.close()
    assert wait_gone(watched) == 0
    assert open_files() == before
    assert threading.active_count() <= threads + 1  # the warden serves all
    assert folder is None or not folder.exists()
    assert not kernel.is_alive
    with pytest.raises(ChildProcessError):
        os.waitpid(kernel.pid, os.WNOHANG)


def test_a_kernel_can_be_closed_under_its_cell(isolator):
    kernel = LocalKernel(isolator, SandboxPolicy())
    kernel.wait_ready()
    before = open_files()
    ready = threading.Event()
    closer = threading.Thread(target=lambda: (ready.wait(), kernel.close()))
    closer.start()
    result = kernel.execute("CALL_API('now')\nwhile True: pass", 30, lambda *_: ready.set())
    closer.join()
    assert (result.status, result.evalue, result.state_lost) == ("died", "it was closed", True)
    assert len(open_files()) < len(before)
    assert kernel.execute("1").status == "died"
    kernel.close()


def test_closing_a_dead_kernel_does_nothing_more(start):
    kernel = start()
    kernel.execute("import os; os._exit(0)")
    kernel.close()
    kernel.close()
    assert kernel.execute("1").evalue == "the kernel has ended before this cell"


def test_a_kernel_that_cannot_start_says_what_it_said(isolator):
    """Its last words are the only trace of what this machine lacks."""

    class Broken:
        name, tier = isolator.name, isolator.tier

        def plan(self, policy):
            plan = isolator.plan(policy)
            plan.spec["program"] = "nothing"
            plan.spec["path"] = [plan.spec["path"][0]]
            return plan

    before = open_files()
    with pytest.raises(SandboxUnavailable, match=r"(?s)the kernel did not start: .*IPython"):
        LocalKernel(Broken(), SandboxPolicy()).execute("1")
    assert open_files() == before


def test_a_start_is_waited_for_no_longer_than_asked(isolator):
    before = open_files()
    kernel = LocalKernel(isolator, SandboxPolicy())
    with pytest.raises(SandboxUnavailable, match="it said nothing"):
        kernel.wait_ready(0)
    assert open_files() == before


def test_a_host_with_many_descriptors_starts_kernels(isolator):
    """A server has thousands; some old calls fail above 1,023."""
    code = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (2000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
kernel = start()
say(status=kernel.execute("1").status)
kernel.close()
"""
    assert run_host(isolator, code) == '{"status": "ok"}\n'


def test_a_host_without_descriptors_is_told(isolator):
    """And nothing of the attempt is left open."""
    code = """
import resource
from lllm.errors import SandboxUnavailable
Isolator().plan(SandboxPolicy())  # what is looked up once
before = os.listdir("/proc/self/fd")
for most in (len(before) + 7, len(before) + 12):
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, 4096))
    try:
        start().close()
    except SandboxUnavailable as error:
        assert "cannot be started" in error.message, error
    except OSError as error:  # before the isolator's plan was made
        assert error.errno == 24
resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 4096))
start().close()
say(left=len(os.listdir("/proc/self/fd")) - len(before))
"""
    assert int(run_host(isolator, code).split(":")[1].rstrip("}\n")) <= 1  # what bubblewrap's plan itself read first


def test_results_are_plain_data(kernel):
    result = kernel.execute("print(1); CALL_API('a')\n", None, lambda *_: 1)
    again = CellResult.from_dict(result.to_dict())
    assert again == result


def test_a_fork_of_the_host_leaves_the_kernel_alone(start):
    """The child of a server's fork ends, or closes what it holds: the parent's kernel is none of its business."""
    kernel = start()
    kernel.execute("kept = 1")
    child = os.fork()
    if not child:
        try:
            died = kernel.execute("kept = 2").status == "died"
            kernel.interrupt()
            kernel.close()
            os._exit(0 if died else 1)
        except BaseException:  # noqa: BLE001
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert value(kernel.execute("kept")) == "1"


def test_a_killed_host_leaves_nothing(isolator, tmp_path):
    """SIGKILL runs no handler. What the cells left running has new sessions and other parents; all of it must go."""
    code = f"""
kernel = start()
kernel.execute({LEAVE!r})
say(pid=kernel.pid, folder=str(kernel._process.folder or ""))
kernel.execute("while True: pass", 600)
"""
    host = subprocess.Popen([sys.executable, "-c", host_code(isolator, code)], stdout=subprocess.PIPE, text=True)
    try:
        said = json.loads(host.stdout.readline())
        watched = watch_all(said["pid"])
        assert len(watched) >= 4
    finally:
        host.kill()
        host.communicate()
    assert wait_gone(watched) == 0
    assert not said["folder"] or not Path(said["folder"]).exists()


def test_forged_messages_deceive_only_their_own_cell(start):
    """Code in the kernel can say whatever the kernel can say. The host believes it as far as its own cell goes."""
    kernel = start()
    code = f"""
import os, time
frames = {[build_frame({"msg_type": "stream", "parent": parent, "content": {"text": "forged"}}) for parent in ("", "99", 5, None)]!r}
reply = {build_frame({"msg_type": "execute_reply", "parent": "1", "content": {"status": "ok", "execution_count": True, "ename": 5}})!r}
for frame in [*frames, reply]:
    for number in range(3, 256):
        try:
            if os.readlink is not None: os.fstat(number)
            import socket
            s = socket.socket(fileno=os.dup(number))
            s.send(frame)
        except OSError:
            continue
"""
    result = kernel.execute(code)
    assert result.status in ("ok", "died")
    assert (result.execution_count, result.ename) in ((0, ""), (0, "KernelDied"))
    assert kernel.execute("print('next')").status in ("ok", "died")


def test_time_is_not_counted_while_another_cell_runs(start):
    """A cell's own limit begins when it is sent."""
    kernel = start(timeout_s=5)
    begun = threading.Event()
    first = threading.Thread(
        target=lambda: kernel.execute("CALL_API('now')\nimport time; time.sleep(0.4)", 5, lambda *_: begun.set())
    )
    first.start()
    begun.wait()
    before = time.monotonic()
    assert kernel.execute("1", 0.3).status == "ok"
    assert time.monotonic() > before
    first.join()


def test_a_kernel_is_what_ends_first_when_memory_runs_out(kernel):
    """Not the program that started it, which holds the log."""
    scores = [Path(f"/proc/{pid}/oom_score_adj").read_text() for pid in list_tree(kernel.pid)]
    assert set(scores) == {"500\n"}


def test_a_result_says_how_its_kernel_was_isolated(kernel):
    """Who reads a log later must know what held when the code ran."""
    assert kernel.execute("1").tier == kernel.tier
    assert kernel.execute("1").to_dict()["tier"] in ("A", "B")
