"""A kernel's process as the host holds it: four descriptors to it, and the means to end it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from typing import Any
from weakref import WeakSet

from lllm.errors import SandboxUnavailable
from lllm.sandbox.inside.ends import kill_below, list_tree
from lllm.sandbox.inside.scratch import remove_folder
from lllm.sandbox.isolation.isolator import KERNEL, Isolator, Plan, Program
from lllm.sandbox.policy import SandboxPolicy

_LOOK_S, _ENDS_S = 0.05, 2.0
_GIVEN_UP_S = 60.0
"""After this, what cannot be killed waits in the operating system, such as for a disk that does not answer."""
_SAYS_S = 1.0
"""Within this, init says how the kernel ended; but for a machine that is very busy, at once."""


class SandboxProcess:
    """One sandbox that was started. What it says is not to be believed; what it uses is watched by the warden.

    Attributes:
        control: socket to the kernel.
        broker: socket of its calls.
        output: descriptor of what it and its programs write past the kernel.
        why_killed: what it was killed for, such as ``memory``; empty while nobody did.
    """

    def __init__(self, isolator: Isolator, policy: SandboxPolicy, program: Program = KERNEL) -> None:
        self.policy, self.tier = policy, isolator.tier
        self.why_killed = ""
        self._lock = threading.Lock()
        self._interrupts: deque[None] = deque()
        self._end = b""
        self._is_parents = False
        plan = isolator.plan(policy)
        self.folder = plan.folder
        with _pairs(plan) as ends:
            self.control, control = ends.socket()
            self.broker, broker = ends.socket()
            self._lifeline, lifeline = ends.socket()
            self.output, output = ends.pipe()
            numbers = {"control": control.fileno(), "broker": broker.fileno(), "output": output, **program.fds}
            self._popen = _spawn(
                [*plan.argv, str(lifeline.fileno())],
                output,
                (*numbers.values(), lifeline.fileno(), *plan.fds),
                plan.user,
            )
        spec = {**plan.spec, **program.told, "program": program.name, "fds": numbers}
        with suppress(OSError):  # it has ended already: whoever waits for it reads why
            self._lifeline.sendall(json.dumps(spec).encode() + b"\n")
        for end in (self._lifeline, self.control, self.broker):
            end.setblocking(False)
        _started.add(self)

    @property
    def pid(self) -> int:
        """The host's number of the first process; all others of the sandbox are below it."""
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def offer_at_oom(self) -> None:
        """Have the operating system end this sandbox before other processes, where the machine's memory runs out."""
        from lllm.sandbox.inside.confine import OOM_SCORE  # noqa: PLC0415 - ctypes comes with it

        for pid in list_tree(self.pid):
            with suppress(OSError):
                Path(f"/proc/{pid}/oom_score_adj").write_text(OOM_SCORE, "ascii")

    def interrupt(self) -> None:
        """Have the kernel's process group get SIGINT."""
        self._interrupts.append(None)
        try:
            self._lifeline.send(b"I")
        except OSError:
            self._interrupts.clear()

    def settle(self, timeout_s: float) -> None:
        """Wait until each interrupt has reached the kernel, so that none hits the cell that comes next."""
        end_s = time.monotonic() + timeout_s
        poll = select.poll()
        poll.register(self._lifeline, select.POLLIN)
        while self._interrupts and poll.poll(max(0.0, end_s - time.monotonic()) * 1000):
            try:
                said = self._hear()
            except OSError:
                return
            for _ in range(min(len(said), len(self._interrupts)) or len(self._interrupts)):
                self._interrupts.popleft()

    def read_end(self, timeout_s: float = _SAYS_S) -> str:
        """Return what ended a kernel that nobody killed, in words for the model; empty where it was something else."""
        end_s = time.monotonic() + timeout_s
        with suppress(OSError, ValueError):  # it is closed
            poll = select.poll()
            poll.register(self._lifeline, select.POLLIN)
            while not self._end and poll.poll(max(0.0, end_s - time.monotonic()) * 1000) and self._hear():
                pass
        return f"it used {self.policy.cpu_s} s of CPU, and may use no more" if b"C" in self._end else ""

    def _hear(self) -> bytes:
        """Return what init says, nothing where it is gone; how the kernel ended is kept."""
        said = self._lifeline.recv(256)
        self._end = self._end or said.strip(b"I")
        return said

    def kill(self, why: str = "") -> None:
        """End everything in the sandbox, and wait until it is gone."""
        if self._is_parents:
            return
        with self._lock:
            self.why_killed = self.why_killed or why
            for end in (self._lifeline, self.control, self.broker):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._end_all()

    def _end_all(self) -> None:
        """Kill all below the first process, which ends then by itself; one that does not is killed when it is alone.

        Not before: what is left would fall to the host's process 1, where nobody knows whose it was.
        """
        begun_s = time.monotonic()
        while time.monotonic() < begun_s + _ENDS_S:
            kill_below(self.pid)  # what forks without end leaves init no time to do it
            with suppress(TimeoutExpired):
                self._popen.wait(_LOOK_S)
                return
        self._popen.send_signal(signal.SIGSTOP)  # orphans still fall to it, and it makes no more of them
        while kill_below(self.pid) and time.monotonic() < begun_s + _GIVEN_UP_S:
            time.sleep(_LOOK_S)
        self._popen.kill()
        self._popen.wait()

    def close(self) -> None:
        """Kill it, and let go of all that it held on the host."""
        self.kill()
        with self._lock:
            for end in (self._lifeline, self.control, self.broker):
                end.close()
            output, self.output = self.output, -1
            if output >= 0:
                os.close(output)
            if self.folder is not None:
                remove_folder(str(self.folder))

    def leave_to_parent(self) -> None:
        """In a fork of this process: let go of what is the parent's, without a word to the sandbox."""
        self._lock, self._is_parents = threading.Lock(), True
        for end in (self._lifeline, self.control, self.broker):
            end.close()
        output, self.output, self.folder = self.output, -1, None
        if output >= 0:
            os.close(output)


_started: WeakSet[SandboxProcess] = WeakSet()


def _leave_all() -> None:
    for process in list(_started):
        process.leave_to_parent()


os.register_at_fork(after_in_child=_leave_all)


class _Ends:
    """Pairs of which this process keeps one end, and the other is closed once the child has it."""

    def __init__(self) -> None:
        self.ours: list[Any] = []
        self.theirs: list[Any] = []

    def socket(self) -> tuple[socket.socket, socket.socket]:
        pair = socket.socketpair()
        self.ours.append(pair[0])
        self.theirs.append(pair[1])
        return pair

    def pipe(self) -> tuple[int, int]:
        pair = os.pipe()
        self.ours.append(pair[0])
        self.theirs.append(pair[1])
        os.set_blocking(pair[0], False)
        return pair


@contextmanager
def _pairs(plan: Plan) -> Generator[_Ends]:
    """Give pairs whose ends are closed when they have served; where the process is not started, nothing is left."""
    ends = _Ends()
    ends.theirs += plan.fds
    try:
        yield ends
    except BaseException as error:
        _close(ends.ours)
        if plan.folder is not None:
            remove_folder(str(plan.folder))
        if isinstance(error, OSError):
            raise SandboxUnavailable(f"{plan.argv[0]} cannot be started: {error}") from error
        raise
    finally:
        _close(ends.theirs)


def _close(ends: list[Any]) -> None:
    for end in ends:
        if isinstance(end, int):
            os.close(end)
        else:
            end.close()


def _spawn(argv: list[str], output: int, fds: tuple[int, ...], user: int | None) -> Popen[bytes]:
    """Start a program with no environment. It is none of this terminal's, so Ctrl-C does not reach it."""
    return Popen(  # noqa: S603 - the isolator's own words
        argv, stdin=DEVNULL, stdout=output, stderr=output, env={}, pass_fds=fds, start_new_session=True,
        user=user, group=user, extra_groups=None if user is None else (), cwd="/",
    )  # fmt: skip
