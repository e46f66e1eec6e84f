"""Projects, streams and folders that mean no good, end to end."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from starter_values import ANSWER, TASK, process_env

from lllm.errors import LogCorrupt

AGENTS = """
import sys
from lllm import AgentBase

class Leaver(AgentBase):
    agent_type = "leaver"

    def call(self, task, **kwargs):
        sys.exit("bye")

class Odd(AgentBase):
    agent_type = "odd"

    def call(self, task, **kwargs):
        return float("nan")
"""
INTERRUPTED_AT_IMPORT = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
from lllm.cli import main
main()
"""


def in_shell(line, project):
    command = line.replace("lllm", f"{sys.executable} -m lllm", 1)
    return subprocess.run(
        ["/bin/bash", "-c", command], cwd=project, env=process_env(), capture_output=True, text=True, check=False
    )


def refuse_constant(name):
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.parametrize(
    "words", ["prompts list", "prompts lint", "agents list", "config check", "doctor", "replay last"]
)
def test_what_a_file_prints_while_it_is_loaded_is_no_part_of_the_document(project, process, words):
    """One forgotten print in a prompt file would break whoever reads the JSON."""
    process("run", TASK)
    with (project / "prompts/trip.py").open("a") as file:
        file.write("\nprint('NOISE')\n")
    done = process(*words.split(), "--json")
    json.loads(done.stdout)
    assert "NOISE" in done.stderr


def test_a_system_that_leaves_python_is_told_as_one_document(project, lllm_json):
    """``sys.exit`` in somebody's code is a failed run like any other."""
    (project / "agents/odd.py").write_text(AGENTS)
    code, told = lllm_json("run", "leaver", "x")
    assert (code, told["error"]["message"], told["error"]["exit_code"]) == (1, "SystemExit: bye", 1)
    assert "agents/odd.py" in told["error"]["where"]


def test_a_result_that_json_does_not_know_is_told_as_text(project, lllm):
    """``NaN`` is what Python writes, and what no other reader of JSON takes."""
    (project / "agents/odd.py").write_text(AGENTS)
    for words in (("run", "odd", "x"), ("replay", "last")):
        told = json.loads(lllm(*words, "--json").stdout, parse_constant=refuse_constant)
        assert told["result"] == "nan"
    assert math.isnan(float(told["result"]))


def test_an_interrupt_while_modules_are_imported_has_its_exit_code():
    """Whoever presses Ctrl-C at once sees no traceback."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_IMPORT], env=process_env(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_process_without_standard_streams_does_its_work(project, process, streams):
    """Services are started so. What is opened next would get the streams' numbers, the log among it."""
    done = in_shell(f"lllm run --session quiet '{TASK}' {streams}", project)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert json.loads(process("replay", "quiet", "--json").stdout)["result"] == ANSWER


def test_a_full_disk_behind_stdout_is_told_on_stderr(project):
    """The document cannot be written, and neither can the one that would say so."""
    done = in_shell("lllm machine --json > /dev/full", project)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "No space left on device" in done.stderr


def test_a_reader_that_leaves_is_no_error(project):
    """``lllm log list | head`` is how people read."""
    done = in_shell("lllm machine | true; exit ${PIPESTATUS[0]}", project)
    assert (done.returncode in (0, 1), done.stderr) == (True, "")


@pytest.mark.parametrize("empty_file", [True, False])
def test_a_session_that_never_began_is_named_so(project, lllm, lllm_json, empty_file):
    """A process can be killed between making a folder and writing its first event."""
    lllm("run", TASK)
    folder = project / ".lllm/logs/demo/never"
    folder.mkdir()
    if empty_file:
        (folder / "events-000001.jsonl").touch()
    code, told = lllm_json("replay", "never")
    assert (code, told["error"]["type"]) == (1, LogCorrupt.__name__)
    assert "no events" in told["error"]["message"]


def test_a_batch_whose_log_cannot_be_written_is_told_so(project, lllm_json):
    """A file stands where the log's folder should be."""
    (project / "tasks.jsonl").write_text('"x"\n')
    code, told = lllm_json("run", "--tasks", "tasks.jsonl", "--set", "log_dir=lllm.toml")
    assert (code, told["error"]["type"]) == (1, "LogError")


def test_results_go_to_plain_files_only(project, lllm_json):
    """What is done is read back from them: a device never ends, and a pipe never begins."""
    (project / "tasks.jsonl").write_text('"x"\n')
    code, told = lllm_json("run", "--tasks", "tasks.jsonl", "--out", "/dev/zero")
    assert (code, "no plain file" in told["error"]["message"]) == (1, True)
