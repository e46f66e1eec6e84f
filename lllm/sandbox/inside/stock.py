"""A stock ipykernel, for Jupyter's own clients: ZeroMQ over listening sockets that the host made and passed on.

Runs inside the sandbox and imports nothing of lllm. No path, no network and no connection file is needed here: libzmq
takes a socket that listens already (ZMQ_USE_FD, https://libzmq.readthedocs.io, read 2026-11). What differs from a
kernel that Jupyter starts is listed where it is done.
"""

import os
import sys

import wire

# The debugger's server, and its child, would have to listen on a TCP port, which no sandbox can.
sys.modules["debugpy"] = None


def serve(spec):
    """Run the kernel until a client ends it."""
    for number in (1, 2):
        os.dup2(spec["fds"]["output"], number)
    os.environ.clear()
    os.environ.update(spec["env"])
    os.chdir(spec["home"])
    os.close(spec["fds"]["broker"])
    try:
        app = build_app(spec["ports"], spec["fds"], spec["key"].encode())
        app.initialize([])
        leave(spec)
    except BaseException:
        sys.stderr = os.fdopen(spec["fds"]["output"], "w")  # ipykernel has taken the other one, also as descriptor 2
        raise
    app.start()


def leave(spec):
    """Take from the cells what is not theirs, and tell the host that the kernel is up."""
    for path in spec["path"][:1] * 2:  # as in `kernel.py`
        sys.path.remove(path)
    for name in ("confine", "stock", "wire"):
        sys.modules.pop(name, None)
    control = wire.Channel(spec["fds"]["control"])
    control.send({"msg_type": "kernel_info_reply", "content": {"python": sys.version.split()[0]}})
    control.close()


def build_app(ports, fds, key):
    """Return ipykernel's application.

    Args:
        ports: name such as ``shell_port`` to the number that both sides know the channel by, in place of a TCP port.
        fds: the same name to the descriptor of its listening socket.
        key: signs messages.
    """
    import zmq  # noqa: PLC0415 - heavy, and the environment must be set first
    from ipykernel import heartbeat, iostream, kernelapp  # noqa: PLC0415 - as above
    from traitlets.config import Config  # noqa: PLC0415 - as above

    by_port = {number: fds[name] for name, number in ports.items()}

    def bind(zmq_socket, port):
        zmq_socket.setsockopt(zmq.USE_FD, by_port[port])
        zmq_socket.bind("ipc:///given")  # a path that is never looked at

    class GivenHeartbeat(heartbeat.Heartbeat):
        def _try_bind_socket(self):
            bind(self.socket, self.port)

    class GivenIOPub(iostream.IOPubThread):
        """Without a TCP port for forked processes; and nothing is dropped when a client reads slowly."""

        def __init__(self, socket, pipe=True, **other):
            del pipe
            socket.setsockopt(zmq.XPUB_NODROP, 1)
            super().__init__(socket, pipe=False, **other)

    class GivenApp(kernelapp.IPKernelApp):
        def init_connection_file(self):
            """Read none: the host has said what stands in it."""

        def write_connection_file(self, **_kwargs):
            """Write none: it would hold the key."""

        def init_poller(self):
            """Look for no parent: the sandbox's first process does."""

        def _try_bind_socket(self, s, port):
            bind(s, port)
            return port

        def init_control(self, context):
            super().init_control(context)
            told = self.shell_socket.getsockopt(zmq.LAST_ENDPOINT)
            if told:  # the debugger's own way to the shell is a path of the host's: libzmq would try it for ever
                self.debug_shell_socket.disconnect(told)

        def init_heartbeat(self):
            self.heartbeat = GivenHeartbeat(zmq.Context(), (self.transport, self.ip, self.hb_port))
            self.heartbeat.start()

    kernelapp.IOPubThread = GivenIOPub
    config = Config()
    config.Session.key = key
    return GivenApp.instance(config=config, transport="ipc", ip="/given", connection_file="/given", parent_handle=1, **ports)
