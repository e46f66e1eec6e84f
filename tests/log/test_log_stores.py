import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from lllm.errors import ConfigError, LogCorrupt, LogError, LogExists, LogFenced, SessionNotFound
from lllm.log import LocalFileLog, MemoryLog, NoLog, ReplayableLogBase, build_log_base
from lllm.log.envelope import Event
from lllm.utils import encode_json, safe_name


class ListLog(ReplayableLogBase):
    """A store as a user would write one: the three methods, nothing else."""

    def __init__(self):
        self._memory = MemoryLog()

    def open_session(self, session):
        return self._memory.open_session(session)

    def read_session(self, session):
        return self._memory.read_session(session)

    def session_names(self):
        return self._memory.session_names()


@pytest.fixture(params=["local", "memory", "user"])
def log(request, tmp_path):
    if request.param == "local":
        return LocalFileLog("base", {"log_dir": tmp_path / "logs", "durability": "flush"})
    return MemoryLog() if request.param == "memory" else ListLog()


def write(log, session, *, close="ok", task="a task"):
    with log.open_session(session) as opened:
        opened.append("session.open", "", encode_json({"task": task, "agent_type": "demo"}))
        if close:
            opened.append("session.close", "", encode_json({"status": close}), cause=1)


class TestEveryStore:
    """The same facts of every store, so that tests in memory mean something for the disk."""

    def test_what_is_appended_is_read_back(self, log):
        """A log that changes events is no log."""
        with log.open_session("s") as opened:
            assert opened.append("message", "1/m0", '{"a":[1,"\\ud800",null]}') == 1
            assert opened.append("note", "", "{}", cause=1) == 2
        first, second = log.read_session("s")
        assert isinstance(first, Event)
        assert (first.seq, first.kind, first.id, first.data) == (1, "message", "1/m0", {"a": [1, "\ud800", None]})
        assert (second.seq, second.cause, second.ign, first.ign) == (2, 1, True, False)
        assert second.ts >= first.ts > 1e9

    def test_secrets_are_redacted(self, log):
        """Tests that pass in memory must not leak on disk, nor the other way round."""
        with log.open_session("s") as opened:
            opened.redact.add("swordfish-9")
            opened.append("message", "1/m0", '{"a":"swordfish-9"}')
        assert next(iter(log.read_session("s"))).data == {"a": "[redacted]"}

    def test_a_session_is_never_written_over(self, log):
        """A run that costs money must not be lost to a second one of the same name."""
        write(log, "s")
        with pytest.raises(LogExists) as caught:
            log.open_session("s")
        assert "session_name" in caught.value.hint

    def test_an_unknown_kind_is_not_written(self, log):
        """Nobody could read it back."""
        with log.open_session("s") as opened, pytest.raises(ValueError, match="'nonsense'"):
            opened.append("nonsense", "", "{}")

    def test_a_closed_session_takes_no_event(self, log):
        """Somebody else may be writing it by then."""
        opened = log.open_session("s")
        opened.close()
        with pytest.raises(LogError, match="closed"):
            opened.append("note", "", "{}")

    def test_listing_is_newest_first_and_tells_how_each_ended(self, log):
        """A person looks for the run that just failed."""
        write(log, "a", task="first\n  task " + "x" * 500)
        write(log, "b", close="failed")
        write(log, "c", close=None)
        listed = log.list_sessions()
        assert [(info.session, info.status, info.events) for info in listed] == [
            ("c", "open", 1),
            ("b", "failed", 2),
            ("a", "ok", 2),
        ]
        assert listed[2].task.startswith("first task xxx")
        assert len(listed[2].task) == 120
        assert listed[2].agent_type == "demo"

    def test_a_name_is_resolved_exactly_then_by_its_start_then_as_last(self, log):
        """Session names are long; nobody types them whole."""
        for name in ("run-1", "run-10", "other"):
            write(log, name)
        assert log.resolve("run-1") == "run-1"
        assert log.resolve("oth") == "other"
        assert log.resolve("last") == "other"

    def test_a_name_that_was_made_safe_is_found_as_it_was_given(self, log):
        """A person knows the name that was typed, and not what a path can hold of it; nobody else has its hash."""
        for given in ("MyRun", "My run", "myrun", "Ende gut", "\udcff"):
            write(log, safe_name(given))
            assert log.resolve(given) == safe_name(given)
        write(log, "MyRun")  # a store's own user may use such names
        assert log.resolve("MyRun") == "MyRun"
        with pytest.raises(SessionNotFound):
            log.resolve("MYRUN")

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("run", "run-1, run-2"),
            ("rnu-1", "run-1"),
            ("", "log list"),
            ("../run-1", "run-1"),
            ("x" * 1_000_000, "list"),
        ],
    )
    def test_a_name_that_fits_no_single_session_is_refused_with_what_is_near(self, log, name, hint):
        """A typo must never show another session."""
        write(log, "run-1")
        write(log, "run-2")
        with pytest.raises(SessionNotFound) as caught:
            log.resolve(name)
        assert hint in caught.value.hint
        assert len(str(caught.value)) < 300

    def test_an_empty_log_says_that_it_is_empty(self, log):
        """Most often the person is in the wrong folder."""
        assert log.list_sessions() == []
        with pytest.raises(SessionNotFound, match="empty"):
            log.resolve("last")

    def test_a_missing_session_cannot_be_read(self, log):
        """Reading nothing would look like a session without events."""
        with pytest.raises(SessionNotFound):
            list(log.read_session("missing"))

    def test_the_header_is_read_alone(self, log):
        """Who only wants to know what a session ran need not read it, of a fork also not its parents."""
        write(log, "s", task="t")
        with log.open_session("fork") as fork:
            fork.append("session.open", "", '{"parent":{"chain":"x","seq":3,"session":"gone"},"task":"u"}')
        with log.open_session("odd") as odd:
            odd.append("note", "note/0", '{"text":"no header"}')
        assert log.read_header("s")["task"] == "t"
        assert log.read_header("fork")["task"] == "u"
        assert log.read_header("odd") == {}
        with pytest.raises(SessionNotFound):
            log.read_header("none")

    def test_a_session_can_be_read_while_it_is_written(self, log):
        """The viewer shows runs that are still going on."""
        with log.open_session("s") as opened:
            opened.append("note", "", "{}")
            assert len(list(log.read_session("s"))) == 1
            opened.append("note", "", "{}")
            assert len(list(log.read_session("s"))) == 2


def test_no_log_counts_and_keeps_nothing():
    """Runs without a log follow the same code and get the same seqs."""
    log = NoLog()
    for _ in range(2):
        with log.open_session("s") as opened:
            assert [opened.append("note", "", "{}") for _ in range(3)] == [1, 2, 3]
            opened.barrier()
            assert not opened.needs_barrier
    assert log.list_sessions() == []
    with pytest.raises(SessionNotFound) as caught:
        log.read_session("s")
    assert "log_type" in caught.value.hint


def test_the_layout_on_disk_is_the_documented_one(tmp_path):
    """People and other tools read these files."""
    log = LocalFileLog("base", {"log_dir": tmp_path})
    with log.open_session("s") as opened:
        opened.append("message", "1/m0", encode_json({"a": "x" * 9000}))
        assert opened.path == tmp_path / "base" / "s"
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    sha = files[0].rsplit("/", 1)[1]
    assert files == [f"base/blobs/{sha[:2]}/{sha}", "base/s/events-000001.jsonl", "base/s/lock"]
    assert re.fullmatch(r"1 [0-9a-f]{16}\n1\n", (tmp_path / "base/s/lock").read_text())


def test_making_a_log_touches_no_disk(tmp_path):
    """Looking at a config must not leave folders behind."""
    log = LocalFileLog("base", {"log_dir": tmp_path / "logs"})
    assert log.list_sessions() == []
    assert list(tmp_path.iterdir()) == []


def test_a_later_change_of_folder_does_not_move_the_log(tmp_path, monkeypatch):
    """A function may change the working folder in the middle of a run."""
    monkeypatch.chdir(tmp_path)
    log = LocalFileLog("base")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    write(log, "s")
    assert (tmp_path / ".lllm/logs/base/s/events-000001.jsonl").is_file()


BAD_NAMES = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "a\0b",
    ".hidden",
    "-x",
    "a b",
    "é",
    "\ud800",
    "x" * 129,
    "x" * 1_000_000,
    "a\n",
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=range(len(BAD_NAMES)))
def test_a_name_that_is_no_plain_path_component_is_refused(tmp_path, name):
    """A task's text may become a name by mistake, and must never become a path."""
    log = LocalFileLog("base", {"log_dir": tmp_path})
    for use in (log.open_session, log.read_session, log.reopen_session, lambda base: LocalFileLog(base, {})):
        with pytest.raises(ConfigError) as caught:
            use(name)
        assert len(str(caught.value)) < 400
        str(caught.value).encode()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_blobs_is_no_session(tmp_path):
    """Its name is taken."""
    log = LocalFileLog("base", {"log_dir": tmp_path})
    with log.open_session("s") as opened:
        opened.append("note", "", encode_json({"a": "x" * 9000}))
    assert [info.session for info in log.list_sessions()] == ["s"]
    with pytest.raises(ConfigError, match="blobs"):
        log.open_session("blobs")


def test_a_folder_that_cannot_be_made_is_told_with_a_way_out(tmp_path):
    """A file in the way is the kind of obstacle that also stops the super-user."""
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(LogError, match="cannot be made") as caught:
        LocalFileLog("base", {"log_dir": tmp_path / "logs"}).open_session("s")
    assert "log_dir" in caught.value.hint


def test_a_read_only_folder_is_told_with_a_way_out(tmp_path):
    """Containers often mount the project read-only."""
    code = """
import os, sys
sys.path.insert(0, sys.argv[2])
from lllm.errors import LogError
from lllm.log import LocalFileLog
import lllm.log.base, lllm.log.local
if os.getuid() == 0: os.setuid(65534)
try: LocalFileLog("base", {"log_dir": sys.argv[1]}).open_session("s")
except LogError as error: print(error, error.hint)
"""
    tmp_path.chmod(0o555)
    command = [sys.executable, "-c", code, str(tmp_path), str(Path.cwd())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "Permission denied" in done.stdout, done.stderr
    assert "log_dir" in done.stdout


def test_listing_does_not_read_what_is_between(tmp_path):
    """A list of a thousand long sessions must come at once, so only the ends of each are looked at."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush", "max_segment_bytes": 2000})
    with log.open_session("s") as opened:
        opened.append("session.open", "", encode_json({"task": "t" * 9000, "agent_type": "demo"}))
        for _ in range(50):
            opened.append("note", "", "{}")
        opened.append("session.close", "", encode_json({"status": "ok", "parts": ["x" * 4000] * 40}))
    middle = log.folder / "s" / "events-000003.jsonl"
    middle.write_bytes(b"damaged\n" + middle.read_bytes())
    info = log.list_sessions()[0]
    assert (info.status, info.events, info.task) == ("ok", 52, "t" * 120)
    with pytest.raises(LogCorrupt):
        list(log.read_session("s"))


@pytest.mark.parametrize("end", [0, -1])
def test_listing_shows_damage_at_either_end(tmp_path, end):
    """One broken session must not hide the others, and must be seen."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush"})
    write(log, "s")
    write(log, "t")
    path = log.folder / "s" / "events-000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[end] = lines[end].replace(b'"data"', b'"dada"')
    path.write_bytes(b"".join(lines))
    assert {info.session: info.status for info in log.list_sessions()} == {"s": "damaged", "t": "ok"}


def test_a_session_without_events_is_open(tmp_path):
    """The process may have died before its first word."""
    log = LocalFileLog("base", {"log_dir": tmp_path})
    (tmp_path / "base" / "s").mkdir(parents=True)
    assert [(info.status, info.events) for info in log.list_sessions()] == [("open", 0)]
    assert list(log.read_session("s")) == []
    with log.reopen_session("s") as opened:
        assert opened.append("note", "", "{}") == 1


def test_a_session_that_is_being_written_cannot_be_reopened(tmp_path):
    """Resuming a run that is still going on would make two of it."""
    log = LocalFileLog("base", {"log_dir": tmp_path})
    with log.open_session("s"), pytest.raises(LogFenced):
        log.reopen_session("s")
    with log.reopen_session("s") as opened:
        assert opened.epoch == 2


def test_what_an_earlier_writer_left_is_synced_with_the_first_barrier(tmp_path):
    """It may have been killed before the disk had it, and we are about to build on it."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush"})
    write(log, "s")
    durable = LocalFileLog("base", {"log_dir": tmp_path, "durability": "barrier"})
    with durable.reopen_session("s") as opened:
        assert opened.needs_barrier


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"durability": "fsync"}, "none, flush, barrier, strict"),
        ({"max_segment_bytes": -1}, "bytes"),
        ({"max_segment_bytes": "1MB"}, "bytes"),
        ({"redact": "secret"}, "list"),
        ({"redact": True}, "list"),
    ],
)
def test_a_bad_value_is_refused_with_what_would_be_good(config, what):
    """It comes from a YAML file that a person edits."""
    with pytest.raises(ConfigError) as caught:
        LocalFileLog("base", config)
    assert what in caught.value.hint


def test_redaction_can_be_extended_and_turned_off(tmp_path):
    """A project knows its own secrets, and one that logs on purpose may want every byte."""
    key = "AKIAIOSFODNN7EXAMPLE"
    found = {}
    for name, redact in [("default", None), ("more", ["ticket-[0-9]+"]), ("off", False)]:
        log = LocalFileLog(name, {"log_dir": tmp_path, "redact": redact})
        with log.open_session("s") as opened:
            opened.append("note", "", encode_json({"a": f"{key} ticket-77"}))
        found[name] = next(iter(log.read_session("s"))).data["a"]
    assert found == {"default": "[redacted] ticket-77", "more": "[redacted] [redacted]", "off": f"{key} ticket-77"}


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({}, LocalFileLog),
        ({"log_type": "localfile"}, LocalFileLog),
        ({"log_type": "none"}, NoLog),
        ({"log_type": "memory"}, MemoryLog),
    ],
)
def test_the_config_chooses_the_log(config, kind):
    """``log_type`` is the one switch that the docs name."""
    assert type(build_log_base(config)) is kind


def test_the_configs_keys_reach_the_log(tmp_path):
    """YAML spells them with ``log_`` in front; keys of other rooms stand beside them."""
    config = {
        "log_dir": str(tmp_path),
        "name": "My System",
        "log_durability": "strict",
        "log_redact": ["needle"],
        "agent_type": "x",
    }
    log = build_log_base(config)
    assert log.folder.parent == tmp_path
    assert log.folder.name.startswith("my-system-")
    assert log.redactor('{"a":"needle"}') == '{"a":"[redacted]"}'
    with log.open_session("s") as opened:
        opened.append("note", "", "{}")
        assert not opened.needs_barrier
    assert build_log_base(config, "given").folder.name == "given"
    assert build_log_base({"name": "Plain_1"}).folder.name == "Plain_1"


@pytest.mark.parametrize(
    ("log_type", "hint"), [("localfiles", "'localfile'"), ("postgres", "localfile, none"), (["x"], "localfile")]
)
def test_an_unknown_log_type_is_refused_with_the_nearest(log_type, hint):
    """A typo must not turn logging off."""
    with pytest.raises(ConfigError) as caught:
        build_log_base({"log_type": log_type})
    assert hint in caught.value.hint


# --- folders that cannot be made ---------------------------------------------------------------------------------------


def test_a_path_that_holds_nul_is_refused():
    """A config can say anything; pathlib's own error would name no key."""
    with pytest.raises(ConfigError, match="log_dir"):
        LocalFileLog("base", {"log_dir": "a\0b"})


def test_a_file_in_the_folders_place_is_not_taken_for_a_session(tmp_path):
    """Another session_name would not help."""
    (tmp_path / "base").touch()
    with pytest.raises(LogError, match="cannot be made") as caught:
        LocalFileLog("base", {"log_dir": tmp_path}).open_session("s")
    assert not isinstance(caught.value, LogExists)


def test_a_session_that_cannot_be_begun_leaves_no_folder(tmp_path):
    """Else a full disk fills the listing with sessions that never were, and their names are taken."""
    log = LocalFileLog("base", {"log_dir": tmp_path})
    log.folder.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (tmp_path / "probe").open("w") as probe:
        lowest_free = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        with pytest.raises(LogError, match="cannot be locked"):
            log.open_session("s")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert log.session_names() == []
    log.open_session("s").close()
