"""A run that was stopped from outside: every verb names the command that goes on with it, and that one does."""

import re

import pytest

TASK = "What does the fuel for 420 km cost?"


@pytest.fixture
def stopped(project, process):
    """Run a task in which a function sends its own process a signal; return what that process wrote."""

    def run(number, before):
        page = project / before
        text, start = page.read_text(), "        reply, dialog" if "agents" in before else '    return f"{distance_km'
        indent = re.match(" *", start)[0]
        stop = f"{indent}import os\n{indent}if os.path.exists('stop'):\n{indent}    os.kill(os.getpid(), {number})\n"
        page.write_text(text.replace(start, stop + start))
        (project / "stop").touch()
        done = process("run", TASK, "--session", "trip", cwd=project)
        (project / "stop").unlink()
        return done

    return run


def test_a_killed_run_has_told_its_name(stopped):
    """Whoever finds the process dead needs the name, and nothing could be written any more."""
    done = stopped(9, "prompts/trip.py")
    assert (done.returncode, done.stderr) == (-9, "session trip\n")


def test_a_killed_run_is_resumed(stopped, lllm):
    """The log is open, so it goes on in itself."""
    stopped(9, "prompts/trip.py")
    assert "go on with it:  lllm resume trip\n" in lllm("replay", "trip").stderr
    undecided = lllm("resume", "trip")
    assert undecided.exit_code == 1
    for told in ("--answer '1/s0/f0=", "--again 1/s0/f0", "--tell 1/s0/f0"):
        assert told in undecided.stderr
    assert lllm("resume", "trip", "--again", "1/s0/f0").stdout == "The fuel costs 49.14 euros.\n"


def test_an_interrupted_run_is_forked(stopped, lllm):
    """Ctrl-C closes a session, so a resume would refuse it."""
    assert stopped(2, "agents/trip.py").returncode == 130
    said = lllm("replay", "trip").stderr
    assert "go on with it:  lllm fork trip@5\n" in said
    assert lllm("fork", "trip@5").stdout == "The fuel costs 49.14 euros.\n"


def test_a_resume_that_differs_says_how_to_go_on(stopped, lllm, project):
    """A prompt that was mended since the crash must not leave the run without a way on."""
    stopped(9, "prompts/trip.py")
    page = project / "prompts/trip.py"
    page.write_text(page.read_text().replace("never guess it", "do not guess"))
    done = lllm("resume", "trip", "--tell", "all")
    assert done.exit_code == 3
    assert "likely cause: the system prompt" in done.stderr
    assert "lllm replay trip" in done.stderr
    assert "lllm fork trip@3\n" in done.stderr
    assert lllm("fork", "trip@3").stdout == "The fuel costs 49.14 euros.\n"
