"""The kernel: IPython's shell, driven over one inherited socket with Jupyter's messages.

Runs inside the sandbox and imports nothing of lllm. Whatever it says, its own code could have said: the host believes
none of it, and enforces each limit again. The limits here are for honest code, which reads a good error.
"""

from __future__ import annotations

import builtins
import os
import signal
import sys

import wire
from shell import build_shell

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes as long to load as much of the rest
    from typing import Any


def serve(spec: dict[str, Any]) -> None:
    """Run cells, one after the other, until the host hangs up."""
    control = wire.Channel(spec["fds"]["control"])
    out = spec["fds"]["output"]
    for number in (1, 2):
        os.dup2(out, number)
    os.close(out)
    os.environ.clear()
    os.environ.update(spec["env"])
    os.chdir(spec["home"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    writer = wire.Writer(control, spec["limits"]["output_bytes"], spec["limits"]["output_messages"])
    wire.follow_threads(writer)
    shell = build_shell(writer)
    broker = wire.Broker(wire.Channel(spec["fds"]["broker"]), writer)
    shell.user_ns.update(CALL_API=broker.call)
    shell.user_ns_hidden.update(CALL_API=broker.call)
    builtins.input = refuse_input
    sys.stdin = None
    for path in spec["path"][:1] * 2:  # from here on `import wire` is the cell's own business
        sys.path.remove(path)
    for name in ("confine", "kernel", "shell", "wire"):
        sys.modules.pop(name, None)
    os.register_at_fork(after_in_child=lambda: leave_to_child(control, broker))
    control.send({"msg_type": "kernel_info_reply", "content": {"python": sys.version.split()[0]}})
    while (request := control.receive()) is not None:
        run_cell(shell, writer, request)


def run_cell(shell: Any, writer: wire.Writer, request: dict[str, Any]) -> None:
    """Run one cell and send its reply."""
    writer.begin(request["msg_id"])
    content = request["content"]
    failure, limit, count = None, False, shell.execution_count
    try:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            result = shell.run_cell(content["code"], store_history=not content.get("silent", False))
            failure = result.error_before_exec or result.error_in_exec
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except wire.OutputLimitReached:
        limit = True
    except BaseException as error:  # noqa: BLE001 - an interrupt in the moment in which the cell ended
        failure = error
    limit = limit or writer.is_spent
    writer.end(
        {
            "status": "output_limit" if limit else "error" if failure is not None else "ok",
            "execution_count": count,
            "ename": type(failure).__name__ if failure is not None else "",
            "evalue": wire.to_text(failure)[:10_000] if failure is not None else "",
        }
    )


def refuse_input(_prompt: object = "", /) -> None:
    """Stand in for ``input``: there is nobody to ask."""
    raise EOFError("nobody can be asked here: the code runs in a sandbox, and its standard input is closed")


def leave_to_child(control: wire.Channel, broker: wire.Broker) -> None:
    """Take the sockets away from a process that the cell forks: two that write to one would garble both."""
    control.close()
    broker.close()
    out, err = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115 - for its whole life
    sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__ = out, err, out, err
