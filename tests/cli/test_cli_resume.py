"""``lllm resume``: what a person does with a session whose process died."""

import json
import os
import pty
import shutil
import subprocess
import sys

import pytest
from died import cut, kinds, open_log
from starter_values import ANSWER, TASK, process_env

CALL = "1/s0/f0"


@pytest.fixture
def died(project, lllm):
    """A session that died while its function was under way."""
    assert lllm("run", TASK, "--session", "whole").exit_code == 0
    return cut(project, "function.call", CALL)


def result_of(project, name):
    return next(
        e.data["message"]["content"] for e in open_log(project).read_run(name) if e.id == CALL and "message" in e.data
    )


def test_what_is_unknown_is_told_with_the_command_that_decides(died, project, lllm):
    before = kinds(project, died)
    result = lllm("resume", died)
    assert result.exit_code == 1
    assert f"unknown  function fuel_cost ({CALL})" in result.stderr
    assert 'arguments {"distance_km":"420"}' in result.stderr
    assert f"lllm resume {died}" in result.stderr
    assert all(told in result.stderr for told in (f"{CALL}=", f"--again {CALL}", f"--tell {CALL}"))
    assert result.stdout == ""
    assert kinds(project, died) == before


def test_undecided_as_json(died, lllm_json):
    code, told = lllm_json("resume", died)
    assert code == 1
    assert told["error"]["type"] == "ResumeUndecided"


@pytest.mark.parametrize("which", [CALL, "all"])
def test_again(died, project, lllm, which):
    result = lllm("resume", died, "--again", which)
    assert (result.exit_code, result.stdout) == (0, ANSWER + "\n"), result.stderr
    assert lllm("replay", died).exit_code == 0


@pytest.mark.parametrize("which", [CALL, "all"])
def test_tell(died, project, lllm, which):
    lllm("resume", died, "--tell", which)
    assert "nobody knows whether it took effect" in result_of(project, died)
    assert f"fuel_cost ({CALL}): tell" in lllm("log", "show", died).stdout


@pytest.mark.parametrize("value", ["10.00", '"10.00"'])
def test_answer_as_json_and_as_plain_text(died, project, lllm, value):
    result = lllm("resume", died, "--answer", f"{CALL}={value}")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "The fuel costs 10.00 euros.\n"
    assert lllm("replay", died).exit_code == 0


def test_an_answer_without_an_id_is_a_slip_of_the_finger(died, lllm):
    result = lllm("resume", died, "--answer", "10")
    assert result.exit_code == 2
    assert "ID=ANSWER" in result.stderr


@pytest.mark.parametrize("told", [("--again", "9/s9/f9"), ("--tell", "9/s9/f9"), ("--answer", "9/s9/f9=done")])
def test_a_decision_for_something_else_is_a_slip_of_the_finger(died, project, lllm, told):
    """Whoever mistypes an id must not believe that it is decided; nothing is done, also not what was decided well."""
    before = kinds(project, died)
    result = lllm("resume", died, "--again", CALL, *told)
    assert result.exit_code == 2
    assert "no such id is undecided: 9/s9/f9" in result.stderr
    assert f"Undecided here: {CALL} (function fuel_cost)" in result.stderr
    assert kinds(project, died) == before


def test_nothing_is_undecided_in_a_session_whose_functions_had_not_begun(project, lllm):
    """What begins anyway needs no decision."""
    lllm("run", TASK, "--session", "whole")
    name = cut(project, "model.reply", "1/s0")
    result = lllm("resume", name, "--again", CALL)
    assert result.exit_code == 2
    assert "Undecided here: nothing" in result.stderr


def test_a_session_whose_functions_had_not_begun_goes_on_unasked(project, lllm):
    lllm("run", TASK, "--session", "whole")
    name = cut(project, "model.reply", "1/s0")
    result = lllm("resume", name)
    assert (result.exit_code, result.stdout) == (0, ANSWER + "\n"), result.stderr


def test_the_last_session_is_meant_by_default(died, project, lllm):
    shutil.rmtree(open_log(project).folder / "whole")  # it is as new
    result = lllm("resume", "--again", "all")
    assert result.exit_code == 0, result.stderr
    assert f"session {died}" in result.stderr


def test_the_result_as_json(died, lllm_json):
    code, told = lllm_json("resume", died, "--again", "all")
    assert (code, told["session"], told["status"], told["result"]) == (0, died, "ok", ANSWER)
    assert told["served"] > 0
    assert told["written"] > 0


def test_a_session_that_ended_is_refused_with_the_command_that_forks(died, lllm):
    result = lllm("resume", "whole")
    assert result.exit_code == 1
    assert "came to its end: ok" in result.stderr
    assert "lllm fork whole@" in result.stderr


def test_a_session_that_is_not_there(project, lllm):
    assert lllm("resume", "none").exit_code == 4


def test_changed_code_is_told_as_a_difference_and_nothing_is_written(died, project, process):
    before = kinds(project, died)
    prompt = project / "prompts/trip.py"
    prompt.write_text(prompt.read_text().replace("never guess it", "do not guess it"))
    assert process("resume", died, "--again", "all", cwd=project).returncode == 3
    assert kinds(project, died) == before


def test_a_person_at_a_terminal_is_asked(died, project):
    """Who sits there can look and say."""
    out = on_terminal("resume", died, "--no-stream", cwd=project, typed=b"again\n")
    assert "do it again, tell the model, give its answer, or stop?" in out
    assert ANSWER in out


def test_a_person_may_stop(died, project):
    before = kinds(project, died)
    on_terminal("resume", died, "--no-stream", cwd=project, typed=b"stop\n")
    assert kinds(project, died) == before


def on_terminal(*words, cwd, typed):
    """Run on a terminal of its own; return what it showed."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "lllm", *words]
    child = subprocess.Popen(command, cwd=cwd, env=process_env(TERM="dumb"), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.write(master, typed)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    child.wait(30)
    os.close(master)
    return shown.decode()


def test_a_killed_chat_goes_on(project, lllm):
    """What was typed is recorded; the rest comes from whoever sits there now."""
    assert lllm("chat", "--session", "whole", stdin="420 km\n100 km\n").exit_code == 0
    name = cut(project, "model.request", "1/s3")
    result = lllm("resume", name, stdin="200 km\n")
    assert result.exit_code == 0, result.stderr
    lines = [
        e.data["value"] for e in open_log(project).read_run(name) if e.kind == "value" and e.data["name"] == "input"
    ]
    assert lines == ["420 km", "100 km", "200 km", None]
    assert lllm("replay", name).exit_code == 0


def test_a_chat_that_died_while_somebody_typed_goes_on(project, lllm):
    """To read a line twice does no harm."""
    lllm("chat", "--session", "whole", stdin="420 km\n")
    name = cut(project, "step", "v/1")
    result = lllm("resume", name, stdin="100 km\n")
    assert result.exit_code == 0, result.stderr
    assert lllm("replay", name).exit_code == 0


@pytest.mark.parametrize(
    "header",
    [
        {"config": []},
        {"prompts": 3},
        {"forks": "x"},
        {"parent": 3},
        {"parent": {"session": 3, "seq": "x", "chain": None}},
        {"config": {"agent_configs": []}},
        {"kwargs": 3},
        {"seed": "x"},
        {"agent_type": 3},
        {"chat": 3},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("verb", ["resume", "fork", "replay"])
def test_a_hostile_header_is_an_error_that_is_told(project, lllm, verb, header):
    """A log comes from anywhere; a traceback of ours helps nobody."""
    told = {"session": "bad", "task": "x", "agent_type": "trip", "config": {"agent_configs": {}}, **header}
    with open_log(project).open_session("bad") as log:
        log.append("session.open", "", json.dumps(told))
    result = lllm(verb, "bad")
    assert result.exit_code in (1, 2, 3, 4), result.output
    assert "Traceback" not in result.output
    assert not any(name in result.output for name in ("AttributeError", "TypeError", "KeyError")), result.output


def test_a_functions_number_is_read_as_it_was_typed(died, project, lllm):
    """11.70 is what the user saw, and 11.7 is another text for the model."""
    lllm("resume", died, "--answer", "1/s0/f0=11.70")
    results = [e for e in open_log(project).read_run(died) if e.kind == "function.result"]
    assert results[0].data["message"]["content"] == "11.70"


def test_a_place_is_refused(died, lllm):
    """A session is gone on with at its end; whoever names a place wants a fork."""
    result = lllm("resume", f"{died}@5")
    assert (result.exit_code, "lllm fork" in result.stderr) == (2, True)
