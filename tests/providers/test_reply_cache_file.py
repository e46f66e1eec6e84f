"""The file of kept replies: bounded, shared by processes, and never the reason that a call fails."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest
from chat_values import ask

from lllm.const import Roles  # noqa: F401 - for the programs below
from lllm.models.message import Message  # noqa: F401 - as above
from lllm.providers.cache import MIN_BYTES, CachedProvider
from lllm.providers.cache_store import ReplyStore
from lllm.providers.mock import MockProvider

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def keep(provider, request):
    """Ask, and say that the reply was usable."""
    reply = provider.send(request)
    provider.judged(request, reply, usable=True)
    return reply


def keep_and_close(provider):
    keep(provider, ask())
    provider.close()


def numbered(folder, **options):
    """A cached provider whose replies say how many there were."""
    count = iter(range(1_000_000))
    return CachedProvider(MockProvider(function=lambda request: f"reply {next(count)}"), folder, **options)


@pytest.fixture
def store(tmp_path):
    one = ReplyStore(tmp_path / "replies.sqlite", MIN_BYTES)
    one.open()
    yield one
    one.close()


def reopened(store):
    """Write everything, and open the file again."""
    store.close()
    store.open()
    return store


def key(number):
    return number.to_bytes(32, "big")


# --- size ------------------------------------------------------------------------------------------------------------


def size_of(folder):
    return sum(file.stat().st_size for file in Path(folder).iterdir())


def test_what_was_not_used_for_longest_goes_first(store):
    """A cache that forgets what is used every day is of no use."""
    text = "x" * 20_000
    store.save(key(0), text)
    for number in range(1, 40):
        store.save(key(number), text)
        reopened(store).touch(key(0))
    kept = [number for number in range(40) if reopened(store).load(key(number))]
    assert kept[0] == 0
    assert kept[1:] == list(range(40 - len(kept) + 1, 40))
    assert 6 <= len(kept) <= 12


def test_the_file_stays_within_its_bound(store, tmp_path):
    """Pages of what went are written to again; the journal beside is bounded, too."""
    for number in range(400):
        store.save(key(number), "x" * (100 + number * 97 % 9000))
    store.close()
    assert store.path.stat().st_size <= MIN_BYTES + 65_536
    assert size_of(tmp_path) == store.path.stat().st_size


def test_a_smaller_bound_shrinks_the_file(tmp_path):
    """Who lowers the limit wants the disk back."""
    store = ReplyStore(tmp_path / "replies.sqlite", 10_000_000)
    store.open()
    for number in range(300):
        store.save(key(number), "x" * 10_000)
    reopened(store).max_bytes = MIN_BYTES
    assert store.path.stat().st_size > 3_000_000
    store.save(key(1000), "new")
    store.close()
    assert store.path.stat().st_size <= MIN_BYTES + 65_536
    store.open()
    assert store.load(key(1000)) == "new"
    store.close()


def test_a_reply_that_would_push_out_most_others_is_not_kept(store):
    """One huge reply is not worth all the others."""
    store.save(key(0), "small")
    store.save(key(1), "x" * MIN_BYTES)
    assert [reopened(store).load(key(number)) for number in range(2)] == ["small", None]


# --- damage ----------------------------------------------------------------------------------------------------------


def foreign(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE mine (x)")
        db.execute("INSERT INTO mine VALUES (1)")
        db.commit()


def older(path):
    ReplyStore(path, MIN_BYTES).open()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 0")
        db.commit()


def without_table(path):
    ReplyStore(path, MIN_BYTES).open()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE replies")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no database at all" * 1000),
        lambda path: path.write_bytes(b"SQLite format 3\x00" + os.urandom(8000)),
        foreign,
        older,
        without_table,
    ],
    ids=["text", "noise", "foreign", "older", "without table"],
)
def test_a_file_that_cannot_be_used_is_set_aside(tmp_path, spoil):
    """It may be somebody's; nothing is deleted, and the calls go on as if there had been none."""
    path = tmp_path / "replies.sqlite"
    spoil(path)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    before = path.read_bytes()
    provider = numbered(tmp_path)
    with pytest.warns(RuntimeWarning, match=r"set aside as aside-1\.sqlite"):
        keep_and_close(provider)  # where reading finds it first, it is mended in the thread that writes
    assert len((tmp_path / "aside-1.sqlite").read_bytes()) >= len(before)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keep(provider, ask())
        assert keep(provider, ask()).cached
        provider.close()


def test_what_is_set_aside_is_never_written_over(tmp_path):
    """The second accident must not cost what was saved from the first."""
    for number in (1, 2):
        (tmp_path / "replies.sqlite").write_bytes(b"broken %d" % number * 1000)
        provider = numbered(tmp_path)
        with pytest.warns(RuntimeWarning, match=f"aside-{number}"):
            keep(provider, ask())
        provider.close()
        (tmp_path / "replies.sqlite").unlink()
    assert (tmp_path / "aside-1.sqlite").read_bytes().startswith(b"broken 1")


def test_damage_while_it_is_open_is_mended(store):
    """A disk may fail at any time; this is told once, and what comes after is kept."""
    store.save(key(1), "x" * 50_000)
    reopened(store)
    with store.path.open("r+b") as file:
        file.seek(0)
        file.write(os.urandom(store.path.stat().st_size))

    def meet_it():
        for _ in range(3):
            store.load(key(1))
        store.save(key(2), "new")
        store.close()

    with pytest.warns(RuntimeWarning, match="set aside") as told:
        meet_it()
    store.open()
    store.save(key(3), "newer")
    assert [reopened(store).load(key(number)) for number in (1, 3)] == [None, "newer"]
    assert len(told) == len(list(store.path.parent.glob("aside-*.sqlite"))) == 1


def test_of_two_who_find_the_damage_one_mends_it(store):
    """The second must not set aside what the first has begun."""
    other = ReplyStore(store.path, MIN_BYTES)
    store.save(key(1), "x" * 50_000)
    reopened(store)
    other.open()
    with store.path.open("r+b") as file:
        file.write(os.urandom(store.path.stat().st_size))

    def meet_it():
        for one in (store, other):
            one.save(key(2), "new")
            one._thread.shutdown()
            one._thread = None

    with pytest.warns(RuntimeWarning, match="set aside"):
        meet_it()
    store.save(key(3), "newer")
    reopened(store)
    assert (other.load(key(3)), len(list(store.path.parent.glob("aside-*.sqlite")))) == ("newer", 1)
    other.close()


def test_a_change_that_fails_leaves_nothing_half_done(store):
    """The next one begins as the first did."""
    store.save(key(1), "kept")

    def twice(db):
        db.execute("DELETE FROM replies")
        for _ in range(2):
            db.execute("INSERT INTO replies VALUES (?, 1, 1, 1, '')", (key(9),))

    def try_it():
        store._submit(store._change, twice)
        store.save(key(2), "next")
        store.close()

    with pytest.warns(RuntimeWarning, match="some replies are not kept") as told:
        try_it()
    assert len(told) == 1
    store.open()
    assert [reopened(store).load(key(number)) for number in (1, 2, 9)] == ["kept", "next", None]


def test_a_bit_that_flipped_is_found(store):
    """The format has no checksums; a wrong reply is worse than none."""
    store.save(key(1), "the price is 100")
    store.close()
    content = store.path.read_bytes()
    assert content.count(b"the price is 100") == 1
    store.path.write_bytes(content.replace(b"the price is 100", b"the price is 900"))
    store.open()
    assert store.load(key(1)) is None


def test_a_text_that_is_no_reply_is_forgotten(tmp_path):
    """Whatever wrote it, the call asks again."""
    provider = numbered(tmp_path)
    provider._folder.open()
    provider._folder.save(provider._key(ask()), '{"message":{}}')
    assert keep(provider, ask()).content == "reply 0"
    assert keep(provider, ask()).cached
    provider.close()


def test_the_file_may_vanish(tmp_path):
    """Somebody empties the folder while the program runs."""
    provider = numbered(tmp_path)
    keep(provider, ask())
    for file in tmp_path.iterdir():
        file.unlink()
    for _ in range(2):
        assert keep(provider, ask("again")).content
    provider.close()
    assert keep(provider, ask()).content
    provider.close()


# --- a disk that refuses ---------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_told_once(tmp_path):
    """The calls are made, as without a cache."""
    (tmp_path / "file").write_text("in the way")
    provider = numbered(tmp_path / "file" / "cache")
    with pytest.warns(RuntimeWarning, match="nothing is kept") as told:
        assert [keep(provider, ask()).content for _ in range(3)] == ["reply 0", "reply 1", "reply 2"]
    assert len(told) == 1
    provider.close()


def test_where_warnings_are_errors_the_call_is_made(tmp_path):
    """Not even then is the cache a reason to fail."""
    (tmp_path / "file").write_text("in the way")
    provider = numbered(tmp_path / "file" / "cache")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert keep(provider, ask()).content == "reply 0"
    provider.close()


def run(code, *args, **options):
    """Run a program that has the names of this file."""
    program = f"from test_reply_cache_file import *\n{textwrap.dedent(code)}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, HERE, HERE.parent)))}
    command = [sys.executable, "-c", program, *map(str, args)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def done(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out, err


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as Unix does")
def test_a_full_disk_stops_nothing(tmp_path):
    """What was kept is still given; what is new is not kept, and that is told once."""
    program = """
        import resource
        warnings.simplefilter("always")
        provider = numbered(sys.argv[1])
        keep(provider, ask())
        provider.close()
        limit = size_of(sys.argv[1]) + 40_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        for number in range(50):
            reply = Message(Roles.ASSISTANT, "x" * 20_000)
            big = CachedProvider(MockProvider([reply]), sys.argv[1])
            keep(big, ask(str(number)))
        provider.close()
        print(keep(provider, ask()).cached)
    """
    out, err = done(run(program, tmp_path))
    assert out == "True\n"
    assert err.count("RuntimeWarning: the reply cache") == 1


# --- several processes -----------------------------------------------------------------------------------------------

MANY = """
    provider = numbered(sys.argv[1])
    for number in range(100):
        keep(provider, ask(f"{sys.argv[2]} {number}"))
        keep(provider, ask(f"shared {number}"))
    provider.close()
    print(sum(keep(provider, ask(f"{sys.argv[2]} {number}")).cached for number in range(100)))
"""


def test_processes_share_a_file(tmp_path):
    """Ten workers on one machine, from the first moment, when none has made the file yet."""
    processes = [run(MANY, tmp_path, number) for number in range(4)]
    assert [done(process) for process in processes] == [("100\n", "")] * 4
    provider = numbered(tmp_path)
    assert all(keep(provider, ask(f"{worker} {number}")).cached for worker in range(4) for number in range(100))
    provider.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "replies.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.skipif(sys.platform == "win32", reason="kills as Unix does")
def test_a_killed_process_costs_no_more_than_what_it_wrote_last(tmp_path):
    """The file is as good as before."""
    program = """
        provider = numbered(sys.argv[1])
        for number in range(100_000):
            keep(provider, ask(str(number)))
            if number == 50:
                provider.close()
                print("on its way", flush=True)
    """
    process = run(program, tmp_path)
    assert process.stdout.readline() == "on its way\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    provider = numbered(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [keep(provider, ask(str(number))).cached for number in range(10)] == [True] * 10
        keep(provider, ask("new"))
        provider.close()
    assert keep(provider, ask("new")).cached
    provider.close()


def test_what_was_judged_last_is_written_when_the_program_ends(tmp_path):
    """Without anybody closing anything."""
    out, err = done(run("print(keep(numbered(sys.argv[1]), ask()).cached)", tmp_path))
    assert (out, err) == ("False\n", "")
    out, err = done(run("print(keep(numbered(sys.argv[1]), ask()).cached)", tmp_path))
    assert (out, err) == ("True\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_has_a_cache_of_its_own(tmp_path):
    """It has neither the threads nor the locks of its parent, and waits for nobody's reply."""
    program = """
        import threading
        provider = numbered(sys.argv[1])
        keep(provider, ask("before"))
        held = threading.Event()
        slow = CachedProvider(MockProvider(function=lambda request: held.wait(30) and "late"), sys.argv[1])
        waiting = threading.Thread(target=slow.send, args=(ask("under way"),))
        waiting.start()
        child = os.fork()
        if child == 0:
            told = [keep(provider, ask(text)).cached for text in ("before", "under way", "child", "child")]
            provider.close()
            os._exit(0 if told == [True, False, False, True] else 1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        held.set()
        waiting.join()
        print(code, keep(provider, ask("child")).cached, keep(provider, ask("before")).cached)
    """
    out, err = done(run(program, tmp_path))
    assert out == "0 True True\n", err


def test_nothing_is_loaded_or_made_before_the_first_call(tmp_path):
    """Building agents from a config must cost nothing, and touch no disk."""
    program = f"""
import sys
from lllm.providers import build_provider, CachedProvider
build_provider("mock")
print("lllm.providers.cache" in sys.modules, "sqlite3" in sys.modules)
build_provider("mock", {{"cache": {str(tmp_path / "cache")!r}}})
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = program.replace(", CachedProvider", "")
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "False False\n"
    assert not (tmp_path / "cache").exists()
