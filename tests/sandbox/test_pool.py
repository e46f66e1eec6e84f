"""Kernels that wait ready: each is used once, none that is dead, none that is another process's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from kernels import host_code, value, wait_gone, watch_all

from lllm.errors import ConfigError, SandboxUnavailable
from lllm.sandbox.local.kernel import LocalKernel
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.pool import SIZE, KernelPool, find_pool

POLICY = SandboxPolicy()


class FakeKernel:
    """Stands for a kernel that is up; says whether it was closed."""

    def __init__(self, number):
        self.number, self.is_alive, self.closed = number, True, 0

    def close(self):
        self.is_alive, self.closed = False, self.closed + 1


class FakeStart:
    """Starts them, as the real one does, or fails as it does; tells when each start was begun and is done."""

    def __init__(self):
        self.made, self.error, self.policies = [], None, []
        self.begun, self.go = threading.Semaphore(0), threading.Event()
        self.go.set()

    def __call__(self, policy):
        self.policies.append(policy)
        self.begun.release()
        self.go.wait(10)
        if self.error is not None:
            raise self.error
        self.made.append(FakeKernel(len(self.made)))
        return self.made[-1]


def join():
    """Wait until the pools' threads have done their work."""
    for thread in threading.enumerate():
        if thread.name == "lllm-sandbox-pool":
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def begin():
    """Makes pools over a fake start; they are closed at the end."""
    pools = []

    def begin(size=1):
        start = FakeStart()
        pools.append(KernelPool(POLICY, size, start))
        return pools[-1], start

    yield begin
    for pool in pools:
        pool.close()


def test_each_kernel_is_handed_out_once(begin):
    """A second session in one kernel would see the variables and files of the first."""
    pool, start = begin(2)
    found = []
    for _ in range(6):
        found.append(pool.acquire())
        join()
    assert len({kernel.number for kernel in found}) == 6
    assert all(policy is POLICY for policy in start.policies)
    assert len(start.made) == 8


def test_threads_get_kernels_of_their_own(begin):
    pool, _ = begin(4)
    pool.warm()
    join()
    found = []
    threads = [threading.Thread(target=lambda: found.append(pool.acquire())) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    join()
    assert len({kernel.number for kernel in found}) == 12
    assert pool.waiting == 4


def test_the_pool_is_refilled_and_no_further(begin):
    pool, start = begin(3)
    assert (pool.waiting, start.made) == (0, [])
    pool.warm()
    pool.warm()
    join()
    assert (pool.waiting, len(start.made)) == (3, 3)
    pool.acquire()
    join()
    assert (pool.waiting, len(start.made)) == (3, 4)


def test_starts_on_their_way_are_counted(begin):
    """Else each acquire of a burst would have the pool filled anew."""
    pool, start = begin(2)
    start.go.clear()
    pool.warm()
    pool.warm()
    start.go.set()
    join()
    assert len(start.made) == 2


def test_the_dead_are_passed_over(begin):
    """A kernel may have ended while it waited: out of memory, or by somebody's hand."""
    pool, start = begin(2)
    pool.warm()
    join()
    for kernel in start.made:
        kernel.is_alive = False
    found = pool.acquire()
    assert found.is_alive
    assert [kernel.closed for kernel in start.made[:2]] == [1, 1]


def test_an_empty_pool_starts_each_when_it_is_asked_for(begin):
    pool, start = begin(0)
    assert pool.acquire().number == 0
    join()
    assert (pool.waiting, len(start.made)) == (0, 1)


def test_closing_ends_those_that_wait_and_only_those(begin):
    pool, start = begin(2)
    mine = pool.acquire()
    join()
    pool.close()
    pool.close()
    assert [kernel.closed for kernel in start.made] == [0, 1, 1]
    assert (mine.closed, pool.waiting) == (0, 0)
    pool.warm()
    assert pool.acquire().closed == 0
    join()
    assert (pool.waiting, len(start.made)) == (0, 4)


def test_one_that_comes_up_after_the_close_is_closed(begin):
    pool, start = begin()
    start.go.clear()
    pool.warm()
    assert start.begun.acquire(timeout=10)
    pool.close()
    start.go.set()
    join()
    assert ([kernel.closed for kernel in start.made], pool.waiting) == ([1], 0)


@pytest.mark.parametrize("error", [SandboxUnavailable("no"), ConfigError("no"), OSError(24, "Too many open files")])
def test_a_start_that_fails_is_told_to_whoever_asks_and_not_tried_again(begin, error):
    """A machine without a sandbox must not be kept busy with the attempt."""
    pool, start = begin(2)
    start.error = error
    pool.warm()
    join()
    assert (len(start.policies), pool.waiting) == (2, 0)
    with pytest.raises(type(error), match=r"no|Too many"):
        pool.acquire()
    join()
    assert len(start.policies) == 3
    start.error = None
    pool.acquire()
    join()
    assert pool.waiting == 2


def test_a_fork_of_the_host_begins_with_an_empty_pool(begin):
    """The kernels are the parent's: two processes on one socket would read each other's answers."""
    pool, start = begin(2)
    pool.warm()
    join()
    child = os.fork()
    if not child:
        try:
            clean = pool.waiting == 0 and pool.acquire().number == 2
            pool.close()
            os._exit(0 if clean and not any(kernel.closed for kernel in start.made[:2]) else 1)
        except BaseException:  # noqa: BLE001
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pool.waiting == 2


def test_one_policy_has_one_pool(monkeypatch):
    monkeypatch.setenv(SIZE, "0")
    policy = SandboxPolicy(memory_bytes=123 << 20)
    assert find_pool(policy) is find_pool(SandboxPolicy(memory_bytes=123 << 20))
    assert find_pool(policy) is not find_pool(SandboxPolicy(memory_bytes=124 << 20))
    assert (find_pool(policy).size, find_pool(policy).policy) == (0, policy)


@pytest.mark.parametrize("told", ["many", "-1", "1.5", ""])
def test_a_size_that_is_no_number_is_told(monkeypatch, told):
    monkeypatch.setenv(SIZE, told)
    with pytest.raises(ConfigError, match=SIZE):
        find_pool(SandboxPolicy(memory_bytes=(200 << 20) + len(told)))


def test_real_kernels_wait_and_end_with_their_process(isolator):
    """Those that wait are closed at its exit, those that were handed out end with it."""
    code = """
from lllm.sandbox.pool import KernelPool
import threading
pool = KernelPool(SandboxPolicy(), 1, lambda policy: start())
first = pool.acquire()
for thread in threading.enumerate():
    if thread.name == "lllm-sandbox-pool":
        thread.join()
say(pids=[first.pid, pool._ready[0].pid], waiting=pool.waiting)
sys.stdin.read()
"""
    command = [sys.executable, "-c", host_code(isolator, code)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as host:
        said = json.loads(host.stdout.readline())
        watched = [number for pid in said["pids"] for number in watch_all(pid)]
        host.stdin.close()
        assert host.wait() == 0
    assert said["waiting"] == 1
    assert wait_gone(watched) == 0


def test_a_fork_of_the_host_does_not_touch_real_kernels_that_wait(isolator):
    def start(policy):
        kernel = LocalKernel(isolator, policy)
        kernel.wait_ready()
        return kernel

    pool = KernelPool(POLICY, 1, start)
    pool.warm()
    join()
    child = os.fork()
    if not child:
        pool.close()
        os._exit(0)
    os.waitpid(child, 0)
    kernel = pool.acquire()
    try:
        assert value(kernel.execute("1 + 1")) == "2"
    finally:
        kernel.close()
        join()
        pool.close()
