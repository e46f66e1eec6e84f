"""Watches what sandboxes use, from outside, and kills those that use too much.

A limit on each process does not bound their sum, and in tier B nothing bounds the number of processes or the files. One
thread looks at all sandboxes in which something runs: ten times a second, so a sandbox can be over its limits for about
that long. At one that seems to be idle it looks once a second, since its code may only have said that its cell ended. A
kernel that has run nothing costs nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from lllm.sandbox.inside.ends import list_tree
from lllm.sandbox.local.folders import find_count_excess, find_disk_excess
from lllm.sandbox.local.process import SandboxProcess

TICK_S, IDLE_TICK_S = 0.1, 1.0
_OWN = 4
"""Processes and threads that a sandbox has beside what its cells start: isolator, init, kernel, and a spare one."""
_IDLE = {"A": 3}
"""Processes and threads of an idle kernel: as above, without the spare one; there is no isolator's but in tier A."""


class Warden:
    """The thread that looks."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # threads do not survive a fork

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._busy: set[SandboxProcess] = set()
        self._idle: WeakSet[SandboxProcess] = WeakSet()
        self._looks_at_idle_s = 0.0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, process: SandboxProcess) -> None:
        """Look at a sandbox from now on, until nothing runs in it but its idle kernel."""
        with self._lock:
            self._idle.discard(process)
            self._busy.add(process)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="lllm-sandbox-warden", daemon=True)
                self._thread.start()
        self._wake.set()

    def rest(self, process: SandboxProcess) -> None:
        """Look less often at a sandbox whose cell has ended, unless the cell left something running."""
        with self._lock:
            if sum(map(_count_threads, list_tree(process.pid))) <= _IDLE.get(process.tier, 2):
                self._busy.discard(process)
                self._idle.add(process)

    def forget(self, process: SandboxProcess) -> None:
        """Stop looking at a sandbox that has ended."""
        with self._lock:
            self._busy.discard(process)
            self._idle.discard(process)

    def _work(self) -> None:
        while True:
            for process in self._due():
                if why := _look(process):
                    process.kill(why)
                    self.forget(process)
            process = None  # nobody is kept alive by having been looked at
            if self._busy:
                time.sleep(TICK_S)
            else:
                self._wake.wait(IDLE_TICK_S if self._idle else None)

    def _due(self) -> Iterator[SandboxProcess]:
        """Yield the sandboxes that are to be looked at now."""
        with self._lock:
            due = list(self._busy)
            if not due:
                self._wake.clear()
            now_s = time.monotonic()
            if now_s >= self._looks_at_idle_s:
                self._looks_at_idle_s = now_s + IDLE_TICK_S
                due += self._idle
        yield from due


def _look(process: SandboxProcess) -> str:
    """Return what a sandbox is to be killed for: also that it cannot be watched, whatever it did to be so."""
    try:
        return find_excess(process)
    except Exception as error:  # noqa: BLE001 - the thread must live on, for the others
        return f"it could not be watched: {type(error).__name__}: {error}"


def find_excess(process: SandboxProcess) -> str:
    """Return which limit a sandbox is over, in words for the model; empty when it is within all."""
    policy = process.policy
    pids = list_tree(process.pid)
    if not pids:
        return ""
    threads = sum(_count_threads(pid) for pid in pids)
    if threads > policy.processes + _OWN:
        return f"it had {threads} processes and threads, and may have {policy.processes}"
    # Pages that processes share count once for each here: cheap, and never too few. The exact sum only near the limit.
    if sum(map(_own_bytes, pids)) > policy.memory_bytes and sum(map(_exact_bytes, pids)) > policy.memory_bytes:
        return f"its processes used more than {policy.memory_bytes >> 20} MiB of memory together"
    if process.folder is None:
        return find_count_excess(pids)
    return find_disk_excess(process.folder, pids, policy.tmp_bytes)


def _count_threads(pid: int) -> int:
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - a number is wanted, not paths
    return 0


def _own_bytes(pid: int) -> int:
    """Return memory that no file stands behind, also what is shared with other processes, and what was swapped out."""
    total = 0
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines():
            if line.startswith(("RssAnon:", "RssShmem:", "VmSwap:")):
                total += int(line.split()[1]) << 10
    return total


def _exact_bytes(pid: int) -> int:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


WARDEN = Warden()
