"""The doctor tries the sandbox for real, and says what mends it."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from lllm.cli.doctor_check import Check
from lllm.cli.doctor_sandbox import check_sandbox, to_checks
from lllm.llm.prompts import PROMPT_REGISTRY
from lllm.models.prompt import Prompt
from lllm.sandbox.probe import Probed, probe_isolators
from lllm.tools.python import python_function

REPOSITORY = Path(__file__).parents[2]
WORKS = Probed("bubblewrap", "A", works=True)
WEAKER = Probed("landlock", "B", works=True)
MISSING = Probed("bubblewrap", "A", works=False, problem="bubblewrap is not installed", hint="apt install bubblewrap")
OLD = Probed("landlock", "B", works=False, problem="this Linux has none", hint="Linux 6.2 or later")


def report(*probed, user=""):
    return [(check.name, check.status, check.hint) for check in to_checks(probed, user)]


@pytest.fixture
def lists_run_python():
    """A prompt whose model may run code."""
    prompt = Prompt(path="analyst/system", prompt="Compute.", functions_list=[python_function(name="compute")])
    PROMPT_REGISTRY.register("analyst/system", prompt)


def test_what_works_is_ok():
    assert report(WORKS, WEAKER) == [("sandbox bubblewrap", "ok", ""), ("sandbox landlock", "ok", "")]


def test_a_weaker_one_that_fails_is_a_note_without_a_command():
    """Nobody needs it; a command would send people to mend what is well."""
    assert report(WORKS, OLD, user="prompt x")[1] == ("sandbox landlock", "note", "")


def test_a_stronger_one_that_fails_is_a_note_with_its_command():
    """Code runs, but less shut in than it could be."""
    assert report(MISSING, WEAKER, user="prompt x") == [
        ("sandbox bubblewrap", "note", "apt install bubblewrap"),
        ("sandbox landlock", "ok", ""),
    ]


def test_none_that_works_is_broken_only_where_a_prompt_needs_it():
    assert [status for _, status, _ in report(MISSING, OLD)] == ["note", "note"]
    assert report(MISSING, OLD, user="prompt x") == [
        ("sandbox bubblewrap", "note", "apt install bubblewrap"),
        ("sandbox landlock", "note", "Linux 6.2 or later"),
        ("sandbox", "broken", "mend one of those above"),
    ]


def test_a_problem_of_many_lines_is_told_in_one():
    """The last line of a traceback says what it was."""
    problem = "the kernel did not start: Traceback (most recent call last):\n  File x\nModuleNotFoundError: IPython\n"
    [check] = to_checks([Probed("bubblewrap", "A", works=False, problem=problem)], "")
    assert check.told == "tier A: the kernel did not start: ModuleNotFoundError: IPython"


def test_a_prompt_that_lists_it_is_found_whatever_it_is_called(lists_run_python):
    told = [check for check in check_sandbox(lambda: [MISSING]) if check.status == "broken"]
    assert [check.told for check in told] == ["none works, and prompt analyst/system lists run_python"]


def test_nobody_who_lists_it_is_nothing_broken():
    assert {check.status for check in check_sandbox(lambda: [MISSING])} == {"note"}


def refuse_to_try():
    raise AssertionError("it was tried")


def test_a_prompt_that_lists_it_without_the_extra_is_told_how_to_get_it(lists_run_python):
    assert list(check_sandbox(refuse_to_try, modules=("no_such_module",))) == [
        Check("sandbox", "broken", "prompt analyst/system lists run_python", 'pip install "lllm[sandbox]"')
    ]


def test_nothing_is_tried_without_the_extra():
    """Who did not ask for the sandbox is not told of bubblewrap."""
    assert list(check_sandbox(refuse_to_try, modules=("no_such_module",))) == []


def test_a_machine_that_is_told_to_go_without_is_not_broken(lists_run_python, monkeypatch):
    """But it is said, since code of models then runs with all that the user may do."""
    monkeypatch.setenv("LLLM_UNSAFE_NO_SANDBOX", "1")
    first, *rest = check_sandbox(lambda: [MISSING])
    assert "without isolation" in first.told
    assert {check.status for check in (first, *rest)} == {"note"}


def test_the_doctor_tries_them_for_real(project, lllm_json):
    _, told = lllm_json("doctor")
    names = [check["name"] for check in told["checks"]]
    assert {"sandbox bubblewrap", "sandbox landlock"} <= set(names)


def test_a_python_without_the_packages_is_found_by_trying(tmp_path):
    """Neither a version number nor a file tells that a kernel would not come up; and the command is the right one."""
    if not probe_isolators()[0].works:
        pytest.skip("bubblewrap does not work here for another reason")
    packages = tmp_path / "packages"  # a name that the sandbox does not take for a folder of packages
    packages.symlink_to(sysconfig.get_path("purelib"))
    env = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{packages}"}
    done = subprocess.run(
        [sys.executable, "-S", "-m", "lllm", "doctor"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if " sandbox bubblewrap " in line)
    assert "IPython" in lines[at]
    assert lines[at + 1].strip() == "hint: pip install 'lllm[sandbox]'"
