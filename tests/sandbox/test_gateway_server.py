"""Remote kernels of a real kernel gateway (https://github.com/jupyter-server/kernel_gateway), with its token on."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys

import pytest

pytest.importorskip("websockets", reason="the extra `gateway` is not installed")

from jupyter_kernels import need_sandbox

from lllm.errors import SandboxUnavailable
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.remote.gateway import RemoteKernel
from lllm.sandbox.stock.kernelspec import PROVISIONER, install_kernelspec

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        importlib.util.find_spec("kernel_gateway") is None, reason="jupyter_kernel_gateway is not installed"
    ),
]
POLICY = SandboxPolicy(timeout_s=30, grace_s=5, output_bytes=200_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Its address; the token is in GATEWAY_TOKEN."""
    home = tmp_path_factory.mktemp("gateway")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    install_kernelspec(PROVISIONER, prefix=str(home))
    entry = home / "lllm_entry-0.dist-info"  # what pyproject.toml declares; the tree may not be installed
    entry.mkdir()
    (entry / "METADATA").write_text("Name: lllm-entry\nVersion: 0\n")
    group = "jupyter_client.kernel_provisioners"
    (entry / "entry_points.txt").write_text(
        f"[{group}]\n{PROVISIONER} = lllm.sandbox.stock.provisioner:SandboxProvisioner\n"
    )
    env = {
        **os.environ, "HOME": str(home), "KG_AUTH_TOKEN": "s3cr3t", "JUPYTER_RUNTIME_DIR": str(home / "run"),
        "JUPYTER_PATH": str(home / "share" / "jupyter"), "PYTHONPATH": os.pathsep.join([str(home), *sys.path]),
    }  # fmt: skip
    told = ["--KernelGatewayApp.ip=127.0.0.1", f"--KernelGatewayApp.port={port}", "--KernelGatewayApp.port_retries=0"]
    command = [sys.executable, "-c", "from kernel_gateway import launch_instance; launch_instance()", *told]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GATEWAY_TOKEN", "s3cr3t")
            yield wait_until_up(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stderr.close()


def wait_until_up(url, process):
    """Return the address, once the server says that it is there; the few lines that it writes later fit into the pipe."""
    for line in process.stderr:
        if "is available at" in line:
            return url
    pytest.fail("the gateway did not start")


@pytest.fixture(scope="module")
def kernel(server):
    kernel = RemoteKernel(server, token_env="GATEWAY_TOKEN", policy=POLICY)
    yield kernel
    kernel.close()


def test_state_is_kept_from_cell_to_cell(kernel):
    """It is one kernel for one session; the cell that offers CALL_API has no number of its own."""
    assert kernel.execute("x = 20").execution_count == 1
    result = kernel.execute("print('hi')\nx + 1")
    assert (result.status, result.execution_count) == ("ok", 2)
    assert [output["output_type"] for output in result.outputs] == ["stream", "execute_result"]


def test_a_call_is_answered_while_its_cell_runs(kernel):
    """By stdin, which a gateway passes on in both directions; an error is an exception of the cell's."""
    result = kernel.execute("CALL_API('a/b', {'n': 1})['n'] + 1", on_call=lambda endpoint, params, left_s: params)
    assert result.outputs[0]["data"]["text/plain"] == "2"
    refused = kernel.execute("CALL_API('a/b')")
    assert (refused.status, refused.ename) == ("error", "APIError")
    assert kernel.execute("input('who? ')").ename == "EOFError"


def test_an_endless_cell_is_interrupted_and_the_state_kept(kernel):
    kernel.execute("kept = 1")
    assert kernel.execute("while True: pass", 0.5).status == "timeout"
    assert kernel.execute("kept").status == "ok"


def test_endless_output_is_cut(kernel):
    """Below the server's own limit of a megabyte a second, which it says in the output itself."""
    result = kernel.execute("import time\nwhile True:\n    print('x' * 5000); time.sleep(0.01)")
    assert (result.status, result.state_lost) == ("output_limit", False)


def test_a_kernel_that_ends_itself_is_told(server):
    """Also the gateway has none left then: it answers the first end with an error, as it is restarting it."""
    kernel = RemoteKernel(server, token_env="GATEWAY_TOKEN", policy=POLICY)
    result = kernel.execute("import os; os._exit(1)")
    assert (result.status, result.state_lost, kernel.is_alive) == ("died", True, False)


def test_a_wrong_token_is_told(server, monkeypatch):
    monkeypatch.setenv("WRONG", "wrong")
    with pytest.raises(SandboxUnavailable, match="401") as caught:
        RemoteKernel(server, token_env="WRONG")
    assert "token_env" in caught.value.hint


def test_with_our_kernelspec_there_it_is_isolated_there(server):
    """The gateway's own kernels read its token; ours see nothing of it, and answer calls all the same."""
    need_sandbox()
    code = """
import os
path = f"/proc/{os.getppid()}/environ"
(os.path.exists(path) and "KG_AUTH_TOKEN" in open(path).read(), CALL_API("a/b", {"n": 1}))
"""
    seen = []
    for name in ("", PROVISIONER):
        kernel = RemoteKernel(server, token_env="GATEWAY_TOKEN", kernel_name=name, policy=POLICY)
        result = kernel.execute(code, on_call=lambda endpoint, params, left_s: params["n"])
        seen.append(result.outputs[0]["data"]["text/plain"])
        kernel.close()
    assert seen == ["(True, 1)", "(False, 1)"]
