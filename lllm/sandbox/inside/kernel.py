"""The kernel: IPython's shell, driven over one inherited socket with Jupyter's messages.

Runs inside the sandbox and imports nothing of lllm. Whatever it says, its own code could have said: the host believes
none of it, and enforces each limit again. The limits here are for honest code, which reads a good error.
"""

from __future__ import annotations

import builtins
import gc
import os
import signal
import sys

from calls import Broker
from stream import OutputLimitReached, Writer, follow_threads
from wire import Channel, to_text

# Start-up: most of it is IPython's imports. There is no garbage in them to look for; and its history on disk, which a
# kernel has none of, would bring a database. A None makes that optional import fail at once.
gc.disable()
sys.modules["sqlite3"] = None  # type: ignore[assignment] # pyright: ignore[reportArgumentType]
from shell import build_shell  # noqa: E402 - behind what it is to do without

del sys.modules["sqlite3"]

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes as long to load as much of the rest
    from typing import Any


def serve(spec: dict[str, Any]) -> None:
    """Run cells, one after the other, until the host hangs up."""
    control = Channel(spec["fds"]["control"])
    out = spec["fds"]["output"]
    for number in (1, 2):
        os.dup2(out, number)
    os.close(out)
    os.environ.clear()
    os.environ.update(spec["env"])
    os.chdir(spec["home"])
    ignore_interrupts()
    writer = Writer(control, spec["limits"]["output_bytes"], spec["limits"]["output_messages"])
    follow_threads(writer)
    shell = build_shell(writer)
    shell.home = spec["home"]  # where cells write, whatever they make of their environment
    broker = Broker(Channel(spec["fds"]["broker"]), writer, spec["limits"]["call_bytes"])
    shell.offer(CALL_API=broker.call)
    builtins.input = refuse_input
    sys.stdin = None
    for path in spec["path"][:1] * 2:  # from here on `import wire` is the cell's own business
        sys.path.remove(path)
    for name in ("calls", "confine", "kernel", "shell", "stream", "wire"):
        sys.modules.pop(name, None)
    os.register_at_fork(after_in_child=lambda: leave_to_child(control, broker, writer))
    gc.freeze()
    gc.enable()
    control.send({"msg_type": "kernel_info_reply", "content": {"python": sys.version.split()[0]}})
    while (request := control.receive()) is not None:
        run_cell(shell, writer, request)


def run_cell(shell: Any, writer: Writer, request: dict[str, Any]) -> None:
    """Run one cell and send its reply."""
    writer.begin(request["msg_id"])
    content = request["content"]
    failure, limit, count, me = None, False, shell.execution_count, os.getpid()
    try:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            result = shell.run_cell(content["code"], store_history=not content.get("silent", False))
            failure = result.error_before_exec or result.error_in_exec
        finally:
            ignore_interrupts()
    except OutputLimitReached:
        limit = True
    except BaseException as error:  # noqa: BLE001 - an interrupt in the moment in which the cell ended
        failure = error
    ignore_interrupts()
    if os.getpid() != me:  # the cell forked, and this is a child that has nothing more to do
        writer.flush()
        os._exit(0 if failure is None else 1)
    limit = limit or writer.is_spent
    writer.end(
        {
            "status": "output_limit" if limit else "error" if failure is not None else "ok",
            "execution_count": count,
            "ename": type(failure).__name__ if failure is not None else "",
            "evalue": to_text(failure)[:10_000] if failure is not None else "",
        }
    )


def refuse_input(_prompt: object = "", /) -> None:
    """Stand in for ``input``: there is nobody to ask."""
    raise EOFError("nobody can be asked here: the code runs in a sandbox, and its standard input is closed")


def ignore_interrupts() -> None:
    """Have interrupts do nothing until the next cell; one that has just arrived is dropped."""
    while signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        except BaseException:  # noqa: BLE001, S112 - what the handler raised, and a cell may set its own
            continue


def leave_to_child(control: Channel, broker: Broker, writer: Writer) -> None:
    """Take the sockets away from a process that the cell forks: two that write to one would garble both."""
    control.close()
    broker.close()
    writer.leave_to_child()
