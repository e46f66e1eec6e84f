"""What the kernel says and hears: frames over a socket, the text and pictures of a cell, calls of services.

A frame is four bytes, the length of what follows (big endian), and that many bytes of JSON.
"""

from __future__ import annotations

import io
import json
import math
import os
import select
import signal
import socket
import struct
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes as long to load as much of the rest
    from typing import Any

MAX_FRAME = 2 << 20
CHUNK = 32 << 10
# Not every print is worth a frame; and what a hanging cell printed last should be there all the same.
PATIENCE_S = 0.05
# Of threads that an earlier cell left running, for each cell.
LATE_CHARS = 64 << 10
# In how many pieces text may come, for each thing that a cell may show: the host counts them, too.
FRAMES = 50
# Of what is shown: the host reads no more than that from one frame.
MAX_DEPTH, MAX_ITEMS = 30, 30_000
_OWNER = "_lllm_cell"


class OutputLimitReached(BaseException):
    """The cell has written all that it may. No Exception, so that a cell which goes on after any of those ends, too."""


class APIError(RuntimeError):
    """A service did not answer, or the call was refused. The text says why."""


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


class Writer:
    """Sends what a cell writes and shows, up to a limit."""

    def __init__(self, channel: Channel, max_bytes: int, max_messages: int) -> None:
        self.channel: Channel | None = channel
        self._files: dict[str, Any] = {}
        self.max_bytes, self.max_messages = max_bytes, max_messages
        self.parent = ""
        self.is_spent = False
        self._lock = threading.RLock()
        self._name, self._held, self._flushed = "", 0, 0.0
        self._pieces: list[str] = []
        self.begin("")

    def begin(self, parent: str) -> None:
        """Begin a cell: what comes is its output."""
        with self._lock:
            self.flush()
            self.parent = parent
            self.left_bytes, self.left_messages, self.is_spent = self.max_bytes, self.max_messages, False
            self.left_late, self.left_frames = LATE_CHARS, FRAMES * self.max_messages

    def leave_to_child(self) -> None:
        """In a process that the cell forked: write past the host's socket, since two on it would garble each other."""
        self.channel, self._lock = None, threading.RLock()
        self._pieces, self._held = [], 0
        numbers = {"stdout": 1, "stderr": 2}
        for name, number in numbers.items():  # open for the child's whole life
            self._files[name] = open(number, "w", 1, "utf-8", closefd=False)  # noqa: SIM115

    def end(self, content: dict[str, Any]) -> None:
        """End the cell with its reply."""
        with self._lock:
            self.flush()
            self._send("execute_reply", content)
            self.parent = ""

    def write(self, name: str, text: str) -> None:
        """Take text of ``stdout`` or ``stderr``."""
        if self.channel is None:
            self._files[name].write(text)
            return
        with self._lock:
            if self.owner() != self.parent:
                self._write_late(name, text)
                return
            if name != self._name:
                self.flush()
                self._name = name
            if self.left_frames < 0:
                self._stop()
            fits = text[: max(0, self.left_bytes)]
            self.left_bytes -= len(text)  # the host counts bytes; here characters will do
            self._pieces.append(fits)
            self._held += len(fits)
            if self._held >= CHUNK or time.monotonic() - self._flushed > PATIENCE_S:
                self.flush()
            if len(fits) < len(text):
                self._stop()

    def owner(self) -> str:
        """Return the cell whose thread this is: the one that runs, or the one that started the thread."""
        return getattr(threading.current_thread(), _OWNER, self.parent)

    def _write_late(self, name: str, text: str) -> None:
        """Send text of a thread that an earlier cell left behind: it is nobody's output, and soon cut."""
        fits = text[: max(0, self.left_late)]
        self.left_late -= len(fits)
        if fits and self.channel is not None:
            self.channel.send({"msg_type": "stream", "parent": "", "content": {"name": name, "text": fits}})

    def flush(self) -> None:
        """Send what is held back."""
        for file in self._files.values():
            file.flush()
        with self._lock:
            text, self._pieces, self._held = "".join(self._pieces), [], 0
            for start in range(0, len(text), CHUNK):
                self._send("stream", {"name": self._name, "text": text[start : start + CHUNK]})
            self._flushed = time.monotonic()

    def show(self, kind: str, content: dict[str, Any]) -> None:
        """Send something that is shown: ``display_data``, ``execute_result``, ``error`` ..."""
        if self.channel is None:
            if kind == "error":
                self.write("stderr", "\n".join(content["traceback"]) + "\n")
            return
        with self._lock:
            if self.owner() != self.parent:
                return
            self.flush()
            content = to_plain(content)
            size, items = len(json.dumps(content)), count_items(content, MAX_DEPTH)
            if size > MAX_FRAME - 4096 or items > MAX_ITEMS:
                text = f"[an output of {size:,} bytes and {items:,} items was left out: one may have"
                text += f" {MAX_FRAME:,}, and {MAX_ITEMS:,} of no more than {MAX_DEPTH} levels]"
                content, size = {**content, "data": {"text/plain": text}, "metadata": {}}, len(text)
            self.left_bytes -= size
            self.left_messages -= 1
            if self.left_bytes < 0 or self.left_messages < 0:
                self._stop()
            self._send(kind, content)

    def _stop(self) -> None:
        self.flush()
        if not self.is_spent:
            self.is_spent = True
            note = f"\n[cut: a cell may write {self.max_bytes:,} bytes and show {self.max_messages:,} things]\n"
            self._send("stream", {"name": "stderr", "text": note})
        raise OutputLimitReached("the cell has written all that it may")

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        self.left_frames -= 1
        if self.channel is not None:
            self.channel.send({"msg_type": kind, "parent": self.parent, "content": content})


def follow_threads(writer: Writer) -> None:
    """Have each thread remember the cell that started it: its output is that cell's, and no later one's."""
    start = threading.Thread.start

    def start_owned(self: threading.Thread) -> None:
        setattr(self, _OWNER, writer.owner())
        start(self)

    threading.Thread.start = start_owned


class Stream(io.TextIOBase):
    """``sys.stdout`` and ``sys.stderr`` of the kernel."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, writer: Writer, name: str, number: int) -> None:
        self._writer, self.name, self._number = writer, f"<{name}>", number
        self._stream, self._pid = name, os.getpid()

    def write(self, text: str) -> int:
        """Write text, or raise OutputLimitReached."""
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - the cell's own code calls it
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._writer.write(self._stream, text.encode("utf-8", "replace").decode())
        return len(text)

    def flush(self) -> None:
        """Send what is held back."""
        self._writer.flush()

    def writable(self) -> bool:
        """Say yes."""
        return True

    def isatty(self) -> bool:
        """Say no."""
        return False

    def fileno(self) -> int:
        """Return the descriptor, for programs that the cell starts: the host reads it, too."""
        self._writer.flush()
        return self._number

    @property
    def buffer(self) -> Any:
        """Bytes in place of text."""
        return _Bytes(self)


class _Bytes(io.RawIOBase):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def writable(self) -> bool:
        return True


class Broker:
    """``CALL_API``: asks the host, which knows the services and the keys."""

    def __init__(self, channel: Channel, writer: Writer, max_bytes: int) -> None:
        self._channel, self._writer, self._max_bytes = channel, writer, max_bytes
        self._asked = 0

    def call(self, endpoint: str, params: Any = None) -> Any:
        """Call a service and return its answer, as JSON data.

        Args:
            endpoint: such as "fred/series/observations".
            params: its parameters by name.

        Raises:
            APIError: it did not answer, or the host refused; the text says why.
        """
        channel = self._channel
        if channel is None:
            raise APIError("only the kernel's own process can call services, not one that it forked")
        self._writer.flush()
        with channel.lock:
            self._asked = asked = self._asked + 1
            self._send(channel, {"id": asked, "endpoint": endpoint, "params": {} if params is None else params})
            answer = channel.receive()
            while answer is not None and answer["id"] != asked:  # of a call that was interrupted
                answer = channel.receive()
        if answer is None:
            raise APIError("the host takes no more calls from this kernel")
        if "error" in answer:
            raise APIError(answer["error"])
        return answer["value"]

    def _send(self, channel: Channel, request: dict[str, Any]) -> None:
        if count_items(request, MAX_DEPTH) > MAX_ITEMS:
            raise APIError(f"the parameters cannot be sent: more than {MAX_ITEMS:,} items, or {MAX_DEPTH} levels")
        try:
            channel.send(request, self._max_bytes)
        except (TypeError, ValueError, RecursionError) as error:
            raise APIError(f"the parameters cannot be sent: {error}") from None

    def close(self) -> None:
        """Take no more calls."""
        if self._channel is not None:
            self._channel.close()
        self._channel = None


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
