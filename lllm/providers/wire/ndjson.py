"""JSON lines from bytes, however the bytes were cut: one value a line, ended by LF or CRLF. Bounded; blank lines go."""

from __future__ import annotations

from lllm.errors import BadReply
from lllm.providers.wire.sse import MAX_EVENT_BYTES, MAX_STREAM_BYTES, Event


class LineDecoder:
    """Turns chunks of bytes into lines; an event of it has no name.

    Args:
        max_line_bytes: longest line.
        max_stream_bytes: most bytes in all.
    """

    def __init__(self, *, max_line_bytes: int = MAX_EVENT_BYTES, max_stream_bytes: int = MAX_STREAM_BYTES) -> None:
        self._max_line, self._max_stream = max_line_bytes, max_stream_bytes
        self._total = 0
        self._tail: list[bytes] = []  # pieces of the line that is not whole yet
        self._tail_bytes = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the lines that ``chunk`` completes.

        Raises:
            BadReply: a line or the stream is longer than allowed; not retryable.
        """
        self._total += len(chunk)
        if self._total > self._max_stream:
            raise _too_long("stream", self._max_stream)
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._tail, lines[0]))
            self._tail.clear()
            self._tail_bytes = 0
        self._tail.append(rest)
        self._tail_bytes += len(rest)
        if max(self._tail_bytes, *map(len, lines), 0) > self._max_line:
            raise _too_long("line", self._max_line)
        return [("", line) for line in lines if not line.isspace() and line]

    def end(self) -> Event | None:
        """Return the line that the stream broke off in, if any: only its line end may be missing, or more."""
        events = self.feed(b"\n")
        return events[0] if events else None


def _too_long(what: str, limit_bytes: int) -> BadReply:
    return BadReply(f"the reply holds a {what} of more than {limit_bytes:,} bytes", retryable=False)
