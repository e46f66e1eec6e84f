import json
import re
from hashlib import sha256
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.errors import LogCorrupt, LogError
from lllm.log.envelope import GENESIS, KINDS, UPCASTERS, Event, decode_line, encode_line
from lllm.utils import encode_json


def line_of(seq=1, prev=GENESIS, kind="message", data="{}", **rest):
    return encode_line(prev, seq, kind, rest.get("cause", 0), rest.get("id", "1/m0"), 1.5, data, rest.get("ign", False))


def test_a_line_is_plain_json_that_ends_in_its_hash_and_checksum():
    """Users read logs with jq, so every line must be an ordinary object with the documented keys in order."""
    line, h = line_of(data='{"a":1}')
    assert list(json.loads(line)) == ["v", "seq", "kind", "cause", "id", "ts", "data", "h", "crc"]
    assert json.loads(line)["h"] == h
    assert re.fullmatch(rb'.*,"h":"[0-9a-f]{32}","crc":"[0-9a-f]{8}"\}\n', line)


def test_an_envelope_costs_less_than_200_bytes():
    """An echo turn of four events must stay under 1,200 bytes, and 300 of those are its text."""
    line, _ = encode_line(GENESIS, 99_999, "model.request", 99_998, "99/s0", 1795236863.138358, "{}")
    assert len(line) < 200


@given(
    st.dictionaries(st.text(), st.one_of(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.none())),
    st.text(),
)
def test_what_was_encoded_is_decoded(data, place):
    """Any text, lone surrogates included, comes back as it was."""
    line, h = line_of(data=encode_json(data), id=place)
    event = decode_line(line, None)
    assert event == Event(1, 1, "message", 0, place, 1.5, json.loads(encode_json(data)), False, line[:-1], h)


def test_the_hash_covers_the_line_before():
    """A line that was taken from another log, or whose predecessor was edited, must not pass."""
    first, h = line_of()
    second, _ = line_of(2, h)
    event = decode_line(first, None)
    assert decode_line(second, event).seq == 2
    other = decode_line(line_of(data='{"x":1}')[0], None)
    with pytest.raises(LogCorrupt, match="hash chain"):
        decode_line(second, other)


def test_a_gap_in_seq_is_refused():
    """Replay counts on seq; a writer that skipped one is broken even when its hashes are right."""
    with pytest.raises(LogCorrupt, match="seq 2, expected 1"):
        decode_line(line_of(2)[0], None)


def test_every_flipped_bit_of_a_line_is_refused():
    """There is no byte of a line that can change unseen."""
    line, _ = line_of(data='{"text":"hello"}')
    for place in range(len(line) - 1):
        for bit in range(8):
            bad = bytearray(line)
            bad[place] ^= 1 << bit
            with pytest.raises(LogCorrupt):
                decode_line(bytes(bad), None)


@pytest.mark.parametrize("data", ["[]", "", "1", '{"a":\n1}', '{"a":"é"}', "{", "null"])
def test_data_that_would_break_the_line_is_not_written(data):
    """A newline or a bare value in data would make a log that nobody can read."""
    with pytest.raises(ValueError):
        line_of(data=data)


@pytest.mark.parametrize(
    "data",
    ['{"a":}', '{"a":NaN1}', "{" + '"a":{' * 100_000 + "}" * 100_001, '{"n":' + "9" * 5000 + "}"],
    ids=["no value", "bad number", "too deep", "too long a number"],
)
def test_a_sound_line_that_is_not_json_is_damage(data):
    """Checksums prove that bytes were kept, not that they mean anything; the reader must still not crash."""
    with pytest.raises(LogCorrupt, match="not JSON"):
        decode_line(line_of(data=data)[0], None)


def test_an_unknown_kind_is_refused_unless_it_may_be_skipped():
    """Skipping what one does not know is safe only where the writer said so."""
    with pytest.raises(LogError, match="'future'") as caught:
        decode_line(line_of(kind="future")[0], None)
    assert not isinstance(caught.value, LogCorrupt)
    assert decode_line(line_of(kind="future", ign=True)[0], None).kind == "future"


def reversion(version: str) -> bytes:
    """Return a sound first line of another envelope version."""
    body = line_of()[0].split(b',"h":')[0].replace(b'"v":1', b'"v":' + version.encode())
    tail = b',"h":"%b"' % sha256(GENESIS.encode() + body).hexdigest()[:32].encode()
    return body + tail + b',"crc":"%08x"}\n' % crc32(body + tail)


def test_the_helper_of_this_file_makes_the_lines_that_the_writer_makes():
    """The tests below stand on it; it also states the format a second time, independently."""
    assert reversion("1") == line_of()[0]


def test_a_newer_version_is_refused_as_newer_and_not_as_damage():
    """Recovery cuts damaged ends; a line that a newer lllm wrote must never be cut."""
    with pytest.raises(LogError, match="version 2") as caught:
        decode_line(reversion("2"), None)
    assert not isinstance(caught.value, LogCorrupt)
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize("version", ['"1"', "null", "true", "0", "-1"])
def test_a_version_that_never_existed_is_damage(version):
    """Only a number above ours can come from the future."""
    with pytest.raises(LogCorrupt, match="version"):
        decode_line(reversion(version), None)


def test_an_old_version_is_lifted_when_it_is_read():
    """Files are never rewritten, so every later lllm must read today's."""
    lifted = decode_line(reversion("0"), None, {**UPCASTERS, 0: lambda old: old | {"id": "lifted"}})
    assert lifted.id == "lifted"
    assert lifted.v == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_written_and_read(kind):
    """The table is the list of what may stand in a log."""
    assert decode_line(line_of(kind=kind)[0], None).kind == kind
