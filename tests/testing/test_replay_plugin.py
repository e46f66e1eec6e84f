"""The mark lllm_replay and the option --lllm-record, in a pytest of their own."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_marked_test_replays_and_passes(project, ada):
    """The mark alone is a test: nobody should have to write what every such test would say."""
    project.record(ada)
    project.run().assert_outcomes(passed=1)


def test_a_change_fails_with_the_report_and_the_next_command(project, ada):
    """Who reads it wants to know what changed and what to type, not where in pytest something was raised."""
    project.record(ada)
    project.change()
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "replay differs: message 1/m1 differs at /data/message/content",
            "*cause: *",
            "-Greet Ada.",
            "+Salute Ada.",
            "*lllm log show ada --full --log-dir sessions/ada",
            "*pytest test_greeter.py::test_ada --lllm-record new",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "replayer.py" not in result.stdout.str()


def test_a_difference_may_warn_or_be_ignored(project):
    """A team that moves to a new prompt wants to be told, and to work on."""
    body = """
@pytest.mark.lllm_replay("ada", task="Ada", config=CONFIG, drift="warn")
def test_warned():
    pass

@pytest.mark.lllm_replay("ada", drift="ignore")
def test_ignored(lllm_replay):
    report = lllm_replay()
    assert report.status in ("same", "differs")
"""
    project.record(body)
    project.change()
    result = project.run("-W", "default")
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*LLLMDriftWarning: replay differs: message 1/m1*"])
    strict = project.run("-W", "error")
    strict.assert_outcomes(passed=1, failed=1)
    assert "replayer.py" not in strict.stdout.str()


def test_the_fixture_gives_the_report_and_the_session(project):
    """What else a test wants to hold true of a run is there to be asked."""
    project.record("""
@pytest.mark.lllm_replay("ada", task="Ada", config=CONFIG)
def test_ada(lllm_replay):
    report = lllm_replay()
    assert (report.status, report.result) == ("same", "Hello, Ada.")
    said = [entry["data"]["message"]["content"] for entry in lllm_replay.session_log.messages]
    assert said == ["Be polite.", "Greet Ada.", "Hello, Ada."]
""")
    project.run().assert_outcomes(passed=1)


def test_code_that_is_no_agent_system_is_given_as_run(project):
    """A session that a script opened has no class whose name a header could hold."""
    body = """
from lllm import Agent
from lllm.testing import scripted_model

def greet(session):
    return Agent.quick(provider=scripted_model("Hello.")).ask("Greet TEXT").content

@pytest.mark.lllm_replay("script")
def test_script(lllm_replay):
    assert lllm_replay(run=greet).result == "Hello."
"""
    project.record(body.replace("TEXT", "her"))
    project.run().assert_outcomes(passed=1)
    project.write(body.replace("TEXT", "him"))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["-Greet her", "+Greet him"])


def test_async_code_is_recorded_and_replayed(project):
    """An async agent is tested by a plain test, without a plugin for event loops."""
    body = """
from lllm import AsyncAgentBase

class Slow(AsyncAgentBase):
    agent_type = "slow"

    async def call(self, task, **kwargs):
        reply = await self.agents["host"].aask(task)
        return reply.content

@pytest.mark.lllm_replay("slow", task="Ada", agent_type="slow", config=CONFIG)
def test_slow(lllm_replay):
    assert lllm_replay().result == "Hello, Ada."
"""
    if not hasattr(import_module("lllm.llm.agent").Agent, "aask"):
        body = body.replace('await self.agents["host"].aask(task)', 'self.agents["host"].ask(task)')
    project.record(body)
    project.run().assert_outcomes(passed=1)


def test_a_test_that_takes_the_fixture_and_forgets_to_call_it_is_replayed(project):
    """Else it would pass for ever, whatever changes."""
    project.record("""
@pytest.mark.lllm_replay("ada", task="Ada", config=CONFIG)
def test_ada(lllm_replay):
    pass
""")
    project.change()
    project.run().assert_outcomes(failed=1)


def test_a_difference_is_told_before_what_follows_from_it(project, ada):
    """An assertion that fails because the code changed would hide that it did."""
    project.record(ada)
    project.change()
    project.write(ada.replace("pass", "assert 'symptom' == ''"))
    result = project.run()
    result.stdout.fnmatch_lines(["replay differs: *"])
    result.stdout.no_fnmatch_line("*symptom*")


def test_the_tests_own_assertions_count(project):
    """The replay is added to the test; it does not take its place."""
    project.record("""
@pytest.mark.lllm_replay("ada", task="Ada", config=CONFIG)
def test_ada():
    pass
""")
    project.write("""
@pytest.mark.lllm_replay("ada")
def test_ada():
    assert 1 == 2
""")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2"])


def test_classes_and_parameters_carry_the_mark(project):
    """One test function for a folder of sessions is what a project with many of them writes."""
    project.record("""
@pytest.mark.lllm_replay("ada", task="Ada", config=CONFIG)
class TestAda:
    def test_replay(self):
        pass

@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.lllm_replay(n, task=n, config=CONFIG)) for n in ("bob", "eve")])
def test_each(name, lllm_replay):
    assert lllm_replay().session == name

import unittest

@pytest.mark.lllm_replay("ada", task="Ada", config=CONFIG)
class TestOld(unittest.TestCase):
    def test_old(self):
        pass
""")
    assert {path.name for path in project.sessions.iterdir()} == {"ada", "bob", "eve"}
    project.run().assert_outcomes(passed=4)
    project.change()
    project.run().assert_outcomes(failed=4)


def test_a_session_may_be_named_by_its_path_or_lie_in_the_projects_folder(project, ada):
    """A project may keep its recordings where it likes."""
    project.record(ada)
    project.sessions.rename(project.root / "kept")
    project.write("""
@pytest.mark.lllm_replay("./kept/ada")
def test_path():
    pass

@pytest.mark.lllm_replay("kept/ada/ada")
def test_session_folder():
    pass
""")
    project.run().assert_outcomes(passed=2)
    project.write(ada)
    project.run().assert_outcomes(failed=1)
    project.run("-o", "lllm_sessions=kept").assert_outcomes(passed=1)
    project.run("-o", "lllm_sessions=new", "--lllm-record", "once").assert_outcomes(passed=1)
    assert (project.root / "new" / "ada" / "ada").is_dir()


# --- record ----------------------------------------------------------------------------------------------------------


def test_nothing_is_recorded_unasked(project, ada):
    """A test run that costs money by surprise is the worst of surprises."""
    project.write(ada)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["SessionNotFound: *sessions/ada: *", "hint: *--lllm-record once*"])
    assert not project.sessions.exists()


def test_once_records_what_is_missing_and_replays_the_rest(project, ada):
    """It is what a developer types after writing a test."""
    result = project.record(ada)
    result.stdout.fnmatch_lines(["*lllm sessions*", "recorded sessions/ada"])
    before = project.recorded()
    project.change()
    result = project.run("--lllm-record", "once")
    result.assert_outcomes(failed=1)
    assert project.recorded() == before


def test_new_records_what_differs_and_nothing_else(project):
    """A prompt was changed on purpose; sessions that do not know it stay as they are."""
    project.record("""
@pytest.mark.lllm_replay("ada", task="Ada", config=CONFIG)
def test_ada():
    pass

@pytest.mark.lllm_replay("nobody-there", config=CONFIG)
def test_other(lllm_replay):
    lllm_replay(run=lambda session: session.step("one", int))
""")
    before = project.recorded()
    project.change()
    result = project.run("--lllm-record", "new")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*lllm sessions*", "replaced sessions/ada"])
    result.stdout.no_fnmatch_line("*sessions/nobody-there")
    after = project.recorded()
    assert [path for path in before if before[path] != after[path]] == ["ada/ada/events-000001.jsonl"]
    assert list(before) == list(after)
    project.run().assert_outcomes(passed=2)


def test_all_records_every_session_once(project, ada):
    """Two tests of one session must not pay for it twice."""
    project.record(ada)
    before = project.recorded()
    body = "times = set()\n" + ada.replace("test_ada()", "test_ada(lllm_replay)").replace(
        "pass", "lllm_replay(); times.add(lllm_replay.session_log.messages[0]['ts']); assert len(times) == 1"
    )
    project.write(body + body.replace("times = set()", "").replace("test_ada", "test_again"))
    result = project.run("--lllm-record", "all")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["replaced sessions/ada"])
    assert project.recorded() != before


def test_a_session_made_from_a_log_is_recorded_anew_from_its_header(project, ada):
    """What to-test writes names no task: the recording knows it."""
    project.record(ada)
    project.write("""
@pytest.mark.lllm_replay("ada")
def test_ada(lllm_replay):
    assert lllm_replay().result == "Hello, Ada."
""")
    project.change()
    project.run("--lllm-record", "new").assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=1)


def test_arguments_are_recorded_and_given_again(project, ada):
    """The mark says them once; what to-test writes never does."""
    project.change("def call(self, task, **kwargs):", "def call(self, task, title=''):\n        task = title + task")
    project.record(ada.replace("config=CONFIG", 'config=CONFIG, kwargs={"title": "Lady "}'))
    project.write(ada.replace(', task="Ada", config=CONFIG', ""))
    project.change()
    project.run("--lllm-record", "new").assert_outcomes(passed=1)
    assert any(b"Salute Lady Ada." in content for content in project.recorded().values())


def test_a_config_whose_secrets_are_lost_records_nothing(project, ada):
    """Without its key it would ask somebody else."""
    project.record(ada.replace("config=CONFIG", 'config=CONFIG | {"my_token": "hidden"}'))
    before = project.recorded()
    project.write(ada.replace(', task="Ada", config=CONFIG', ""))
    result = project.run("--lllm-record", "all")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["ConfigError: the recorded config held secrets*", "hint: name the config in the mark*"]
    )
    assert project.recorded() == before


def test_of_two_that_record_at_once_the_first_is_kept(project):
    """Workers of one run may both find that a session is missing; each then replays the same one."""
    project.record("""
import shutil

def run(session):
    return session.step("one", lambda: 1)

def run_while_another_one_ends(session):
    shutil.copytree("sessions/first", "sessions/late", dirs_exist_ok=True)
    return run(session)

@pytest.mark.lllm_replay("first")
def test_first(lllm_replay):
    lllm_replay(run=run)

@pytest.mark.lllm_replay("late")
def test_late(lllm_replay):
    assert lllm_replay(run=run_while_another_one_ends).session == "first"
""")
    assert [path.name for path in (project.sessions / "late").iterdir()] == ["first"]


def test_a_run_that_fails_leaves_the_old_recording(project, ada):
    """A missing key, or a server that is down, must not cost the fixture."""
    project.record(ada)
    before = project.recorded()
    project.write(ada.replace('task="Ada"', 'task="nobody"'))
    result = project.run("--lllm-record", "all")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ValueError: nobody is there"])
    assert project.recorded() == before


def test_what_cannot_be_repeated_is_not_kept(project):
    """A recording that never replays would fail every run after this one."""
    project.write("""
import itertools
count = itertools.count()

@pytest.mark.lllm_replay("chance")
def test_chance(lllm_replay):
    lllm_replay(run=lambda session: session.frontend("write", {"number": next(count)}))
""")
    result = project.run("--lllm-record", "once")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ReplayDiverged: *"])
    assert project.recorded() == {}
    assert list(project.sessions.glob("*")) == []


def test_a_recording_says_what_cannot_be_recorded(project):
    """Nobody can run a test that does not say what."""
    project.write("""
@pytest.mark.lllm_replay("ada")
def test_ada():
    pass
""")
    result = project.run("--lllm-record", "once")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ConfigError: nothing says what to run", "hint: *task=*"])


def test_a_session_named_by_its_path_is_never_written_over(project, ada):
    """The path may lead into the log of a project, which is no fixture."""
    project.record(ada)
    before = project.recorded()
    project.write("""
@pytest.mark.lllm_replay("sessions/ada", task="Ada", config=CONFIG)
def test_ada():
    pass
""")
    project.run("--lllm-record", "all").assert_outcomes(failed=1)
    assert project.recorded() == before


def test_what_a_config_redacts_is_redacted_in_its_replay(project, ada):
    """The pattern stands in the recording; without it, today's code would say too much."""
    project.record(ada.replace("config=CONFIG", 'config=CONFIG | {"log_redact": ["Gre[e]t"]}'))
    assert not any(b"Greet" in content for content in project.recorded().values())
    project.run().assert_outcomes(passed=1)


def test_a_pattern_that_takes_itself_out_cannot_be_recorded_with(project, ada):
    """Its recording would differ in every replay: nothing tells any more what was taken out."""
    project.write(ada.replace("config=CONFIG", 'config=CONFIG | {"log_redact": ["Greet"]}'))
    project.run("--lllm-record", "once").assert_outcomes(failed=1)
    assert project.recorded() == {}


def test_a_recording_knows_no_machine(project, ada):
    """It is kept in a repository; where it was made is nobody's business."""
    project.record(ada.replace("config=CONFIG", 'config=CONFIG | {"log_dir": "/nowhere/logs"}'))
    assert not any(b"/nowhere" in content for content in project.recorded().values())
    assert not any(str(project.root).encode() in content for content in project.recorded().values())
    assert not any(b"lllm-record-" in content for content in project.recorded().values())


# --- a test on its own ------------------------------------------------------------------------------------------------


def test_what_a_test_registers_is_gone_after_it(project, ada):
    """Also after one that fails, and for what its own fixtures register; a module's fixture keeps its own."""
    project.record(ada)
    project.write("""
from lllm import PROMPT_REGISTRY, Prompt, register_prompt

@pytest.fixture(scope="module")
def wide():
    register_prompt(Prompt(path="kept/wide", prompt="x"))

@pytest.fixture
def narrow():
    register_prompt(Prompt(path="gone/narrow", prompt="x"))

@pytest.mark.lllm_replay("ada")
def test_first(narrow, wide):
    register_prompt(Prompt(path="gone/body", prompt="x"))
    assert "gone/body" in PROMPT_REGISTRY
    assert False, "on purpose"

def test_second():
    assert "kept/wide" in PROMPT_REGISTRY
    assert "gone/body" not in PROMPT_REGISTRY
    assert "gone/narrow" not in PROMPT_REGISTRY
""")
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*on purpose*"])


def test_a_marked_test_reaches_no_network_and_others_do(project, ada):
    """A replay that only passes where a server runs is none; a test without the mark is none of our business."""
    project.record(ada)
    project.write("""
import socket
from lllm.testing import NetworkRefused

def connect(host):
    with socket.socket() as end:
        end.settimeout(0.01)
        end.connect((host, 9))

@pytest.mark.lllm_replay("ada")
def test_marked():
    with pytest.raises(NetworkRefused, match="lllm_replay"):
        connect("192.0.2.1")
    with pytest.raises(NetworkRefused):
        socket.create_connection(("example.invalid", 80))
    with pytest.raises(ConnectionRefusedError):
        connect("127.0.0.1")

@pytest.mark.lllm_replay("ada")
def test_marked_and_failing():
    connect("192.0.2.1")

def test_unmarked():
    assert not {"connect", "connect_ex", "sendto", "sendmsg"} & vars(socket.socket).keys()
    assert socket.getaddrinfo.__module__ == "socket"
""")
    result = project.run()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*NetworkRefused: a test marked lllm_replay reaches for '192.0.2.1'*"])


def test_a_run_that_is_broken_off_gives_the_network_back(project, ada):
    """Else what the fixtures of the session do at the end would be refused."""
    project.record(ada)
    project.write("""
import socket

@pytest.fixture(scope="session", autouse=True)
def server():
    yield
    print("guarded" if "connect" in vars(socket.socket) else "open again")

@pytest.mark.lllm_replay("ada")
def test_ada():
    assert "connect" in vars(socket.socket)
    pytest.exit("enough")
""")
    project.run("-s").stdout.fnmatch_lines(["*open again*"])


def test_recording_has_the_network_that_the_test_has_not(project):
    """To record is to run for real."""
    project.record("""
import socket

def guarded():
    return "connect" in vars(socket.socket)

@pytest.mark.lllm_replay("step")
def test_step(lllm_replay):
    assert guarded()
    assert lllm_replay(run=lambda session: session.step("guarded", guarded)).result is False
    assert guarded()
""")
    project.run().assert_outcomes(passed=1)


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_mark_that_makes_no_sense_says_so(project):
    """A slip in a mark should not look like a change of the code."""
    project.write("""
@pytest.mark.lllm_replay
def test_no_session():
    pass

@pytest.mark.lllm_replay("ada", drift="loud")
def test_drift():
    pass

@pytest.mark.lllm_replay("ada", dirft="warn")
def test_slip():
    pass

@pytest.mark.lllm_replay("../..")
def test_elsewhere():
    pass

@pytest.mark.lllm_replay("a b")
def test_name():
    pass

def test_unmarked(lllm_replay):
    pass
""")
    result = project.run()
    result.assert_outcomes(failed=5, errors=1)
    told = result.stdout.str()
    for text in ("the session is None", "drift is 'loud'", "'dirft'", "needs the mark"):
        assert text in told
    assert "replayer.py" not in told


def test_a_damaged_recording_fails_with_its_place(project, ada):
    """A merge that mangled a fixture is no change of the code either."""
    project.record(ada)
    file = project.sessions / "ada/ada/events-000001.jsonl"
    file.write_bytes(file.read_bytes().replace(b"Greet Ada", b"Greet Eve", 1))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["LogCorrupt: *events-000001.jsonl:4 *"])


def test_a_recorded_failure_is_replayed_as_one(project):
    """A session that failed is the one that is worth a test."""
    body = """
@pytest.mark.lllm_replay("script")
def test_script(lllm_replay):
    def run(session):
        if session.step("answer", lambda: 42) == 42:
            raise ValueError("LIMIT")
    report = lllm_replay(run=run)
    assert report.error == "ValueError: too much"
"""
    project.write("""
from pathlib import Path
from lllm import LocalFileLog, Session

def test_make():
    log = LocalFileLog("script", {"log_dir": "sessions"})
    with pytest.raises(ValueError), Session.open(log, "failed") as session:
        session.step("answer", lambda: 42)
        raise ValueError("too much")
""")
    project.run().assert_outcomes(passed=1)
    project.write(body.replace("LIMIT", "too much"))
    project.run().assert_outcomes(passed=1)
    project.write(body.replace("LIMIT", "too little"))
    project.run().assert_outcomes(failed=1)


# --- cost and packaging -----------------------------------------------------------------------------------------------


def test_a_run_without_the_mark_loads_nothing():
    """Pytest imports the plugin in projects that never heard of agents."""
    code = (
        "import pytest, sys, contextvars; before = set(sys.modules); import lllm.testing.plugin; "
        "print('\\n'.join(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {
        "lllm",
        "lllm.errors",
        "lllm.registry",
        "lllm.testing",
        "lllm.testing.names",
        "lllm.testing.plugin",
    }


def test_an_unmarked_run_loads_what_does_the_work_never(project):
    """Also not when it runs tests."""
    project.write("def test_one(pytestconfig):\n    assert not pytestconfig.pluginmanager.has_plugin('lllm_replay')\n")
    project.run("-W", "error").assert_outcomes(passed=1)


def test_the_package_tells_pytest_of_the_plugin():
    """Who installs lllm has the mark, with nothing to configure."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    entry = told["project"]["entry-points"]["pytest11"]["lllm"]
    assert hasattr(import_module(entry), "pytest_addoption")


def test_help_and_markers_tell_of_it(project):
    """Where people look when they have forgotten a name."""
    project.write("")
    project.run("--markers").stdout.fnmatch_lines(["@pytest.mark.lllm_replay(session, *"])
    project.run("--help").stdout.fnmatch_lines(["*--lllm-record=*", "*lllm_sessions*"])
