"""``lllm replay`` with --until, --pdb, --copy, --check and --what-if."""

import os
import pty
import subprocess
import sys

import pytest
from died import open_log
from starter_values import ANSWER, TASK, process_env


@pytest.fixture
def whole(project, lllm):
    assert lllm("run", TASK, "--session", "whole").exit_code == 0
    return "whole"


def change_prompt(project):
    prompt = project / "prompts/trip.py"
    prompt.write_text(prompt.read_text().replace("never guess it", "do not guess it"))


def change_code(project):
    agent = project / "agents/trip.py"
    text = agent.read_text()
    agent.write_text(text.replace("        reply, dialog", "        self.session.now()\n        reply, dialog"))


def line_of(project, text):
    lines = (project / "agents/trip.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


# --- --until -----------------------------------------------------------------------------------------------------------


def test_until_tells_the_place_in_the_users_code(whole, project, lllm):
    result = lllm("replay", "whole", "--until", "1/s1")
    assert result.exit_code == 0
    assert "stopped where you asked" in result.stdout
    assert "model.request 1/s1" in result.stdout
    number = line_of(project, "planner.call(dialog)")
    assert f"agents/trip.py:{number} call: reply, dialog, _calls = planner.call(dialog)" in result.stdout


@pytest.mark.parametrize("words", [("whole", "--until", "1/s1"), ("whole@1/s1",)])
def test_until_as_json(whole, lllm_json, project, words):
    code, told = lllm_json("replay", *words)
    seq = next(e.seq for e in open_log(project).read_run("whole") if (e.kind, e.id) == ("model.request", "1/s1"))
    assert (code, told["status"], told["stopped_at"]) == (0, "stopped", seq)
    assert "agents/trip.py" in told["place"]


def test_until_an_event_that_is_not_there(whole, lllm):
    assert lllm("replay", "whole", "--until", "9/s9").exit_code == 4
    assert lllm("replay", "whole", "--until", "999").exit_code == 4


def test_until_tells_how_to_go_on(whole, lllm):
    assert "lllm fork whole@" in lllm("replay", "whole", "--until", "1/s1").stderr


# --- --pdb -------------------------------------------------------------------------------------------------------------


def debug(process, project, *commands, until="1/s1"):
    done = process("replay", "whole", "--until", until, "--pdb", cwd=project, stdin="".join(f"{c}\n" for c in commands))
    return done.returncode, done.stdout, done.stderr


def test_pdb_shows_the_users_variables(whole, project, process):
    code, out, err = debug(process, project, "p task", "p type(self).__name__", "q")
    assert code == 0, err
    assert repr(TASK) in err
    assert "'TripAgent'" in err
    assert "(Pdb)" not in out


def test_pdb_c_goes_on_to_the_end(whole, project, process):
    code, out, err = debug(process, project, "c")
    assert code == 0, err
    assert "same: today's code does exactly what was recorded" in out


def test_pdb_q_ends_the_replay(whole, project, process):
    code, out, err = debug(process, project, "q")
    assert code == 0, err
    assert "stopped where you asked" in out


def test_the_end_of_input_ends_the_replay(whole, project, process):
    code, out, err = debug(process, project)
    assert code == 0, err
    assert "stopped where you asked" in out


def test_pdb_n_goes_to_the_next_line_of_the_users_code(whole, project, process):
    """Not to the next of ours: nobody debugs their agent by walking through a framework."""
    code, out, err = debug(process, project, "n", "p reply.parsed", "c")
    assert code == 0, err
    assert 'return f"The fuel costs' in err
    assert "49.14" in err
    assert "same: today's code" in out


def test_pdb_stops_at_breakpoints(whole, project, process):
    number = line_of(project, "return f")
    code, out, err = debug(process, project, f"b {project / 'agents/trip.py'}:{number}", "c", "p reply.parsed", "c")
    assert code == 0, err
    assert f"Breakpoint 1 at {project / 'agents/trip.py'}:{number}" in err
    assert "49.14" in err
    assert "same: today's code" in out


def test_pdb_on_a_terminal(whole, project):
    """As a person uses it, with a line editor between."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "lllm", "replay", "whole", "--until", "1/s1", "--pdb"]
    child = subprocess.Popen(
        command, cwd=project, env=process_env(TERM="dumb"), stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    os.write(master, b"p task.upper()\nc\n")
    shown = b""
    while chunk := _read(master):
        shown += chunk
    assert child.wait(30) == 0
    os.close(master)
    assert repr(TASK.upper()) in shown.decode()
    assert "same: today's code" in shown.decode()


def _read(fd):
    try:
        return os.read(fd, 65536)
    except OSError:  # the other end is closed
        return b""


def test_pdb_keeps_json_clean(whole, project, process):
    done = process("replay", "whole", "--until", "1/s1", "--pdb", "--json", cwd=project, stdin="c\n")
    assert done.stdout.lstrip().startswith("{"), done.stdout
    assert '"status": "same"' in done.stdout


# --- --copy ------------------------------------------------------------------------------------------------------------


def test_copy_has_the_same_bytes(whole, project, lllm):
    result = lllm("replay", "whole", "--copy", "second")
    assert result.exit_code == 0, result.output
    assert "the same bytes" in result.stdout
    recorded = (open_log(project).folder / "whole/events-000001.jsonl").read_bytes()
    (copied,) = (project / "second").rglob("events-000001.jsonl")
    assert copied.read_bytes() == recorded


def test_copy_refuses_a_folder_that_is_there(whole, project, lllm):
    (project / "second").mkdir()
    (project / "second/mine").write_text("mine")
    result = lllm("replay", "whole", "--copy", "second")
    assert result.exit_code == 2
    assert "there already" in result.stderr
    assert [path.name for path in (project / "second").iterdir()] == ["mine"]


# --- --check -----------------------------------------------------------------------------------------------------------


def test_check_of_code_that_is_the_same(whole, lllm, lllm_json):
    result = lllm("replay", "whole", "--check")
    assert result.exit_code == 0
    assert "calls    0 of 3 model calls would be another one today" in result.stdout
    assert lllm_json("replay", "whole", "--check")[1]["changed"] == []


def test_check_lists_what_a_prompt_changes(whole, project, process):
    change_prompt(project)
    done = process("replay", "whole", "--check", cwd=project)
    assert done.returncode == 3
    assert "calls    3 of 3 model calls would be another one today" in done.stdout
    assert "+You compute what trips cost. Call fuel_cost for the amount; do not guess it." in done.stdout
    assert "ask them anew:  lllm fork whole@" in done.stderr


def test_check_tells_where_the_code_does_other_things(whole, project, process):
    change_code(project)
    done = process("replay", "whole", "--check", cwd=project)
    assert done.returncode == 3
    assert "today's code does something else, so 3 calls cannot be told" in done.stdout


# --- --what-if ---------------------------------------------------------------------------------------------------------


def test_what_if_asks_the_model_and_runs_no_function(whole, project, lllm_json, lllm):
    code, told = lllm_json("replay", "whole", "--what-if")
    assert (code, told["result"]) == (0, ANSWER)
    assert told["session"].startswith("whole-if-")
    assert lllm("replay", told["session"]).exit_code == 0


def test_what_if_with_another_model(whole, project, lllm_json):
    _, told = lllm_json("replay", "whole", "--what-if", "--model", "other")
    events = open_log(project).read_run(told["session"])
    assert {e.data["model"] for e in events if e.kind == "contract"} == {"other"}


def test_what_if_shows_the_difference(whole, lllm):
    result = lllm("replay", "whole", "--what-if", "--model", "other")
    assert result.exit_code == 0
    assert "other" in result.stdout


def test_what_if_of_a_call_that_was_never_made_is_told(whole, project, process):
    config = project / "config/default.yaml"
    config.write_text(config.read_text().replace('distance_km: "{group1}"', "distance_km: 7"))
    done = process("replay", "whole", "--what-if", "-c", "config/default.yaml", cwd=project)
    assert done.returncode == 3
    assert "the recording has no answer for fuel_cost" in done.stderr


# --- what does not go together -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("--check", "--what-if"),
        ("--model", "other"),
        ("--set", "a=1"),
        ("--prompt", "trip/planner=x"),
        ("--check", "--model", "other"),
    ],
)
def test_options_that_do_not_go_together_are_refused(whole, lllm, words):
    assert lllm("replay", "whole", *words).exit_code == 2


def test_replay_of_changed_code_offers_the_check(whole, project, process):
    change_prompt(project)
    done = process("replay", "whole", cwd=project)
    assert done.returncode == 3
    assert "lllm replay whole --check" in done.stderr
