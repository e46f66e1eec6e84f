"""Twenty real logs, cut at every byte and with one bit flipped in every byte: all is found, and what is sound is kept."""

import random
from bisect import bisect_right
from itertools import accumulate

import pytest
from proof_logs import SHAPES, write_shape
from proof_scale import amounts

from lllm.errors import LogCorrupt
from lllm.log import LocalFileLog, fsck
from lllm.utils import encode_json

EVERY = 10**9
SAMPLE = 25


@pytest.fixture(params=SHAPES)
def written(request, tmp_path):
    return write_shape(request.param, tmp_path)


def read(written):
    """Return the lines that can be read, and the damage that ended the reading, if any."""
    lines = []
    try:
        lines.extend(event.raw for event in written.log.read_session("s"))
    except LogCorrupt as error:
        return tuple(lines), error
    return tuple(lines), None


def places(content, amount, seed):
    """Return where to strike: everywhere, or at ``amount`` places and the first and the last."""
    if amount >= len(content):
        return range(len(content))
    return sorted({0, len(content) - 1, *random.Random(seed).sample(range(len(content)), amount)})


def line_ends(content):
    return list(accumulate(len(line) for line in content.splitlines(keepends=True)))


def test_there_are_twenty_shapes_with_files_and_blobs_among_them(tmp_path):
    """A proof over logs that all look alike proves little."""
    all_written = [write_shape(name, tmp_path) for name in SHAPES]
    assert len(all_written) == 20
    assert sum(len(written.segments) > 2 for written in all_written) >= 2
    assert sum(len(written.blobs) > 0 for written in all_written) >= 3
    kinds = {event.kind for written in all_written for event in written.log.read_session("s")}
    assert kinds >= {"model.error", "wait", "function.result", "value", "frontend", "note", "session.close"}


@amounts(SAMPLE, EVERY)
def test_a_log_cut_at_any_byte_is_seen_to_be_cut_and_goes_on_from_its_exact_prefix(written, amount):
    """A process may die at any byte, and a file may be copied by halves: no event before that may be lost or changed."""
    before = 0
    for number, segment in enumerate(written.segments):
        content = written.files[segment]
        ends = line_ends(content)
        for cut in places(content, amount // len(written.segments), number):
            for later in written.segments[number + 1 :]:
                later.unlink(missing_ok=True)
            segment.write_bytes(content[:cut])
            whole = before + bisect_right(ends, cut)
            check_cut(written, whole, cut - ([0, *ends][bisect_right(ends, cut)]))
            written.restore()
        before += len(ends)


def check_cut(written, whole, torn_bytes):
    assert read(written) == (written.lines[:whole], None)
    report = fsck(written.folder)
    assert (report.ok, report.events, report.torn_bytes) == (False, whole, torn_bytes)
    with written.log.reopen_session("s") as opened:
        assert opened.append("note", "note/99", '{"text":"goes on"}') == whole + 1
    lines, error = read(written)
    assert (lines[:-1], error) == (written.lines[:whole], None)
    assert fsck(written.folder).ok


@amounts(SAMPLE, EVERY)
def test_one_flipped_bit_anywhere_is_found_with_its_place(written, amount):
    """Disks and hands change bytes: no changed event may pass, and none behind it may be cut off unasked."""
    before = 0
    for number, segment in enumerate(written.segments):
        content = written.files[segment]
        ends = line_ends(content)
        for place in places(content, amount // len(written.segments), number):
            segment.write_bytes(flipped(content, place))
            line = bisect_right(ends, place)
            check_flip(written, before + line, f"{segment}:{line + 1} (byte {[0, *ends][line]})")
        written.restore()
        before += len(ends)


def flipped(content, place):
    bad = bytearray(content)
    bad[place] ^= 1 << (place * 5 + 3) % 8
    return bytes(bad)


def check_flip(written, sound, where):
    lines, error = read(written)
    assert lines == written.lines[:sound]
    report = fsck(written.folder)
    assert (report.ok, report.events, report.first_bad) == (False, sound, where)
    if sound == len(written.lines) - 1:
        assert error is None  # damage of the last line is what a crash leaves, too
        return
    assert error.where == where
    with pytest.raises(LogCorrupt):
        written.log.reopen_session("s")


@amounts(SAMPLE, EVERY)
def test_one_flipped_bit_anywhere_in_a_blob_is_found_with_its_file(tmp_path, amount):
    """An event whose text was changed must not be replayed as if it were the text that was sent."""
    for name in ("a_large_question", "large_results", "arguments_over_the_limit"):
        written = write_shape(name, tmp_path)
        for blob in written.blobs:
            first = next(number for number, line in enumerate(written.lines) if blob.name.encode() in line)
            for place in places(written.files[blob], amount, 0):
                blob.write_bytes(flipped(written.files[blob], place))
                lines, error = read(written)
                assert (lines, error.where) == (written.lines[:first], str(blob))
            assert fsck(written.folder).missing_blobs == [blob.name]
            written.restore()


@amounts(SAMPLE, EVERY)
def test_a_sector_that_was_on_the_disk_once_is_not_taken_for_a_power_loss(tmp_path, amount):
    """A sector of zeros is what a power loss leaves of what no barrier covered; of anything else, it is damage."""
    written = write_shape("functions_at_once", tmp_path)
    (segment,) = written.segments
    content = written.files[segment]
    starts = range(0, len(content) - len(written.lines[-1]) - 512, 512)
    for start in starts[:amount]:
        segment.write_bytes(content[:start] + bytes(512) + content[start + 512 :])
        sound = content[:start].count(b"\n")
        lines, error = read(written)
        assert lines == written.lines[:sound]
        assert error is not None
        with pytest.raises(LogCorrupt):
            written.log.reopen_session("s")
    # Where nobody knows that it was synced, the same is a torn end.
    (written.folder / "lock").unlink()
    assert read(written) == (written.lines[:sound], None)


@amounts(400, EVERY)
def test_one_flipped_bit_is_never_taken_for_a_power_loss(tmp_path, amount):
    """A bit may turn a space into a NUL, at the end of a sector, too; what is behind it would be cut off."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush"})
    with log.open_session("s") as opened:
        for _ in range(4):
            opened.append("value", "v/0", encode_json({"text": " @" * 1500}))
        opened.append("session.close", "", "{}")
    segment = log.folder / "s" / "events-000001.jsonl"
    content = segment.read_bytes()
    ends = line_ends(content)
    blanks = [place for place in range(ends[3]) if content[place] in b" @"]
    at_ends = [place for place in blanks if place % 512 in (0, 511)]
    for place in [*at_ends, *blanks[:: max(1, len(blanks) // amount)]]:
        segment.write_bytes(content[:place] + b"\0" + content[place + 1 :])
        with pytest.raises(LogCorrupt):
            log.reopen_session("s")
