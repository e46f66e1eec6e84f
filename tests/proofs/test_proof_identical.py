"""A replay writes the same log again, byte for byte: under other hash seeds, and in other Python versions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from proof_scale import amounts

import lllm

TWINS = Path(__file__).with_name("proof_twins.py")
HASH_SEEDS = ("0", "1", "12345")
SAMPLE = 15


def pythons():
    """Return other interpreters: LLLM_PROOF_PYTHONS names them, and each can import what lllm needs."""
    return [path for path in os.environ.get("LLLM_PROOF_PYTHONS", "").split(os.pathsep) if path]


def twins(verb, folder, amount, python=sys.executable, hash_seed="random"):
    """Record, or replay, that many sessions in another process, and return what it says of them."""
    home = str(Path(lllm.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": home, "PYTHONHASHSEED": hash_seed, "PYTHONWARNINGS": "error"}
    command = [python, str(TWINS), verb, str(folder), str(amount)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@amounts(SAMPLE, 2000)
def test_a_replay_writes_the_same_bytes_under_any_hash_seed(amount, tmp_path):
    """Sets and hashes must have no say in what a log holds: of drawn programs, and of every recorded scene."""
    recorded = twins("record", tmp_path / "logs", amount, hash_seed=HASH_SEEDS[0])
    assert recorded["sessions"] >= amount
    for hash_seed in HASH_SEEDS if amount > SAMPLE else HASH_SEEDS[1:2]:
        told = twins("replay", tmp_path / "logs", amount, hash_seed=hash_seed)
        assert told == {"sessions": recorded["sessions"], "identical": recorded["sessions"], "unlike": []}


@amounts(SAMPLE, 2000)
@pytest.mark.skipif(not pythons(), reason="LLLM_PROOF_PYTHONS names no other interpreter that can import lllm")
def test_a_replay_writes_the_same_bytes_in_any_python(amount, tmp_path):
    """What one version recorded, each other one says again."""
    every = [sys.executable, *pythons()]
    for number, writer in enumerate(every):
        folder = tmp_path / f"logs{number}"
        recorded = twins("record", folder, amount, writer)
        for reader in every:
            told = twins("replay", folder, amount, reader)
            assert told == {"sessions": recorded["sessions"], "identical": recorded["sessions"], "unlike": []}, reader


def test_a_changed_byte_is_found(tmp_path):
    """The comparison itself must not be blind."""
    twins("record", tmp_path / "logs", 1)
    told = twins("replay-damaged", tmp_path / "logs", 1)
    assert told["identical"] == 0
