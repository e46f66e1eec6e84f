"""Kernels that are up before they are asked for. Each serves one session, and none is used twice."""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from lllm.errors import ConfigError, LLLMError
from lllm.sandbox.local.kernel import LocalKernel
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.probe import CHOOSER

SIZE = "LLLM_SANDBOX_POOL"
"""Environment variable: how many kernels wait ready; 0 starts each when it is asked for."""

Start = Callable[[SandboxPolicy], LocalKernel]


class KernelPool:
    """Kernels of one policy.

    Args:
        policy: of each of them.
        size: how many wait ready; the first ones are started when the first kernel is asked for.
        start: starts a kernel; the default takes the strongest isolator that works.
    """

    def __init__(self, policy: SandboxPolicy, size: int = 1, start: Start | None = None) -> None:
        self.policy, self.size = policy, size
        self._start = start or CHOOSER.start
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # the kernels are the parent's
        atexit.register(self.close)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._ready: deque[LocalKernel] = deque()
        self._filling = 0
        self._is_closed = False

    def acquire(self) -> LocalKernel:
        """Return a kernel that nobody has used; the caller closes it.

        Raises:
            SandboxUnavailable: none can be started.
        """
        kernel = self._take()
        if kernel is None:
            kernel = self._start(self.policy)
        self.warm()
        return kernel

    def warm(self) -> None:
        """Have kernels started until ``size`` wait or are on their way; returns at once."""
        with self._lock:
            missing = 0 if self._is_closed else self.size - self.waiting - self._filling
            self._filling += max(0, missing)
        for _ in range(missing):
            threading.Thread(target=self._add, name="lllm-sandbox-pool", daemon=True).start()

    def close(self) -> None:
        """End the kernels that wait; those that were handed out belong to others."""
        with self._lock:
            self._is_closed = True
            ready, self._ready = self._ready, deque()
        for kernel in ready:
            kernel.close()

    @property
    def waiting(self) -> int:
        """How many wait ready."""
        return len(self._ready)

    def _take(self) -> LocalKernel | None:
        while True:
            with suppress(IndexError):
                kernel = self._ready.popleft()
                if kernel.is_alive:
                    return kernel
                kernel.close()
                continue
            return None

    def _add(self) -> None:
        """Start one kernel. One that does not come up is not tried again: whoever asks next is told why."""
        kernel = None
        try:
            with suppress(LLLMError, OSError):
                kernel = self._start(self.policy)
        finally:
            with self._lock:
                self._filling -= 1
                is_wanted = kernel is not None and not self._is_closed
                if kernel is not None and is_wanted:
                    self._ready.append(kernel)
        if kernel is not None and not is_wanted:
            kernel.close()


_pools: dict[SandboxPolicy, KernelPool] = {}
_lock = threading.Lock()


def find_pool(policy: SandboxPolicy) -> KernelPool:
    """Return this process's pool of a policy."""
    with _lock:
        pool = _pools.get(policy)
        if pool is None:
            pool = _pools[policy] = KernelPool(policy, _pool_size())
        return pool


def _pool_size() -> int:
    told = os.environ.get(SIZE, "1")
    if not told.isdecimal():
        raise ConfigError(f"{SIZE} is {told!r}, not a number of kernels", hint="0, 1, 2 ...")
    return int(told)
