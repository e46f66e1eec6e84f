"""Fixtures that start model servers which somebody else wrote, on a tiny model that is made on the spot.

``llama_server`` and ``mlx_server`` yield a base URL that ends in ``/v1``. Each skips with a reason where it cannot run.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[1].parent / "shared"
START_S = 90.0


def _mlx_python():
    python = os.environ.get("LLLM_MLX_PYTHON", "")
    if not python:
        pytest.skip("LLLM_MLX_PYTHON names no interpreter that has mlx-lm")
    return python


@pytest.fixture(scope="session")
def scripted_model(tmp_path_factory):
    """A folder with a one-layer model whose replies keywords choose, and beside it the same as ``.gguf``."""
    maker = SHARED / "tools" / "make_scripted_model.py"
    if not maker.exists():
        pytest.skip(f"no {maker.name} in {maker.parent}")
    folder = tmp_path_factory.mktemp("model") / "scripted"
    command = [_mlx_python(), str(maker), str(folder), "--gguf", f"{folder}.gguf"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="session")
def llama_server(scripted_model):
    """Base URL of llama.cpp's server."""
    binary = SHARED / "bin" / "llama-server"
    if not os.access(binary, os.X_OK):
        pytest.skip(f"no {binary.name} in {binary.parent}")
    port = free_port()
    model = ["-m", f"{scripted_model}.gguf", "--port", str(port), "-a", "tiny"]
    size = ["-c", "1024", "-np", "1", "-ctk", "f32", "-ctv", "f32", "-fa", "off", "--jinja", "-t", "1"]
    with running([str(binary), *model, *size], f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture(scope="session")
def mlx_server(scripted_model):
    """Base URL of mlx-lm's server; its model is called ``default_model``."""
    port = free_port()
    command = [_mlx_python(), "-m", "mlx_lm.server", "--model", str(scripted_model), "--port", str(port)]
    with running(command, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}/v1"


def free_port():
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, health_url):
    """Run a server while the block lasts, from the moment that it answers; its output is shown if it never does."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            wait_until_ready(process, health_url, output)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def wait_until_ready(process, url, output):
    """Poll ``url`` until it answers 200; fail with the server's output when it ends or takes too long."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=1) as answer:
            if answer.status == 200:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    output.seek(0)
    pytest.fail(f"{process.args[0]} did not become ready: {output.read()[-4000:].decode('utf-8', 'replace')}")
