"""kill -9 anywhere: before, inside and after each write, sync and effect of whole programs, once and twice.

What goes on afterwards does nothing twice that was not declared repeatable, has every event that was acknowledged, and
comes to the end that a run comes to which nobody killed.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from proof_scale import amounts

import lllm

KILLER = Path(__file__).with_name("proof_killer.py")
FIRST = 100  # of the scenarios, which are drawn
FULL = 20
DURABILITIES = ["none", "flush", "barrier", "strict"]


@pytest.fixture(scope="module")
def killer():
    """The process that runs scenarios in forks of itself: one for all tests, since it takes longer to start than most."""
    command, home = [sys.executable, str(KILLER)], str(Path(lllm.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": home}
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()
        assert process.wait() == 0


def sweep(killer, folder, amount, sample_stride, **job):
    """Kill scenarios, and hold what is left to the promises; in the sample only at some places, elsewhere for each log."""
    stride = sample_stride if amount < FULL else 1
    first = 1 + DURABILITIES.index(job["durability"]) * (stride // len(DURABILITIES))
    counts, wrong = Counter(), []
    for i in range(amount):
        each = {"seed": FIRST + i, "size": 3, "first": first, "stride": stride, "folder": str(folder / str(i)), **job}
        print(json.dumps(each), file=killer.stdin, flush=True)
        told = json.loads(killer.stdout.readline())
        counts.update(told["counts"])
        wrong += told["wrong"]
    assert wrong == []
    assert counts["kills"] >= amount
    print(job, dict(counts))
    return counts


@amounts(1, FULL)
@pytest.mark.parametrize("durability", DURABILITIES)
def test_a_killed_run_goes_on_and_does_nothing_twice(durability, amount, killer, tmp_path):
    """A kill leaves the page cache whole, so this holds whatever the log promises of a power loss."""
    counts = sweep(killer, tmp_path, amount, 53, durability=durability, decide="tell", power=False, kills=1)
    assert counts["went on"] > 0


@amounts(1, FULL)
@pytest.mark.parametrize("durability", DURABILITIES)
def test_who_goes_on_may_be_killed_as_well(durability, amount, killer, tmp_path):
    """The second process dies at a random place of what it does, the third comes to the end."""
    counts = sweep(killer, tmp_path, amount, 59, durability=durability, decide="tell", power=False, kills=2)
    assert counts["second kills"] > 0


@amounts(1, FULL)
@pytest.mark.parametrize("durability", ["barrier", "strict"])
def test_a_power_loss_makes_nothing_happen_twice(durability, amount, killer, tmp_path):
    """Of the log only what a sync covered is left; the world has what was done to it."""
    sweep(killer, tmp_path, amount, 61, durability=durability, decide="tell", power=True, kills=2)


@amounts(1, FULL)
def test_what_is_done_twice_was_chosen(amount, killer, tmp_path):
    """Who answers `do it again` has it done again, perhaps twice: that many, and only those, are seen twice."""
    counts = sweep(killer, tmp_path, amount, 37, durability="barrier", decide="again", power=False, kills=1)
    assert counts["doubled by choice"] <= counts["chosen"]
    assert counts["chosen"] > 0
