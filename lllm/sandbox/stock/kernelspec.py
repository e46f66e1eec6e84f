"""The kernelspec by which Jupyter finds the sandboxed kernel: it names the provisioner, and no command."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lllm.errors import ConfigError
from lllm.sandbox.policy import SandboxPolicy

PROVISIONER = "lllm-sandbox"


def build_kernelspec(display_name: str, policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``kernel.json``. Pure.

    Its command is none that exists: a Jupyter which does not know provisioners would run it, without isolation.
    """
    return {
        "argv": ["lllm-sandbox-needs-jupyter-client-8", "{connection_file}"],
        "display_name": display_name,
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {"kernel_provisioner": {"provisioner_name": PROVISIONER, "config": {"policy": dict(policy)}}},
    }


def build_policy(told: Mapping[str, Any]) -> SandboxPolicy:
    """Return the policy of a kernelspec. Pure.

    Raises:
        ConfigError: it has a field that there is none of, or a value that the field cannot have.
    """
    try:
        return SandboxPolicy(**told)
    except TypeError as error:
        raise ConfigError(f"policy of the kernelspec for {PROVISIONER}: {error}") from None


def install_kernelspec(
    name: str = PROVISIONER,
    display_name: str = "Python 3 (sandbox)",
    *,
    policy: Mapping[str, Any] | None = None,
    prefix: str | None = None,
) -> Path:
    """Write the kernelspec where Jupyter looks for it, and return its folder. One of the same name is replaced.

    Args:
        name: by which Jupyter knows the kernel.
        display_name: what its menus show.
        policy: fields of ``SandboxPolicy`` that differ from the defaults.
        prefix: of the environment that gets it, such as ``sys.prefix``; None puts it among the user's own.

    Raises:
        ConfigError: ``policy`` cannot be one, or jupyter-client is not there.
    """
    try:
        from jupyter_client.kernelspec import KernelSpecManager  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise ConfigError("jupyter-client is not installed", hint="pip install 'lllm[sandbox]'") from missing

    build_policy(policy or {})
    content = json.dumps(build_kernelspec(display_name, policy or {}), indent=1)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kernel.json").write_text(content, encoding="utf-8")
        installed: str = KernelSpecManager().install_kernel_spec(folder, name, user=prefix is None, prefix=prefix)
    return Path(installed)
