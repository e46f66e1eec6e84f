"""A disk that fails at one request, every request in its turn: what was told before stays true, and nothing follows."""

import errno

import pytest
from proof_disk import Disk

from lllm.errors import LogError, LogPoisoned
from lllm.log import LocalFileLog, fsck
from lllm.log.file import WriteOptions
from lllm.utils import encode_json

TEXTS = ["x" * 40, "y" * 9000, "z" * 300, "y" * 9000, "w" * 2000, "v" * 9500, "x" * 10]


class Refused(Exception):
    """The log told whoever wrote to it that it could not."""


def error(number):
    return OSError(number, "the disk fails")


def at(wanted, act):
    """Return what fails the ``wanted``-th request, and is told whether it came."""

    def fail(number, name):
        return act(name) if number == wanted else None

    return fail


def all_fail(name):
    raise error(errno.EIO)


def full(name):
    if name == "write":
        raise error(errno.ENOSPC)


class ThenFull:
    """A write that stops in the middle, and a disk that is full from there on."""

    def __init__(self, wanted):
        self.wanted = wanted

    def __call__(self, number, name):
        if number < self.wanted or name != "write":
            return None
        if number == self.wanted:
            return 13
        raise error(errno.ENOSPC)


def write_session(log, told):
    """Write a session to its end; note in ``told`` each event that the log took, and hold it to its word when it did not."""
    try:
        opened = log.open_session("s")
    except LogError as refused:
        raise Refused from refused
    try:
        for text in TEXTS:
            told.append(opened.append("message", "1/m0", encode_json({"text": text})) and text)
            opened.barrier()
        opened.close()
    except LogPoisoned as poisoned:
        hold_to_its_word(opened)
        raise Refused from poisoned


def hold_to_its_word(opened):
    """Nothing is taken any more, though the disk works again."""
    for _ in range(2):
        with pytest.raises(LogPoisoned):
            opened.append("message", "1/m9", "{}")
        with pytest.raises(LogPoisoned):
            opened.barrier()
        assert opened.needs_barrier
    opened.close()


def check_rest(folder, told, durability):
    """What was told is there, at most one event more, and a writer goes on behind it."""
    log = LocalFileLog("base", {"log_dir": folder}, WriteOptions("flush", max_segment_bytes=1500))
    if "s" not in log.session_names():
        assert told == []
        return
    found = [event.data["text"] for event in log.read_session("s")]
    assert found[: len(told)] == told
    # Strict syncs an event before it is told: one whose sync failed is there, and was not.
    assert len(found) <= len(told) + (durability == "strict")
    with log.reopen_session("s") as opened:
        opened.append("message", "1/m9", encode_json({"text": "after"}))
    assert [event.data["text"] for event in log.read_session("s")] == [*found, "after"]
    assert fsck(log.folder / "s").ok


def fails_at(folder, durability, fail):
    """Write a session on a disk that fails; return whether the log said so."""
    folder.mkdir()
    disk = Disk(folder, fail=fail)
    told = []
    log = LocalFileLog("base", {"log_dir": folder}, disk.options(durability, max_segment_bytes=1500))
    refused = False
    try:
        write_session(log, told)
    except Refused:
        refused = True
    disk.fail = None
    check_rest(folder, told, durability)
    return refused, disk.requests


@pytest.mark.parametrize("durability", ["flush", "barrier", "strict"])
@pytest.mark.parametrize(
    ("make", "struck"),
    [
        pytest.param(lambda wanted: at(wanted, all_fail), {"write", "sync", "sync_folder"}, id="EIO"),
        pytest.param(lambda wanted: at(wanted, full), {"write"}, id="ENOSPC"),
        pytest.param(ThenFull, {"write"}, id="half a write, then ENOSPC"),
    ],
)
def test_a_disk_that_fails_at_any_request_poisons_the_log(tmp_path, make, struck, durability):
    """An effect whose intent did not reach the disk must not be sent, and the error may strike anywhere."""
    names = []
    refused, requests = fails_at(tmp_path / "whole", durability, lambda _, name: names.append(name))
    assert not refused
    assert requests == len(names) >= len(TEXTS)
    for wanted, name in enumerate(names):
        refused, _ = fails_at(tmp_path / str(wanted), durability, make(wanted))
        assert refused or name not in struck


def test_short_writes_alone_are_finished_and_told_to_nobody(tmp_path):
    """A write may stop anywhere without an error, in a blob as in the log."""
    refused, _ = fails_at(tmp_path / "short", "strict", lambda _, name: 7 if name == "write" else None)
    assert not refused
