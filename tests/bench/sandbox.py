"""How fast a sandboxed kernel is beside a stock one (jupyter-client and ipykernel, no isolation), in the same run.

    python tests/bench/sandbox.py [ROUNDS]

The two take turns, round by round, and medians are compared: the machine's speed differs from minute to minute.
``bar`` is what has to hold. Memory is what the processes of one idle kernel have for themselves (Private_Clean and
Private_Dirty of smaps_rollup). A flood is one cell that prints 100 MB, read by a host process of its own; the stock
host keeps what it reads, as a notebook does.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from lllm.sandbox.inside.ends import list_tree
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.pool import KernelPool
from lllm.sandbox.probe import CHOOSER

TRIPS, CALLS = 200, 500
FLOOD = "for _ in range(1000): print('x' * 99_999)"
CALL = f"""
import time
taken = []
for _ in range({CALLS}):
    begun = time.perf_counter()
    CALL_API("a")
    taken.append(time.perf_counter() - begun)
sorted(taken)[{CALLS // 2}]
"""
ASK = f"""
import time
taken = []
for _ in range({CALLS // 5}):
    begun = time.perf_counter()
    input()
    taken.append(time.perf_counter() - begun)
sorted(taken)[{CALLS // 10}]
"""


class Ours:
    """A kernel of ours."""

    def __init__(self):
        self.kernel = CHOOSER.start(SandboxPolicy())
        self.pid = self.kernel.pid

    def run(self, code, on_call=None):
        return self.kernel.execute(code, 60, on_call)

    def call(self):
        """Return the seconds of one CALL_API, as the cell sees it."""
        return float(self.run(CALL, lambda *_: None).outputs[-1]["data"]["text/plain"])

    def interrupt(self):
        """Return the seconds between an interrupt and the end of the cell."""
        begun, times = threading.Event(), []

        def press():
            begun.wait()
            time.sleep(0.02)  # the cell is in its loop
            times.append(time.perf_counter())
            self.kernel.interrupt()

        thread = threading.Thread(target=press)
        thread.start()
        self.run("CALL_API('begun')\nwhile True: pass", lambda *_: begun.set())
        thread.join()
        return time.perf_counter() - times[0]

    def close(self):
        self.kernel.close()


class Stock:
    """A stock kernel, over ``tcp`` or ``ipc``."""

    def __init__(self, transport):
        import zmq
        from jupyter_client import KernelManager

        self._folder = tempfile.TemporaryDirectory(prefix="lllm-bench-")
        options = {"ip": f"{self._folder.name}/k"} if transport == "ipc" else {}
        connection = f"{self._folder.name}/connection.json"
        self.manager = KernelManager(transport=transport, connection_file=connection, **options)
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.pid = self.manager.provisioner.pid
        self.kept = []
        self._poller = zmq.Poller()
        client = self.client
        self._sources = {
            channel.socket: channel for channel in (client.stdin_channel, client.iopub_channel, client.shell_channel)
        }
        for source in self._sources:
            self._poller.register(source, zmq.POLLIN)

    def run(self, code):
        """Run a cell to its end; return its last value."""
        asked = self.client.execute(code, allow_stdin=True)
        found, is_idle, is_replied = None, False, False
        while not (is_idle and is_replied):
            for source, _ in self._poller.poll():
                message = self._sources[source].get_msg()
                kind, content = message["msg_type"], message["content"]
                if kind == "input_request":
                    self.client.input("")
                elif message["parent_header"].get("msg_id") == asked:
                    is_idle = is_idle or content.get("execution_state") == "idle"
                    is_replied = is_replied or kind == "execute_reply"
                    found = content["data"]["text/plain"] if kind == "execute_result" else found
                    self.kept += [content["text"]] if kind == "stream" else []
        return found

    def call(self):
        """Return the seconds of one ``input``, the only way by which a stock kernel asks its host."""
        return float(self.run(ASK))

    def interrupt(self):
        times = []

        def press():
            time.sleep(0.1)
            times.append(time.perf_counter())
            self.manager.interrupt_kernel()

        thread = threading.Thread(target=press)
        thread.start()
        self.run("while True: pass")
        thread.join()
        return time.perf_counter() - times[0]

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self._folder.cleanup()


def build(kind):
    """Return a kernel that is up."""
    return Ours() if kind == "ours" else Stock(kind)


def timed(work):
    """Return what ``work`` gives, and the seconds it took."""
    begun = time.perf_counter()
    made = work()
    return made, time.perf_counter() - begun


def private_bytes(pid):
    """Return what a process and all below it have in memory for themselves."""
    total = 0
    for each in list_tree(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1]) << 10
    return total


def start_cold(kind):
    """Return a kernel, and the seconds from nothing to the result of its first cell."""

    def begin():
        kernel = build(kind)
        kernel.run("1 + 1")
        return kernel

    return timed(begin)


def measure_kernel(kernel):
    """Return what one idle kernel takes, and how fast it answers."""
    memory = private_bytes(kernel.pid) / 2**20
    for _ in range(20):
        kernel.run("1 + 1")
    return {
        "1 + 1 (ms)": statistics.median(timed(lambda: kernel.run("1 + 1"))[1] for _ in range(TRIPS)) * 1e3,
        "CALL_API, or input (us)": kernel.call() * 1e6,
        "interrupt (ms)": statistics.median(kernel.interrupt() for _ in range(5)) * 1e3,
        "private memory (MiB)": memory,
    }


def measure(kind):
    """Return one round of figures of one kind of kernel."""
    kernel, cold_s = start_cold(kind)
    try:
        return {"cold start to first result (ms)": cold_s * 1e3, **measure_kernel(kernel)} | measure_flood(kind)
    finally:
        kernel.close()


def measure_flood(kind):
    """Return what a print flood costs a host process of its own."""
    done = subprocess.run([sys.executable, __file__, "--flood", kind], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def flood(kind):
    """Print what a flood costs this process."""
    kernel = build(kind)
    try:
        kernel.run("print(1)")
        before = resident()
        _, seconds = timed(lambda: kernel.run(FLOOD))
        print(
            json.dumps({"100 MB flood (ms)": seconds * 1e3, "host growth in it (MiB)": (resident() - before) / 2**20})
        )
    finally:
        kernel.close()


def resident():
    """Return the bytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure_pool():
    """Return the milliseconds in which a pool hands out a kernel that waits."""
    pool, taken = KernelPool(SandboxPolicy(), 1), []
    with ExitStack() as stack:
        stack.callback(pool.close)
        for _ in range(10):
            pool.warm()
            for thread in threading.enumerate():
                if thread.name == "lllm-sandbox-pool":
                    thread.join()
            kernel, seconds = timed(pool.acquire)
            stack.callback(kernel.close)
            taken.append(seconds)
    return statistics.median(taken) * 1e3


BARS = {
    "cold start to first result (ms)": ("0.25 of stock's", lambda ours, tcp, ipc: ours <= 0.25 * min(tcp, ipc)),
    "1 + 1 (ms)": ("1.00 of ipc's", lambda ours, tcp, ipc: ours <= ipc),
    "CALL_API, or input (us)": ("100 us", lambda ours, tcp, ipc: ours <= 100),
    "interrupt (ms)": ("30 ms", lambda ours, tcp, ipc: ours <= 30),
    "private memory (MiB)": ("0.50 of stock's", lambda ours, tcp, ipc: ours <= 0.5 * min(tcp, ipc)),
    "100 MB flood (ms)": ("-", lambda *_: True),
    "host growth in it (MiB)": ("32 MiB", lambda ours, tcp, ipc: ours <= 32),
}


def main():
    """Print a line for each figure."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    taken = {kind: [] for kind in ("ours", "tcp", "ipc")}
    for _ in range(rounds):
        for kind, found in taken.items():
            found.append(measure(kind))
    print(f"medians of {rounds} rounds, tier {tier()}")
    print(f"{'':32s} {'ours':>8s} {'tcp':>8s} {'ipc':>8s} {'to tcp':>7s} {'to ipc':>7s}  bar")
    for name, (bar, holds) in BARS.items():
        ours, tcp, ipc = (statistics.median(each[name] for each in taken[kind]) for kind in taken)
        verdict = "holds" if holds(ours, tcp, ipc) else "MISSED"
        print(f"{name:32s} {ours:8.2f} {tcp:8.2f} {ipc:8.2f} {ours / tcp:7.2f} {ours / ipc:7.2f}  {bar}: {verdict}")
    pool_ms = measure_pool()
    print(f"{'acquire from the pool (ms)':32s} {pool_ms:8.2f} {'':33s}  1 ms: {'holds' if pool_ms <= 1 else 'MISSED'}")


def tier():
    """Return the tier that is measured."""
    kernel = CHOOSER.start(SandboxPolicy())
    kernel.close()
    return kernel.tier


if __name__ == "__main__":
    flood(sys.argv[2]) if sys.argv[1:2] == ["--flood"] else main()
