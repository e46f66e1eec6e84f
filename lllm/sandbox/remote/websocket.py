"""One websocket to a server: the library `websockets` knows the protocol, the socket and every limit are ours.

Only the library's core without I/O is used: no thread, no redirect that would carry a token to another host, no message
that is taken in before its length is known to be allowed. Only this file imports it.
Source: https://websockets.readthedocs.io/en/stable/howto/sansio.html (read 2026-11).
"""

from __future__ import annotations

import logging
import socket
import time
from collections import deque
from contextlib import suppress
from typing import NoReturn
from urllib.parse import urlsplit

from lllm.errors import ConfigError, SandboxError
from lllm.transport.port import Secrets
from lllm.transport.route import load_authorities, read_proxy

try:
    from websockets.client import ClientProtocol
    from websockets.exceptions import PayloadTooBig
    from websockets.frames import Frame, Opcode
    from websockets.protocol import State
    from websockets.uri import parse_uri
except ImportError as missing:
    raise ConfigError("remote kernels need a websocket", hint="pip install 'lllm[gateway]'") from missing

_READ_BYTES = 64 << 10
_SILENT = logging.Logger("websocket", logging.CRITICAL + 1)  # noqa: LOG001 - of its own: it would log the token
_QUICK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux
_NO_PROXY = "a websocket cannot go through the proxy that the environment names"


class SocketLost(SandboxError):
    """The connection is of no more use.

    Attributes:
        is_flood: because the server sent a message that is longer than allowed.
    """

    def __init__(self, message: str, *, is_flood: bool = False) -> None:
        super().__init__(message)
        self.is_flood = is_flood


class WebSocket:
    """A connection over which texts go both ways. One thread at a time uses it.

    Args:
        url: ``ws://`` or ``wss://``.
        secrets: headers of the handshake that hold credentials.
        max_bytes: of one message that the server sends.
        timeout_s: for connecting and the handshake.

    Attributes:
        received_bytes: what has come so far.

    Raises:
        SocketLost: there is no such server, or it refuses; the text holds its status.
        ConfigError: the environment sends what goes to this host through a proxy.
    """

    def __init__(self, url: str, secrets: Secrets, max_bytes: int, timeout_s: float) -> None:
        end_s = time.monotonic() + timeout_s
        self.received_bytes = 0
        self._protocol = ClientProtocol(parse_uri(url), max_size=max_bytes, logger=_SILENT)
        self._pieces: list[bytes] = []
        self._messages: deque[str] = deque()
        self._socket = _connect(url, timeout_s)
        try:
            request = self._protocol.connect()
            for name, value in secrets:
                request.headers[name] = value
            self._protocol.send_request(request)
            self._flush(end_s)
            while self._protocol.state is State.CONNECTING and self._read(end_s):
                pass
            if self._protocol.state is State.CONNECTING:
                self._give_up(timeout_s)
        except BaseException:
            self._socket.close()
            raise

    def _give_up(self, timeout_s: float) -> NoReturn:
        raise SocketLost(f"the server did not answer within {timeout_s:g} s")

    def send(self, text: str, timeout_s: float) -> None:
        """Send a text.

        Raises:
            SocketLost: it could not be sent in time.
        """
        if self._protocol.state is not State.OPEN:
            raise self._lost()
        self._protocol.send_text(text.encode())
        self._flush(time.monotonic() + timeout_s)

    def receive(self, end_s: float) -> str | None:
        """Return the next text, or None when none has come until that time (of ``time.monotonic``).

        Raises:
            SocketLost: none will come any more.
        """
        while not self._messages:
            if self._protocol.state is not State.OPEN:
                raise self._lost()
            if not self._read(end_s):
                return None
        return self._messages.popleft()

    def abort(self) -> None:
        """Have whoever waits for a text in another thread find the connection lost."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say good-bye without waiting for an answer."""
        with suppress(SocketLost):
            if self._protocol.state is State.OPEN:
                self._protocol.send_close()
                self._flush(time.monotonic() + 1.0)
        self._socket.close()

    def _read(self, end_s: float) -> bool:
        """Take in what has come; return False when nothing did until that time."""
        left_s = end_s - time.monotonic()
        if left_s <= 0:
            return False
        self._socket.settimeout(left_s)
        try:
            data = self._socket.recv(_READ_BYTES)
        except TimeoutError:
            return False
        except OSError as error:
            raise SocketLost(f"the connection broke: {error}") from None
        self.received_bytes += len(data)
        if _QUICK is not None:  # servers that send in small pieces wait for our word on each: 40 ms, without this
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush(time.monotonic() + 5.0)  # pongs, and the answer to a close
        if self._protocol.handshake_exc is not None:
            raise SocketLost(f"the server refused the websocket: {self._protocol.handshake_exc!s:.200}")
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
        return True

    def _take(self, frame: Frame) -> None:
        """Put the frames of a message together. One in binary, which no client asked for, becomes no JSON later."""
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._pieces.append(bytes(frame.data))
            if frame.fin:
                self._messages.append(b"".join(self._pieces).decode("utf-8", "replace"))
                self._pieces = []

    def _flush(self, end_s: float) -> None:
        try:
            for data in self._protocol.data_to_send():
                self._socket.settimeout(max(0.001, end_s - time.monotonic()))
                if data:
                    self._socket.sendall(data)
                else:
                    self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            if self._protocol.state is State.OPEN:
                raise SocketLost(f"the connection broke: {error}") from None

    def _lost(self) -> SocketLost:
        if isinstance(self._protocol.parser_exc, PayloadTooBig):
            return SocketLost("the server sent a message that is longer than allowed", is_flood=True)
        return SocketLost("the server closed the connection")


def _connect(url: str, timeout_s: float) -> socket.socket:
    """Return a connected socket; over TLS for ``wss``."""
    parts = urlsplit(url)
    host, is_secure = parts.hostname or "", parts.scheme == "wss"
    if read_proxy("https" if is_secure else "http", host) is not None:
        raise ConfigError(_NO_PROXY, hint=f"put {host} into NO_PROXY, or reach it through a tunnel")
    try:
        plain = socket.create_connection((host, parts.port or (443 if is_secure else 80)), timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return load_authorities().wrap_socket(plain, server_hostname=host) if is_secure else plain
    except OSError as error:
        raise SocketLost(f"no connection to {host}: {error}") from None
