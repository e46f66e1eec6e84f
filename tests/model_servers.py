"""Fixtures that start model servers which somebody else wrote, on a tiny model that is made on the spot.

``llama_server``, ``mlx_server`` and ``litellm_proxy`` yield a base URL that ends in ``/v1``. Each skips with a reason
where it cannot run: ``LLLM_MLX_PYTHON`` names an interpreter that has ``mlx-lm``, ``LLLM_LITELLM_PYTHON`` one that has
``litellm[proxy]``.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

SHARED = Path(__file__).parents[1].parent / "shared"
START_S = 90.0
PROXY_KEY = f"sk-{secrets.token_hex(32)}"
"""What the proxy lets in; it refuses to start without a long one."""


class Way(NamedTuple):
    """How a test reaches a model: the fixture of a server, the wire format, and the model's name there."""

    server: str
    api: str = "chat"
    model: str = "tiny"

    def config(self, request):
        """The settings of a provider that goes this way; ``request`` is pytest's, for the fixture."""
        url = request.getfixturevalue(self.server)
        base = url.removesuffix("/v1") if self.api == "anthropic" else url
        key = {"api_key": PROXY_KEY} if self.server == "litellm_proxy" else {}
        return {"base_url": base, "api": self.api, "timeout_s": 60, **key}


LLAMA = [Way("llama_server", api) for api in ("chat", "responses", "anthropic")]
MLX = Way("mlx_server", model="default_model")
LITELLM = [Way("litellm_proxy", api) for api in ("chat", "responses", "anthropic")]
TRANSLATED = Way("litellm_proxy", "chat", "claude")
"""A chat request that the proxy translates into the Anthropic format."""

SILENT = {LLAMA[1], *LITELLM[1:]}
"""Ways on which a reply that was cut off says ``completed``: llama.cpp's responses, and what the proxy asks for there."""


def all_ways():
    """Every way, as parameters with names."""
    return [pytest.param(way, id="-".join(way)) for way in (*LLAMA, MLX, *LITELLM, TRANSLATED)]


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


@pytest.fixture(scope="session")
def litellm_proxy(llama_server, tmp_path_factory):
    """Base URL of litellm's proxy before llama.cpp's server: ``tiny`` is asked in chat, ``claude`` in Anthropic's."""
    python = os.environ.get("LLLM_LITELLM_PYTHON", "")
    if not python:
        pytest.skip("LLLM_LITELLM_PYTHON names no interpreter that has litellm[proxy]")
    told = {"tiny": ("openai/tiny", llama_server), "claude": ("anthropic/tiny", llama_server.removesuffix("/v1"))}
    models = [
        {"model_name": name, "litellm_params": {"model": model, "api_base": url, "api_key": "none"}}
        for name, (model, url) in told.items()
    ]
    config = tmp_path_factory.mktemp("litellm") / "config.json"  # any JSON is YAML
    config.write_text(json.dumps({"model_list": models, "litellm_settings": {"num_retries": 0}}))
    port = free_port()
    command = [python, "-c", "import sys; from litellm import run_server; sys.exit(run_server())"]
    command += ["--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    local = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "LITELLM_MASTER_KEY": PROXY_KEY}
    with running(command, f"http://127.0.0.1:{port}/health/liveliness", start_s=2 * START_S, **local):
        yield f"http://127.0.0.1:{port}/v1"


def free_port():
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, health_url, start_s=START_S, **variables):
    """Run a server while the block lasts, from the moment that it answers; its output is shown if it never does."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", **variables}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            wait_until_ready(process, health_url, output, start_s)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def wait_until_ready(process, url, output, start_s):
    """Poll ``url`` until it answers 200; fail with the server's output when it ends or takes too long."""
    end = time.monotonic() + start_s
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=1) as answer:
            if answer.status == 200:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    output.seek(0)
    pytest.fail(f"{process.args[0]} did not become ready: {output.read()[-4000:].decode('utf-8', 'replace')}")
