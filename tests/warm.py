"""Programs of their own without a start of their own: a Python that has imported much forks itself for each.

What a program does in a process of its own is then shown in a few milliseconds, where its imports alone would take half
a second. It is for tests of what programs do; what a start costs, or imports, is shown by starting Python, and so is
what Python says at its very end, since the modules that are shared here are not taken down.
"""

from __future__ import annotations

import atexit
import gc
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from select import select

from warm_ask import ask, read_request

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Not lllm.testing nor packages that have a plugin for pytest: pytest wants to be the one that imports those.
MODULES = [
    "asyncio",
    "concurrent.futures",
    "decimal",
    "difflib",
    "pdb",
    "sqlite3",
    "zoneinfo",
    "click",
    "rich.console",
    "rich.live",
    "rich.markdown",
    "rich.table",
    "yaml",
    "jinja2",
    "httpx",
    "pytest",
    "sybil.parsers.markdown",
    "lllm.discovery",
    "lllm.llm",
    "lllm.providers",
    "lllm.proxies",
    "lllm.sandbox",
    "lllm.tools",
    "lllm.transport.over_httpx",
    "lllm.models.schema",
]
WHOLE = ("lllm.cli", "lllm.export", "lllm.log", "lllm.replay")


@cache
def address():
    """Return where this process's warm Python listens; it is started by the first who asks, and ends with us."""
    folder = tempfile.TemporaryDirectory(prefix="warm-")  # not below a test's own: a socket's path must be short
    path = str(Path(folder.name) / "socket")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LLLM_", "PYTEST_", "COV_"))}
    env |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    env |= {"LLLM_AUTO_DISCOVER": "0", "LLLM_PROVIDER": "mock"}
    command = [sys.executable, "-W", "error", str(HERE / "warm.py"), path]
    warm = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def end():
        warm.stdin.close()
        warm.wait()
        warm.stdout.close()
        folder.cleanup()

    atexit.register(end)
    if warm.stdout.readline() != b"ready\n":
        raise RuntimeError("the warm Python did not start; it has said why")
    return path


def run_warm(*words, cwd, env, stdin="", timeout_s=None):
    """Run a program, a module or a file, to its end; return it as :func:`subprocess.run` does, its output as text."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        env = {os.fsencode(key): os.fsencode(value) for key, value in env.items()}
        code = ask(address(), words, env, [given.fileno(), out.fileno(), err.fileno()], cwd, timeout_s)
        told = [stream.seek(0) or stream.read().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(words, code, *told)


def serve(path):
    """Fork a process for each request, until whoever started us is gone. Returns in the forks as well."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        os.write(1, b"ready\n")
        while 0 not in select([server, 0], [], [])[0]:
            reap()
            line, _ = server.accept()
            if os.fork() == 0:
                server.close()
                return attend(line)
            line.close()
    reap()
    return None


def reap():
    """Take note of those that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def attend(line):
    """Start a program and tell how it ended. In the program's process, return what runs it."""
    words, env, streams, cwd = read_request(line)
    program = os.fork()
    if program == 0:
        line.close()
        return lambda: become(words, env, streams, cwd)
    for stream in streams:
        os.close(stream)
    ended = threading.Event()
    threading.Thread(target=end_with, args=(line, program, ended), daemon=True).start()
    code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    ended.set()
    line.sendall(b"%d" % code)
    os._exit(0)


def end_with(line, program, ended):
    """Kill a program whose asker is gone."""
    if not line.recv(1) and not ended.is_set():
        os.kill(program, signal.SIGKILL)


def become(words, env, streams, cwd):
    """Be the program from now on, to the end of this process."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(cwd)
    os.environb.clear()
    os.environb.update(env)
    sys.argv[:] = words
    if words[0].endswith(".py"):
        sys.path[0] = str(Path(words[0]).parent)
        runpy.run_path(words[0], run_name="__main__")
    else:
        sys.path[0] = str(Path.cwd())
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def run_to_end(program):
    """Run a program and end this process as Python does, but for the modules."""
    code = 0
    try:
        program()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - as Python does
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 255)


def main():
    """Import all that a program may need, in one thread, and serve."""
    for module in MODULES:
        import_module(module)
    for package in map(import_module, WHOLE):
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                import_module(found.name)
    import_module("lllm.models.schema").build_signature(address, "x")  # pydantic imports most of itself when it is used
    assert threading.active_count() == 1
    gc.freeze()
    if (program := serve(sys.argv[1])) is not None:
        run_to_end(program)


if __name__ == "__main__":
    main()
