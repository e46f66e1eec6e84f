"""``lllm fork``: another model, another prompt, another value, from any event of a session on."""

import json
import shutil

import pytest
from died import kinds, open_log
from starter_values import ANSWER, TASK

MILES = "What does the fuel for 200 miles cost?"


@pytest.fixture
def whole(project, lllm):
    assert lllm("run", TASK, "--session", "whole").exit_code == 0
    return "whole"


def names(project):
    return set(open_log(project).session_names())


def header(project, name):
    return next(iter(open_log(project).read_run(name))).data


def test_at_a_seq_at_an_id_and_at_the_last_call(whole, project, lllm):
    for at, step in (("@5", "1/s0"), ("@1/s1", "1/s1"), ("", "1/s2")):
        result = lllm("fork", f"whole{at}")
        assert (result.exit_code, result.stdout) == (0, ANSWER + "\n"), result.stderr
        own = [e for e in open_log(project).read_session(max(names(project), key=len)) if e.kind == "model.request"]
        assert step
        assert own
    assert names(project) == {"whole", "whole-fork1", "whole-fork2", "whole-fork3"}


@pytest.mark.parametrize(("at", "served"), [("1/s1", "1/s1"), ("", "1/s2")])
def test_what_is_before_the_place_is_served(whole, project, lllm_json, at, served):
    seq = next(e.seq for e in open_log(project).read_run("whole") if (e.kind, e.id) == ("model.request", served))
    code, told = lllm_json("fork", f"whole@{at}" if at else "whole")
    assert (code, told["served"], told["session"], told["result"]) == (0, seq - 1, "whole-fork1", ANSWER)


def test_a_fork_tells_how_to_compare_it(whole, lllm):
    result = lllm("fork", "whole")
    assert "lllm log diff whole whole-fork1" in result.stderr
    assert lllm("log", "diff", "whole", "whole-fork1").exit_code in (0, 3)


def test_a_fork_replays_and_is_forked_again(whole, project, lllm):
    lllm("fork", "whole@1/s1")
    lllm("fork", "whole-fork1")
    for name in ("whole-fork1", "whole-fork2"):
        assert lllm("replay", name).exit_code == 0
    assert header(project, "whole-fork2")["parent"]["session"] == "whole-fork1"


def test_another_model(whole, project, lllm):
    assert lllm("fork", "whole", "--model", "planner=other").exit_code == 0
    assert header(project, "whole-fork1")["config"]["agent_configs"]["planner"]["model_name"] == "other"


def test_a_value(whole, project, lllm):
    assert lllm("fork", "whole", "--set", "agent_configs.planner.temperature=0.5").exit_code == 0
    assert header(project, "whole-fork1")["config"]["agent_configs"]["planner"]["temperature"] == 0.5
    assert lllm("replay", "whole-fork1").exit_code == 0


def test_another_prompt_from_a_file(project, lllm):
    """The failing run of the tutorial: miles that the prompt says nothing of."""
    assert lllm("run", MILES, "--session", "miles").exit_code != 0
    better = project / "better.txt"
    better.write_text("You compute what trips cost. A mile is 1.609 km. End with the amount in <cost> tags.\n")
    result = lllm("fork", "miles@1/s0", "--prompt", f"trip/planner={better}")
    assert result.exit_code == 0, result.stderr
    assert header(project, "miles-fork1")["prompts"] == {"trip/planner": better.read_text()}
    assert lllm("replay", "miles-fork1").exit_code == 0


def test_a_config_in_place_of_the_recorded_one(whole, project, lllm):
    text = (
        (project / "config/default.yaml").read_text().replace("model_name: ${LLLM_PROVIDER:-nano}", "model_name: third")
    )
    (project / "config/third.yaml").write_text(text)
    assert lllm("fork", "whole", "-c", "config/third.yaml").exit_code == 0
    assert header(project, "whole-fork1")["config"]["agent_configs"]["planner"]["model_name"] == "third"


def test_a_name(whole, project, lllm):
    assert lllm("fork", "whole", "--name", "better").exit_code == 0
    assert "better" in names(project)
    assert lllm("fork", "whole", "--name", "better").exit_code == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("whole@99",), 4),
        (("whole@0",), 4),
        (("whole@9/s9",), 4),
        (("none",), 4),
        (("whole", "--prompt", "no-equals"), 2),
        (("whole", "--prompt", "trip/planner=no-such-file"), 4),
        (("whole", "--prompt", "trip/planer=config/default.yaml"), 4),
        (("whole", "--model", "plan=m"), 2),
        (("whole", "--set", "nothing"), 2),
        (("whole", "-c", "config/none.yaml"), 4),
        (("whole", "--again", "1/s0/f0"), 2),
    ],
)
def test_a_slip_of_the_finger_leaves_nothing(whole, project, lllm, words, code):
    result = lllm("fork", *words)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert names(project) == {"whole"}


def test_changed_code_that_does_other_things_is_told_where_to_begin(whole, project, process):
    agent = project / "agents/trip.py"
    text = agent.read_text()
    agent.write_text(
        text.replace(
            "        dialog.send_message(task)\n", "        self.session.now()\n        dialog.send_message(task)\n"
        )
    )
    result = process("fork", "whole", cwd=project)
    assert result.returncode == 3
    assert "fork before the difference: lllm fork whole@" in result.stderr
    assert names(project) == {"whole"}
    at = result.stderr.rpartition("lllm fork ")[2].split()[0]
    again = process("fork", at, cwd=project)
    assert (again.returncode, again.stdout) == (0, ANSWER + "\n"), again.stderr


def test_errors_as_json(whole, lllm):
    result = lllm("fork", "whole@99", "--json")
    assert json.loads(result.stdout)["error"]["exit_code"] == result.exit_code == 4


def test_the_parent_is_left_as_it_is(whole, project, lllm):
    before = kinds(project, "whole")
    lllm("fork", "whole@5")
    assert kinds(project, "whole") == before


def test_a_fork_whose_parent_is_gone_is_found_by_fsck(whole, project, lllm):
    """Its own files are sound, and yet no verb can do anything with it."""
    lllm("fork", "whole@5", "--name", "child")
    assert lllm("log", "fsck", "child").exit_code == 0
    shutil.rmtree(project / ".lllm/logs/demo/whole")
    result = lllm("log", "fsck", "child")
    assert result.exit_code == 1
    assert "whole" in result.stdout
