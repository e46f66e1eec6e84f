"""A project from the starter, and two ways to run a command line: in this process, and in one of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from starter_values import process_env
from warm import run_warm

from lllm.cli.app import cli
from lllm.cli.template import find_template, save_project
from lllm.llm.base import AGENT_REGISTRY
from lllm.llm.prompts import PROMPT_REGISTRY


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A fresh starter as the working folder; what it registers is forgotten afterwards."""
    folder = tmp_path / "demo"
    save_project(find_template("init_template"), folder, "demo")
    monkeypatch.chdir(folder)
    for name in ("LLLM_CONFIG", "LLLM_AUTO_DISCOVER", "LLLM_DEBUG", "NO_COLOR", "FORCE_COLOR", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with AGENT_REGISTRY.isolated(), PROMPT_REGISTRY.isolated():
        yield folder


@pytest.fixture
def lllm():
    """Run a command line in this process; returns click's result."""

    def run(*args, stdin=None):
        return CliRunner().invoke(cli, list(args), input=stdin)

    return run


@pytest.fixture
def lllm_json(lllm):
    """Run a command line with --json; returns the exit code and the document."""

    def run(*args, stdin=None):
        result = lllm(*args, "--json", stdin=stdin)
        return result.exit_code, json.loads(result.stdout)

    return run


@pytest.fixture
def process():
    """Run a command line in a process of its own, which begins warm; returns the finished process."""

    def run(*args, stdin="", cwd=None, **env):
        return run_warm("lllm", *args, cwd=cwd or Path.cwd(), env=process_env(**env), stdin=stdin, timeout_s=60)

    return run


@pytest.fixture
def start_process():
    """Start a command line and leave it running; whatever is left of it is killed afterwards."""
    started = []

    def start(*args, cwd=None, **env):
        child = subprocess.Popen(
            [sys.executable, "-m", "lllm", *args],
            cwd=cwd,
            env=process_env(**env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        if child.poll() is None:
            child.kill()
        child.communicate()
