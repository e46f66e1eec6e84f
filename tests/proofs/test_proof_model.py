"""The Spin model of the log's protocol: it holds, and each way to get the protocol wrong is found."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[2] / "docs/explanation/models/durability.pml"
COMPILER = shutil.which("gcc") or shutil.which("cc")

pytestmark = pytest.mark.skipif(
    not (shutil.which("spin") and COMPILER), reason="needs spin and a C compiler: apt-get install spin gcc"
)

ONCE, DURABLE, KEPT, TOLD, TRUE = (
    "done[(tip[i]/2)]==1",
    "mixed||(durable>(2*(tip[i]/2)))",
    "written>=appended",
    "written>=told",
    "assertion violated 0",
)
LATE = "mark==mine[i]"

# What must be found wrong, and the assertion that finds it.
MUTANTS = {
    "M_NO_BARRIER": DURABLE,
    "M_INTENT_LAST": DURABLE,
    "M_ERROR_IGNORED": DURABLE,
    "M_REDO": ONCE,
    "M_CUT_SHORT": ONCE,
    "M_FORGET": TRUE,
    "M_RESULT_FIRST": TRUE,
    "M_BUFFERED": KEPT,
    "M_TRUST_CACHE": TOLD,
    "NO_LOCKS M_NO_CHECK": ONCE,
    "NO_LOCKS M_CHECK_FIRST": ONCE,
    "NO_LOCKS M_READ_FIRST": ONCE,
    "NO_LOCKS M_SAME_MARK": ONCE,
}
# No mutants: what the protocol does not promise, and would be foolish to be relied on.
WITNESSES = {"FLUSH W_POWER": TOLD, "NO_LOCKS W_STALE": LATE}


def search(folder, defines):
    """Search all states of the model; return the number of states and what was found wrong, empty for nothing."""
    switches = [f"-D{define}" for define in defines.split()]
    commands = [["spin", "-a", *switches, str(MODEL)], [COMPILER, "-w", "-O0", "-DSAFETY", "-o", "pan", "pan.c"]]
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    done = subprocess.run(["./pan", "-m100000"], cwd=folder, check=True, capture_output=True, text=True, timeout=600)
    assert "max search depth too small" not in done.stdout
    (errors,) = re.findall(r"errors: (\d+)", done.stdout)
    (states,) = re.findall(r"(\d+) states, stored", done.stdout)
    wrong = re.search(r"pan:\d+: (.*) \(at depth", done.stdout)
    assert (wrong is None) == (errors == "0"), done.stdout
    return int(states), wrong[1] if wrong else ""


@pytest.mark.parametrize(
    ("defines", "at_least"),
    [
        ("", 10_000),
        ("STRICT", 10_000),
        ("FLUSH", 1_000),
        pytest.param("NO_LOCKS", 500_000, marks=pytest.mark.heavy),
        pytest.param("NO_LOCKS STRICT", 100_000, marks=pytest.mark.heavy),
        pytest.param("NO_LOCKS FLUSH", 100_000, marks=pytest.mark.heavy),
        pytest.param("EFFECTS=3 TROUBLE=5", 100_000, marks=pytest.mark.heavy),
        pytest.param("NO_LOCKS EFFECTS=3", 1_000_000, marks=pytest.mark.heavy),
    ],
)
def test_the_protocol_holds_in_every_state(tmp_path, defines, at_least):
    """No effect is done twice, none without a durable intent, and nothing is lost that somebody relied on."""
    states, wrong = search(tmp_path, defines)
    assert wrong == ""
    assert states >= at_least


SAMPLE = ("M_NO_BARRIER", "M_REDO", "NO_LOCKS M_READ_FIRST")


@pytest.mark.parametrize(
    "defines", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.heavy) for name in MUTANTS]
)
def test_a_protocol_with_a_fault_is_found_wrong(tmp_path, defines):
    """A model that finds nothing wrong with a wrong protocol proves nothing of the right one."""
    assert MUTANTS[defines] in search(tmp_path, defines)[1]


@pytest.mark.heavy
@pytest.mark.parametrize("defines", WITNESSES)
def test_what_is_not_promised_can_really_happen(tmp_path, defines):
    """The page must not claim more than this, nor claim less by leaving it out."""
    assert WITNESSES[defines] in search(tmp_path, defines)[1]


def test_every_fault_in_the_model_is_tried():
    """A mutant that nobody runs is a comment."""
    named = set(re.findall(r"\b[MW]_[A-Z_]+[A-Z]\b", MODEL.read_text()))
    assert named == {word for defines in (*MUTANTS, *WITNESSES) for word in defines.split() if word[1] == "_"}
