"""lllm log list, tail, prune and reindex, as a person meets them."""

import json
import os
import signal
import time

import pytest

from lllm.cli.amounts import SIZE, SPAN, to_age, to_size
from lllm.log import LocalFileLog
from lllm.utils import encode_json


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush"})


def begin(log, session, task="a task"):
    opened = log.open_session(session)
    opened.append("session.open", "", encode_json({"task": task, "agent_type": "demo"}))
    return opened


def write(log, session, status="ok", task="a task"):
    with begin(log, session, task) as opened:
        opened.append("message", "1/m0", encode_json({"message": {"role": "user", "content": "hi\x1b[31m\nthere"}}))
        if status:
            opened.append("session.close", "", encode_json({"status": status}))


def at(log):
    return "--log-dir", str(log.folder)


def test_a_list_is_narrowed_by_what_a_person_remembers(log, lllm, lllm_json):
    """The session of a bad afternoon is found among thousands."""
    write(log, "a", "ok", "Fuel for 420 km")
    write(log, "b", "failed", "weather")
    write(log, "c", "", "fuel")
    asked = {
        (): ["c", "b", "a"],
        ("--limit", "1"): ["c"],
        ("--status", "failed"): ["b"],
        ("--status", "open", "--grep", "FUEL"): ["c"],
        ("--grep", "420"): ["a"],
        ("--since", "1h"): ["c", "b", "a"],
        ("--since", "0s"): [],
    }
    for options, names in asked.items():
        code, told = lllm_json("log", "list", *at(log), *options)
        assert (code, [info["session"] for info in told]) == (0, names), options
    assert told == []
    first = lllm_json("log", "list", *at(log), "--limit", "1")[1][0]
    assert first.keys() >= {"session", "path", "status", "task", "events", "ended_ts", "parent", "size_bytes"}
    assert "no such sessions" in lllm("log", "list", *at(log), "--grep", "nothing").stderr
    assert lllm("log", "list", *at(log), "--since", "soon").exit_code == 2


def test_spans_and_sizes_are_read_and_shown():
    """A wrong unit must never remove what was not meant."""
    assert [SPAN.convert(text, None, None) for text in ("90min", "1.5h", "30D", "2w", "0s")] == [
        5400,
        5400,
        2_592_000,
        1_209_600,
        0,
    ]
    assert [SIZE.convert(text, None, None) for text in ("2GB", "1.5mb", "10K", "7B", "1 MiB")] == [
        2e9,
        1.5e6,
        1e4,
        7,
        2**20,
    ]
    for wrong in ("30", "-1d", "d", "", "1e3d", "30 years", "9" * 50 + "d", "1dd"):
        for kind in (SPAN, SIZE):
            with pytest.raises(Exception, match="write one such as"):
                kind.convert(wrong, None, None)
    sizes = (0, 999, 1000, 9_949, 9_951, 999_499, 1e6, 2.5e12)
    assert [to_size(size) for size in sizes] == [
        "0 B",
        "999 B",
        "1.0 KB",
        "9.9 KB",
        "10 KB",
        "999 KB",
        "1.0 MB",
        "2.5 TB",
    ]
    assert [to_age(age) for age in (-5, 59, 3599, 7200, 90_000)] == ["0 s", "59 s", "59 min", "2 h", "1 d"]


def test_the_last_events_are_shown_and_none_of_them_is_obeyed(log, lllm):
    """A model's text must not paint, or move, a person's terminal."""
    write(log, "s")
    result = lllm("log", "tail", "s", "-n", "2", *at(log))
    lines = result.stdout.splitlines()
    assert (result.exit_code, len(lines)) == (0, 2)
    assert "user: hi␛[31m there" in lines[0]
    assert lines[1].endswith('session.close                {"status": "ok"}')
    assert lllm("log", "tail", "-n", "0", *at(log)).stdout == ""
    assert lllm("log", "tail", "nothing", *at(log)).exit_code == 4


def test_with_json_each_line_is_one_event(log, lllm):
    """Other programs read it line by line, the end of a damaged log included."""
    write(log, "s")
    told = [json.loads(line) for line in lllm("log", "tail", "-f", "--json", *at(log)).stdout.splitlines()]
    assert [(event["seq"], event["kind"]) for event in told] == [
        (1, "session.open"),
        (2, "message"),
        (3, "session.close"),
    ]
    path = log.folder / "s" / "events-000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"1/m0"', b'"1/m1"'))
    result = lllm("log", "tail", "--json", *at(log))
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, told[0]["kind"], told[1]["error"]["type"]) == (1, "session.open", "LogCorrupt")


def test_who_follows_a_session_that_died_is_told(log, lllm):
    """Else a script would take the end of the output for the end of the run."""
    write(log, "s", "")
    result = lllm("log", "tail", "-f", *at(log))
    assert (result.exit_code, len(result.stdout.splitlines())) == (1, 2)
    assert "its process died" in result.stderr
    assert lllm("log", "tail", *at(log)).exit_code == 0


def test_a_running_session_is_followed_until_it_is_closed(log, start_process):
    """From one process to another, and out at its end."""
    opened = begin(log, "s")
    child = start_process("log", "tail", "-f", "--json", *at(log))
    assert json.loads(child.stdout.readline())["kind"] == "session.open"
    for number in range(3):
        opened.append("note", "", encode_json({"number": number}))
        assert json.loads(child.stdout.readline())["data"] == {"number": number}
    opened.append("session.close", "", '{"status":"ok"}')
    opened.close()
    assert json.loads(child.stdout.readline())["kind"] == "session.close"
    assert (child.wait(30), child.stderr.read()) == (0, "")


def test_ctrl_c_ends_the_following(log, start_process):
    """With the exit code that a shell expects, and without a traceback."""
    with begin(log, "s"):
        child = start_process("log", "tail", "-f", *at(log))
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
        assert "Traceback" not in child.stderr.read()


def test_a_prune_says_what_it_would_remove_and_waits_for_a_yes(log, lllm, lllm_json):
    """What is removed does not come back."""
    write(log, "a")
    write(log, "b", "failed")
    with begin(log, "running"):
        ask = ("log", "prune", "--older-than", "0s", *at(log))
        code, told = lllm_json(*ask, "--dry-run", "--status", "failed")
        assert (code, told["sessions"], told["dry_run"], told["kept"]) == (0, ["b"], True, 2)
        assert "2 sessions and 0 large texts to remove" in lllm(*ask, "--dry-run").stdout
        result = lllm(*ask)
        assert (result.exit_code, "--yes" in result.stderr) == (2, True)
        assert len(log.session_names()) == 3
        code, told = lllm_json(*ask, "--yes")
        assert (code, told["sessions"], told["dry_run"]) == (0, ["a", "b"], False)
        assert told["spared"] == {"running": "it is being written"}
        assert told["freed_bytes"] > 0
        assert log.session_names() == ["running"]
    assert "removed 1 sessions" in lllm("log", "prune", "--max-size", "0B", "--yes", *at(log)).stdout


def test_a_prune_without_a_rule_is_refused(log, lllm):
    """Nobody means all sessions by saying nothing."""
    write(log, "a")
    for options in ((), ("--keep", "3"), ("--status", "ok", "--yes")):
        result = lllm("log", "prune", *options, *at(log))
        assert (result.exit_code, "--older-than" in result.stderr) == (2, True)
    assert log.session_names() == ["a"]


def test_the_index_is_made_anew_and_its_damage_is_told(log, lllm, lllm_json):
    """A damaged index costs a line on stderr, never a listing."""
    write(log, "a")
    path = str(log.folder / "index.sqlite")
    assert lllm_json("log", "reindex", *at(log)) == (0, {"path": path, "sessions": 1})
    os.truncate(path, 5000)
    result = lllm("log", "list", "--json", *at(log))
    assert [info["session"] for info in json.loads(result.stdout)] == ["a"]
    assert "made again" in result.stderr
    assert lllm("log", "list", *at(log)).stderr == ""


def test_an_index_that_cannot_be_made_is_told_with_a_way_out(log, lllm):
    """A folder in its place is an obstacle for the super-user, too."""
    write(log, "a")
    (log.folder / "index.sqlite").mkdir()
    result = lllm("log", "reindex", *at(log))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the index cannot be made anew" in result.stderr
    assert "hint: sessions are listed without it" in result.stderr


def test_listing_is_about_now(log, lllm_json):
    """The age of a session counts from its begin."""
    before = time.time()
    write(log, "a")
    told = lllm_json("log", "list", *at(log))[1][0]
    assert before <= told["started_ts"] <= told["ended_ts"] <= time.time()
