"""Two processes that want one session, again and again: one gets it, the other is told, and no line of theirs mixes."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from proof_scale import amounts

import lllm
from lllm.errors import LogCorrupt, LogExists, LogFenced, LogPoisoned
from lllm.log import LocalFileLog, fsck
from lllm.log.file import WriteOptions


def nothing(_):
    """Wait for no disk: the power stays on here."""


RACER = Path(__file__).with_name("proof_racer.py")
LOST = {"LogExists", "LogFenced", "SessionNotFound"}


class Racer:
    """A writer in a process of its own, started again when it was killed."""

    def __init__(self, log_dir, name):
        self.command = [sys.executable, str(RACER), str(log_dir), name]
        self.name = name
        self.start()

    def start(self):
        home = str(Path(lllm.__file__).parents[1])
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": home},
        )

    def tell(self, command):
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def answer(self):
        return self.process.stdout.readline().split()

    def send(self, sign):
        self.process.send_signal(sign)

    def kill(self):
        self.send(signal.SIGKILL)
        self.end()
        self.start()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


@pytest.fixture
def racers(tmp_path):
    pair = [Racer(tmp_path, "a"), Racer(tmp_path, "b")]
    yield pair
    for racer in pair:
        racer.end()


def race(racers, commands, counts):
    """Tell both at once, and return who got the session, and its epoch; just one did, and the other was told."""
    for racer, command in zip(racers, commands, strict=True):
        racer.tell(command)
    answers = [(racer, racer.answer()) for racer in racers]
    (winner,) = [(racer, int(said[1])) for racer, said in answers if said[0] == "taken"]
    (lost,) = [said[0] for _, said in answers if said[0] != "taken"]
    assert lost in LOST
    counts[lost] += 1
    return winner


def write(winner, loser, session, chance, counts):
    """Let the winner write, and the loser try meanwhile; return the last seq that the winner was told of."""
    asleep = chance.random() < 0.2
    winner.tell(f"append {chance.randint(1, 6)}")
    if asleep:
        winner.send(signal.SIGSTOP)
    # One that is stopped holds its lock for as long as it lives.
    loser.tell(f"reopen {session}")
    assert loser.answer() == ["LogFenced"]
    counts["LogFenced"] += 1
    if chance.random() < 0.15:
        counts["killed"] += 1
        winner.kill()
        return 0
    if asleep:
        winner.send(signal.SIGCONT)
    told, seq = winner.answer()
    assert told == "told"
    winner.tell("close")
    assert winner.answer() == ["closed"]
    return int(seq)


def check(log, session, told, epoch):
    """Every event that a writer was told of is there, in one chain, and no writer's come between another's."""
    events = list(log.read_session(session))
    assert len(events) >= told
    epochs = [event.data["epoch"] for event in events]
    assert epochs == sorted(epochs)
    by = {(event.data["epoch"], event.data["by"]) for event in events}
    assert len(by) == len(set(epochs))
    assert not epochs or epochs[-1] <= epoch


@amounts(150, 10_000)
def test_of_two_writers_one_is_always_told_that_it_lost(tmp_path, racers, amount):
    """Two chains in one file would ruin both, and one effect would be sent twice."""
    chance, counts = random.Random(1), Counter()
    log = LocalFileLog("base", {"log_dir": tmp_path})
    told = epoch = 0
    session = ""
    for number in range(amount):
        verbs = ["reopen", "reopen"]
        if number % 5 == 0:
            session, told, epoch = f"s{number}", 0, 0
            verbs = ["open", chance.choice(("open", "open", "reopen"))]
        winner, new_epoch = race(racers, [f"{verb} {session}" for verb in verbs], counts)
        assert new_epoch > epoch
        epoch = new_epoch
        loser = next(racer for racer in racers if racer is not winner)
        told = max(told, write(winner, loser, session, chance, counts))
        check(log, session, told, epoch)
    assert counts["killed"] > 0
    # Twice each time: the one who lost the race, and the one who tried while the winner wrote.
    assert sum(counts[name] for name in LOST) == 2 * amount


class LateLog(LocalFileLog):
    """A log that is overtaken between the moment its session's folder is there and the moment it locks it."""

    def _write(self, session, find_tip):
        self.overtaker = LocalFileLog("base", {"log_dir": self.folder.parent}).reopen_session(session)
        return super()._write(session, find_tip)


def test_who_is_overtaken_while_it_opens_leaves_the_other_alone(tmp_path):
    """It made the folder, so it might think that what is in it is its own to clear away."""
    log = LateLog("base", {"log_dir": tmp_path})
    with pytest.raises(LogExists):
        log.open_session("s")
    with log.overtaker as opened:
        opened.append("value", "v/0", "{}")
        opened.barrier()
    assert len(list(log.read_session("s"))) == 1


def break_lock(folder):
    """Let the next writer have the lock, as where locks do not work it is granted to anybody."""
    lock = folder / "lock"
    held = lock.read_bytes()
    lock.unlink()
    lock.write_bytes(held)


def lose_epoch(folder):
    """As ``break_lock``, and the epoch begins again: the file was never synced, and the server lost its power."""
    break_lock(folder)
    (folder / "lock").write_bytes(bytes(40))


@pytest.fixture(params=[break_lock, lose_epoch])
def taken_over(request, tmp_path):
    """A log, a writer that does not know yet that its session was taken over, and the writer that did so."""
    log = LocalFileLog("base", {"log_dir": tmp_path}, WriteOptions("barrier", sync=nothing, sync_folder=nothing))
    stale = log.open_session("s")
    stale.append("value", "v/0", '{"by":"stale"}')
    stale.barrier()
    request.param(log.folder / "s")
    fresh = log.reopen_session("s")
    fresh.append("value", "v/0", '{"by":"fresh"}')
    fresh.barrier()
    yield log, stale, fresh
    fresh.close()
    with suppress(LogFenced):  # closing is a barrier, too
        stale.close()


def test_where_locks_do_not_work_the_stale_writer_is_stopped_at_its_next_barrier(taken_over):
    """The barrier stands before each effect that must not be done twice, so none of them follows."""
    _, stale, fresh = taken_over
    stale.append("value", "v/0", '{"by":"stale"}')
    with pytest.raises(LogFenced):
        stale.barrier()
    with pytest.raises(LogPoisoned):
        stale.append("value", "v/0", '{"by":"stale"}')
    fresh.barrier()


def test_what_a_stale_writer_still_writes_is_never_taken_for_the_log(taken_over):
    """Before its barrier nothing stops it; its lines do not fit the chain, so they are found, with their place."""
    log, stale, fresh = taken_over
    stale.append("value", "v/0", '{"by":"stale, later"}')
    fresh.append("value", "v/0", '{"by":"fresh, later"}')
    events = log.read_session("s")
    assert [next(events).data["by"], next(events).data["by"]] == ["stale", "fresh"]
    with pytest.raises(LogCorrupt, match="hash chain"):
        next(events)
    assert fsck(log.folder / "s").events == 2
