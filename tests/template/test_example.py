"""The example computes in the sandbox with what a proxy says, and its runs replay without either."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from click.testing import CliRunner
from warm import run_warm

from lllm.cli.app import cli
from lllm.cli.template import find_template, save_project, tokens_of
from lllm.sandbox.probe import probe_isolators

REPOSITORY = Path(__file__).parents[2]
TASK = "How are the sales of tea developing?"
ANSWER = (
    "From 2024-01 to 2025-12 the shop sold 3672 units of tea, most of them in 2025-12 (212). "
    "The trend is +2.4 units a month.\n"
)
SHUT_IN = """
import runpy, sys

def refuse(event, args):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec"):
        raise RuntimeError(f"a replay does nothing to the world, and this is {event}")

sys.addaudithook(refuse)
sys.path[0] = ""
runpy.run_module("lllm", run_name="__main__", alter_sys=True)
"""


def clean_env(**env):
    """Return the environment of a process that knows nothing of this one's settings."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("LLLM_", "PYTEST_", "SHOP_"))}
    return {**clean, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **env}


def python(*words, cwd, **env):
    """Run Python without this process's settings; what it prints is both its outputs."""
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=cwd, env=clean_env(**env), capture_output=True, text=True, check=False)


def lllm(*words, cwd, **env):
    """Run a command line in a process that begins warm."""
    return run_warm("lllm", *words, cwd=cwd, env=clean_env(**env))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The example as a user makes it."""
    folder = tmp_path_factory.mktemp("example") / "demo"
    save_project(find_template("example"), folder, "demo")
    return folder


@pytest.fixture(scope="module")
def sandbox():
    """Skip where no isolator works."""
    probed = probe_isolators()
    if not any(one.works for one in probed):
        pytest.skip("; ".join(f"{one.name}: {one.problem}" for one in probed))


@pytest.fixture(scope="module")
def recorded(project, sandbox):
    """The example after one run of the session ``tea``."""
    ran = lllm("run", TASK, "--session", "tea", cwd=project, SHOP_KEY="key-of-this-test")
    assert ran.stdout == ANSWER, ran.stdout + ran.stderr
    return project


@pytest.fixture(scope="module")
def shut_in(tmp_path_factory):
    """A program that is lllm, and that can do nothing to the world."""
    path = tmp_path_factory.mktemp("shut") / "shut_in.py"
    path.write_text(SHUT_IN)
    return str(path)


def without_packages(folder):
    """Return the environment of a Python that has lllm's packages, but offers them to no sandbox."""
    packages = folder / "packages"  # a name that the sandbox does not take for a folder of packages
    packages.symlink_to(sysconfig.get_path("purelib"))
    return {"PYTHONPATH": f"{REPOSITORY}:{packages}"}


def test_nothing_of_the_template_is_left_over(project):
    for path in project.rglob("*"):
        assert not path.is_file() or not any(token in path.read_bytes() for token in tokens_of("x")), path


def test_it_reads_in_ten_minutes(project):
    """It is where people copy their first proxy from."""
    files = [path for path in project.rglob("*") if path.suffix in (".py", ".yaml", ".toml", ".md")]
    assert sum(len(path.read_text().splitlines()) for path in files) <= 450


def test_create_tells_what_to_ask_it(tmp_path):
    """A command that is pasted must get an answer, not the question back."""
    result = CliRunner().invoke(cli, ["create", "--name", "demo", "--template", "example", "--dir", str(tmp_path)])
    assert f'lllm run "{TASK}"' in result.stderr


def test_a_run_calls_the_shop_from_a_cell_and_computes_in_the_next(recorded):
    events = [json.loads(line) for line in next(recorded.rglob("events-000001.jsonl")).read_text().splitlines()]
    steps = [event["data"]["name"] for event in events if event["kind"] == "step"]
    assert steps == ["cell", "proxy", "cell"]


def test_the_key_of_the_shop_is_in_no_file(recorded):
    """It is read on the host when a call is sent, and goes nowhere else."""
    files = [path.read_bytes() for path in (recorded / ".lllm").rglob("*") if path.is_file()]
    assert any(b"shop/sales/monthly" in data for data in files)
    assert not any(b"key-of-this-test" in data for data in files)


def test_its_replay_starts_no_process_and_opens_no_socket(recorded, shut_in):
    """Neither a kernel nor the shop: all is in the log."""
    done = run_warm(shut_in, "replay", "tea", cwd=recorded, env=clean_env())
    assert (done.returncode, done.stdout.splitlines()[-1][:5]) == (0, "same:"), done.stdout + done.stderr


def test_a_run_could_not_do_without_them(recorded, shut_in):
    """Else the test above would prove nothing."""
    assert run_warm(shut_in, "run", TASK, cwd=recorded, env=clean_env()).stdout != ANSWER


def test_a_fork_runs_the_cells_again_with_what_the_shop_said_then(recorded):
    """The second cell needs variables of the first one, whose kernel is gone; and so is the shop."""
    done = lllm("fork", "tea@1/s1", "--name", "again", cwd=recorded, SHOP_URL="http://127.0.0.1:9")
    assert done.stdout == ANSWER, done.stdout + done.stderr


def test_its_own_tests_pass(project, sandbox):
    """With plain pytest, offline, without any configuration."""
    done = run_warm("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", cwd=project, env=clean_env())
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout


def test_without_a_sandbox_a_run_says_what_is_missing(project, tmp_path):
    """Who starts with the example has often not installed it yet."""
    done = python("-S", "-m", "lllm", "run", TASK, cwd=project, **without_packages(tmp_path))
    assert "no sandbox works on this machine: bubblewrap: " in done.stdout + done.stderr


def test_without_a_sandbox_its_tests_are_skipped_with_the_reason(project, tmp_path):
    words = ("-S", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider")
    done = python(*words, cwd=project, COLUMNS="500", **without_packages(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "3 passed, 4 skipped" in done.stdout
    assert "no sandbox works on this machine: bubblewrap: " in done.stdout
