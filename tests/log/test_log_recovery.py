import random

import pytest

from lllm.errors import LogCorrupt, LogError
from lllm.log import LocalFileLog, fsck
from lllm.log.envelope import GENESIS, encode_line
from lllm.utils import encode_json


@pytest.fixture
def log(tmp_path):
    return LocalFileLog("base", {"log_dir": tmp_path, "durability": "none"})


def write(log, count, session="s", *, close=False):
    with log.open_session(session) as opened:
        for number in range(count):
            opened.append("message", f"1/m{number}", encode_json({"n": number}))
        if close:
            opened.append("session.close", "", '{"status":"ok"}')
    return log.folder / session / "events-000001.jsonl"


def read_prefix(log, session="s"):
    """Return the numbers of the events that can be read, and the error that ended the reading, if any."""
    found = []
    try:
        for event in log.read_session(session):
            found += [event.data["n"]]
    except LogCorrupt as error:
        return found, error
    return found, None


def test_a_log_cut_at_any_byte_gives_back_exactly_its_whole_events(log):
    """A process may die at any byte of a write, and every event before that one was promised."""
    path = write(log, 4)
    stored = path.read_bytes()
    for cut in range(len(stored) + 1):
        path.write_bytes(stored[:cut])
        whole = stored[:cut].count(b"\n")
        report = fsck(path.parent)
        assert read_prefix(log) == (list(range(whole)), None)
        assert report.events == whole
        assert report.torn_bytes == cut - (stored[:cut].rfind(b"\n") + 1)
        assert report.ok is (report.torn_bytes == 0)


def test_any_flipped_bit_is_found_and_the_events_before_it_are_kept(log):
    """Disks and hands change bytes; no changed byte may pass for what was written, and no sound one may be lost."""
    path = write(log, 4)
    stored = path.read_bytes()
    for place in range(len(stored)):
        for bit in range(8):
            bad = bytearray(stored)
            bad[place] ^= 1 << bit
            path.write_bytes(bad)
            before = stored[:place].count(b"\n")
            found, error = read_prefix(log)
            assert found == list(range(before))
            assert (error is None) == (before == 3)


def test_the_report_finds_every_flipped_byte(log):
    """What reading refuses, fsck must explain: with the place, and the number of events that are intact."""
    path = write(log, 3)
    stored = path.read_bytes()
    for place in range(0, len(stored), 3):
        bad = bytearray(stored)
        bad[place] ^= 1
        path.write_bytes(bad)
        before = stored[:place].count(b"\n")
        start = stored[:place].rfind(b"\n") + 1
        report = fsck(path.parent)
        assert (report.ok, report.events) == (False, before)
        assert report.first_bad.endswith(f":{before + 1} (byte {start})")


def test_damage_in_the_middle_is_refused_with_its_place(log):
    """Cutting there would silently drop events that others relied on."""
    path = write(log, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b'"n":1', b'"n":7') + lines[2])
    found, error = read_prefix(log)
    assert found == [0]
    assert error.where == f"{path}:2 (byte {len(lines[0])})"
    with pytest.raises(LogCorrupt):
        log.reopen_session("s")
    assert list(path.parent.glob("*.torn")) == []


@pytest.mark.parametrize("edit", ["remove", "swap", "repeat"])
def test_whole_lines_that_were_moved_are_refused(log, edit):
    """Each line is sound by itself; only the chain shows that one is missing, and no crash does this, so it is no torn end."""
    path = write(log, 4)
    a, b, c, d = path.read_bytes().splitlines(keepends=True)
    path.write_bytes({"remove": a + c + d, "swap": a + c + b + d, "repeat": a + b + b}[edit])
    found, error = read_prefix(log)
    assert found == ([0, 1] if edit == "repeat" else [0])
    assert "hash chain" in str(error)


def test_a_torn_end_is_set_aside_and_the_chain_goes_on(log):
    """After a crash the session goes on where it was, and nobody loses the bytes that explain the crash."""
    path = write(log, 3)
    stored = path.read_bytes()
    path.write_bytes(stored[:-5])
    with log.reopen_session("s") as opened:
        assert opened.append("message", "1/m9", '{"n":9}') == 3
    assert read_prefix(log) == ([0, 1, 9], None)
    torn = stored[stored[:-1].rfind(b"\n") + 1 : -5]
    assert path.with_name("events-000001.jsonl.torn").read_bytes() == torn
    assert fsck(path.parent).ok


def test_a_torn_end_over_several_files_is_set_aside_whole(tmp_path):
    """A crash between two files can leave a bad line and an empty or garbled file behind it."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "none", "max_segment_bytes": 400})
    path = write(log, 5)
    names = sorted(item.name for item in path.parent.glob("events-*"))
    assert len(names) > 2
    second = path.with_name(names[1])
    torn = second.read_bytes()[-20:-1]
    second.write_bytes(second.read_bytes()[:-1])
    for later in names[2:]:
        path.with_name(later).write_bytes(b"\0" * 50)
    kept, error = read_prefix(log)
    assert error is None
    with log.reopen_session("s") as opened:
        opened.append("message", "1/m9", '{"n":9}')
    assert read_prefix(log) == ([*kept, 9], None)
    assert fsck(path.parent).ok
    aside = second.with_name(f"{names[1]}.torn").read_bytes()
    assert torn + b"\0" * 50 * len(names[2:]) in aside


def test_a_bad_end_before_a_sound_file_is_damage(tmp_path):
    """A file is begun only after the one before it was whole, so no crash does this."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "none", "max_segment_bytes": 1})
    path = write(log, 3)
    path.write_bytes(path.read_bytes()[:-1])
    found, error = read_prefix(log)
    assert found == []
    assert error.where == f"{path}:1 (byte 0)"
    with pytest.raises(LogCorrupt):
        log.reopen_session("s")
    assert not fsck(path.parent).ok


def test_a_missing_file_in_the_middle_is_damage(tmp_path):
    """Deleting an old file to save space breaks the session, and must be told as such."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "none", "max_segment_bytes": 1})
    path = write(log, 3)
    path.with_name("events-000002.jsonl").unlink()
    found, error = read_prefix(log)
    assert found == [0]
    assert "events-000003.jsonl:1" in error.where


def test_a_session_that_lost_its_last_lines_is_seen_as_not_closed(log):
    """A clean cut between lines breaks no chain; the missing end shows it."""
    path = write(log, 2, close=True)
    assert fsck(path.parent).closed
    assert log.describe_session("s").status == "ok"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    report = fsck(path.parent)
    assert (report.ok, report.closed) == (True, False)
    assert log.describe_session("s").status == "open"


def test_an_event_of_a_newer_lllm_is_never_cut_off(log):
    """It is sound; an old program must not take it for a torn end."""
    path = write(log, 0)
    future, _ = encode_line(GENESIS, 1, "kind.of.the.future", 0, "", 0.0, "{}")
    path.write_bytes(future)
    with pytest.raises(LogError, match="unknown"):
        log.reopen_session("s")
    assert path.read_bytes() == future
    assert not fsck(path.parent).ok


def test_fsck_explains_any_bytes(tmp_path):
    """It is the last resort of somebody whose log is broken, so it may not break as well."""
    chance = random.Random(7)
    folder = tmp_path / "s"
    folder.mkdir()
    alphabet = b'{}[]":,\n\x00\xff v1seqhcr0123456789abcdef'
    for size in range(200):
        content = bytes(chance.choice(alphabet) for _ in range(size * 3))
        (folder / "events-000001.jsonl").write_bytes(content)
        report = fsck(folder)
        assert report.ok is (not content)
        assert report.events == 0


@pytest.mark.parametrize("name", ["missing", "nul\0", "x" * 5000])
def test_fsck_of_no_session_says_so(tmp_path, name):
    """A mistyped path is the most common damage."""
    report = fsck(f"{tmp_path}/{name}")
    assert not report.ok
    assert report.problems
    assert report.advice != "nothing to do"


def test_the_head_of_a_report_tells_logs_apart(log):
    """Somebody who noted it down can later prove that the whole log is the same."""
    write(log, 2)
    write(log, 2, "t")
    first, other = fsck(log.folder / "s"), fsck(log.folder / "t")
    assert first.ok
    assert first.head == [event.h for event in log.read_session("s")][-1]
    assert first.head != other.head
