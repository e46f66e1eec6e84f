"""A stock ipykernel, for Jupyter's own clients: ZeroMQ over listening sockets that the host made and passed on.

Runs inside the sandbox and imports nothing of lllm. No path, no network and no connection file is needed here: libzmq
takes a socket that listens already (ZMQ_USE_FD, https://libzmq.readthedocs.io, read 2026-11). What differs from a
kernel that Jupyter starts is what the classes here override.
"""

from __future__ import annotations

import os
import sys

# The debugger's server, and its child, would have to listen on a TCP port, which no sandbox can.
if "debugpy" not in sys.modules:
    sys.modules["debugpy"] = None  # type: ignore[assignment] # pyright: ignore[reportArgumentType]

import wire
import zmq
from ipykernel import kernelapp
from ipykernel.heartbeat import Heartbeat
from ipykernel.iostream import IOPubThread
from traitlets.config import Config

TYPE_CHECKING = False
if TYPE_CHECKING:  # as in `kernel.py`
    from typing import Any

_given: dict[int, int] = {}
"""Number of a channel, which stands for a TCP port, to the descriptor of its listening socket."""


def serve(spec: dict[str, Any]) -> None:
    """Run the kernel until a client ends it."""
    for number in (1, 2):
        os.dup2(spec["fds"]["output"], number)
    os.environ.clear()
    os.environ.update(spec["env"])
    os.chdir(spec["home"])
    os.close(spec["fds"]["broker"])
    try:
        app = build_app(spec)
        app.initialize([])
        leave(spec)
    except BaseException:
        sys.stderr = os.fdopen(spec["fds"]["output"], "w")  # ipykernel has taken the other one, also as descriptor 2
        raise
    app.start()


def build_app(spec: dict[str, Any]) -> GivenApp:
    """Return ipykernel's application, which nobody has initialized."""
    ports = spec["ports"]
    _given.update((port, spec["fds"][name]) for name, port in ports.items())
    kernelapp.IOPubThread = GivenIOPub  # pyright: ignore[reportPrivateImportUsage] - the one way to choose another
    config = Config()
    config.Session.key = spec["key"].encode()
    return GivenApp.instance(
        config=config, transport="ipc", ip="/given", connection_file="/given", parent_handle=1, **ports
    )


def leave(spec: dict[str, Any]) -> None:
    """Take from the cells what is not theirs, and tell the host that the kernel is up."""
    for path in spec["path"][:1] * 2:  # as in `kernel.py`
        sys.path.remove(path)
    for name in ("confine", "stock", "wire"):
        sys.modules.pop(name, None)
    control = wire.Channel(spec["fds"]["control"])
    control.send({"msg_type": "kernel_info_reply", "content": {"python": sys.version.split()[0]}})
    control.close()


def bind(zmq_socket: Any, port: int) -> None:
    """Have a socket take the connections to the channel of that number."""
    zmq_socket.setsockopt(zmq.USE_FD, _given[port])
    zmq_socket.bind("ipc:///given")  # a path that is never looked at


class GivenHeartbeat(Heartbeat):
    """Answers on a socket that was given."""

    def _try_bind_socket(self) -> None:
        bind(self.socket, self.port)  # pyright: ignore[reportUnknownArgumentType]


class GivenIOPub(IOPubThread):
    """Without a TCP port for forked processes: what they print comes by way of descriptors 1 and 2."""

    def __init__(self, socket: Any, pipe: bool = True, **other: Any) -> None:
        del pipe
        super().__init__(socket, pipe=False, **other)


class GivenApp(kernelapp.IPKernelApp):
    """Serves the sockets that were given, and writes nothing to disk."""

    def init_connection_file(self) -> None:
        """Read none: the host has said what stands in it."""

    def write_connection_file(self, **kwargs: Any) -> None:
        """Write none: it would hold the key."""

    def init_poller(self) -> None:
        """Look for no parent: the sandbox's first process does."""

    def _try_bind_socket(self, s: Any, port: int) -> int:
        bind(s, port)
        return port

    def init_control(self, context: Any) -> None:
        """Cut the debugger's own way to the shell: it is a path of the host's, which libzmq would try for ever."""
        super().init_control(context)
        told = self.shell_socket.getsockopt(zmq.LAST_ENDPOINT)
        if told:
            self.debug_shell_socket.disconnect(told)

    def init_heartbeat(self) -> None:
        """Beat on the socket that was given."""
        self.heartbeat = GivenHeartbeat(zmq.Context(), (self.transport, self.ip, self.hb_port))
        self.heartbeat.start()
