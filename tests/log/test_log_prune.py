"""A prune removes what is old, and nothing that a kept session needs."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lllm.errors import LogError
from lllm.log import LocalFileLog, fsck
from lllm.log.file import WriteOptions
from lllm.log.flock import sharing
from lllm.log.prune import Rules, build_plan, read_references, run_plan
from lllm.utils import encode_json

DAY_S = 86_400
NOW = 1_795_000_000.0


class Clock:
    """Says what it was set to."""

    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(tmp_path, clock):
    return LocalFileLog("base", {"log_dir": tmp_path}, WriteOptions("flush", clock=clock))


def write(log, session, *texts, days=0.0, status="ok", parent=None):
    """Write a session that ended so many days ago."""
    log._options.clock.now = NOW - days * DAY_S
    header = {"parent": {"session": parent, "seq": 1, "chain": "0" * 32}} if parent else {}
    with log.open_session(session) as opened:
        opened.append("session.open", "", encode_json({"task": session, **header}))
        for text in texts:
            opened.append("note", "", encode_json({"text": text}))
        if status:
            opened.append("session.close", "", encode_json({"status": status}))
    for path in [*log.folder.glob("blobs/*/*"), log.folder / session]:
        os.utime(path, (NOW - days * DAY_S, NOW - days * DAY_S))


def big(letter):
    return letter * 10_000


def names(log):
    return sorted(log.session_names())


def prune(log, **rules):
    return run_plan(log, build_plan(log, Rules(**rules), NOW))


def assert_sound(log):
    for name in names(log):
        assert fsck(log.folder / name).ok


def test_old_sessions_and_what_only_they_needed_are_removed(log):
    """What others still refer to stays."""
    write(log, "old", big("a"), big("b"), days=40)
    write(log, "new", big("b"), days=20)
    plan = build_plan(log, Rules(older_than_s=30 * DAY_S), NOW)
    assert ([x.info.session for x in plan.sessions], plan.kept, plan.blobs) == (["old"], 1, 1)
    assert names(log) == ["new", "old"]
    weight = sum(path.stat().st_size for path in (log.folder / "old").glob("events-*"))
    assert run_plan(log, plan) == (["old"], 1, weight + 10_000)
    assert plan.freed_bytes == weight + 10_000
    left = [path for path in log.folder.rglob("*") if path.is_file() and path.name != "lock"]
    assert plan.left_bytes == sum(path.stat().st_size for path in left)
    assert names(log) == ["new"]
    assert_sound(log)


def test_the_last_event_tells_how_old_a_session_is(log, clock):
    """One that was begun long ago and resumed yesterday is young."""
    write(log, "s", days=40, status="failed")
    clock.now = NOW - DAY_S
    with log.reopen_session("s") as opened:
        opened.append("session.close", "", '{"status":"ok"}')
    assert prune(log, older_than_s=30 * DAY_S).sessions == []


def test_the_oldest_go_until_the_rest_is_small_enough(log):
    """A disk has one size, and the newest are worth most."""
    for number in range(6):
        write(log, f"s{number}", big(str(number)), days=10 - number)
    plan = build_plan(log, Rules(max_bytes=25_000), NOW)
    assert [listed.info.session for listed in plan.sessions] == ["s0", "s1", "s2", "s3"]
    assert plan.left_bytes <= 25_000
    run_plan(log, plan)
    assert names(log) == ["s4", "s5"]
    assert prune(log, max_bytes=25_000).sessions == []


def test_the_newest_are_kept_and_a_status_is_asked_for(log):
    """Failures are often looked at longer than successes, or less long."""
    for number, status in enumerate(("ok", "failed", "ok", "failed", "")):
        write(log, f"s{number}", days=10 - number, status=status)
    assert prune(log, older_than_s=0, status="failed", keep=2).sessions == ["s1"]
    assert prune(log, older_than_s=0, keep=1).sessions == ["s0", "s2", "s3"]
    assert prune(log, older_than_s=0).sessions == ["s4"]


def test_a_session_that_is_written_is_never_removed(log, clock):
    """Its process would be told that the log is lost."""
    clock.now = NOW - 40 * DAY_S
    with log.open_session("s") as opened:
        opened.append("note", "", "{}")
        plan = build_plan(log, Rules(older_than_s=0), NOW)
        assert (plan.sessions, plan.spared) == ([], {"s": "it is being written"})
        opened.append("note", "", "{}")
    assert prune(log, older_than_s=0).sessions == ["s"]


@pytest.mark.parametrize("is_still_written", [True, False])
def test_a_session_that_goes_on_after_the_plan_stays(log, is_still_written):
    """A person may think about the question for a while."""
    write(log, "s", days=40)
    plan = build_plan(log, Rules(older_than_s=0), NOW)
    opened = log.reopen_session("s")
    if not is_still_written:
        opened.append("note", "", "{}")
        opened.close()
    assert run_plan(log, plan).sessions == []
    opened.close()
    assert names(log) == ["s"]


def test_the_ancestors_of_a_kept_fork_stay(log):
    """A fork copies nothing of them."""
    write(log, "a", days=40)
    write(log, "b", days=39, parent="a")
    write(log, "c", days=1, parent="b")
    write(log, "d", days=38, parent="a")
    plan = build_plan(log, Rules(older_than_s=30 * DAY_S), NOW)
    assert [listed.info.session for listed in plan.sessions] == ["d"]
    assert plan.spared == dict.fromkeys(("a", "b"), "a fork that stays shares its events")
    assert prune(log, older_than_s=0).sessions == ["d", "c", "b", "a"]


def test_a_fork_that_is_made_after_the_plan_keeps_its_parents(log):
    """It was promised nothing, but it would be lost."""
    write(log, "a", days=40)
    write(log, "b", days=40, parent="a")
    plan = build_plan(log, Rules(older_than_s=0), NOW)
    write(log, "c", parent="b")
    assert run_plan(log, plan).sessions == []
    assert names(log) == ["a", "b", "c"]


def test_sessions_that_are_each_others_parents_end_no_prune(log):
    """Only a hostile log has them."""
    write(log, "a", days=40, parent="b")
    write(log, "b", days=40, parent="a")
    write(log, "c", days=40, parent="c")
    assert prune(log, older_than_s=0).sessions == []


def test_a_large_text_that_is_used_again_meanwhile_stays(log):
    """A writer finds the text there, and writes its event later than the plan."""
    write(log, "old", big("a"), days=40)
    plan = build_plan(log, Rules(older_than_s=0), NOW)
    write(log, "new", big("a"))
    for path in log.folder.glob("blobs/*/*"):
        os.utime(path, (0, 0))
    assert run_plan(log, plan).blobs == 0
    assert_sound(log)


@pytest.mark.parametrize("is_orphan", [False, True])
def test_no_large_text_is_removed_while_a_writer_stands_before_its_event(log, is_orphan):
    """The writer has looked for it, and its event is not in any file yet."""
    write(log, "old", big("a"), days=40)
    if is_orphan:
        shutil.rmtree(log.folder / "old")
    refused = []

    def write_slowly(fd, content):
        with pytest.raises(LogError, match="cannot be locked"):
            run_plan(log, plan)
        refused.append(content)
        return os.write(fd, content)

    plan = build_plan(log, Rules(older_than_s=0, wait_s=0), NOW)
    assert (len(plan.sessions), plan.blobs) == (not is_orphan, 1)
    slow = LocalFileLog("base", {"log_dir": log.folder.parent}, WriteOptions("flush", write=write_slowly))
    with slow.open_session("slow") as opened:
        opened.append("note", "", encode_json({"text": big("a")}))
    assert len(refused) == 1
    assert_sound(log)


def test_texts_that_nobody_refers_to_go_when_they_are_old(log):
    """A process that was killed between a text and its event leaves one, or half of one."""
    write(log, "s", big("a"))
    for name, days in (("b" * 64, 2), ("c" * 64, 0), (f"{'d' * 64}.77.88.tmp", 2), ("not-ours", 2)):
        path = log.folder / "blobs" / "bb" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        os.utime(path, (NOW - days * DAY_S, time.time() - days * DAY_S))
    plan = build_plan(log, Rules(max_bytes=1e9), time.time())
    assert (plan.sessions, plan.blobs, plan.freed_bytes) == ([], 2, 2)
    assert run_plan(log, plan) == ([], 2, 2)
    assert sorted(path.name[:3] for path in (log.folder / "blobs/bb").iterdir()) == ["ccc", "not"]
    assert_sound(log)


def test_what_a_damaged_session_refers_to_stays(log):
    """Its owner may mend it."""
    write(log, "s", "first", big("a"), days=1)
    path = log.folder / "s" / "events-000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b"first", b"fIrst"))
    write(log, "old", days=40)
    assert prune(log, older_than_s=30 * DAY_S).blobs == 0
    assert len(list(log.folder.glob("blobs/*/*"))) == 1


def test_references_are_found_wherever_they_lie(tmp_path):
    """Also across the blocks in which a file is read, and where a writer went on in the middle of one."""
    shas = [f"{number:064x}" for number in range(3)]
    reference = b'{"$blob":"%b","bytes":9}'
    path = tmp_path / "events"
    text = b"".join(b"x" * ((1 << 20) - 40) + reference % sha.encode() for sha in shas)
    path.write_bytes(text)
    assert set(read_references(str(path), 0)) == set(shas)
    assert set(read_references(str(path), len(text) - 30)) == {shas[2]}


def test_a_session_that_has_just_begun_stays(log):
    """Between its folder and its lock there is a moment."""
    (log.folder / "s").mkdir(parents=True)
    assert build_plan(log, Rules(older_than_s=-10), time.time()).spared == {"s": "it has just begun"}
    os.utime(log.folder / "s", (0, 0))
    assert prune(log, older_than_s=0).sessions == ["s"]


def test_a_prune_that_is_killed_leaves_whole_sessions_and_the_next_one_finishes(log):
    """Wherever it dies, what is still a session can be read, a fork with its parents."""
    for number in range(2):
        write(log, f"p{number}", big("a"), days=40)
        write(log, f"f{number}", big("b"), days=39, parent=f"p{number}")
    code = """
import os, shutil, sys
from lllm.log import LocalFileLog
from lllm.log.prune import Rules, build_plan, run_plan
left = [1 << 30]
def hook(event, args):
    if event in ("os.rename", "os.remove", "os.rmdir"):
        left[0] -= 1
        if left[0] == 0: os._exit(9)
sys.addaudithook(hook)
base, point, status = sys.argv[1], 0, 9
while status:
    point += 1
    shutil.copytree(os.path.join(base, "base"), os.path.join(base, f"at{point}"))
    child = os.fork()
    if not child:
        left[0] = point
        log = LocalFileLog(f"at{point}", {"log_dir": base})
        run_plan(log, build_plan(log, Rules(older_than_s=0)))
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9), status
print(point)
"""
    command = [sys.executable, "-c", code, str(log.folder.parent)]
    env = os.environ | {"PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=env)
    points = int(done.stdout)
    assert points > 4 * 3  # each session is renamed, and its files and its folder are removed
    for point in range(1, points + 1):
        copy = LocalFileLog(f"at{point}", {"log_dir": log.folder.parent})
        assert_sound(copy)
        assert {listed.parent for listed in copy.find_sessions()} - {""} <= set(names(copy))
        prune(copy, older_than_s=0)
        assert [path.name for path in copy.folder.iterdir()] == ["blobs"]
        assert not list(copy.folder.glob("blobs/*/*"))


def test_what_cannot_be_removed_is_told_with_its_place(log):
    """Nothing is left half done in silence."""
    write(log, "s", days=40)
    (log.folder / ".pruned-x").write_text("not ours")
    with pytest.raises(LogError, match="cannot be removed") as caught:
        prune(log, older_than_s=0)
    assert caught.value.where.endswith("/.pruned-x")
    assert names(log) == ["s"]


def test_a_session_behind_a_link_loses_only_the_link(log, tmp_path):
    """Somebody put its folder on another disk."""
    write(log, "s", days=40)
    (log.folder / "s").rename(tmp_path / "elsewhere")
    (log.folder / "s").symlink_to(tmp_path / "elsewhere")
    assert prune(log, older_than_s=0).sessions == ["s"]
    assert (tmp_path / "elsewhere" / "events-000001.jsonl").is_file()


def test_writers_do_not_keep_each_other_out(log):
    """Only a prune wants the log for itself."""
    (log.folder).mkdir(parents=True)
    with sharing(log.folder), sharing(log.folder):
        write(log, "s", big("a"))
    assert_sound(log)
