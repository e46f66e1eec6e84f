"""Frames from a sandbox: honest ones arrive whole, hostile ones are refused before they cost anything."""

from __future__ import annotations

import json
import os
import resource
import socket
import struct
import tracemalloc

import pytest

from lllm.sandbox.host.frames import (
    MAX_DEPTH,
    MAX_FRAME_BYTES,
    BadFrame,
    FrameReader,
    build_frame,
    is_deeper,
    parse_frame,
    send_frame,
)

MiB = 1 << 20


@pytest.fixture
def pair():
    """Both ends of a socket; the first one does not block."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def read_all(reader):
    found = []
    while reader.read():
        while (frame := reader.next()) is not None:
            found.append(frame)
    return found


def test_frames_arrive_whole_however_they_are_cut(pair):
    """A socket gives what has arrived so far: half a length, a frame and a half."""
    ours, theirs = pair
    reader, found = FrameReader(ours), []
    sent = [{"a": "é😀"}, {}, {"b": [1, None, 2.5]}]
    for byte in b"".join(map(build_frame, sent)):
        theirs.send(bytes([byte]))
        found += read_all(reader)
    assert found == sent
    theirs.send(b"".join(map(build_frame, sent)))
    assert read_all(reader) == sent


def test_nothing_to_read_is_no_end(pair):
    ours, theirs = pair
    reader = FrameReader(ours)
    assert (reader.read(), reader.is_open, reader.next()) == (0, True, None)
    theirs.close()
    assert (reader.read(), reader.is_open) == (0, False)


def test_what_came_before_the_end_is_still_read(pair):
    """The last words of a kernel that died."""
    ours, theirs = pair
    theirs.send(build_frame({"last": 1}))
    theirs.close()
    assert read_all(FrameReader(ours)) == [{"last": 1}]


def test_a_socket_that_is_closed_here_is_an_end(pair):
    """Another thread closed the kernel."""
    ours, _ = pair
    reader = FrameReader(ours)
    ours.close()
    assert (reader.read(), reader.is_open) == (0, False)


def test_a_frame_is_refused_by_its_length_alone(pair):
    """Nothing of its body is waited for or kept."""
    ours, theirs = pair
    reader = FrameReader(ours, 100)
    theirs.send(struct.pack(">I", 101))
    reader.read()
    with pytest.raises(BadFrame, match="101 bytes"):
        reader.next()
    theirs.send(struct.pack(">I", 0xFFFF_FFFF))
    other = FrameReader(ours, MAX_FRAME_BYTES)
    other.read()
    with pytest.raises(BadFrame, match="4,294,967,295 bytes"):
        other.next()


def listed(item, size=MAX_FRAME_BYTES - 100):
    """Return as many items as a frame has room for."""
    count = size // (len(item) + 1)
    return b'{"a":[' + b",".join([item] * count) + b"]}"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"junk", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b'{"a": "\xc3\xa9"}', "no JSON"),  # ours are ASCII
        (b"[1]", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b'{"a": -Infinity}', "Infinity is no JSON"),
        (b'{"a": 1e999}', "no number that others can read"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no JSON"),
        (b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "no JSON"),
        (b'{"a":' * 41 + b"1" + b"}" * 41, "more than 40 levels"),
        (b"[" * 200_000, "items"),
        (listed(b"[]"), "items"),
        (listed(b"{}"), "items"),
        (listed(b"1.5"), "items"),
        (listed(b'""'), "items"),
        (b'{"a":"' + b'\\"' * 900_000, "no JSON"),  # an end that never comes
        (b'"' * 400_000, "items"),
    ],
)
def test_a_hostile_frame_is_refused(data, why):
    with pytest.raises(BadFrame, match=why):
        parse_frame(data)


def test_signs_within_text_are_no_brackets():
    """A page that a cell shows has a script of many braces in it, and a table in CSV many commas."""
    text = "[{,:" * 100_000 + '"\\"' * 1000
    assert parse_frame(json.dumps({"text/html": text}).encode()) == {"text/html": text}


def test_levels_are_counted_as_they_are():
    assert not is_deeper([[[]]], 3)
    assert is_deeper([[[]]], 2)
    assert not is_deeper({"a": [1] * 1000}, 2)
    deepest = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    assert is_deeper(parse_frame(deepest), MAX_DEPTH - 1)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":[' + b",".join([b"1.5555555555555"] * 99_000) + b"]}",
        b'{"a":[' + b",".join(b'"%05d\\u0100"' % number for number in range(99_000)) + b"]}",
        b"{" + b",".join(b'"%05d":300' % number for number in range(49_000)) + b"}",
        b'{"a":[' + b",".join([b"[1]"] * 49_000) + b"]}",
        b'{"a":[' + b",".join([b'{"a":1}'] * 24_000) + b"]}",
        b'{"a":"' + b"a" * (MAX_FRAME_BYTES - 40) + b'\\ud83d\\ude00"}',
        listed(b'"aa"'),
        listed(b'"\\\\"'),
    ],
    ids=["floats", "texts", "keys", "lists", "dicts", "wide text", "refused", "backslashes"],
)
def test_no_frame_becomes_large_in_memory(data):
    """A host that holds many sandboxes must not be filled by what one of them sends in a moment."""
    tracemalloc.start()
    try:
        parse_frame(data)
    except BadFrame:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 24 * MiB


def test_an_endless_stream_holds_one_frame_at_a_time(pair):
    """Whoever writes without end is read piece by piece; what is kept is bounded by the frame's own limit."""
    ours, theirs = pair
    theirs.setblocking(False)
    reader, frame = FrameReader(ours, 10_000), build_frame({"a": "x" * 9_000})
    for _ in range(200):
        try:
            theirs.send(frame)
        except BlockingIOError:
            reader.read()
            while reader.next() is not None:
                pass
        assert len(reader._held) < 10_000 + (256 << 10)


def test_sending_ends_when_nobody_reads(pair):
    """A kernel that takes nothing must not hold the thread that runs its cell."""
    ours, _ = pair
    assert send_frame(ours, build_frame({"a": 1}), 1)
    assert not send_frame(ours, bytes(8 * MiB), 0.01)


def test_sending_to_nobody_is_told(pair):
    ours, theirs = pair
    theirs.close()
    assert not send_frame(ours, bytes(8 * MiB), 1)


def test_descriptors_above_1023_are_as_good(pair):
    """A server has many; ``select`` fails with them."""
    ours, _ = pair
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard[1] < 2000:
        pytest.skip("no more than 1,023 descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2000, hard[1]))
    try:
        os.dup2(ours.fileno(), 1500)
        with socket.socket(fileno=1500) as high:
            assert not send_frame(high, bytes(8 * MiB), 0.01)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, hard)
