"""What the kernel and the host say to each other: frames over a socket, and values as JSON knows them.

A frame is four bytes, the length of what follows (big endian), and that many bytes of JSON.
"""

from __future__ import annotations

import json
import math
import select
import signal
import socket
import struct
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes as long to load as much of the rest
    from typing import Any

MAX_FRAME = 2 << 20
# Of what is shown or asked: the host reads no more than that from one frame.
MAX_DEPTH, MAX_ITEMS = 30, 30_000


class Uninterrupted:
    """Holds back interrupts, and a cell's own alarms: one in the midst of a frame would put both sides out of step."""

    _numbers = (signal.SIGINT, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGTERM, signal.SIGUSR1)

    def __enter__(self) -> None:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)

    def __exit__(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)


class Channel:
    """One socket to the host."""

    def __init__(self, number: int) -> None:
        self.socket = socket.socket(fileno=number)
        self.lock = threading.RLock()
        self._held = bytearray()
        self._ready = select.poll()
        self._ready.register(number, select.POLLIN)

    def send(self, message: Any, max_bytes: int = MAX_FRAME) -> None:
        """Send one message; ValueError where it is too long or no JSON."""
        data = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
        if len(data) > max_bytes:
            raise ValueError(f"they have {len(data):,} bytes, and may have {max_bytes:,}")
        with self.lock, Uninterrupted():
            self.socket.sendall(struct.pack(">I", len(data)) + data)

    def receive(self) -> Any:
        """Return the next message, or None when the host has hung up. An interrupt may break in; nothing is lost."""
        while (data := self._next()) is None:
            self._ready.poll()
            with Uninterrupted():
                piece = self.socket.recv(1 << 18)
                self._held += piece
            if not piece:
                return None
        return json.loads(data)

    def _next(self) -> bytes | None:
        """Return the next frame, where all of it has arrived."""
        with Uninterrupted():
            if len(self._held) < 4:
                return None
            end = 4 + struct.unpack_from(">I", self._held)[0]
            if len(self._held) < end:
                return None
            data = bytes(self._held[4:end])
            del self._held[:end]
            return data

    def close(self) -> None:
        """Let go of the socket; its other end stays as it is."""
        self.socket.close()


def to_text(value: object) -> str:
    """Return what ``str`` makes of a value, whatever it does."""
    try:
        return str(value).encode("utf-8", "replace").decode()
    except Exception as error:  # noqa: BLE001 - the class of what was raised is the cell's own
        return f"<its text raised {type(error).__name__}>"


def count_items(value: Any, levels: int) -> int:
    """Return how many values JSON data holds; more than are allowed where it has more levels."""
    if not isinstance(value, dict | list | tuple):
        return 1
    inner: Any = value.values() if isinstance(value, dict) else value
    count = 1
    for item in inner if levels else (None,) * MAX_ITEMS:
        count += count_items(item, levels - 1)
        if count > MAX_ITEMS:
            break
    return count


def to_plain(value: Any) -> Any:
    """Return a value as JSON knows it: bytes as base64, other things as text."""
    if isinstance(value, dict):
        pairs: dict[Any, Any] = value
        return {to_text(key): to_plain(item) for key, item in pairs.items()}
    if isinstance(value, list | tuple):
        items: Any = value
        return [to_plain(item) for item in items]
    if isinstance(value, bytes):
        import base64  # noqa: PLC0415 - pictures only

        return base64.b64encode(value).decode()
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return to_text(value)
    return value if value is None or isinstance(value, bool | int | float) else to_text(value)
