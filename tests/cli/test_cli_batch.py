"""Files of tasks: what is read, what is skipped, what is written."""

import json
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.cli.progress import Tally, render_tally
from lllm.cli.results import ResultFile
from lllm.cli.tasks import load_tasks, plan
from lllm.errors import ConfigError, LogError
from lllm.llm.session import Session
from lllm.log.memory import MemoryLog

ASYNC_AGENT = """
from lllm import AsyncAgentBase

class Twin(AsyncAgentBase):
    agent_type = "twin"
    n_open = 0

    async def call(self, task, **kwargs):
        planner = self.agents["planner"]
        dialog = planner.init_dialog()
        dialog.send_message(task)
        return (await planner.acall(dialog))[0].parsed
"""


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def tasks(project):
    def write(*lines):
        Path("tasks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return ("run", "--tasks", "tasks.jsonl")

    return write


def test_results_go_to_stdout_a_line_each(lllm, tasks):
    result = lllm(*tasks("100 km", {"task": "200 km", "id": "second"}))
    rows = rows_of(result.stdout)
    assert result.exit_code == 0, result.stderr
    assert {row["result"] for row in rows} == {"The fuel costs 11.70 euros.", "The fuel costs 23.40 euros."}
    assert "second" in {row["id"] for row in rows}
    assert "0 done before, 2 run, 0 failed" in result.stderr


def test_a_second_run_does_nothing_again(lllm, tasks):
    words = tasks("100 km", "200 km")
    lllm(*words)
    again = lllm(*words)
    assert (again.exit_code, again.stdout) == (0, "")
    assert "2 done before, 0 run, 0 failed" in again.stderr


def test_an_edited_file_keeps_what_was_done(lllm, tasks):
    """Tasks are known by what they say, so a new line at the top costs one task and not all of them."""
    lllm(*tasks("100 km", "200 km"))
    assert "2 done before, 1 run" in lllm(*tasks("300 km", "200 km", "100 km")).stderr


def test_a_task_that_stands_twice_is_done_twice(lllm, tasks):
    words = tasks("100 km", "100 km")
    assert len({row["session"] for row in rows_of(lllm(*words).stdout)}) == 2
    assert "2 done before" in lllm(*words).stderr


def test_a_failed_task_fails_the_batch_and_is_done_again(lllm, tasks):
    """Every try keeps its own session."""
    words = tasks("100 km", "to the moon")
    first = lllm(*words)
    assert first.exit_code == 1
    assert "1 failed" in first.stderr
    failed = next(row for row in rows_of(first.stdout) if row["status"] == "failed")
    assert failed["error"].startswith("ModelBehaviorError: ")
    second = lllm(*words)
    assert [row["session"] for row in rows_of(second.stdout)] == [failed["session"] + ".2"]
    assert "1 done before, 1 run, 1 failed" in second.stderr


def test_tasks_that_were_killed_are_told_with_the_way_to_go_on(lllm, tasks, project):
    """They begin anew, so what they had done may be done twice: whoever runs the batch can still resume them."""
    words = tasks("100 km", "200 km")
    lllm(*words)
    folder = project / ".lllm/logs/demo"
    killed = next(path for path in sorted(folder.iterdir()) if path.is_dir() and path.name.startswith("tasks."))
    log = killed / "events-000001.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:6]))
    told = lllm(*words).stderr
    assert "1 of the tasks were killed in the middle" in told
    assert f"lllm resume {killed.name}" in told


def test_another_session_name_is_another_batch(lllm, tasks):
    words = tasks("100 km")
    lllm(*words)
    assert "0 done before, 1 run" in lllm(*words, "--session", "other").stderr


def test_json_is_one_document(lllm_json, tasks):
    code, told = lllm_json(*tasks("100 km", "to the moon"))
    assert code == 1
    assert (told["run"], told["failed"], told["left"], len(told["tasks"])) == (2, 1, 1, 2)


def test_out_gets_what_the_log_has_and_it_lacks(lllm, tasks):
    """A crash between a task's end and its line loses no result."""
    words = (*tasks("100 km", "200 km"), "--out", "results/out.jsonl")
    lllm(*words)
    out = Path("results/out.jsonl")
    out.write_bytes(out.read_bytes()[:-5])
    lllm(*words)
    results = {row["result"] for row in rows_of(out.read_text())}
    assert results == {"The fuel costs 11.70 euros.", "The fuel costs 23.40 euros."}


def test_async_systems_share_one_event_loop(project, lllm, tasks):
    (project / "agents/twin.py").write_text(ASYNC_AGENT)
    words = tasks(*(f"{n}00 km" for n in range(1, 30)))
    result = lllm("run", "twin", *words[1:], "--concurrency", "7")
    assert result.exit_code == 0, result.stderr
    assert sorted(row["result"] for row in rows_of(result.stdout)) == pytest.approx(
        [11.7 * n for n in range(1, 30)], abs=0.01
    )


def test_what_one_task_sets_on_its_system_is_its_own(project, lllm, tasks):
    """Tasks at the same time share agents and connections, not attributes."""
    agent = project / "agents/trip.py"
    agent.write_text(
        agent.read_text().replace(
            "planner = self", "assert not hasattr(self, 'seen')\n        self.seen = task\n        planner = self", 1
        )
    )
    assert lllm(*tasks("1 km", "2 km", "3 km"), "--concurrency", "1").exit_code == 0


def test_every_line_that_is_no_task_is_named_before_anything_runs(lllm, project):
    Path("tasks.jsonl").write_text('"1 km"\n[1]\n{"tsk": 1}\n{"task": "x", "kwargs": 3}\n\nno\n')
    result = lllm("run", "--tasks", "tasks.jsonl")
    assert result.exit_code == 2
    for line in (2, 3, 4, 6):
        assert f"tasks.jsonl:{line}: " in result.stderr
    assert not (project / ".lllm/logs/demo").exists()


def test_two_lines_may_not_have_one_id(lllm, tasks):
    """Results are looked up by it."""
    result = lllm(*tasks({"task": "1 km", "id": "a"}, {"task": "2 km", "id": "a"}))
    assert result.exit_code == 2
    assert "line 1" in result.stderr


def test_a_missing_file_is_not_found(lllm, project):
    assert lllm("run", "--tasks", "nope.jsonl").exit_code == 4


@given(st.lists(st.text() | st.integers() | st.dictionaries(st.text(), st.none())), st.text())
def test_any_task_gets_a_session_name_of_its_own_that_is_one_path_component(tmp_path_factory, values, id_):
    """A task of any content is just data, and never a path."""
    path = tmp_path_factory.mktemp("t") / "tasks.jsonl"
    lines = [{"task": value} for value in values] + [{"task": 1, "id": id_}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    log = MemoryLog()
    works = load_tasks(path, "batch", "x")
    for work in works:
        Session.open(log, work.session).close()
    assert len(log.session_names()) == len(works)
    assert all(len(name) <= 96 and "/" not in name for name in log.session_names())
    assert len(plan(works, log).done) == len(works)


def test_a_torn_last_line_is_dropped(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(b'{"a": 1}\n{"b": ' + b"x" * 100_000)
    file = ResultFile(path)
    file.append({"c": 3})
    file.close()
    assert path.read_bytes() == b'{"a": 1}\n{"c":3}\n'


def test_a_result_that_cannot_be_written_is_refused_by_name(tmp_path):
    with pytest.raises(LogError, match="results cannot be written"):
        ResultFile(tmp_path)


def test_a_write_that_fails_is_told_and_tears_no_line(tmp_path):
    """A limit on the file's size answers as a full disk does: part of the line fits, or nothing."""
    file = ResultFile(tmp_path / "out.jsonl")
    file.append({"a": 1})
    whole = (tmp_path / "out.jsonl").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 3, hard))
    try:
        with pytest.raises(LogError, match=r"No space left|too large"):
            file.append({"b": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    file.close()
    assert (tmp_path / "out.jsonl").read_bytes() == whole


def test_results_go_into_a_plain_file_only():
    """What was written to a device could not be read back when the batch goes on."""
    with pytest.raises(LogError, match="no plain file"):
        ResultFile(Path("/dev/full"))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="no tasks"):
        load_tasks(path, "b", "x")


def test_the_display_tells_counts_pace_and_time_left():
    tally = Tally(total=10, ok=4, failed=1, running=2, tokens=700, wall_s=100.0)
    assert render_tally(tally) == "5/10  1 failed  2 running  700 tokens  0.05 tasks/s  1:40 left"
