"""Many cells in many kernels, some of which are killed in the midst of their work: nothing is left, nothing is mixed up."""

from __future__ import annotations

import os
import random
import signal
import threading
from contextlib import suppress

import pytest
from kernels import GRACE_S, open_files, texts, value, wait_gone, watch_all

from lllm.sandbox.inside.ends import list_tree
from lllm.sandbox.local.kernel import LocalKernel
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.pool import KernelPool

SEED = 20_261_121
CELLS = (
    "n = {n}\nn",
    "print('cell {n}')\n{n}",
    "CALL_API('echo', {{'n': {n}}})['n']",
    "import os\nos.fork() or os._exit(0)\n{n}",
    "import subprocess\nsubprocess.run(['true'])\n{n}",
    "import threading\nthreading.Thread(target=print, args=('late',)).start()\n{n}",
    "try:\n    1/0\nexcept ZeroDivisionError:\n    pass\n{n}",
    "import asyncio\nawait asyncio.sleep(0)\n{n}",
)
HARM = ("import os; os._exit(1)", "print('x' * 100_000_000)", "while True: pass", "1/0")


def kill_some(kernel, rng):
    """Kill one of the kernel's processes, as the system does when memory runs out."""
    pids = list_tree(kernel.pid)
    if pids:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(pids), signal.SIGKILL)


def run_session(pool, cells, rng):
    """Run cells in kernels of a pool; return how many of each status there were, and what watches their processes."""
    counts, watched, is_hit = {}, [], False
    kernel = pool.acquire()
    watched += watch_all(kernel.pid)
    for number in range(cells):
        harm = rng.random()
        code, timeout_s = rng.choice(CELLS).format(n=number), 30
        if harm < 0.1:
            code = rng.choice(HARM)
            timeout_s = 0.05 if code.startswith("while") else 30
        killer = threading.Timer(rng.random() * 0.01, kill_some, (kernel, rng)) if harm > 0.93 else None
        if killer is not None:
            killer.start()
        result = kernel.execute(code, timeout_s, lambda _endpoint, params, _left_s: params)
        if killer is not None:
            killer.join()
            is_hit = True
        elif harm >= 0.1 and not (is_hit and result.status == "died"):  # the kill may have come after its cell
            assert (result.status, value(result)) == ("ok", str(number)), result
            assert set(texts(result).split()) <= {"cell", str(number), "late"}
        counts[result.status] = counts.get(result.status, 0) + 1
        if not kernel.is_alive:
            kernel.close()
            kernel, is_hit = pool.acquire(), False
            watched += watch_all(kernel.pid)
    kernel.close()
    return counts, watched


def soak(isolator, sessions, cells):
    """Run sessions, two at a time; return how many cells ended in each way."""
    policy = SandboxPolicy(grace_s=GRACE_S, output_bytes=1 << 20)

    def start(policy):
        kernel = LocalKernel(isolator, policy)
        kernel.wait_ready()
        return kernel

    LocalKernel(isolator, policy).close()
    before, threads = open_files(), threading.active_count()
    pool, found, errors = KernelPool(policy, 2, start), [], []

    def work(numbers):
        try:
            found.extend(run_session(pool, cells, random.Random(SEED + number)) for number in numbers)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    workers = [threading.Thread(target=work, args=(range(first, sessions, 2),)) for first in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for thread in threading.enumerate():
        if thread.name == "lllm-sandbox-pool":
            thread.join()
    pool.close()
    assert errors == []
    assert wait_gone([number for _, watched in found for number in watched]) == 0
    assert open_files() == before
    assert threading.active_count() <= threads + 1
    total = {}
    for counts, _ in found:
        for status, count in counts.items():
            total[status] = total.get(status, 0) + count
    return total


def test_a_sample_of_the_soak_leaves_nothing(isolator):
    counts = soak(isolator, 2, 20)
    assert sum(counts.values()) == 40
    assert counts["ok"] > 20


@pytest.mark.heavy
def test_two_thousand_cells_with_random_kills_leave_nothing(isolator):
    """No process, descriptor or thread; and no cell got another one's answer."""
    counts = soak(isolator, 50, 40)
    assert sum(counts.values()) == 2000
    assert {"ok", "error", "timeout", "died", "output_limit"} == set(counts)
