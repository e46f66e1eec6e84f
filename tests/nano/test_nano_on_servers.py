"""nano behind servers that somebody else wrote: the starter goes the whole way over HTTP, and its sessions replay."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from model_servers import SHARED, free_port, running

from lllm import auto_discover, build_agent
from lllm.cli.template import find_template, save_project
from lllm.config import load_agent_config
from lllm.log.local import LocalFileLog
from lllm.providers.nano import FOLDER
from lllm.replay import replay

TASK = "What does the fuel for 420 km cost?"
ANSWER = "The fuel costs 49.14 euros."
ROOT = Path(__file__).parents[2]


@pytest.fixture
def starter(tmp_path):
    """Run the starter against a server, and replay what was logged with the server gone."""
    folder = tmp_path / "demo"
    save_project(find_template("init_template"), folder, "demo")
    auto_discover(folder)

    def run(base_url, model):
        env = {"LLLM_BASE_URL": base_url, "LLLM_MODEL": model}
        overrides = ["agent_configs.planner.temperature=0", "agent_configs.planner.max_tokens=100"]
        config = load_agent_config(folder / "config/local.yaml", env=env, overrides=overrides)
        return build_agent(config.values)(TASK, session_name="served")

    yield run
    report = replay(LocalFileLog("demo", {"log_dir": str(folder / ".lllm/logs")}), "served")
    assert (report.status, report.result) == ("same", ANSWER)


@pytest.mark.skipif(find_spec("mlx_lm") is None, reason="mlx-lm is not installed: pip install 'lllm[mlx]'")
def test_mlx_lms_server(starter):
    """The folder as it lies in the package is a model of mlx-lm."""
    port = free_port()
    command = [sys.executable, "-m", "mlx_lm.server", "--model", str(FOLDER), "--port", str(port)]
    with running(command, f"http://127.0.0.1:{port}/health"):
        assert starter(f"http://127.0.0.1:{port}/v1", "default_model") == ANSWER


@pytest.mark.server
@pytest.mark.skipif(find_spec("gguf") is None, reason="gguf is not installed: pip install gguf safetensors")
def test_llama_cpps_server(starter, tmp_path):
    """Written as GGUF, with the template and the tokens of the folder."""
    binary = SHARED / "bin" / "llama-server"
    if not os.access(binary, os.X_OK):
        pytest.skip(f"no {binary.name} in {binary.parent}")
    file = str(tmp_path / "nano.gguf")
    write = [sys.executable, "-m", "lllm.nano.recipe.training.to_gguf", str(FOLDER), file]
    subprocess.run(write, check=True, capture_output=True, timeout=120, env=os.environ | {"PYTHONPATH": str(ROOT)})
    port = free_port()
    command = [str(binary), "-m", file, "--port", str(port), "-c", "2048", "-np", "1", "--jinja", "-t", "1"]
    with running(command, f"http://127.0.0.1:{port}/health"):
        assert starter(f"http://127.0.0.1:{port}/v1", "nano") == ANSWER
