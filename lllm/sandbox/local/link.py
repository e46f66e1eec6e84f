"""A running kernel as its host reads it: its messages, its calls of services, and what its programs write past it."""

from __future__ import annotations

import os

from lllm.sandbox.host.broker import Broker
from lllm.sandbox.host.frames import BadFrame, FrameReader, build_frame, send_frame
from lllm.sandbox.isolation.isolator import Isolator
from lllm.sandbox.local.process import SandboxProcess
from lllm.sandbox.policy import SandboxPolicy

READ_BYTES = 64 << 10


class Link:
    """The host's ends of one kernel. One thread at a time reads from them.

    Args:
        isolator: what shuts the kernel in.
        policy: how much it may use.
    """

    def __init__(self, isolator: Isolator, policy: SandboxPolicy) -> None:
        self.policy = policy
        self.process = SandboxProcess(isolator, policy)
        self.messages = FrameReader(self.process.control)
        self.requests = FrameReader(self.process.broker, policy.call_bytes)
        self.broker = Broker(policy)
        self._asked = 0

    @property
    def is_open(self) -> bool:
        """Whether the kernel can be asked and can answer."""
        return self.messages.is_open and self.process.is_running

    def ask(self, code: str) -> str:
        """Send a cell; return the number by which its messages are known."""
        self.process.settle(self.policy.grace_s)
        self._asked += 1
        number = str(self._asked)
        request = {"msg_type": "execute_request", "msg_id": number, "content": {"code": code}}
        # Where it has ended, or takes nothing, what is read next tells.
        send_frame(self.process.control, build_frame(request), self.policy.grace_s)
        return number

    def answer(self, frame: bytes) -> None:
        """Send the answer of a call.

        Raises:
            BadFrame: nobody takes it. An honest kernel waits for it.
        """
        if not send_frame(self.process.broker, frame, self.policy.grace_s):
            raise BadFrame("it asked, and did not take the answer")

    def read_output(self, limit: int = READ_BYTES) -> bytes:
        """Return what programs wrote past the kernel, as far as it is there, without waiting."""
        pieces: list[bytes] = []
        while limit > 0:
            try:
                piece = os.read(self.process.output, min(limit, READ_BYTES))
            except OSError:  # nothing is there, or the pipe is closed
                break
            if not piece:
                break
            pieces.append(piece)
            limit -= len(piece)
        return b"".join(pieces)
