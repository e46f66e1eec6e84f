"""Server-sent events from bytes, however the bytes were cut (WHATWG HTML, section 9.2.6, read 2026-11).

Incremental, bounded in every direction, and tolerant where servers differ: LF, CRLF or CR, a byte order mark, no space
after the colon, comments, data over several lines, no blank line after the last event.
"""

from __future__ import annotations

from lllm.errors import BadReply

Event = tuple[str, bytes]
"""Name of the event (empty if it has none) and its data."""

MAX_EVENT_BYTES = 8 << 20
MAX_STREAM_BYTES = 64 << 20


class EventDecoder:
    """Turns chunks of bytes into events.

    Args:
        max_event_bytes: longest line, and longest event.
        max_stream_bytes: most bytes in all.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES, max_stream_bytes: int = MAX_STREAM_BYTES) -> None:
        self._max_event, self._max_stream = max_event_bytes, max_stream_bytes
        self._total = 0
        self._tail: list[bytes] = []  # pieces of the line that is not whole yet
        self._tail_bytes = 0
        self._after_cr = False
        self._first_line = True
        self._name = ""
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that ``chunk`` completes.

        Raises:
            BadReply: a line, an event or the stream is longer than allowed; not retryable.
        """
        self._total += len(chunk)
        if self._total > self._max_stream:
            raise _too_long("stream", self._max_stream)
        events: list[Event] = []
        for line in self._lines(chunk):
            if line.startswith(b"data:"):
                self._add_data(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                self._dispatch(events)
            elif line.startswith(b"event:"):
                self._name = line[6:].strip().decode("utf-8", "replace")
            elif line == b"data":  # a field without a colon is one with an empty value
                self._add_data(b"")
        return events

    def end(self) -> Event | None:
        """Return the event that the stream broke off in, if any: its blank line is missing, its data may be cut."""
        events = self.feed(b"\n\n")
        return events[0] if events else None

    def _lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines that ``chunk`` completes, and keep the rest."""
        if self._after_cr and chunk[:1] == b"\n":  # the second half of a CRLF that was cut
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk[-1:] == b"\r"
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._tail, lines[0]))
            self._tail.clear()
            self._tail_bytes = 0
            if self._first_line:
                self._first_line = False
                lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
        if rest:
            self._hold(rest)
        return lines

    def _hold(self, rest: bytes) -> None:
        self._tail.append(rest)
        self._tail_bytes += len(rest)
        if self._tail_bytes > self._max_event:
            raise _too_long("line", self._max_event)

    def _add_data(self, data: bytes) -> None:
        self._data.append(data)
        self._data_bytes += len(data)
        if self._data_bytes > self._max_event:
            raise _too_long("event", self._max_event)

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            events.append((self._name, b"\n".join(self._data)))
            self._data.clear()
            self._data_bytes = 0
        self._name = ""


def _too_long(what: str, limit_bytes: int) -> BadReply:
    return BadReply(f"the reply holds a {what} of more than {limit_bytes:,} bytes", retryable=False)
