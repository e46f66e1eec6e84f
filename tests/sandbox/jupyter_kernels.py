"""Jupyter finds the sandboxed kernel in a folder of the test's own, as it would find an installed one."""

from importlib.metadata import EntryPoint

import pytest

pytest.importorskip("ipykernel", reason="the extra `sandbox` is not installed")

from jupyter_client import KernelManager
from jupyter_client.provisioning import KernelProvisionerFactory

from lllm.errors import SandboxUnavailable
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.probe import CHOOSER
from lllm.sandbox.stock.kernelspec import PROVISIONER, install_kernelspec

NAME = "lllm-tested"


def need_sandbox():
    """Skip where this machine isolates nothing."""
    try:
        CHOOSER.start(SandboxPolicy()).close()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", name="sandboxed_kernel")
def install(tmp_path_factory):
    """The name of an installed kernelspec."""
    need_sandbox()
    with pytest.MonkeyPatch.context() as patch:
        prefix = tmp_path_factory.mktemp("jupyter")
        install_kernelspec(NAME, prefix=str(prefix))
        patch.setenv("JUPYTER_PATH", str(prefix / "share" / "jupyter"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(prefix / "runtime"))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        factory = KernelProvisionerFactory.instance()  # what pyproject.toml declares; the tree may not be installed
        entry = EntryPoint(PROVISIONER, "lllm.sandbox.stock.provisioner:SandboxProvisioner", factory.GROUP_NAME)
        patch.setitem(factory.provisioners, PROVISIONER, entry)
        yield NAME


def run(client, code, timeout_s=20):
    """Run a cell as a client of Jupyter's does; return the reply's content and the outputs."""
    outputs = []

    def keep(message):
        if message["msg_type"] not in ("status", "execute_input"):
            outputs.append((message["msg_type"], message["content"]))

    reply = client.execute_interactive(code, timeout=timeout_s, output_hook=keep)
    return reply["content"], outputs


def text_of(outputs):
    """Return what was written to the streams."""
    return "".join(content["text"] for kind, content in outputs if kind == "stream")


__all__ = ["KernelManager", "install", "need_sandbox", "run", "text_of"]
