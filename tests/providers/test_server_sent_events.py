"""Server-sent events from bytes that may be cut anywhere."""

from __future__ import annotations

import pytest

from lllm.errors import BadReply
from lllm.providers.wire.sse import EventDecoder

BODY = "\ufeff: hi\r\nevent: word\r\ndata: a\r\ndata:b\r\ndata\r\nid: 3\r\n\r\n\r\ndata: é\r\n\r\n".encode()
EVENTS = [("word", b"a\nb\n"), ("", "é".encode())]


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_events_are_the_same_for_every_line_end_and_every_cut(end, size):
    """A CRLF that is cut in two is one line end, not an empty line that would end the event."""
    decoder, body = EventDecoder(), BODY.replace(b"\r\n", end)
    events = [event for at in range(0, len(body), size) for event in decoder.feed(body[at : at + size])]
    assert events == EVENTS
    assert decoder.end() is None


def test_an_event_without_its_blank_line_is_given_at_the_end():
    """Some servers forget it behind the last event."""
    decoder = EventDecoder()
    assert decoder.feed(b"data: [DONE]") == []
    assert decoder.end() == ("", b"[DONE]")


@pytest.mark.parametrize(
    "body", [b"x" * 11, b"data: 12345\ndata: 678901\n", b"data: 1\n\n" * 5], ids=["line", "event", "stream"]
)
def test_nothing_grows_without_bound(body):
    """A server may not fill our memory, neither by one line nor by many; asking again would not help."""
    with pytest.raises(BadReply) as caught:
        EventDecoder(max_event_bytes=10, max_stream_bytes=40).feed(body)
    assert not caught.value.retryable
