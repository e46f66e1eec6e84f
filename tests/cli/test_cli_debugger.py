"""Where a replay stops: the place in the user's code, and a debugger there."""

import pytest

TASK = "What does the fuel for 420 km cost?"
OPENED = "-> reply, dialog, _calls = planner.call(dialog)"


@pytest.fixture
def debugged(project, lllm, process):
    """Record a run, and return what replays it up to its first model call in a debugger that is told something."""
    assert lllm("run", TASK, "--session", "trip").exit_code == 0

    def replay(*typed):
        return process(
            "replay", "trip", "--until", "1/s0", "--pdb", cwd=project, stdin="".join(f"{t}\n" for t in typed)
        )

    return replay


def test_a_replay_stops_where_it_is_told_and_says_so(project, lllm):
    """The place is a line of the user's own code, not one of lllm's, and comes before the command that goes on."""
    lllm("run", TASK, "--session", "trip")
    done = lllm("replay", "trip", "--until", "1/s1")
    assert done.exit_code == 0
    assert "before   seq 10, model.request 1/s1" in done.stdout
    assert f"{project}/agents/trip.py:16 call: {OPENED.removeprefix('-> ')}" in done.stdout
    assert "lllm fork trip@10" in done.stderr


def test_the_debugger_stands_in_the_users_code(debugged):
    """What is looked for are the user's own variables."""
    done = debugged("p task", "q")
    assert done.returncode == 0
    assert OPENED in done.stderr
    assert repr(TASK) in done.stderr
    assert "stopped where you asked" in done.stdout


@pytest.mark.parametrize("on", [("n",), ("n", "n"), ("s",)], ids=" ".join)
def test_quitting_further_on_is_no_difference(debugged, on):
    """A debugger ends what it runs with an error of its own; told as one of the code's it would mislead."""
    done = debugged(*on, "q")
    assert (done.returncode, "differs" in done.stdout) == (0, False)
    assert "stopped where you asked" in done.stdout
    assert "lllm fork trip@6" in done.stderr


def test_the_next_line_has_the_recorded_answer(debugged):
    """Stepping over a model call sends nothing, and shows what the model had said."""
    done = debugged("n", "p reply.parsed", "c")
    assert done.returncode == 0
    assert "49.14" in done.stderr
    assert "same: today's code does exactly what was recorded" in done.stdout
