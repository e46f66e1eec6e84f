"""Jupyter's own clients get a sandboxed kernel: stock ipykernel in the same isolators, launched by jupyter_client.

A kernelspec names this provisioner (``lllm-sandbox``); see `kernelspec.py`. The host makes the listening sockets, so
that nothing which the sandbox can write to is shared, and no path of the host's leads out of it. Jupyter's messages are
then read by Jupyter's own process: what hostile code can do to that one stands in the how-to page on Jupyter. Kernels
of agents do not come this way; see `local/kernel.py`.
Source: https://jupyter-client.readthedocs.io/en/stable/provisioning.html (read 2026-11).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import select
import shutil
import signal
import socket
import tempfile
import weakref
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Dict

from lllm.errors import ConfigError, SandboxUnavailable
from lllm.sandbox.cell import START_S
from lllm.sandbox.isolation.isolator import Isolator, Program
from lllm.sandbox.local.process import SandboxProcess
from lllm.sandbox.local.warden import WARDEN
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.probe import CHOOSER
from lllm.sandbox.stock.kernelspec import PROVISIONER, build_policy

PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5}
"""The numbers by which both sides know the channels, in place of TCP ports."""
_LOOKS_S = 0.02
_PATH_BYTES = 90  # a socket's path may have 103 bytes on some systems; the last ones are for its name
_SAID_BYTES = 64 << 10


class SandboxProvisioner(KernelProvisionerBase):
    """Launches a kernel in the strongest isolator that works here. Linux only, Python kernels only.

    The kernelspec's command and environment are not used: what runs is ipykernel in this Python, and nothing of the
    host's environment is passed on.

    Attributes:
        policy: fields of ``SandboxPolicy`` by name, from the kernelspec or Jupyter's configuration. Those on cells and
            calls say nothing here: Jupyter's client decides how long it waits and how much it reads.
    """

    policy = Dict(help="limits of the sandbox: fields of SandboxPolicy by name").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._process: SandboxProcess | None = None
        self._folder = ""
        self.connection_info = {}

    @property
    def tier(self) -> str:
        """How the kernel is isolated; empty where there is none."""
        return self._process.tier if self._process else ""

    @property
    def has_process(self) -> bool:
        """Whether a kernel was launched and not cleaned up."""
        return self._process is not None

    async def poll(self) -> int | None:
        """Return None as long as the kernel runs, else 0, or 1 where it was killed for what it used."""
        process = self._process
        if process is None:
            return 0
        if process.is_running:
            return None
        WARDEN.forget(process)
        if why := process.why_killed or process.read_end():
            self.log.warning("the sandbox was killed: %s", why)
        return 1 if why else 0

    async def wait(self) -> int | None:
        """Wait until the kernel has ended."""
        while (code := await self.poll()) is None:  # noqa: ASYNC110 - a process tells nobody that it has ended
            await asyncio.sleep(_LOOKS_S)
        await self.cleanup(restart=True)
        return code

    async def send_signal(self, signum: int) -> None:
        """Interrupt the kernel (SIGINT) or end it (SIGTERM, SIGKILL); other signals do not get in."""
        if self._process is None:
            return
        if signum == signal.SIGINT:
            self._process.interrupt()
        elif signum in (signal.SIGTERM, signal.SIGKILL):
            await self.kill()

    async def kill(self, restart: bool = False) -> None:
        """End everything in the sandbox."""
        del restart
        if self._process is not None:
            await asyncio.to_thread(self._process.kill)

    async def terminate(self, restart: bool = False) -> None:
        """End everything in the sandbox: code in it could ignore anything that is more polite."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """Let go of the kernel; unless another is launched in its place, of its folder too."""
        if (process := self._process) is not None:
            self._process = None
            WARDEN.forget(process)
            await asyncio.to_thread(process.close)
        if not restart and self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Return the arguments of :meth:`launch_kernel`: none that is used, and no command. Gateways read some of them.

        Raises:
            ConfigError: the kernelspec asks for another language.
        """
        language = str(self.kernel_spec.language)
        if language.lower() not in ("python", ""):
            raise ConfigError(f"the provisioner {PROVISIONER} runs Python kernels, not {language!r} ones")
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch the kernel, wait until it is up, and return how it is reached.

        Raises:
            SandboxUnavailable: no isolator works here; its text ends with what mends that.
            ConfigError: ``policy`` cannot be one.
        """
        del cmd, kwargs
        policy = build_policy(self.policy)
        if not self._folder:
            self._folder = _make_folder()
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        key = self.parent.session.key if self.parent else secrets.token_hex(16).encode()
        prefix = f"{self._folder}/k"
        attempt = _Attempt(policy, prefix, key.decode())
        try:
            self._process = await asyncio.to_thread(CHOOSER.first, policy, attempt)
        except SandboxUnavailable as error:  # Jupyter shows the text of an error, and nothing that is beside it
            raise SandboxUnavailable(f"{error.message}. What mends it: {error.hint}") from error
        WARDEN.watch(self._process)
        scheme = "hmac-sha256"
        info: Any = {"transport": "ipc", "ip": prefix, "key": key, "signature_scheme": scheme, **PORTS}
        self.connection_info = info
        return info


class _Attempt:
    """Launches a kernel in an isolator, and waits until it is up."""

    def __init__(self, policy: SandboxPolicy, prefix: str, key: str) -> None:
        self._policy, self._prefix, self._key = policy, prefix, key

    def __call__(self, isolator: Isolator) -> SandboxProcess:
        with ExitStack() as held:
            listeners = {name: _listen(f"{self._prefix}-{number}", held) for name, number in PORTS.items()}
            process = SandboxProcess(
                isolator, self._policy, Program("stock", listeners, {"key": self._key, "ports": PORTS})
            )
        try:
            ready = select.select([process.control], (), (), START_S)[0]
            if ready and process.control.recv(1 << 16):
                return process
        except BaseException:
            process.close()
            raise
        said = _read_said(process)
        process.close()
        raise SandboxUnavailable(f"the kernel did not start: {said or 'it said nothing'}")


def _read_said(process: SandboxProcess) -> str:
    with suppress(OSError):
        return os.read(process.output, _SAID_BYTES).decode("utf-8", "replace").strip()[-2000:]
    return ""


def _listen(path: str, held: ExitStack) -> int:
    """Return the descriptor of a socket that listens at ``path``; ``held`` closes this process's copy of it."""
    Path(path).unlink(missing_ok=True)  # of the kernel before
    listener = held.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen(16)
    return listener.fileno()


def _make_folder() -> str:
    """Return a new folder that nobody else can look into, with a path short enough for sockets."""
    folder = tempfile.mkdtemp(prefix="lllm-jupyter-")
    if len(folder.encode()) <= _PATH_BYTES:
        return folder
    Path(folder).rmdir()
    return tempfile.mkdtemp(prefix="lllm-jupyter-", dir="/tmp")
