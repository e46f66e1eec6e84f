"""A kernel on another machine, through a Jupyter server or a kernel gateway.

Its tier is ``remote``: nothing on this machine knows how it is isolated. The gateway gives no isolation of its own; its
machine, its container, or a kernelspec with our provisioner does. What comes back is bounded as from any other kernel.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from lllm.errors import SandboxError, SandboxUnavailable
from lllm.sandbox.cell import START_S, CellResult, OnCall
from lllm.sandbox.host.broker import Broker
from lllm.sandbox.host.frames import parse_frame
from lllm.sandbox.host.results import to_died
from lllm.sandbox.isolation.python_env import INSIDE
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.remote.rest import Gateway
from lllm.sandbox.remote.run import Client, RemoteRun, build_message
from lllm.sandbox.remote.websocket import SocketLost, WebSocket

_TRUSTED_IDLE_S = 20.0
"""Nobody answers the server's pings between cells: a connection that lay idle for longer is made anew."""
_END_S = 5.0
_PAUSES_S = (0.0, 0.5, 2.0)


class RemoteKernel:
    """One kernel of a gateway, started for this object and ended with it.

    Args:
        url: of the gateway; ``https://``, or ``http://`` on this machine.
        token_env: environment variable that holds the gateway's token; empty where it wants none.
        kernel_name: of the kernelspec there; empty takes the gateway's default.
        policy: limits of cells: time, output, calls. Those of processes, memory and files are the other side's.
        allow_plain_http: let token, code and results travel unencrypted, on a network that is trusted.

    Raises:
        SandboxUnavailable: the gateway does not answer, refuses, or its kernel does not come up.
        ConfigError: the address cannot be used, or the token is not set.
    """

    tier = "remote"

    def __init__(
        self,
        url: str,
        *,
        token_env: str = "",
        kernel_name: str = "",
        policy: SandboxPolicy | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        self.policy = policy or SandboxPolicy()
        self._gateway = Gateway(url, token_env, allow_plain_http=allow_plain_http)
        mark = f"lllm:call:{secrets.token_hex(8)}:"
        self._client = Client(self.policy, Broker(self.policy), self._gateway.mask, uuid.uuid4().hex, mark)
        self._running = threading.Lock()
        self._socket: WebSocket | None = None
        self._used_s = 0.0
        self._is_closed = self._is_ended = False
        self._id = self._gateway.start(kernel_name, START_S)
        try:
            self._set_up()
        except SandboxError as error:
            self._end()
            raise SandboxUnavailable(self._gateway.mask(error.message), hint=error.hint) from None
        except BaseException:
            self._end()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether it can run another cell, as far as this side knows."""
        return not self._is_closed

    def execute(self, code: str, timeout_s: float | None = None, on_call: OnCall | None = None) -> CellResult:
        """Run one cell to its end; see ``Kernel``. Where the connection is lost, the kernel is ended: "state lost"."""
        with self._running:
            if self._is_closed:
                return to_died("the kernel has ended before this cell")
            try:
                result = self._run(code, self.policy.timeout_s if timeout_s is None else timeout_s, on_call)
            except SocketLost as error:
                result = to_died(f"the gateway cannot be reached any more: {self._gateway.mask(error.message)}")
            except BaseException:  # nobody waits for the cell any more, such as after Ctrl-C
                self._end()
                raise
            if result.state_lost or self._is_closed:
                self._end()
            return result

    def interrupt(self) -> None:
        """Interrupt the cell that runs; does nothing between cells."""
        if self._running.locked() and not self._is_closed:
            with suppress(SandboxError):
                self._gateway.interrupt(self._id, _END_S)

    def close(self) -> None:
        """End it, also under a cell that runs, which then ends as ``died``."""
        self._is_closed = True
        if self._running.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._running.release()
        elif self._socket is not None:
            self._socket.abort()

    def _end(self) -> None:
        """End the kernel, once. A gateway that is restarting it refuses at first; one that has gone is left alone."""
        self._is_closed = True
        if self._is_ended:
            return
        self._is_ended = True
        if self._socket is not None:
            self._socket.close()
        for pause_s in _PAUSES_S:
            time.sleep(pause_s)
            with suppress(SandboxError):
                self._gateway.end(self._id, _END_S)
                return

    def _run(self, code: str, timeout_s: float, on_call: OnCall | None, *, is_kept: bool = True) -> CellResult:
        run = RemoteRun(self._find_socket(), self._client, is_kept=is_kept)
        result = run.to_end(code, timeout_s, on_call, lambda: self._gateway.interrupt(self._id, self.policy.grace_s))
        self._used_s = time.monotonic()
        return result

    def _find_socket(self) -> WebSocket:
        """Return the connection, made anew where the old one cannot be trusted any more."""
        if self._socket is not None:
            if time.monotonic() - self._used_s < _TRUSTED_IDLE_S:
                return self._socket
            self._socket.close()
        url = self._gateway.channels_url(self._id, self._client.session)
        self._socket = WebSocket(url, self._gateway.secrets, self.policy.output_bytes + (1 << 20), START_S)
        self._used_s = time.monotonic()
        return self._socket

    def _set_up(self) -> None:
        """Wait until the kernel answers, and give it ``CALL_API`` where it speaks Python."""
        info = self._ask_info(time.monotonic() + START_S)
        language = info.get("language_info")
        name = cast("Mapping[str, Any]", language).get("name") if isinstance(language, dict) else ""
        if name != "python":
            self._client.mark = ""
            return
        source = (INSIDE / "remote.py").read_text("utf-8")
        told = {"__name__": "lllm_remote"}
        result = self._run(
            f"exec({source + f'{chr(10)}install({self._client.mark!r})'!r}, {told!r})", START_S, None, is_kept=False
        )
        if result.status != "ok":
            raise SandboxUnavailable(f"the remote kernel did not take CALL_API: {result.ename}: {result.evalue:.200}")

    def _ask_info(self, end_s: float) -> Mapping[str, Any]:
        socket = self._find_socket()
        number, text = build_message("kernel_info_request", {}, "shell", self._client.session)
        socket.send(text, START_S)
        while (said := socket.receive(end_s)) is not None:
            message = parse_frame(said.encode())
            parent, content = message.get("parent_header"), message.get("content")
            if not isinstance(parent, dict) or cast("Mapping[str, Any]", parent).get("msg_id") != number:
                continue
            if isinstance(content, dict) and "language_info" in content:
                return cast("Mapping[str, Any]", content)
        raise SandboxUnavailable(f"the remote kernel did not answer within {START_S:g} s")
