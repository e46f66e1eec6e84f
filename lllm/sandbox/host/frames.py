"""Frames from a sandbox, read so that nothing in them can hurt: four bytes of length, big endian, and JSON.

Whoever reads is on the host, and whoever writes may be hostile. So a frame is refused by its length before anything is
kept of it, and by how much it holds before it is parsed: a megabyte of ``[],[],`` would become seventy of empty lists.
Ours are ASCII, as JSON may be: one other sign would have all of the text take four bytes each.
"""

from __future__ import annotations

import json
import math
import re
import select
import socket
import struct
import time
from collections.abc import Iterable
from typing import Any, NoReturn, cast

from lllm.errors import SandboxError

MAX_FRAME_BYTES = 2 << 20
MAX_ITEMS = 100_000
"""Texts in one frame, and signs between its values. An honest kernel sends 30,000 values, of three such signs each."""
MAX_DEPTH = 40
_READ_BYTES = 256 << 10
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # linear: nothing in it is tried twice


class BadFrame(SandboxError):
    """What came is no frame, or one that is too large; nothing more is read from there."""


class FrameReader:
    """Reads the frames of one socket.

    Args:
        source: the socket; it must not block.
        max_bytes: of one frame.
    """

    def __init__(self, source: socket.socket, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._source, self._max = source, max_bytes
        self._held = bytearray()
        self.is_open = True

    def read(self) -> int:
        """Read once what has arrived, without waiting; return how many bytes that were."""
        try:
            piece = self._source.recv(_READ_BYTES)
        except BlockingIOError:
            return 0
        except OSError:
            piece = b""
        if not piece:
            self.is_open = False
        self._held += piece
        return len(piece)

    def next(self) -> dict[str, Any] | None:
        """Return the next whole frame that was read, or None.

        Raises:
            BadFrame: it is too large, too deep, or not a JSON object.
        """
        if len(self._held) < 4:
            return None
        (size,) = struct.unpack_from(">I", self._held)
        if size > self._max:
            raise BadFrame(f"a frame of {size:,} bytes, where one may have {self._max:,}")
        if len(self._held) < 4 + size:
            return None
        data = bytes(self._held[4 : 4 + size])
        del self._held[: 4 + size]
        return parse_frame(data)


def parse_frame(data: bytes) -> dict[str, Any]:
    """Return the object that a frame holds. Pure.

    Raises:
        BadFrame: it is none, or more than a frame may hold.
    """
    if _holds_too_much(data):
        raise BadFrame(f"a frame with more than {MAX_ITEMS:,} items")
    try:
        value = json.loads(data.decode("ascii"), parse_constant=_refuse, parse_float=_to_finite)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"a frame that is no JSON: {error!s:.80}") from None
    if not isinstance(value, dict):
        raise BadFrame("a frame that is no JSON object")
    if is_deeper(value, MAX_DEPTH):
        raise BadFrame(f"a frame with more than {MAX_DEPTH} levels")
    return cast("dict[str, Any]", value)


def _holds_too_much(data: bytes) -> bool:
    if data.count(b'"') - data.count(b'\\"') > 2 * MAX_ITEMS:  # at least so many begin or end a string
        return True
    bare, strings = _STRING.subn(b"", data)
    return strings > MAX_ITEMS or sum(map(bare.count, (b"[", b"{", b",", b":"))) > MAX_ITEMS


def is_deeper(value: Any, levels: int) -> bool:
    """Whether JSON data has more than so many levels. Pure."""
    here: list[Any] = [value]
    for _ in range(levels):
        here = [item for node in here for item in _inside(node) if isinstance(item, dict | list)]
        if not here:
            return False
    return True


def _inside(node: Any) -> Iterable[Any]:
    return cast("dict[str, Any]", node).values() if isinstance(node, dict) else cast("list[Any]", node)


def build_frame(message: Any) -> bytes:
    """Return a message as one frame. Pure."""
    data = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    return struct.pack(">I", len(data)) + data


def send_frame(target: socket.socket, frame: bytes, timeout_s: float) -> bool:
    """Send a frame over a non-blocking socket; return whether all of it went out in time."""
    end_s = time.monotonic() + timeout_s
    view = memoryview(frame)
    poll = select.poll()  # select() knows no descriptor above 1023
    poll.register(target, select.POLLOUT)
    while view:
        try:
            view = view[target.send(view) :]
        except BlockingIOError:
            left_s = end_s - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                return False
        except OSError:
            return False
    return True


def _to_finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text:.20} is no number that others can read")
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
