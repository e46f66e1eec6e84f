"""What an extra brings is asked for by its name where it is not there."""

import subprocess
import sys

import pytest

CASES = {
    "jupyter_client": "from lllm.sandbox.stock.kernelspec import install_kernelspec as make; make()",
    "websockets": "from lllm.sandbox.remote.gateway import RemoteKernel",
}
EXTRAS = {"jupyter_client": "sandbox", "websockets": "gateway"}


@pytest.mark.parametrize("package", CASES)
def test_a_missing_package_is_told_with_the_extra_that_brings_it(package):
    code = f"import sys; sys.modules[{package!r}] = None; {CASES[package]}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"ConfigError: {'jupyter-client' if package[0] == 'j' else 'remote kernels'}" in done.stderr
    assert f"pip install 'lllm[{EXTRAS[package]}]'" in done.stderr
