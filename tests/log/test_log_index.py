"""The index of a log tells what its files tell, whatever happened to either."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lllm.errors import ConfigError, SessionNotFound
from lllm.log import LocalFileLog
from lllm.log.index import SessionIndex
from lllm.log.listing import INDEXED_FROM, Wanted, read_listed
from lllm.utils import encode_json


@pytest.fixture
def log(tmp_path):
    return LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush"})


def begin(log, session, task="a task", **header):
    opened = log.open_session(session)
    opened.append("session.open", "", encode_json({"task": task, "agent_type": "demo", **header}))
    return opened


def write(log, session, status="ok", task="a task", **header):
    with begin(log, session, task, **header) as opened:
        if status != "open":
            opened.append("session.close", "", encode_json({"status": status}))


def from_files(log):
    """Return what the files alone tell, newest first."""
    found = [log.describe_session(name) for name in log.session_names()]
    return sorted(found, key=lambda info: (info.started_ts or 0.0, info.session), reverse=True)


def segment(log, session):
    return log.folder / session / "events-000001.jsonl"


def write_every_kind(log):
    """One session of each kind that a log may hold."""
    for status in ("ok", "failed", "open"):
        write(log, status, status, task=f"\ud800 \x1b[31m {status} " + "é" * 300)
    write(log, "blob", task="x" * 20_000)
    write(log, "fork", parent={"session": "ok", "seq": 1, "chain": "0" * 32})
    write(log, "bad-parent", parent={"session": 7})
    for name in ("torn", "damaged-first", "damaged-last", "empty", "lockless", "lost-blob"):
        write(log, name, task="y" * 20_000 if name == "lost-blob" else name)
    segment(log, "torn").write_bytes(segment(log, "torn").read_bytes()[:-5])
    first, last = segment(log, "ok").read_bytes().splitlines(keepends=True)
    segment(log, "damaged-first").write_bytes(first.replace(b"demo", b"dem0") + last)
    segment(log, "damaged-last").write_bytes(first + last.replace(b"ok", b"OK"))
    segment(log, "empty").unlink()
    (log.folder / "lockless" / "lock").unlink()
    for path in (log.folder / "blobs").glob("*/*"):
        if path.read_text().startswith("y"):
            path.unlink()
    (log.folder / ".hidden").mkdir()
    (log.folder / "a-file").write_text("")


def test_a_listing_is_the_same_with_and_without_the_index(log):
    """Who deletes the index, or copies a log without it, must see nothing else."""
    write_every_kind(log)
    with begin(log, "running"):
        expected = log.list_sessions()
        assert not (log.folder / "index.sqlite").exists()
        assert {info.status for info in expected} == {"ok", "failed", "open", "damaged"}
        full = log.find_sessions()
        assert log.rebuild_index() == len(expected) == 13
        for _ in range(2):
            assert log.list_sessions() == expected == from_files(log)
            assert log.find_sessions() == full
        assert {listed.parent for listed in full} == {"", "ok"}
        assert all(listed.size_bytes for listed in full if listed.info.session != "empty")


def test_the_index_follows_what_happens_to_sessions(log):
    """Each of these is done by a process that knows nothing of the listing."""
    write_every_kind(log)
    log.rebuild_index()
    running = begin(log, "running")
    steps = [
        lambda: running.append("note", "", "{}"),
        lambda: running.append("session.close", "", '{"status":"ok"}'),
        running.close,
        lambda: write(log, "new", "failed"),
        lambda: shutil.rmtree(log.folder / "ok"),
        lambda: (shutil.rmtree(log.folder / "failed"), write(log, "failed", "ok", task="begun again")),
        lambda: log.reopen_session("open").close(),
        lambda: log.reopen_session("torn").close(),
        lambda: (log.folder / "damaged-last" / "events-000001.jsonl").write_bytes(segment(log, "new").read_bytes()),
    ]
    for step in steps:
        step()
        assert log.list_sessions() == from_files(log)


def test_a_closed_session_that_goes_on_is_seen(log):
    """A run that failed and was resumed must not be shown as failed for ever."""
    write(log, "s", "failed")
    log.rebuild_index()
    with log.reopen_session("s") as opened:
        assert [info.status for info in log.list_sessions()] == ["failed"]
        opened.append("note", "", "{}")
        assert [info.status for info in log.list_sessions()] == ["open"]
        opened.append("session.close", "", '{"status":"ok"}')
    assert [(info.status, info.events) for info in log.list_sessions()] == [("ok", 4)]
    assert list((log.folder / ".changed").iterdir()) == []


def test_what_was_read_before_a_session_went_on_is_not_believed(log):
    """Two listings and a writer at once: the slower listing must not write down what is no longer so."""
    write(log, "s", "failed")
    raced = []

    def read(folder, size_bytes):
        listed = read_listed(folder, log._blobs, size_bytes)
        if not raced:
            raced.append(listed.info.status)
            with log.reopen_session("s") as opened:
                opened.append("session.close", "", '{"status":"ok"}')
            assert [info.status for info in log.list_sessions()] == ["ok"]
        return listed

    slow = SessionIndex(log.folder, log.session_names, read, print)
    assert [listed.info.status for listed in slow.find(Wanted())] == raced == ["failed"]
    assert [info.status for info in log.list_sessions()] == ["ok"]


def test_a_listing_that_is_killed_forgets_no_mark(log):
    """The mark is all that tells of a session that goes on."""
    write(log, "s", "failed")
    log.rebuild_index()
    with log.reopen_session("s") as opened:
        opened.append("session.close", "", '{"status":"ok"}')
    code = """
import os, sys
from lllm.log import LocalFileLog
def hook(event, args):
    if event == "os.remove" and ".changed" in str(args[0]): os._exit(9)
sys.addaudithook(hook)
LocalFileLog("base", {"log_dir": sys.argv[1]}).list_sessions()
"""
    command = [sys.executable, "-c", code, str(log.folder.parent)]
    env = os.environ | {"PYTHONPATH": str(Path.cwd())}
    assert subprocess.run(command, timeout=60, check=False, env=env).returncode == 9
    for mark in (log.folder / ".changed").iterdir():  # as if it had been killed just behind the removal
        mark.unlink()
    assert [info.status for info in log.list_sessions()] == ["ok"]


def test_a_damaged_session_that_was_mended_is_seen(log):
    """Who restores what was lost looks at the list next."""
    write(log, "s", task="x" * 20_000)
    blob = next(log.folder.glob("blobs/*/*"))
    blob.rename(log.folder / "aside")
    log.rebuild_index()
    assert [info.status for info in log.list_sessions()] == ["damaged"]
    (log.folder / "aside").rename(blob)
    assert [info.status for info in log.list_sessions()] == ["ok"]


def test_closed_sessions_are_not_opened_again(log):
    """That is what makes a hundred thousand of them come at once."""
    write(log, "s")
    log.rebuild_index()
    segment(log, "s").write_bytes(b"")
    assert [info.status for info in log.list_sessions()] == ["ok"]
    log.rebuild_index()
    assert [info.status for info in log.list_sessions()] == ["open"]


def test_the_index_is_made_when_there_are_many_sessions(log):
    """A few are read at once, and nothing can be out of date."""
    for number in range(INDEXED_FROM):
        assert not (log.folder / "index.sqlite").exists()
        write(log, f"s{number}")
    log.list_sessions()
    assert (log.folder / "index.sqlite").is_file()
    assert log.list_sessions() == from_files(log)
    assert log.resolve("last") == f"s{INDEXED_FROM - 1}"


def make_foreign(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (a)")
    db.close()


def change(statement):
    def do(path):
        with sqlite3.connect(path) as db:
            db.execute(statement)
        db.close()

    return do


DAMAGES = {
    "rubbish": lambda path: path.write_bytes(b"rubbish" * 1000),
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "zeros": lambda path: path.write_bytes(path.read_bytes()[:5000] + bytes(path.stat().st_size - 5000)),
    "foreign": lambda path: (path.unlink(), make_foreign(path)),
    "older": change("PRAGMA user_version = 0"),
    "table": change("DROP TABLE rounds"),
    "row": change("UPDATE sessions SET facts = '[[1]]'"),
    "not-json": change("UPDATE sessions SET facts = '{'"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_an_index_that_cannot_be_used_is_made_again_and_told(log, damage):
    """It is never worth a person's time."""
    write_every_kind(log)
    log.rebuild_index()
    damage(log.folder / "index.sqlite")
    told = []
    assert [listed.info for listed in log.find_sessions(tell=told.append)] == from_files(log)
    assert "made again" in told[0]
    assert [listed.info for listed in log.find_sessions(tell=told.append)] == from_files(log)
    assert len(told) == 1


def test_an_index_that_cannot_be_opened_is_done_without(log):
    """Even a folder of that name does not stop a listing."""
    write_every_kind(log)
    (log.folder / "index.sqlite").mkdir()
    told = []
    assert [listed.info for listed in log.find_sessions(tell=told.append)] == from_files(log)
    assert "without it" in told[0]


def test_an_index_that_cannot_be_written_is_read_and_followed():
    """A log that is mounted read-only is listed as it is now, not as it was."""
    code = """
import os, sys
from lllm.log import LocalFileLog
import lllm.log.index
log = LocalFileLog("base", {"log_dir": sys.argv[1]})
log.folder.as_uri()  # imports what it needs, which another user may not read
if os.getuid() == 0: os.setuid(65534)
print([info.session for info in log.list_sessions()])
"""
    with tempfile.TemporaryDirectory() as name:  # not tmp_path, which only its owner may enter
        log = LocalFileLog("base", {"log_dir": name})
        write(log, "old")
        log.rebuild_index()
        write(log, "new")
        for path in [Path(name), *Path(name).rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", code, name]
        env = os.environ | {"PYTHONPATH": str(Path.cwd())}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
        for path in [Path(name), *Path(name).rglob("*")]:
            path.chmod(0o755)
        assert (done.stdout.strip(), done.stderr) == ("['new', 'old']", "")
        assert (log.folder / ".changed" / "new").exists()


@pytest.mark.parametrize("has_index", [True, False])
def test_an_index_that_cannot_be_made_anew_says_so(has_index):
    """Whoever asks for it must not believe that it is there; listing works without it, and the hint says that."""
    code = """
import os, sys
from lllm.errors import LogError
from lllm.log import LocalFileLog
import lllm.log.index
log = LocalFileLog("base", {"log_dir": sys.argv[1]})
log.folder.as_uri()  # imports what it needs, which another user may not read
if os.getuid() == 0: os.setuid(65534)
try: log.rebuild_index()
except LogError as error: print(error, error.hint)
print([info.session for info in log.list_sessions()])
"""
    with tempfile.TemporaryDirectory() as name:  # not tmp_path, which only its owner may enter
        log = LocalFileLog("base", {"log_dir": name})
        write(log, "s")
        if has_index:
            log.rebuild_index()
        for path in [Path(name), *Path(name).rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        env = os.environ | {"PYTHONPATH": str(Path.cwd())}
        command = [sys.executable, "-c", code, name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
        for path in [Path(name), *Path(name).rglob("*")]:
            path.chmod(0o755)
        assert "index.sqlite: the index cannot be made anew" in done.stdout, done.stderr
        assert "writable\n['s']" in done.stdout


def test_an_index_made_by_two_at_once_is_whole(log):
    """Two people may list at the same moment."""
    write_every_kind(log)
    code = """
import sys
from lllm.log import LocalFileLog
log = LocalFileLog("base", {"log_dir": sys.argv[1]})
for _ in range(10): assert len(log.find_sessions()) == 12
"""
    command = [sys.executable, "-c", code, str(log.folder.parent)]
    (log.folder / "index.sqlite").touch()
    env = os.environ | {"PYTHONPATH": str(Path.cwd())}
    children = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) for _ in range(3)]
    assert [(child.communicate(timeout=60)[1], child.returncode) for child in children] == [("", 0)] * 3
    assert log.list_sessions() == from_files(log)


def test_sessions_are_found_by_status_time_and_task(log):
    """What a person remembers of a run is how it ended, when it was, and what it was about."""
    for name, status, task in (("a", "ok", "Fuel for 1 km"), ("b", "failed", "fuel for 2 km"), ("c", "ok", "weather")):
        write(log, name, status, task)
    started = {info.session: info.started_ts for info in log.list_sessions()}
    wants = {
        Wanted(limit=2): ["c", "b"],
        Wanted(status="ok"): ["c", "a"],
        Wanted(text="FUEL"): ["b", "a"],
        Wanted(text="fuel", limit=1): ["b"],
        Wanted(since_ts=started["b"]): ["c", "b"],
        Wanted(status="failed", text="weather"): [],
    }
    for _ in range(2):
        for wanted, names in wants.items():
            assert [listed.info.session for listed in log.find_sessions(wanted)] == names
        log.rebuild_index()


def test_the_name_of_the_index_names_no_session(log):
    """It would stand in the way of every listing."""
    with pytest.raises(ConfigError, match="kept for the log"):
        log.open_session("index.sqlite")


def test_a_log_that_is_not_there_gets_no_index(log):
    """Looking at a log must not make one."""
    assert log.find_sessions() == []
    with pytest.raises(SessionNotFound, match="no log"):
        log.rebuild_index()
    assert not log.folder.exists()


def test_writing_does_not_load_sqlite(tmp_path):
    """Who runs an agent does not pay for listings."""
    code = """
import sys
from lllm.log import LocalFileLog
log = LocalFileLog("base", {"log_dir": sys.argv[1]})
log.open_session("s").close(); log.reopen_session("s").close(); log.resolve("s"); log.list_sessions()
print("sqlite3" in sys.modules)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    env = os.environ | {"PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=env)
    assert done.stdout == "False\n"
