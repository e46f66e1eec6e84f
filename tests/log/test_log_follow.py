"""A session is read while it is written: each event once, verified, until it ends."""

import os
import threading
from contextlib import closing

import pytest

from lllm.errors import LogCorrupt, SessionNotFound
from lllm.log import LocalFileLog
from lllm.log.file import WriteOptions
from lllm.log.flock import is_held
from lllm.log.follow import PAUSE_S, Follower, follow
from lllm.utils import encode_json


@pytest.fixture
def log(tmp_path):
    return LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush", "max_segment_bytes": 600})


def note(opened, text="x"):
    return opened.append("note", "", encode_json({"text": text}))


def acts(*steps):
    """Return a wait that does one thing each time somebody waits."""
    left = list(steps)

    def wait(seconds):
        assert seconds == PAUSE_S
        assert left, "it waits for something that does not come"
        left.pop(0)()

    return wait


def nothing():
    pass


def gather(events, seen):
    """Put events into a list one by one: the end may be an error."""
    for event in events:
        seen.append(event)


def told(events):
    return [(event.seq, event.data.get("text", event.kind)) for event in events]


def segment(log, session, number=1):
    return log.folder / session / f"events-{number:06d}.jsonl"


def interrupting(broken):
    """Return options of a writer whose next writes are cut short by Ctrl-C where ``broken`` says so, one after one."""

    def write(fd, content):
        done = os.write(fd, content)
        if broken and broken.pop(0):
            raise KeyboardInterrupt
        return done

    return WriteOptions("flush", write=write)


def test_events_come_as_they_are_written_across_files(log):
    """Who watches a run sees all of it, in its order, and then is let go."""
    opened = log.open_session("s")
    note(opened)
    steps = [lambda: [note(opened, "y" * 150) for _ in range(9)]] * 3
    close = [lambda: opened.append("session.close", "", '{"status":"ok"}'), opened.close]
    seen = list(follow(log, "s", wait=acts(*steps, *close)))
    assert [event.raw for event in seen] == [event.raw for event in log.read_session("s")]
    assert len(seen) == 29
    assert len(list((log.folder / "s").glob("events-*"))) > 5


def test_a_closed_session_ends_at_once(log):
    """There is nothing to wait for."""
    with log.open_session("s") as opened:
        note(opened)
        opened.append("session.close", "", '{"status":"ok"}')
    assert len(list(follow(log, "s", wait=acts()))) == 2
    assert told(follow(log, "s", from_seq=2, wait=acts())) == [(2, "session.close")]


def test_half_a_line_is_not_shown(log):
    """Nobody knows yet what it will be."""
    opened = log.open_session("s")
    note(opened, "whole")
    path = segment(log, "s")
    line = path.read_bytes()
    with path.open("ab") as file:
        file.write(line[:20])
    steps = acts(
        nothing, lambda: os.truncate(path, len(line)), lambda: note(opened, "next"), opened.close, *[nothing] * 3
    )
    assert told(follow(log, "s", wait=steps)) == [(1, "whole"), (2, "next")]


def test_an_event_that_is_taken_back_is_followed_by_what_stands_in_its_place(tmp_path):
    """Ctrl-C in mid-append leaves a line that its writer takes back; a reader may have been faster."""
    broken = []
    log = LocalFileLog("base", {"log_dir": tmp_path}, interrupting(broken))
    opened = log.open_session("s")

    def interrupted():
        broken.append(True)
        with pytest.raises(KeyboardInterrupt):
            note(opened, "never")

    for instead in ("a", "a longer one"):
        steps = acts(lambda: note(opened, "x"), interrupted, lambda text=instead: note(opened, text), nothing)
        follower = Follower(log, "s")
        seen = []
        with pytest.raises(AssertionError, match="does not come"):
            gather(follower.read_on(lambda: False, steps), seen)
        assert [event.data["text"] for event in seen][-3:] == ["x", "never", instead]
        assert follower.last.raw == list(log.read_session("s"))[-1].raw
        follower.close()
    opened.close()


def test_an_event_that_is_taken_back_while_it_is_read_is_no_damage(tmp_path):
    """What stands behind it then follows another event."""
    broken = [False, True]
    opened = LocalFileLog("base", {"log_dir": tmp_path}, interrupting(broken)).open_session("s")
    note(opened, "first")
    with pytest.raises(KeyboardInterrupt):
        note(opened, "never")
    with closing(Follower(LocalFileLog("base", {"log_dir": tmp_path}), "s")) as follower:
        reading = follower.read()
        seen = [next(reading), next(reading)]
        note(opened, "other")  # as long as what it replaces, so that the next one begins where a line is awaited
        note(opened, "next")
        gather(reading, seen)
        gather(follower.read(), seen)
    assert told(seen) == [(1, "first"), (2, "never"), (2, "other"), (3, "next")]
    opened.close()


def test_a_forks_event_that_is_taken_back_leaves_its_place_to_the_next(log):
    """What a fork says anew has the seq of what it replaces, though it was said twice."""
    with log.open_session("s") as opened:
        opened.append("session.open", "", "{}")
        opened.append("message", "1/m0", '{"text":"old"}')
    chain = list(log.read_session("s"))[-1].h
    broken = []
    opened = LocalFileLog("base", {"log_dir": log.folder.parent}, interrupting(broken)).open_session("f")
    opened.append("session.open", "", encode_json({"parent": {"session": "s", "seq": 2, "chain": chain}}))
    broken.append(True)
    with pytest.raises(KeyboardInterrupt):
        opened.append("message", "1/m0", '{"text":"never"}')
    with closing(Follower(log, "f")) as follower:
        seen = list(follower.read())
        opened.append("message", "1/m0", '{"text":"new"}')
        note(opened, "own")
        gather(follower.read(), seen)
    opened.close()
    assert told(seen)[3:] == [(2, "never"), (2, "new"), (3, "own")]


@pytest.mark.parametrize(
    ("parent", "error"), [("base", SessionNotFound), ("last", SessionNotFound), ("../x", LogCorrupt)]
)
def test_a_parent_that_is_gone_is_told_as_everywhere(log, parent, error):
    """A session whose name begins like the parent's is another one."""
    log.open_session("base-other").close()
    with log.open_session("f") as opened:
        opened.append("session.open", "", encode_json({"parent": {"session": parent, "seq": 1, "chain": "x"}}))
    messages = []
    for reading in (log.read_run("f"), follow(log, "f", wait=acts())):
        with pytest.raises(error) as raised:
            list(reading)
        messages.append((type(raised.value), str(raised.value), raised.value.hint))
    assert messages[0] == messages[1]


def test_a_writer_that_dies_ends_it(log):
    """A person must not wait for ever for a process that was killed."""
    opened = log.open_session("s")
    note(opened)
    path = segment(log, "s")
    line = path.read_bytes()

    def die():
        with path.open("ab") as file:
            file.write(line[:-30] + b"\n" + line[:7])
        opened.close()

    follower = Follower(log, "s")
    assert told(follower.read_on(lambda: False, acts(die, nothing, nothing))) == [(1, "x")]
    assert not follower.is_closed
    assert not follower.is_written
    follower.close()


def test_a_session_that_is_resumed_is_followed_on(log):
    """The first end of a session need not be its last."""
    with log.open_session("s") as opened:
        opened.append("session.close", "", '{"status":"failed"}')
    opened = log.reopen_session("s")
    close = lambda: (opened.append("session.close", "", '{"status":"ok"}'), opened.close())  # noqa: E731
    assert [event.seq for event in follow(log, "s", wait=acts(nothing, lambda: note(opened), close))] == [1, 2, 3]


def test_a_torn_end_is_stepped_over_when_a_new_writer_sets_it_aside(log):
    """What follows stands where the torn end stood."""
    with log.open_session("s") as opened:
        note(opened)
    path = segment(log, "s")
    with path.open("ab") as file:
        file.write(path.read_bytes()[:-30] + b"\nmore")
    again = []

    def resume():
        again.append(log.reopen_session("s"))
        note(again[0], "resumed")
        again[0].append("session.close", "", '{"status":"ok"}')
        again[0].close()

    assert told(follow(log, "s", wait=acts(resume, nothing))) == [(1, "x"), (2, "resumed"), (3, "session.close")]


@pytest.mark.parametrize("number", [1, 2])
def test_damage_is_refused_after_what_stands_before_it(log, number):
    """What is shown is verified, here as everywhere."""
    with log.open_session("s") as opened:
        for text in "abcdefgh":
            note(opened, text * 150)
    path = segment(log, "s", number)
    path.write_bytes(path.read_bytes().replace(b'"data"', b'"dada"', 1))
    seen = []
    with pytest.raises(LogCorrupt):
        gather(follow(log, "s", wait=acts()), seen)
    expected = []
    with pytest.raises(LogCorrupt):
        gather(log.read_session("s"), expected)
    assert seen == expected


def test_a_lost_newline_before_the_next_file_is_damage(log):
    """Bytes that are no line may be a torn end only where nothing follows them."""
    with log.open_session("s") as opened:
        for text in "abcdefgh":
            note(opened, text * 150)
    path = segment(log, "s")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LogCorrupt):
        list(follow(log, "s", wait=acts()))


def test_a_line_of_another_chain_is_refused(log):
    """A whole line that did not follow is no event of this session."""
    with log.open_session("s") as opened:
        note(opened, "a")
        note(opened, "b")
    path = segment(log, "s")
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second + second)
    with pytest.raises(LogCorrupt, match="chain") as caught:
        list(follow(log, "s", wait=acts()))
    assert f"byte {len(first + second)}" in caught.value.where


def test_of_a_fork_all_of_the_run_is_shown(log):
    """A fork's own events make no sense without those before them."""
    with log.open_session("s") as opened:
        opened.append("session.open", "", "{}")
        opened.append("message", "1/m0", '{"text":"old"}')
        note(opened, "not shared")
    chain = [event.h for event in log.read_session("s")][1]
    opened = log.open_session("f")
    opened.append("session.open", "", encode_json({"parent": {"session": "s", "seq": 2, "chain": chain}}))
    steps = [
        lambda: opened.append("message", "1/m0", '{"text":"new"}'),
        lambda: (opened.append("message", "1/m1", '{"text":"own"}'), note(opened, "own")),
        lambda: (opened.append("session.close", "", '{"status":"ok"}'), opened.close()),
    ]
    seen = list(follow(log, "f", wait=acts(*steps)))
    assert told(seen)[1:] == [
        (2, "old"),
        (1, "session.open"),
        (2, "new"),
        (3, "own"),
        (4, "own"),
        (5, "session.close"),
    ]
    at_last = {event.seq: (event.kind, event.data) for event in seen}
    assert at_last == {event.seq: (event.kind, event.data) for event in log.read_run("f")}


def test_large_texts_are_filled_in(log):
    """Who watches a run wants to read it."""
    with log.open_session("s") as opened:
        note(opened, "x" * 20_000)
    assert len(next(follow(log, "s")).data["text"]) == 20_000


def test_it_stops_when_it_is_told_to(log):
    """A window that is closed must not leave a thread behind."""
    with log.open_session("s") as opened:
        note(opened)
        answers = iter([False, False, True])
        assert len(list(follow(log, "s", stop=lambda: next(answers), wait=acts(nothing, nothing)))) == 1


def test_who_looks_does_not_keep_a_writer_out(log):
    """Nor does it count as one."""
    with log.open_session("s") as opened:
        note(opened)
    follower = Follower(log, "s")
    assert not follower.is_written
    with log.reopen_session("s") as again:
        assert follower.is_written
        assert again.epoch == 2
    follower.close()


def test_who_looks_all_the_time_keeps_no_writer_out(log):
    """A resume must not fail because somebody watches."""
    log.open_session("s").close()
    done = threading.Event()

    def look():
        while not done.is_set():
            is_held(log.folder / "s" / "lock")

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(300):
            log.reopen_session("s").close()
    finally:
        done.set()
        for looker in lookers:
            looker.join()
    with log.reopen_session("s") as again:
        assert again.epoch == 302


def test_a_session_that_is_not_there_is_told(log):
    """Waiting for it would look like a session without events."""
    with pytest.raises(SessionNotFound):
        next(follow(log, "s"))
