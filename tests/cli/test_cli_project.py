"""Running, replaying and reading sessions in a project."""

import json
from pathlib import Path

from starter_values import ANSWER, TASK

from lllm.llm.stream import FunctionEvent, TextEvent
from lllm.registry import DISCOVERER
from lllm.utils import PrintSystem, safe_name


def test_a_run_prints_the_result_and_how_to_replay_it(project, lllm):
    """Data goes to stdout; what else a person wants to know is on stderr."""
    result = lllm("run", TASK)
    assert (result.exit_code, result.stdout) == (0, ANSWER + "\n")
    assert "lllm replay " in result.stderr


def test_a_run_as_json_tells_session_result_and_tokens(project, lllm_json):
    code, told = lllm_json("run", TASK, "--session", "one")
    assert code == 0
    assert (told["session"], told["result"], told["status"]) == ("one", ANSWER, "ok")
    assert told["usage"]["total_tokens"] > 0


def test_what_user_code_prints_stays_out_of_the_json_document(project, lllm_json):
    """A print() left in an agent must not break whoever reads the document."""
    agent = project / "agents/trip.py"
    agent.write_text(agent.read_text().replace("planner = self", 'print("hello")\n        planner = self'))
    assert lllm_json("run", TASK)[1]["result"] == ANSWER


def test_what_an_agent_shows_goes_to_stderr_and_to_the_log(project, lllm, lllm_json):
    agent = project / "agents/trip.py"
    agent.write_text(agent.read_text().replace("planner = self", 'self.st.write("thinking")\n        planner = self'))
    result = lllm("run", TASK)
    assert result.stdout == ANSWER + "\n"
    assert "thinking" in result.stderr
    assert lllm_json("log", "show")[1]["shown"][0]["args"] == ["thinking"]


def test_the_task_comes_from_stdin_with_any_bytes(project, lllm, lllm_json):
    """A pipe may bring what is no UTF-8; it is data, and is logged."""
    result = lllm("run", "-", stdin=b"420 km \xff\x00\n")
    assert (result.exit_code, result.stdout) == (0, ANSWER + "\n")
    assert lllm_json("log", "show")[1]["task"] == "420 km \udcff\0"
    assert lllm("replay").exit_code == 0


def test_an_empty_task_is_a_task(project, lllm):
    agent = project / "agents/trip.py"
    agent.write_text(agent.read_text().replace("planner = self", "return repr(task)\n        planner = self"))
    assert lllm("run", "").stdout == "''\n"


def test_values_other_than_text_are_printed_as_json(project, lllm):
    agent = project / "agents/trip.py"
    agent.write_text(agent.read_text().replace("planner = self", 'return {"got": kwargs}\n        planner = self'))
    result = lllm("run", "x", "--kwargs", '{"days": 3}')
    assert json.loads(result.stdout) == {"got": {"days": 3}}


def test_an_agent_type_of_the_command_line_that_is_unknown_is_not_found(project, lllm):
    """4 for what the user named, 2 for what the config names."""
    result = lllm("run", "trap", TASK)
    assert result.exit_code == 4
    assert "did you mean 'trip'?" in result.stderr
    assert lllm("run", TASK, "--set", "agent_type=trap").exit_code == 2


def test_a_missing_config_is_not_found(project, lllm):
    assert lllm("run", TASK, "-c", "nope.yaml").exit_code == 4


def test_kwargs_that_are_no_object_are_a_usage_error(project, lllm):
    assert lllm("run", TASK, "--kwargs", "[1]").exit_code == 2
    assert lllm("run", TASK, "--kwargs", '{"task": 1}').exit_code == 2


def test_settings_of_the_command_line_win(project, lllm):
    result = lllm("run", TASK, "--set", "log_type=none")
    assert result.exit_code == 0
    assert "session" not in result.stderr
    assert not (project / ".lllm").exists()


def test_every_subfolder_sees_the_projects_one_log(project, lllm, monkeypatch):
    """A relative log_dir counts from lllm.toml."""
    lllm("run", TASK, "--session", "one")
    monkeypatch.chdir(project / "prompts")
    assert "one" in lllm("log", "list").stdout
    assert not (project / "prompts/.lllm").exists()


def test_code_that_loads_the_config_writes_to_the_same_log(project, lllm, monkeypatch):
    """One YAML, one meaning: a relative log_dir is the project's from Python, too."""
    from lllm.config import load_agent_config
    from lllm.llm.base import build_agent

    lllm("run", TASK, "--session", "one")
    config = load_agent_config(project / "config/default.yaml", env={})
    monkeypatch.chdir(project / "prompts")
    build_agent(config.values, stream=PrintSystem(silent=True))(TASK, session_name="two")
    assert [line.split()[0] for line in lllm("log", "list").stdout.splitlines()[1:]] == ["two", "one"]


def test_discovery_is_off_for_one_command_alone(project, lllm):
    """A notebook or a server may run a command and go on."""
    before = DISCOVERER.run
    result = lllm("run", TASK, "--set", "auto_discover=false")
    assert result.exit_code == 2
    assert "no agent type is registered as 'trip'" in result.stderr
    assert DISCOVERER.run is before


def test_a_result_that_is_a_dataclass_is_told_as_data(project, lllm, lllm_json):
    """As a function's result is."""
    agent = project / "agents/trip.py"
    text = agent.read_text().replace("planner = self", "return Cost(1.5)\n        planner = self")
    agent.write_text(
        text.replace(
            "class ", "from dataclasses import dataclass\n\n\n@dataclass\nclass Cost:\n    usd: float\n\n\nclass ", 1
        )
    )
    assert lllm_json("run", TASK)[1]["result"] == {"usd": 1.5}


def test_a_failed_run_tells_its_session_and_the_users_place(project, lllm, lllm_json):
    agent = project / "agents/trip.py"
    agent.write_text(agent.read_text().replace("planner = self", 'raise ValueError("boom")\n        planner = self'))
    result = lllm("run", TASK)
    assert result.exit_code == 1
    assert "agents/trip.py:13: ValueError: boom" in result.stderr
    assert "session " in result.stderr
    assert lllm_json("log", "list")[1][0]["status"] == "failed"


def test_a_listener_of_a_system_hears_every_call_and_changes_no_event(project, lllm, lllm_json):
    """What is shown while a run goes on is presentation; the log may not depend on whether anybody looks."""
    from lllm.cli.project import discover, find_place, load_system, load_values
    from lllm.replay import replay

    place = find_place()
    config = load_values(place, ["log_type=memory", "random_seed=1"])
    discover(place, config.values)
    system = load_system(config, None, None)
    heard = []
    for name, listener in (("silent", None), ("watched", heard.append)):
        system.listener = listener
        system(TASK, session_name=name)
    silent, watched = (
        [(e.kind, e.id, {**e.data, "session": "", "run_id": ""}) for e in system.log_base.read_session(name)]
        for name in ("silent", "watched")
    )
    assert silent == watched
    assert "".join(e.text for e in heard if isinstance(e, TextEvent)).endswith("<cost>49.14</cost>")
    assert [e.done for e in heard if isinstance(e, FunctionEvent)] == [False, True]
    assert replay(system.log_base, "watched").status == "same"


def test_a_replay_tells_what_agrees(project, lllm, lllm_json):
    lllm("run", TASK)
    code, told = lllm_json("replay", "last")
    assert (code, told["status"], told["result"]) == (0, "same", ANSWER)
    assert (told["replayed"], told["steps"], told["dialogs"]) == (told["events"], 3, 1)


def test_a_replay_that_differs_exits_with_3_and_tells_the_place(project, lllm, lllm_json):
    lllm("run", TASK)
    prompt = project / "prompts/trip.py"
    prompt.write_text(prompt.read_text().replace("never guess it", "do not guess"))
    from lllm.discovery import auto_discover

    auto_discover(project, force=True)
    code, told = lllm_json("replay")
    assert (code, told["status"]) == (3, "differs")
    assert told["difference"]["pointer"] == "/data/message/content"
    result = lllm("replay")
    assert result.exit_code == 3
    assert "-You compute" in result.stdout
    assert "+You compute" in result.stdout


def test_a_replay_of_a_run_that_died_ends_well(project, lllm, lllm_json):
    """The recording's end is no difference."""
    lllm("run", TASK, "--session", "died")
    file = next(Path(".lllm/logs/demo/died").glob("events-*"))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-3]))
    code, told = lllm_json("replay", "died")
    assert (code, told["status"]) == (0, "ended")


def test_an_unknown_session_is_not_found(project, lllm):
    lllm("run", TASK)
    for words in (("replay",), ("log", "show"), ("log", "fsck"), ("log", "path")):
        assert lllm(*words, "nope").exit_code == 4


def test_every_verb_finds_a_session_by_the_name_that_it_was_given(project, lllm, lllm_json):
    """A name with capitals is stored under another one, which `run` tells; nobody has to type that."""
    stored = safe_name("MyRun")
    assert f"session {stored}  (for 'MyRun')" in lllm("run", TASK, "--session", "MyRun").stderr
    assert "(for" not in lllm("run", TASK, "--session", "other").stderr
    assert lllm_json("replay", "MyRun")[1]["session"] == stored
    for verb in ("show", "path", "fsck", "cost", "to-test"):
        assert lllm("log", verb, "MyRun").exit_code == 0, verb
    assert lllm("log", "diff", "MyRun", "other").exit_code in (0, 3)
    for words in (("tail",), ("export", "--html")):
        assert lllm("log", *words, "MyRun").exit_code == 0, words
    assert lllm_json("fork", "MyRun@2", "--name", "MyFork")[1]["session"] == safe_name("MyFork")
    assert lllm("log", "show", "MyFork").exit_code == 0
    assert stored in lllm("resume", "MyRun").output  # which has nothing left to do


def test_sessions_are_listed_newest_first(project, lllm, lllm_json):
    for name in ("one", "two"):
        lllm("run", TASK, "--session", name)
    assert [info["session"] for info in lllm_json("log", "list")[1]] == ["two", "one"]
    assert [info["session"] for info in lllm_json("log", "list", "--limit", "1")[1]] == ["two"]


def test_log_dir_names_a_folder_of_logs_or_one_log(project, lllm, tmp_path, monkeypatch):
    """A log that somebody sent must be readable without their project."""
    lllm("run", TASK, "--session", "one")
    monkeypatch.chdir(tmp_path)
    for folder in (project / ".lllm/logs", project / ".lllm/logs/demo"):
        assert "one" in lllm("log", "list", "--log-dir", str(folder)).stdout
    assert lllm("log", "list", "--log-dir", str(tmp_path / "nope")).exit_code == 4


def test_a_log_that_is_named_is_read_whatever_the_project_here_is_like(project, lllm, tmp_path, monkeypatch):
    """Somebody's log is no concern of the config that happens to be around."""
    lllm("run", TASK, "--session", "one")
    monkeypatch.setenv("LLLM_CONFIG", str(tmp_path / "nope"))
    for folder in (project / ".lllm/logs", project / ".lllm/logs/demo"):
        for words in (("list",), ("show",), ("path",), ("tail",), ("fsck",), ("diff", "one", "one")):
            assert lllm("log", *words, "--log-dir", str(folder)).exit_code == 0, words
    assert lllm("log", "list").exit_code == 2
    assert lllm("log", "list", "--log-dir", str(tmp_path), "-c", "none.yaml").exit_code == 4


def test_show_marks_the_reply_that_was_pruned(project, lllm, lllm_json):
    """What the model said and what the dialog holds are two things; the reader must see which is which."""
    lllm("run", TASK)
    entries = lllm_json("log", "show")[1]["dialogs"][0]["entries"]
    told = [(entry["who"], entry["pruned"]) for entry in entries]
    assert told == [
        ("system", False),
        ("user", False),
        ("assistant", False),
        ("function", False),
        ("assistant", True),
        ("handler", True),
        ("assistant", False),
        ("end", False),
    ]
    assert entries[2]["calls"] == ['fuel_cost({"distance_km":"420"})']
    assert entries[-1]["note"] == "READY > AWAIT_MODEL > AWAIT_FUNCTIONS > AWAIT_MODEL > AWAIT_MODEL > DONE"
    assert "pruned" in lllm("log", "show").stdout


def test_show_obeys_no_escape_sequence_of_a_log(project, lllm):
    lllm("run", "420 km \x1b]0;owned\x07 [bold]x")
    shown = lllm("log", "show").stdout
    assert "\x1b" not in shown
    assert "[bold]x" in shown


def test_show_events_are_the_stored_ones(project, lllm, lllm_json):
    lllm("run", TASK)
    kinds = [event["kind"] for event in lllm_json("log", "show", "--events")[1]]
    assert (kinds[0], kinds[-1]) == ("session.open", "session.close")
    assert len(lllm("log", "show", "--events").stdout.splitlines()) == len(kinds)


def test_long_texts_are_cut_unless_asked_for(project, lllm):
    lllm("run", "420 km " + "x" * 5000)
    assert "more characters; --full" in lllm("log", "show").stdout
    assert "x" * 5000 in lllm("log", "show", "--full").stdout


def test_fsck_tells_a_sound_log_from_a_damaged_one(project, lllm, lllm_json):
    lllm("run", TASK, "--session", "one")
    assert lllm_json("log", "fsck", "one")[0] == 0
    file = next(Path(".lllm/logs/demo/one").glob("events-*"))
    file.write_bytes(file.read_bytes().replace(b"420 km", b"421 km"))
    code, told = lllm_json("log", "fsck", "one")
    assert (code, told["ok"]) == (1, False)
    assert told["first_bad"]
    assert lllm("log", "fsck", "one").exit_code == 1
    shown = lllm("log", "show", "one")
    assert shown.exit_code == 1
    assert "lllm log fsck one" in shown.stderr


def test_path_prints_the_folder_and_nothing_else(project, lllm):
    """``cd $(lllm log path last)`` must work."""
    lllm("run", TASK, "--session", "one")
    assert lllm("log", "path").stdout == f"{project}/.lllm/logs/demo/one\n"


def test_a_log_that_was_never_kept_is_told_so(project, lllm):
    config = project / "config/common.yaml"
    config.write_text(config.read_text().replace("localfile", "none"))
    result = lllm("log", "list")
    assert result.exit_code == 2
    assert "common.yaml:4:" in result.stderr
