"""What a cell writes and shows, sent to the host while it runs, up to a limit."""

from __future__ import annotations

import io
import json
import os
import threading
import time

from wire import MAX_DEPTH, MAX_FRAME, MAX_ITEMS, Channel, count_items, to_plain

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes as long to load as much of the rest
    from typing import Any

CHUNK = 32 << 10
# Not every print is worth a frame; and what a hanging cell printed last should be there all the same.
PATIENCE_S = 0.05
# Of threads that an earlier cell left running, for each cell.
LATE_CHARS = 64 << 10
# In how many pieces text may come, for each thing that a cell may show: the host counts them, too.
FRAMES = 50
_OWNER = "_lllm_cell"


class OutputLimitReached(BaseException):
    """The cell has written all that it may. No Exception, so that a cell which goes on after any of those ends, too."""


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
