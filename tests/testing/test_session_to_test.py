"""A recorded session as a test: what is written, what is refused, and that it works in a project."""

import ast
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from warm import run_warm

from lllm.cli.app import cli
from lllm.cli.template import find_template, save_project
from lllm.errors import ConfigError, LLLMError, LogCorrupt, LogExists
from lllm.llm.session import Session
from lllm.log.local import LocalFileLog
from lllm.replay.fixture import find_fixture, save_fixture
from lllm.replay.to_test import render_test, save_test
from lllm.utils import encode_json

ROOT = Path(__file__).parents[2]
PYTEST = ("pytest", "-p", "lllm.testing.plugin", "-p", "no:cacheprovider", "-W", "error", "tests")


def python(*args, cwd, stdin=""):
    """Run a module in a process of its own, which begins warm and finds the project by itself, and no server."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LLLM_", "PYTEST_", "OPENAI_"))}
    env |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return run_warm(*args, cwd=cwd, env=env, stdin=stdin)


def test_the_written_test_passes_at_once_and_fails_when_the_prompt_changes(tmp_path):
    """The whole way of a newcomer, in processes of their own as theirs."""
    project = tmp_path / "demo"
    save_project(find_template("init_template"), project, "demo")
    assert python("lllm", "run", "What does the fuel for 420 km cost?", cwd=project).returncode == 0
    written = python("lllm", "log", "to-test", "last", "--name", "fuel", cwd=project)
    assert written.stdout == "tests/test_fuel.py\n", written.stderr
    assert "pytest tests/test_fuel.py" in written.stderr
    passed = python(*PYTEST, cwd=project)
    assert "5 passed" in passed.stdout
    from_above = python(*PYTEST[:-1], "demo/tests/test_fuel.py", cwd=tmp_path)
    assert "1 passed" in from_above.stdout
    prompts = project / "prompts" / "trip.py"
    prompts.write_text(prompts.read_text().replace("never guess it", "do not guess it"))
    failed = python(*PYTEST, "-k", "fuel", cwd=project)
    assert failed.returncode == 1
    assert "+You compute what trips cost. Call fuel_cost for the amount; do not guess it." in failed.stdout
    assert "Traceback" not in failed.stdout
    mended = python(*PYTEST, "-k", "fuel", "--lllm-record", "new", cwd=project)
    assert "replaced tests/sessions/fuel" in mended.stdout
    assert python(*PYTEST, cwd=project).returncode == 0


def test_a_chat_is_replayed_and_cannot_be_recorded_anew(tmp_path):
    """What the user typed is in the recording, and nowhere else."""
    project = tmp_path / "demo"
    save_project(find_template("init_template"), project, "demo")
    lines = "What does the fuel for 100 km cost?\n/undo\nAnd for 200 km?\n"
    assert python("lllm", "chat", "--session", "talk", cwd=project, stdin=lines).returncode == 0
    python("lllm", "log", "to-test", "talk", "--name", "talk", cwd=project)
    assert "1 passed" in python(*PYTEST, "-k", "talk", cwd=project).stdout
    recording = find_fixture(project / "tests" / "sessions" / "talk")[0].session_path("talk") / "events-000001.jsonl"
    before = recording.read_bytes()
    assert "nobody can repeat a chat" in python(*PYTEST, "-k", "talk", "--lllm-record", "all", cwd=project).stdout
    prompts = project / "prompts" / "trip.py"
    prompts.write_text(prompts.read_text().replace("never guess it", "do not guess it"))
    failed = python(*PYTEST, "-k", "talk", "--lllm-record", "new", cwd=project).stdout
    assert "nobody can repeat a chat" in failed
    assert "do not guess it." in failed
    assert recording.read_bytes() == before


@pytest.fixture
def log(tmp_path):
    """A log with a run of an agent system, whose reply is long enough for a blob."""
    log = LocalFileLog("logs", {"log_dir": str(tmp_path)})
    header = {"task": "Say much.", "agent_type": "talker", "config": {}}
    with Session.open(log, "long", header=header) as session:
        session.step("text", lambda: "much " * 4000)
    return log


def to_test(log, *args):
    return CliRunner().invoke(cli, ["log", "to-test", *args, "--log-dir", str(log.folder)])


def test_the_recording_is_a_log_with_all_that_it_needs(log, tmp_path):
    """It is moved into a repository; what it refers to must go with it."""
    saved = save_test(log, "long", None, folder=tmp_path / "tests")
    assert saved.test == tmp_path / "tests" / "test_say_much.py"
    assert saved.recording == tmp_path / "tests" / "sessions" / "say-much"
    copy, session = find_fixture(saved.recording)
    assert session == "long"
    assert [event.raw for event in copy.read_run("long")] == [event.raw for event in log.read_run("long")]
    assert len(list((saved.recording / "blobs").rglob("*/*"))) == 1
    assert not list(saved.recording.rglob("lock"))


def fork(log, parent, at, name):
    """Write a fork of a session that ends at once."""
    events = list(log.read_run(parent))
    told = {"session": parent, "seq": at, "chain": events[at - 1].h}
    with log.open_session(name) as journal:
        journal.append("session.open", "", encode_json({**events[0].data, "parent": told}))
        journal.append("session.close", "", encode_json({"status": "ok", "result": name}))


def test_of_a_fork_the_whole_lineage_is_copied(log, tmp_path):
    """A fork keeps nothing of its parents; alone, it would be half a run."""
    fork(log, "long", 2, "child")
    fork(log, "child", 2, "grandchild")
    saved = save_test(log, "grandchild", None, folder=tmp_path / "tests")
    copy, session = find_fixture(saved.recording)
    assert session == "grandchild"
    assert sorted(copy.session_names()) == ["child", "grandchild", "long"]
    assert [event.h for event in copy.read_run(session)] == [event.h for event in log.read_run(session)]


def test_a_session_with_prompts_of_its_own_is_told(log, tmp_path, monkeypatch):
    """Whoever forked it to try a prompt would wait in vain for its test to see the project's."""
    monkeypatch.chdir(tmp_path)
    header = {"task": "Try.", "agent_type": "talker", "prompts": {"talk/host": "Be kind."}}
    with Session.open(log, "tried", header=header):
        pass
    assert "a text of its own for the prompt talk/host" in to_test(log, "tried", "-o", "test_tried.py").stderr
    assert "of its own" not in to_test(log, "long", "-o", "test_long.py").stderr


def test_nothing_is_written_over(log, tmp_path):
    """Neither a test that somebody wrote on, nor a recording that another test needs."""
    save_test(log, "long", None, folder=tmp_path / "tests")
    with pytest.raises(LLLMError, match="the file is there already"):
        save_test(log, "long", None, folder=tmp_path / "tests")
    with pytest.raises(LogExists):
        save_test(log, "long", tmp_path / "tests" / "test_other.py", folder=tmp_path / "tests", name="say-much")
    assert not (tmp_path / "tests" / "test_other.py").exists()


def test_a_test_that_cannot_be_written_leaves_no_recording(log, tmp_path):
    """Half of it would be in the way of the next try."""
    folder = tmp_path / "tests"
    file = folder / f"test_{'x' * 300}.py"
    with pytest.raises(LLLMError):
        save_test(log, "long", file, folder=folder)
    assert list((folder / "sessions").iterdir()) == []


def test_a_damaged_session_becomes_no_test(log, tmp_path):
    """The test would fail for ever, and not for the code's sake."""
    file = log.folder / "long" / "events-000001.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"name":"text"', b'"name":"lies"'))
    with pytest.raises(LogCorrupt):
        save_test(log, "long", None, folder=tmp_path / "tests")
    assert not (tmp_path / "tests").exists()


def test_a_session_of_no_agent_system_is_refused_with_what_to_write(log, tmp_path):
    """A header without a class says nothing of what ran."""
    with Session.open(log, "script"):
        pass
    with pytest.raises(ConfigError, match="not made by an AgentBase") as error:
        save_test(log, "script", None, folder=tmp_path / "tests")
    assert "lllm_replay(run=" in error.value.hint


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "a b", '"', "x" * 200])
def test_a_name_is_one_path_component(log, tmp_path, name):
    """It becomes a folder."""
    with pytest.raises(ConfigError):
        save_test(log, "long", None, folder=tmp_path / "tests", name=name)


TASKS = [
    '"""\nimport os',
    "\\",
    '"',
    "\x1b[31m",
    "\u202e",
    "",
    "  ",
    "é" * 500,
    {"a": ['"""']},
    "{task}\\N{BULLET}",
    None,
]


@pytest.mark.parametrize("task", TASKS, ids=range(len(TASKS)))
def test_a_task_of_any_content_is_just_text_in_the_test(task):
    """A task comes from anywhere, and the file is run."""
    text = render_test("s", "name", {"task": task, "agent_type": "x"}, 0.0, file="tests/test_name.py")
    module = ast.parse(text)
    assert [type(node).__name__ for node in module.body] == ["Expr", "Import", "FunctionDef"]
    assert [type(node).__name__ for node in module.body[2].body] == ["Expr", "Assert"]
    assert text.isprintable() or set(text) - {"\n"} == {c for c in text if c.isprintable()}
    assert max(map(len, text.splitlines())) <= 200


def test_a_recording_is_there_whole_or_not_at_all(log, tmp_path):
    """What is replaced stays until the new one stands."""
    target = tmp_path / "sessions" / "long"
    save_fixture(log, "long", target)
    before = sorted(target.rglob("*"))
    (log.folder / "long" / "events-000001.jsonl").chmod(0o600)
    with pytest.raises(LogExists):
        save_fixture(log, "long", target)
    save_fixture(log, "long", target, replace=True)
    assert sorted(target.rglob("*")) == before
    assert [path.name for path in target.parent.iterdir()] == ["long"]


def test_a_folder_of_several_runs_is_no_fixture(log):
    """Which of them is meant, nobody could tell."""
    with Session.open(log, "more"):
        pass
    with pytest.raises(ConfigError, match="2 runs"):
        find_fixture(log.folder)
    assert find_fixture(log.folder / "more")[1] == "more"


def test_what_stands_in_the_place_of_a_pattern_is_none(log):
    """A pattern that fits its own text is taken out of the header; read as a pattern, its place would fit any letter."""
    with Session.open(log, "hushed", header={"config": {"log_redact": ["hush", r"be q\w+"]}}):
        pass
    copy, _ = find_fixture(log.folder / "hushed")
    assert next(copy.read_run("hushed")).data["config"]["log_redact"] == ["hush", r"be q\w+"]
    own = LocalFileLog("own", {"log_dir": str(log.folder), "redact": ["hush"]})
    with Session.open(own, "hushed", header={"config": {"log_redact": ["hush", r"be q\w+"]}}):
        pass
    copy, _ = find_fixture(own.folder)
    assert copy.redactor('{"said":"dear, be quiet"}') == '{"said":"dear, [redacted]"}'


def test_the_verb_tells_what_it_wrote(log, tmp_path, monkeypatch):
    """The next command is the one to run."""
    monkeypatch.chdir(tmp_path)
    done = to_test(log, "long", "-o", "checks/test_mine.py", "--name", "mine")
    assert done.stdout == "checks/test_mine.py\n"
    assert "pytest checks/test_mine.py" in done.stderr
    assert (tmp_path / "checks" / "sessions" / "mine" / "long").is_dir()
    assert to_test(log, "long", "-o", "checks/test_mine.py", "--name", "mine").exit_code == 1
    assert to_test(log, "nowhere").exit_code == 4
    assert to_test(log, "long", "--name", "a b").exit_code == 2
