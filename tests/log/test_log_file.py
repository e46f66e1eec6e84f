import errno
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from lllm.errors import LogError, LogFenced, LogPoisoned
from lllm.log import LocalFileLog, fsck
from lllm.log.envelope import encode_line
from lllm.log.file import WriteOptions

# An event with empty data always has this size.
LINE = encode_line("0" * 32, 1, "message", 0, "1/m0", 1795236863.0, "{}")[0]


class Disk:
    """A disk that writes at most ``chunk`` bytes at once, is full after ``room`` bytes, and counts what it is asked."""

    def __init__(self, room=10**9, chunk=10**9):
        self.room, self.chunk, self.writes, self.syncs, self.fail_sync = room, chunk, 0, 0, False
        self.interrupt = None

    def write(self, fd, data):
        self.writes += 1
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        part = memoryview(data)[: min(self.chunk, self.room)]
        self.room -= len(part)
        done = os.write(fd, part)
        if self.interrupt == self.writes:
            raise KeyboardInterrupt
        return done

    def sync(self, fd):
        self.syncs += 1
        if self.fail_sync:
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(fd)

    def options(self, durability="flush", **rest):
        return WriteOptions(durability, write=self.write, sync=self.sync, **rest)


def open_on(disk, tmp_path, durability="flush", **rest):
    log = LocalFileLog("base", {"log_dir": tmp_path}, disk.options(durability, **rest))
    return log, log.open_session("s")


def count(log):
    return sum(1 for _ in log.read_session("s"))


def test_one_event_is_one_write(tmp_path):
    """A process that is killed between two writes leaves whole lines only."""
    disk = Disk()
    _, opened = open_on(disk, tmp_path)
    with opened:
        for number in range(5):
            opened.append("message", f"1/m{number}", "{}")
    assert disk.writes == 5


def test_short_writes_are_finished(tmp_path):
    """A write may stop in the middle without an error."""
    log, opened = open_on(Disk(chunk=7), tmp_path)
    with opened:
        opened.append("message", "1/m0", "{}")
        opened.append("message", "1/m1", "{}")
    assert count(log) == 2


@pytest.mark.parametrize("room", range(0, 420, 13))
def test_a_full_disk_poisons_the_log_and_keeps_what_was_written(tmp_path, room):
    """No effect may follow an event that was not kept, at whatever byte the disk filled up."""
    disk = Disk(room)
    log, opened = open_on(disk, tmp_path)
    written = 0
    with opened:
        while disk.room >= len(LINE):
            written = opened.append("message", "1/m0", "{}")
        with pytest.raises(LogPoisoned, match="No space left") as caught:
            opened.append("message", "1/m0", "{}")
    assert isinstance(caught.value.__cause__, OSError)
    disk.room = 10**9
    assert count(log) == written
    assert fsck(log.folder / "s").ok


def test_a_poisoned_log_stays_poisoned(tmp_path):
    """Room on the disk later does not bring back the event that was lost."""
    disk = Disk(room=0)
    log, opened = open_on(disk, tmp_path)
    with opened:
        for _ in range(2):
            with pytest.raises(LogPoisoned, match="No space left"):
                opened.append("message", "1/m0", "{}")
            disk.room = 10**9
        assert opened.needs_barrier
        with pytest.raises(LogPoisoned):
            opened.barrier()
    assert count(log) == 0


def test_a_failed_sync_poisons_the_log(tmp_path):
    """A second sync may report success while the data is gone, so the first failure is final."""
    disk = Disk()
    _, opened = open_on(disk, tmp_path, "barrier")
    opened.append("message", "1/m0", "{}")
    disk.fail_sync = True
    with pytest.raises(LogPoisoned, match="Input/output error"):
        opened.barrier()
    disk.fail_sync = False
    with pytest.raises(LogPoisoned):
        opened.barrier()
    with pytest.raises(LogPoisoned):
        opened.append("message", "1/m0", "{}")
    opened.close()
    assert disk.syncs == 1


@pytest.mark.parametrize("chunk", [7, 10**9], ids=["half a line", "the whole line"])
def test_an_interrupted_append_leaves_nothing_behind(tmp_path, chunk):
    """Ctrl-C can strike after the write and before we know of it; the next event must not follow a ghost."""
    disk = Disk(chunk=chunk)
    log, opened = open_on(disk, tmp_path)
    with opened:
        assert opened.append("message", "1/m0", "{}") == 1
        disk.interrupt = disk.writes + 2 if chunk == 7 else disk.writes + 1
        with pytest.raises(KeyboardInterrupt):
            opened.append("message", "1/m1", "{}")
        assert opened.append("message", "1/m2", "{}") == 2
    assert [event.id for event in log.read_session("s")] == ["1/m0", "1/m2"]


@pytest.mark.parametrize(
    ("durability", "needed", "syncs"),
    [("none", False, 0), ("flush", False, 0), ("barrier", True, 1), ("strict", False, 3)],
)
def test_each_durability_syncs_as_often_as_it_promises(tmp_path, durability, needed, syncs):
    """Syncing costs milliseconds, so it happens exactly where it was asked for."""
    disk = Disk()
    _, opened = open_on(disk, tmp_path, durability)
    with opened:
        assert not opened.needs_barrier
        for number in range(3):
            opened.append("message", f"1/m{number}", "{}")
        assert opened.needs_barrier is needed
        opened.barrier()
        opened.barrier()
        assert not opened.needs_barrier
    assert disk.syncs == syncs


def test_a_file_is_synced_before_the_next_one_begins(tmp_path):
    """A later barrier syncs the newest file only, so the older ones must be safe by then."""
    disk = Disk()
    _, opened = open_on(disk, tmp_path, "barrier", max_segment_bytes=1)
    with opened:
        for _ in range(3):
            opened.append("message", "1/m0", "{}")
        assert disk.syncs == 2


def test_closing_syncs_what_is_left(tmp_path):
    """The end of a session is a barrier, also when nobody called one."""
    disk = Disk()
    _, opened = open_on(disk, tmp_path, "barrier")
    opened.append("message", "1/m0", "{}")
    opened.close()
    opened.close()
    assert disk.syncs == 1
    with pytest.raises(LogError, match="closed"):
        opened.append("message", "1/m0", "{}")


def test_threads_that_wait_together_share_a_sync(tmp_path):
    """A thousand sessions' functions must not queue for a thousand syncs."""
    disk = Disk()
    all_wait = threading.Barrier(20)
    held, release = threading.Event(), threading.Event()

    def slow_sync(fd):
        disk.sync(fd)
        if disk.syncs == 1:
            held.set()
            release.wait(10)

    log = LocalFileLog("base", {"log_dir": tmp_path}, replace(disk.options("barrier"), sync=slow_sync))
    with log.open_session("s") as opened:
        opened.append("message", "first", "{}")
        first = threading.Thread(target=opened.barrier)
        first.start()
        held.wait(10)

        def late(number):
            opened.append("message", f"late{number}", "{}")
            all_wait.wait(10)
            opened.barrier()

        others = [threading.Thread(target=late, args=(number,)) for number in range(19)]
        for thread in others:
            thread.start()
        all_wait.wait(10)
        release.set()
        for thread in [first, *others]:
            thread.join(10)
        assert not opened.needs_barrier
    assert disk.syncs == 2


def test_twenty_threads_make_one_unbroken_chain(tmp_path):
    """Parallel functions log from threads of their own."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "barrier", "max_segment_bytes": 4000})
    seqs = []
    with log.open_session("s") as opened:

        def work(number):
            for turn in range(50):
                seqs.append(opened.append("value", f"{number}/{turn}", '{"a":"b"}'))
                if turn % 25 == number % 25:
                    opened.barrier()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(seqs) == list(range(1, 1001))
    events = list(log.read_session("s"))
    assert len(events) == 1000
    assert {event.id for event in events} == {f"{number}/{turn}" for number in range(20) for turn in range(50)}


def test_files_are_rotated_and_the_chain_spans_them(tmp_path):
    """Long sessions must not end in a file that no editor opens."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "barrier", "max_segment_bytes": 500})
    with log.open_session("s") as opened:
        for number in range(20):
            opened.append("message", f"1/m{number}", "{}")
    names = sorted(path.name for path in (log.folder / "s").glob("events-*"))
    assert names == [f"events-{number:06d}.jsonl" for number in range(1, len(names) + 1)]
    assert all((log.folder / "s" / name).stat().st_size <= 500 for name in names)
    assert [event.seq for event in log.read_session("s")] == list(range(1, 21))
    with log.reopen_session("s") as opened:
        assert opened.append("message", "1/m20", "{}") == 21
    assert count(log) == 21


def test_a_full_disk_at_rotation_poisons_the_log(tmp_path):
    """The next file may be the one that cannot be made."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush", "max_segment_bytes": 1})
    with log.open_session("s") as opened:
        opened.append("message", "1/m0", "{}")
        (log.folder / "s" / "events-000002.jsonl").mkdir()
        with pytest.raises(LogPoisoned):
            opened.append("message", "1/m1", "{}")
    (log.folder / "s" / "events-000002.jsonl").rmdir()
    assert count(log) == 1


def run_python(code, *args):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, timeout=60, check=True
    )


def test_a_real_limit_on_file_size_is_told_and_loses_nothing(tmp_path):
    """The same as the fake disk, with a kernel that says no."""
    code = """
import resource, sys
from lllm.errors import LogPoisoned
from lllm.log import LocalFileLog
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
log = LocalFileLog("base", {"log_dir": sys.argv[1], "durability": "flush"}).open_session("s")
try:
    for number in range(100):
        log.append("message", "1/m0", "{}")
except LogPoisoned as error:
    print(number, "File too large" in str(error))
"""
    done = run_python(code, tmp_path)
    written, told = done.stdout.split()
    assert told == "True", done.stderr
    log = LocalFileLog("base", {"log_dir": tmp_path})
    assert count(log) == int(written) > 0


def test_a_killed_writer_loses_no_event_that_it_was_told_of(tmp_path):
    """Kill -9 is how the out-of-memory killer and impatient people end a run."""
    code = """
import sys
from lllm.log import LocalFileLog
log = LocalFileLog("base", {"log_dir": sys.argv[1], "durability": "flush"}).open_session("s")
while True:
    print(log.append("message", "1/m0", '{"text":"' + "x" * 500 + '"}'), flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        seen = [writer.stdout.readline() for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        seen += writer.stdout.read().splitlines(keepends=True)
    told = int([line for line in seen if line.endswith("\n")][-1])
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "barrier"})
    with log.reopen_session("s") as opened:
        assert opened.epoch == 2
        seq = opened.append("message", "1/m1", "{}")
    assert told < seq <= told + 2
    assert count(log) == seq


def test_a_forked_child_cannot_write_into_its_parents_chain(tmp_path):
    """A function that forks would otherwise ruin the log of the session that called it."""
    code = """
import os, sys
from lllm.errors import LogFenced
from lllm.log import LocalFileLog
log = LocalFileLog("base", {"log_dir": sys.argv[1], "durability": "flush"}).open_session("s")
if os.fork() == 0:
    try:
        log.append("message", "child", "{}")
    except LogFenced:
        os._exit(7)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.wait()[1]), log.append("message", "parent", "{}"))
"""
    done = run_python(code, tmp_path)
    assert done.stdout.split() == ["7", "1"], done.stderr


def test_a_second_process_is_fenced(tmp_path):
    """Two writers in one file would ruin both their chains."""
    log = LocalFileLog("base", {"log_dir": tmp_path})
    code = """
import sys
from lllm.errors import LogExists, LogFenced
from lllm.log import LocalFileLog
log = LocalFileLog("base", {"log_dir": sys.argv[1]})
try: log.open_session("s")
except LogExists as error: print("exists", error.hint)
try: log.reopen_session("s")
except LogFenced: print("fenced")
"""
    with log.open_session("s") as opened:
        done = run_python(code, tmp_path)
        assert opened.append("message", "1/m0", "{}") == 1
    assert done.stdout.startswith("exists choose another"), done.stderr
    assert done.stdout.endswith("fenced\n")


@pytest.mark.parametrize("theft", ["another epoch", "no lock"])
def test_a_writer_that_was_taken_over_stops_at_its_next_barrier(tmp_path, theft):
    """Some network file systems grant a lock twice; the epoch still tells."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "barrier"})
    opened = log.open_session("s")
    opened.append("message", "1/m0", "{}")
    lock = log.folder / "s" / "lock"
    lock.unlink() if theft == "no lock" else lock.write_text("2\n")
    with pytest.raises(LogFenced):
        opened.barrier()
    with pytest.raises(LogPoisoned, match="another process"):
        opened.append("message", "1/m1", "{}")
    opened.close()
