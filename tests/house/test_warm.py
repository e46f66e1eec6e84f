"""A program that begins warm is one of its own: what it is given, how it ends, and that it ends with its asker."""

import os
import signal
import socket
import subprocess
import sys

from warm import HERE, address, run_warm

ENV = {"PATH": os.environ["PATH"], "OWN": "ü"}


def program(folder, text):
    """Write a program and return its path."""
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_it_has_its_own_folder_environment_arguments_and_streams(tmp_path):
    """What one test's program sees of another's would be found by nobody."""
    path = program(
        tmp_path,
        "import os, sys\nprint(os.getcwd(), sys.argv[1:], dict(os.environ), sys.stdin.read())\nprint('err', file=sys.stderr)",
    )
    done = run_warm(path, "a b", "", cwd=tmp_path, env=ENV, stdin="typed")
    assert done.stdout == f"{tmp_path} ['a b', ''] {ENV} typed\n"
    assert (done.stderr, done.returncode) == ("err\n", 0)


def test_a_module_is_looked_for_in_its_folder_first(tmp_path):
    """As ``python -m`` does; and what one program imports is not there for the next."""
    (tmp_path / "mine.py").write_text("print(__name__)", encoding="utf-8")
    assert run_warm("mine", cwd=tmp_path, env=ENV).stdout == "__main__\n"
    assert "No module named mine" in run_warm("mine", cwd="/", env=ENV).stderr


def test_it_ends_as_any_program_does(tmp_path):
    """Exit codes, signals, tracebacks, and what is to be done at the end."""
    ends = {"sys.exit(7)": 7, "sys.exit('no')": 1, "1 / 0": 1, "os.kill(os.getpid(), 9)": -9, "sys.exit()": 0}
    late = "import atexit, os, sys, threading\natexit.register(print, 'late')\n"
    late += "threading.Thread(target=lambda: print('thread')).start()\n"
    told = {line: run_warm(program(tmp_path, late + line), cwd=tmp_path, env=ENV) for line in ends}
    assert {line: done.returncode for line, done in told.items()} == ends
    assert told["sys.exit('no')"].stderr == "no\n"
    assert "ZeroDivisionError" in told["1 / 0"].stderr
    assert told["sys.exit(7)"].stdout == "thread\nlate\n"


def test_a_shell_sees_the_program_in_the_place_of_who_asks(tmp_path):
    """The commands on a page are run so."""
    path = program(tmp_path, "import os, sys\nprint(sys.stdin.read().upper())\nos.kill(os.getpid(), 15)")
    line = f"echo text | '{sys.executable}' -IS '{HERE}/warm_ask.py' '{address()}' '{path}'"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("TEXT\n\n", 128 + signal.SIGTERM)


def test_it_ends_with_who_asked_for_it(tmp_path):
    """A test that is given up leaves nothing behind."""
    ours, its = socket.socketpair()
    ours.settimeout(30)
    with ours, its:
        path = program(tmp_path, "import os, sys, threading\nos.write(1, b'here')\nthreading.Event().wait(60)")
        command = [sys.executable, "-IS", str(HERE / "warm_ask.py"), address(), path]
        with subprocess.Popen(command, stdout=its) as asker:
            its.close()
            assert ours.recv(4) == b"here"
            asker.kill()
        assert ours.recv(4) == b""  # nobody holds the other end


def test_it_has_one_thread_and_none_of_its_parents(tmp_path):
    """A fork of a process with threads may find locks that nobody will give back."""
    path = program(tmp_path, "import threading\nprint(threading.active_count())")
    assert run_warm(path, cwd=tmp_path, env=ENV).stdout == "1\n"
