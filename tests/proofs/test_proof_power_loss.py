"""A power loss at any moment, over all that a disk may make of it; see proof_disk for what is drawn and assumed."""

import random
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from proof_disk import INTERRUPT, Disk, Drive, save_image
from proof_scale import amounts

from lllm.errors import LogCorrupt, LogError, SessionNotFound
from lllm.log import LocalFileLog, fsck
from lllm.log.file import WriteOptions
from lllm.utils import encode_json

SAMPLE, FULL = 400, 100_000
IMAGES_A_RUN = 20
UNPROMISED = -1  # a writer that promises nothing was here, and no barrier since
BLOBS = ["first " * 1500, "second " * 1300, "dritter \u00fc\U0001f600 " * 900]


@contextmanager
def folder_in_memory():
    """A folder that is removed at the end; in memory where the system has a place for that."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def log_in(folder, options):
    return LocalFileLog("base", {"log_dir": folder / "made" / "logs"}, options)


def run_script(drive, chance, sessions):
    """Do what programs do with a log, in an order drawn at random."""
    for session in sessions:
        drive.open(session) if session not in drive.disk.lines else drive.reopen(session)
    for number in range(chance.randint(4, 25)):
        session = chance.choice(sessions)
        what = chance.random()
        if what < 0.15:
            drive.barrier(session)
        elif what < 0.22:
            drive.close(session)
            drive.reopen(session)
        elif what < 0.45:
            drive.append(session, encode_json({"n": number, "text": chance.choice(BLOBS)}))
        else:
            drive.append(session, encode_json({"n": number, "text": "x" * chance.choice((1, 60, 300, 700, 5000))}))
    for session in sessions if chance.random() < 0.5 else ():
        drive.close(session)


def strike(chance, durability):
    """Return how the disk misbehaves before the power goes: some writes are short, some are interrupted."""

    def fail(number, name):
        if name == "write" and chance.random() < 0.1:
            # An interrupted append is taken back, and only a durable log says when that has reached the disk.
            durable = durability in ("barrier", "strict")
            return INTERRUPT if durable and chance.random() < 0.5 else chance.choice((0, 1, 100))
        return None

    return fail


def images(seed, durability, root, count):
    """Yield a moment and a folder with what a crash then may leave, ``count`` times; sometimes of a second crash."""
    chance = random.Random(seed)
    live, image = root / "live", root / "image"
    live.mkdir()
    disk = Disk(live)
    if chance.random() < 0.6:
        # An earlier writer, which may have promised less, and was killed or lost its power.
        earlier = chance.choice((durability, "flush"))
        drive_on(disk, earlier, chance, chance.choice((["a"], ["a", "b"])))
        if earlier == "flush":
            disk.covered = dict.fromkeys(disk.covered, UNPROMISED)
        if chance.random() < 0.5:
            moment = chance.choice(disk.moments)
            image.mkdir()
            save_image(moment, live, image, chance)
            shutil.rmtree(live)
            image.rename(live)
            disk = Disk(live, covered=moment.covered.copy())
    sessions = take_over(disk, durability)
    drive_on(disk, durability, chance, chance.sample(sessions, chance.randint(1, len(sessions))))
    for _ in range(count):
        moment = chance.choice(disk.moments)
        image.mkdir()
        save_image(moment, live, image, chance)
        yield moment, image
        shutil.rmtree(image)
    shutil.rmtree(live)


def drive_on(disk, durability, chance, sessions):
    disk.fail = strike(chance, durability)
    options = disk.options(durability, max_segment_bytes=chance.choice((1500, 6000, 64 * 1024 * 1024)))
    drive = Drive(disk, log_in(disk.root, options))
    run_script(drive, chance, sessions)
    drive.kill()
    disk.fail = None


def take_over(disk, durability):
    """Return the sessions that the next writer works on: new ones, and those that it can go on with, as it finds them."""
    log = log_in(disk.root, WriteOptions(durability))
    found = {session: read(log, session) for session in log.session_names()}
    disk.lines = {session: lines for session, (lines, error) in found.items() if error is None}
    disk.covered = {session: min(disk.covered.get(session, 0), len(lines)) for session, lines in disk.lines.items()}
    disk.last.clear()
    disk.moments.clear()
    return ["c", *disk.lines]


def read(log, session):
    """Return the lines that can be read, and what ended the reading before the end."""
    lines = []
    try:
        for event in log.read_session(session):
            lines.append(event.raw + b"\n")
            assert event.data.get("text", "x")[0] in "xfsd"
    except SessionNotFound:
        pass
    except LogError as error:
        return tuple(lines), error
    return tuple(lines), None


def check_prefix(moment, session, lines):
    """Nothing was read but what was written, in its order."""
    written = (*moment.lines[session], moment.last.get(session))
    assert lines == written[: len(lines)]


def nothing(_):
    pass


def check_durable(moment, image, durability):
    options = WriteOptions(durability, sync=nothing, sync_folder=nothing)
    log = log_in(image, options)
    for session, covered in moment.covered.items():
        lines, error = read(log, session)
        assert error is None or covered == UNPROMISED
        check_prefix(moment, session, lines)
        assert len(lines) >= covered
        if error or not (log.folder / session).is_dir():
            continue
        log.describe_session(session)
        assert fsck(log.folder / session).events == len(lines)
        with log.reopen_session(session) as opened:
            opened.append("message", "1/m0", encode_json({"text": BLOBS[0]}))
        again, error = read(log, session)
        assert error is None
        assert again[:-1] == lines
        assert len(again) == len(lines) + 1
        assert fsck(log.folder / session).ok


def check_hasty(moment, image, durability):
    log = log_in(image, WriteOptions(durability))
    for session in moment.covered:
        lines, _ = read(log, session)
        check_prefix(moment, session, lines)
        fsck(log.folder / session)
        try:
            log.reopen_session(session).close()
        except (LogCorrupt, SessionNotFound):
            continue
        assert read(log, session)[0] == lines


@pytest.mark.parametrize("durability", ["barrier", "strict"])
@amounts(SAMPLE, FULL)
def test_what_a_barrier_covered_is_there_after_any_power_loss(durability, amount):
    """It is what resume relies on: an effect that was sent has its intent in the log, whatever the disk lost."""
    with folder_in_memory() as root:
        for seed in range(-(-amount // IMAGES_A_RUN)):
            for moment, image in images(seed, durability, root, min(amount, IMAGES_A_RUN)):
                check_durable(moment, image, durability)


@pytest.mark.parametrize("durability", ["none", "flush"])
@amounts(SAMPLE // 2, FULL // 4)
def test_a_log_that_promises_nothing_still_tells_nothing_wrong(durability, amount):
    """Less may be there after a power loss, or it may be refused; it is never another event, or one out of order."""
    with folder_in_memory() as root:
        for seed in range(-(-amount // IMAGES_A_RUN)):
            for moment, image in images(seed, durability, root, min(amount, IMAGES_A_RUN)):
                check_hasty(moment, image, durability)


@amounts(150, 20_000)
def test_a_torn_end_is_kept_whatever_happens_while_it_is_set_aside(amount):
    """The bytes that explain a crash must not be lost to a second one."""
    chance = random.Random(0)
    with folder_in_memory() as root:
        live, image, torn = root / "live", root / "image", b'{"v":1,"half a line of what happened'
        log = log_in(live, WriteOptions("none"))
        with log.open_session("s") as opened:
            opened.append("message", "1/m0", "{}")
        segment = log.folder / "s" / "events-000001.jsonl"
        segment.write_bytes(segment.read_bytes() + torn)
        disk = Disk(live)
        log_in(live, disk.options("barrier")).reopen_session("s").close()
        disk.remember()
        for _ in range(amount):
            image.mkdir()
            save_image(chance.choice(disk.moments), live, image, chance)
            assert any(torn in path.read_bytes() for path in image.rglob("events-*"))
            shutil.rmtree(image)
