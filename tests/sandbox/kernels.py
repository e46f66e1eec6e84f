"""Kernels for tests: one shared by the harmless cells of a module, others started for what breaks them."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from lllm.errors import SandboxUnavailable
from lllm.sandbox.inside.ends import list_tree
from lllm.sandbox.local.kernel import LocalKernel
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.probe import Chooser

GRACE_S = 0.3
"""Of a kernel whose cell is to be killed: nothing else should be, however busy the machine is."""
MiB = 1 << 20
PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)


def find_isolator():
    """Return the strongest isolator that works here; skip where none does."""
    try:
        return Chooser().first(SandboxPolicy(), _try)
    except SandboxUnavailable as error:
        pytest.skip(f"{error.message} ({error.hint})")


def _try(isolator):
    kernel = LocalKernel(isolator, SandboxPolicy())
    try:
        kernel.wait_ready()
    finally:
        kernel.close()
    return isolator


@pytest.fixture(scope="session")
def isolator():
    """The strongest isolator that works here."""
    return find_isolator()


@pytest.fixture(scope="module")
def kernel(isolator):
    """One kernel for all of a module's cells that leave it as it was."""
    kernel = LocalKernel(isolator, SandboxPolicy(timeout_s=30))
    kernel.wait_ready()
    yield kernel
    kernel.close()


@pytest.fixture
def start(isolator):
    """Starts kernels with the limits that are given; they are closed at the end."""
    started = []

    def start(**limits):
        kernel = LocalKernel(isolator, SandboxPolicy(**{"timeout_s": 30, "grace_s": 20, **limits}))
        started.append(kernel)
        kernel.wait_ready()
        return kernel

    yield start
    for kernel in started:
        kernel.close()


def texts(result, name="stdout"):
    """Return what a cell wrote to one stream."""
    return "".join(item["text"] for item in result.outputs if item.get("name") == name)


def value(result):
    """Return the value of a cell's last line, as Python wrote it; None where there is none."""
    shown = [item["data"]["text/plain"] for item in result.outputs if item["output_type"] == "execute_result"]
    return shown[-1] if shown else None


def open_files():
    """Return what this process has open, but for the folder that is read for it."""
    found = set()
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are wanted, not paths
        try:
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))  # noqa: PTH115 - no path: "socket:[1]"
        except OSError:
            continue
    return found


def watch_all(pid):
    """Return descriptors that become readable when the processes of a sandbox end."""
    return [os.pidfd_open(each) for each in list_tree(pid)]


def wait_gone(watched, timeout_s=10):
    """Wait until all watched processes have ended; return how many have not."""
    left = list(watched)
    poll = select.poll()
    for number in left:
        poll.register(number, select.POLLIN)
    while left and (ended := poll.poll(timeout_s * 1000)):
        for number, _ in ended:
            poll.unregister(number)
            left.remove(number)
            os.close(number)
    return len(left)


FIND_SOCKETS = """
import os, socket, struct, time
def sockets():
    found = []
    for number in range(3, 256):
        try:
            found.append(socket.socket(fileno=os.dup(number)))
        except OSError:
            pass
    return [s for s in found if s.family == socket.AF_UNIX]
def send_all(data, times=1):
    found = sockets()
    for s in found:
        s.setblocking(False)
    for _ in range(times):
        for s in found:
            try:
                s.send(data)
            except OSError:
                pass
"""
"""Code for a cell that looks for the kernel's own sockets, as any code in it can."""

HOST = """
import gc, json, os, sys
from lllm.sandbox.local.kernel import LocalKernel
from lllm.sandbox.policy import SandboxPolicy
from {module} import {name} as Isolator
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
def start(**limits):
    kernel = LocalKernel(Isolator(), SandboxPolicy(**{{"timeout_s": 30, "grace_s": 20, **limits}}))
    kernel.wait_ready()
    return kernel
def say(**facts):
    print(json.dumps(facts), flush=True)
"""


def host_code(isolator, code):
    """Return a program for a host process of its own: it finds ``start``, ``rss`` and ``say``."""
    return HOST.format(module=type(isolator).__module__, name=type(isolator).__name__) + code


def run_host(isolator, code, **options):
    """Run such a program; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", host_code(isolator, code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
