"""A host with something to lose, and a kernel that hostile cells run in: what each cell reached is measured from outside.

Canaries: a secret in the environment and in a file, listeners on TCP and on an abstract socket, a process of the same
user, the memory of this process. Whatever a cell does, none of them may be touched; what more has to hold is said by
each cell's own check.
"""

from __future__ import annotations

import gc
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lllm.errors import CallRefused
from lllm.sandbox.cell import CellResult
from lllm.sandbox.inside.ends import list_tree
from lllm.sandbox.local.kernel import LocalKernel
from lllm.sandbox.policy import SandboxPolicy

MiB = 1 << 20
POLICY = SandboxPolicy(
    memory_bytes=1024 * MiB, processes=48, cpu_s=60, tmp_bytes=32 * MiB, file_bytes=16 * MiB, timeout_s=6.0, grace_s=1.0,
    output_bytes=1 * MiB, output_messages=200, call_count=50, call_bytes=64 << 10,
)  # fmt: skip
RSS_GROWTH = 32 * MiB
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Tried:
    """One hostile cell, and what came of it."""

    result: CellResult
    tier: str
    growth: int
    next: CellResult | None = None

    @property
    def text(self):
        """All that it wrote, and what it raised."""
        shown = [str(output.get("text", output.get("data", ""))) for output in self.result.outputs]
        return "".join(shown) + f"\n{self.result.ename}: {self.result.evalue}" * bool(self.result.ename)

    @property
    def lines(self):
        return self.text.strip().splitlines()


Check = Callable[[Tried], bool]


@dataclass(frozen=True)
class Snippet:
    """A hostile cell.

    Attributes:
        holds: what must hold beside the canaries.
        fresh: it gets a kernel of its own, since it may harm the one that it runs in.
        heavy: it takes many seconds, and is run with the long proofs.
        timeout_s: where the cell goes on for ever.
        then: a cell that is run after it, in the same kernel.
    """

    name: str
    code: str
    holds: Check = lambda tried: True
    fresh: bool = False
    heavy: bool = False
    timeout_s: float | None = None
    then: str = "print(6 * 7)"


class World:
    """The host's canaries, and one kernel that harmless cells share."""

    def __init__(self, isolator):
        self.isolator = isolator
        self.secret = secrets.token_hex(16)
        os.environ["SECRET_CANARY"] = os.environ["PLANTED_API_KEY"] = self.secret
        self.project = Path(tempfile.mkdtemp(prefix="lllm-project-"))
        (self.project / ".env").write_text(f"KEY={self.secret}\n")
        self._files = self._look()
        self.reached, self.asked = [], []
        self._servers = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
        self.name = f"lllm-canary-{self.secret}"
        self._servers[1].bind("\0" + self.name)
        self._servers[1].listen()
        for server in self._servers:
            threading.Thread(target=self._serve, args=(server,), daemon=True).start()
        self.sentinel = subprocess.Popen([sys.executable, "-ISc", "input()"], stdin=subprocess.PIPE)
        self._shared = None

    def _serve(self, server):
        while True:
            try:
                connection, peer = server.accept()
            except OSError:
                return
            self.reached.append(peer)
            connection.close()

    def _look(self):
        """Return what the project's files are like, to the last bit of their mode."""
        paths = [self.project, *sorted(self.project.rglob("*"))]
        facts = [(str(path), path.stat().st_mode, path.stat().st_uid, path.stat().st_mtime_ns) for path in paths]
        return facts, (self.project / ".env").read_text()

    def fill(self, code):
        """Put the canaries' places into a cell's code."""
        places = {
            "HOST_PROJECT_DIR": repr(str(self.project)),
            "HOST_CANARY_PORT": str(self._servers[0].getsockname()[1]),
            "HOST_ABSTRACT_CANARY": repr(self.name),
            "HOST_SENTINEL_PID": str(self.sentinel.pid),
        }
        return re.sub("|".join(places), lambda found: places[found[0]], code)

    def answer(self, endpoint, params, _left_s):
        """Answer the services of the cells: one that says what it was told, and no other."""
        self.asked.append((endpoint, params))
        if endpoint != "echo":
            raise CallRefused(f"there is no endpoint {endpoint!r}")
        return params

    def start(self):
        """Return a kernel of its own."""
        kernel = LocalKernel(self.isolator(), POLICY)
        kernel.wait_ready()
        return kernel

    def shared(self):
        """Return the kernel that harmless cells share; a new one where the last was killed."""
        if self._shared is None or not self._shared.is_alive:
            if self._shared is not None:
                self.end(self._shared)
            self._shared = self.start()
        return self._shared

    def run(self, snippet):
        """Run one hostile cell, and return what came of it, with all canaries looked at."""
        kernel = self.start() if snippet.fresh else self.shared()
        try:
            with RssPeak() as peak:
                result = kernel.execute(self.fill(snippet.code), snippet.timeout_s, on_call=self.answer)
            tried = Tried(result, kernel.tier, peak.growth)
            tried.next = kernel.execute(snippet.then, on_call=self.answer)
        finally:
            if snippet.fresh:
                self.end(kernel)
        return tried

    def end(self, kernel):
        """Close a kernel; whatever was started in it must be gone."""
        pids = {pid: started_at(pid) for pid in list_tree(kernel.pid)}
        folder = kernel._process.folder
        kernel.close()
        assert folder is None or not folder.exists(), f"{folder} outlived its kernel"
        left = [pid for pid, when in pids.items() if when and started_at(pid) == when]
        assert not left, f"processes {left} outlived their kernel"

    def check(self, tried):
        """Return what of the host was touched, in words; empty when nothing was."""
        seen = str(tried.result) + str(tried.next)
        harms = {
            "a secret of the host was seen": self.secret in seen.replace(self.name, ""),
            f"the host was connected to: {self.reached}": bool(self.reached),
            "a file of the host was changed": self._look() != self._files,
            "a process of the host was ended": self.sentinel.poll() is not None,
            f"the host's memory grew by {tried.growth >> 20} MiB": tried.growth > RSS_GROWTH,
        }
        return "; ".join(text for text, is_so in harms.items() if is_so)

    def close(self):
        """End all; the canaries' processes and files go, too."""
        try:
            if self._shared is not None:
                self.end(self._shared)
        finally:
            self.sentinel.communicate(b"\n")
            for server in self._servers:
                server.shutdown(socket.SHUT_RDWR)
                server.close()
            shutil.rmtree(self.project)
            for name in ("SECRET_CANARY", "PLANTED_API_KEY"):
                os.environ.pop(name, None)  # two tiers have a world each


class RssPeak:
    """How far the memory of this process rose meanwhile."""

    growth = 0

    def __enter__(self):
        gc.collect()
        self._done, self._start = threading.Event(), _rss()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self):
        while not self._done.wait(0.02):
            self.growth = max(self.growth, _rss() - self._start)

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


def _rss():
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE


def started_at(pid):
    """Return when a process was started, which tells it from a later one of the same number; empty where it is gone."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]


# What must hold beside the canaries.


def raises(*names):
    """The cell raised one of these, and nothing that looks like an answer was printed before."""
    return lambda tried: tried.result.status == "error" and tried.result.ename in names


def says(pattern):
    """All that the cell wrote is this."""
    return lambda tried: re.fullmatch(pattern, tried.text.strip(), re.DOTALL) is not None


def never_says(pattern):
    """This is nowhere in what the cell wrote."""
    return lambda tried: re.search(pattern, tried.text) is None


def each_line(pattern):
    """Every line that it wrote holds this."""
    return lambda tried: all(re.search(pattern, line) for line in tried.lines)


def ends(*statuses):
    """The cell came to one of these."""
    return lambda tried: tried.result.status in statuses


def goes_on(tried):
    """The kernel works as before."""
    return tried.next.status == "ok" and "42" in str(tried.next.outputs)


def both(*checks):
    return lambda tried: all(check(tried) for check in checks)


def either(*checks):
    return lambda tried: any(check(tried) for check in checks)


NO_FILE = raises("FileNotFoundError", "PermissionError", "NotADirectoryError")
NO_CALL = says(r"-1 (1|38)")
NO_SOCKET = raises("OSError", "PermissionError")
KILLED = both(ends("died", "timeout", "output_limit"), lambda tried: tried.next.status == "died")
