"""The first process of a sandbox: starts the kernel, passes interrupts on to it, and takes all down at the end.

It runs inside, before any code of a model does, and imports nothing of lllm. In tier A it is process 1 of the sandbox's
own process namespace: when it ends, the operating system kills all others. In tier B it is the one that orphans fall
to, and it kills them itself.

Its one argument is the number of a socket to the host, its lifeline. The host first sends what to start, a line of
JSON; later ``I`` interrupts the cell. When the host closes it, or dies, the end has come: nobody has to clean up.
What it hears back is each ``I`` that was obeyed, and how the kernel ended: ``C`` by its limit of CPU, ``E`` otherwise.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes as long to load as much of the rest
    from typing import Any

# Standard library only, and little of it: this process is copied for the kernel, and exists once for each of them.


def read_spec(lifeline: socket.socket) -> dict[str, Any]:
    """Return what the host wants started: the first line, as JSON."""
    text = b""
    while not text.endswith(b"\n"):
        piece = lifeline.recv(65536)
        if not piece:
            sys.exit(0)
        text += piece
    return json.loads(text)


def start_kernel(spec: dict[str, Any], lifeline: socket.socket) -> int:
    """Fork the kernel's process, confine it, and return its number. What it runs from here on is not trusted."""
    child = os.fork()
    if child:
        return child
    try:
        lifeline.close()
        os.setpgid(0, 0)
        for path in reversed(spec["path"]):
            sys.path.insert(0, path)
        import confine  # noqa: PLC0415 - not needed in this process's parent

        confine.confine_kernel(spec)
        importlib.import_module(spec["program"]).serve(spec)
    except BaseException:  # noqa: BLE001 - the host reads what stands here when no kernel comes up
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


def guard(child: int, lifeline: socket.socket, cpu_s: float) -> None:
    """Wait until the host has gone or the kernel has ended, and say how; reap whoever dies, as process 1 has to."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, wake)
    ready = select.poll()
    ready.register(lifeline, select.POLLIN)
    ready.register(wake_read, select.POLLIN)
    while not (end := reap(child, cpu_s)):
        for source, _ in ready.poll():
            if source == wake_read:
                os.read(wake_read, 4096)
            elif not obey(lifeline, child):
                return
    say(lifeline, end)


def wake(_number: int, _frame: Any) -> None:
    """Do nothing: a signal that has a handler writes into the wake-up pipe."""


def obey(lifeline: socket.socket, child: int) -> bool:
    """Do what the host says, and say so; return whether it is still there."""
    try:  # contextlib would be in the memory of each kernel twice
        words = lifeline.recv(64)
    except OSError:
        return False
    if b"I" in words:
        try:
            os.killpg(child, signal.SIGINT)
        except OSError:
            pass
    say(lifeline, words)
    return bool(words)


def say(lifeline: socket.socket, words: bytes) -> None:
    """Tell the host, if it listens."""
    try:
        lifeline.send(words, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError:
        pass


def reap(child: int, cpu_s: float) -> bytes:
    """Reap all that have ended; return how the kernel did, if it is among them, and nothing otherwise."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return b"E"
        if ended is None:
            return b""
        if ended.si_pid == child:
            return b"C" if is_out_of_cpu(ended, cpu_s) else b"E"
        os.waitpid(ended.si_pid, 0)


def is_out_of_cpu(ended: os.waitid_result, cpu_s: float) -> bool:
    """Whether a process that nobody has reaped yet was killed for its own time, not for that of its children.

    Its clocks outlive it. This one is the clock that the limit goes by; its number is as linux/posix-timers.h makes it.
    """
    if ended.si_code != os.CLD_KILLED or ended.si_status != signal.SIGKILL:
        return False
    return time.clock_gettime(~ended.si_pid << 3) >= cpu_s


def kill_rest() -> None:
    """Kill every descendant, where no process namespace does it. Those whose parent died are children of this one."""
    import ends  # noqa: PLC0415 - as below

    while True:
        ends.kill_below(os.getpid())
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        select.select([], [], [], 0.001)  # what was killed is on its way out


def main() -> None:
    """Start the kernel that the host describes, and stay until it or the host ends."""
    lifeline = socket.socket(fileno=int(sys.argv[1]))
    spec = read_spec(lifeline)
    sys.path.insert(0, spec["path"][0])
    import confine  # noqa: PLC0415 - its place is in the specification

    confine.confine_init()
    if (user := spec.pop("drop_to", None)) is not None:  # whoever interrupts the kernel must be of its user
        confine.drop_privileges(user)
    child = start_kernel(spec, lifeline)
    for number in spec["fds"].values():
        os.close(number)
    guard(child, lifeline, spec["rlimits"]["CPU"])
    if os.getpid() != 1:
        kill_rest()
        if folder := spec.get("folder"):  # the host removes it, too, unless it was killed
            import scratch  # noqa: PLC0415 - rarely needed

            scratch.remove_folder(folder)
    os._exit(0)


if __name__ == "__main__":
    main()
