"""What an export reads: all that can be read, without secrets; and how it becomes a file."""

from __future__ import annotations

import json
import os
import resource
import signal
import threading

import pytest
from export_runs import Story, fork, trip

from lllm.errors import ConfigError, LogError, SessionNotFound
from lllm.export import RunRecord, save_chunks
from lllm.log import LocalFileLog, MemoryLog
from lllm.log.redact import Redactor

FORMATS = ("html", "md", "jsonl", "ipynb", "otlp")
LATE = "hunter2-hunter2"


def local(tmp_path):
    return LocalFileLog("log", {"log_dir": str(tmp_path / "logs"), "durability": "none"})


def story_on_disk(tmp_path, text="Hello."):
    story = trip(text, log=local(tmp_path))
    story.session.close()
    return story


@pytest.mark.parametrize("format_", FORMATS)
def test_a_secret_that_became_known_after_the_run_is_taken_out(format_):
    """A key that leaked into a log is found out later, mostly; a share made today must not hold it."""
    story = trip(f"the key is {LATE}")
    options = {"content": True} if format_ == "otlp" else {}
    assert LATE in story.export(format_, **options)
    story.log.redactor.add(LATE)
    assert LATE not in story.export(format_, **options)
    assert "[redacted]" in story.export(format_, **options)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_pattern_that_was_added_after_the_run_holds(format_):
    story = trip("order 4711-4712 of today")
    story.log.redactor = Redactor([r"\d{4}-\d{4}"])
    assert "4711-4712" not in story.export(format_, **({"content": True} if format_ == "otlp" else {}))


def test_a_secret_in_a_name_of_the_structure_is_taken_out():
    """Agents, prompts and scopes are named by users; such names become ids."""
    story = Story()
    story.add("session.open", task="t", parent={"session": LATE, "seq": "no number", "chain": ""})
    story.add("contract", f"contract/{LATE}", agent=LATE)
    story.add("dialog.open", f"{LATE}.1", agent=LATE)
    story.say(f"{LATE}.1/m0", "user", "nothing secret but the place")
    story.log.redactor.add(LATE)
    for format_ in FORMATS:
        assert LATE not in story.export(format_)


def test_a_pattern_that_hits_everything_leaves_a_readable_export():
    story = trip()
    story.log.redactor = Redactor([r".+"])
    for format_ in FORMATS:
        assert story.export(format_)


def damage_line(path, number):
    lines = path.read_bytes().split(b"\n")
    lines[number - 1] = lines[number - 1].replace(b"a", b"b", 1)
    path.write_bytes(b"\n".join(lines))


@pytest.mark.parametrize("format_", FORMATS)
def test_of_a_damaged_session_everything_before_the_damage_is_exported(tmp_path, format_):
    story = story_on_disk(tmp_path)
    damage_line(story.session.path / "events-000001.jsonl", 12)
    record = RunRecord(story.log, "s")
    lines = list(record.lines())
    assert [line.event.seq for line in lines] == list(range(1, 12))
    assert "damaged" in record.damage
    told = story.export(format_)
    assert "damaged" in told or format_ == "jsonl"
    assert str(tmp_path) not in told, "a path of this machine is nobody else's business"


def test_of_a_damaged_fork_what_it_shares_is_exported(tmp_path):
    child = fork(story_on_disk(tmp_path))
    child.session.close()
    damage_line(child.session.path / "events-000001.jsonl", 3)
    record = RunRecord(child.log, "child")
    assert [event.seq for event in record.events()] == [1, 2, 3, 4, 5, 6]
    assert "damaged" in record.damage


def test_of_a_fork_without_its_parent_its_own_events_are_exported(tmp_path):
    story = story_on_disk(tmp_path)
    child = fork(story)
    child.session.close()
    story.session.path.rename(tmp_path / "gone")
    record = RunRecord(child.log, "child")
    assert [event.kind for event in record.events()][:2] == ["session.open", "model.request"]
    assert "forked from s, which is not there any more" in record.damage


def test_a_session_that_is_not_there_is_no_empty_export():
    with pytest.raises(SessionNotFound):
        list(RunRecord(MemoryLog(), "nobody").lines())


def test_large_texts_are_filled_in(tmp_path):
    big = "x" * 100_000
    lines = story_on_disk(tmp_path, big).export("jsonl").splitlines()
    assert json.loads(lines[0])["data"]["task"] == f"task {big}"


def test_numbers_that_json_does_not_have_become_text(tmp_path):
    """Python's reader lets them pass; no other reader of an export does."""
    story = Story()
    story.session.append("note", "note/0", '{"text":NaN,"more":[Infinity,1e999]}')
    assert json.loads(story.export("jsonl"), parse_constant=pytest.fail)["data"] == {
        "text": "NaN",
        "more": ["Infinity", "Infinity"],
    }


def names(folder):
    return [path.name for path in folder.iterdir()]


# --- files --------------------------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_not_replaced(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="already"):
        save_chunks(["new"], path)
    assert path.read_text() == "mine"
    assert save_chunks(["new", "\u00e9"], path, force=True) == 5
    assert path.read_text("utf-8") == "new\u00e9"
    assert names(tmp_path) == ["a.html"]


def test_of_two_who_write_one_file_one_is_told(tmp_path):
    """Both find the name free at first; what is there in the end is one of them, whole."""
    path, gate, told = tmp_path / "a", threading.Barrier(8), []

    def chunks(text):
        gate.wait()
        yield text * 1000

    def save(text):
        try:
            save_chunks(chunks(text), path)
            told.append(text)
        except ConfigError:
            pass

    threads = [threading.Thread(target=save, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    assert path.read_text() == told[0] * 1000
    assert names(tmp_path) == ["a"]


def test_an_export_that_fails_leaves_nothing(tmp_path):
    def chunks():
        yield "half"
        raise LogError("gone")

    with pytest.raises(LogError):
        save_chunks(chunks(), tmp_path / "a")
    assert names(tmp_path) == []


def test_a_full_disk_leaves_nothing_and_is_told(tmp_path):
    old_signal = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(LogError, match="cannot be written"):
            save_chunks(["x" * 5000] * 3, tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old_signal)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("name", "told"), [("folder", "folder"), ("none/a", "no such folder")])
def test_a_place_that_cannot_be_is_refused(tmp_path, name, told):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=told):
        save_chunks(["x"], tmp_path / name, force=True)


def test_what_is_no_plain_file_is_written_to_and_not_replaced(tmp_path):
    """``-o /dev/null`` by root must not end with a plain file of that name."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    assert save_chunks(["hello"], pipe) == 5
    reader.join()
    assert got == ["hello"]
    assert pipe.is_fifo()
