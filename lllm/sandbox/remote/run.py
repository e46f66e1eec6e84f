"""One cell on a kernel that a gateway runs, from its code to its result, whatever the gateway or the kernel sends."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lllm.errors import SandboxUnavailable
from lllm.sandbox.cell import Called, CellResult, OnCall, Status
from lllm.sandbox.host.broker import Broker, TooManyCalls
from lllm.sandbox.host.frames import BadFrame, parse_frame
from lllm.sandbox.host.results import explain_loss, read_text
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.remote.websocket import SocketLost, WebSocket
from lllm.sandbox.shown.mended import dict_of
from lllm.sandbox.shown.outputs import OutputFold, to_count

PROTOCOL = "5.3"
"""Version of Jupyter's messages: https://jupyter-client.readthedocs.io/en/stable/messaging.html (read 2026-11)."""
_DRAIN_S = 0.5
"""Outputs may come after the reply: it travels on another channel. The `idle` that ends them can be forged or lost."""
_SLACK = 2
_BACKGROUND_CHARS = 64 << 10


def build_message(kind: str, content: Mapping[str, Any], channel: str, session: str) -> tuple[str, str]:
    """Return the id of a new message, and its text for a websocket."""
    number = uuid.uuid4().hex
    header = {
        "msg_id": number,
        "msg_type": kind,
        "session": session,
        "username": "lllm",
        "version": PROTOCOL,
        "date": "",
    }
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": channel}
    return number, json.dumps({**message, "buffers": []})


@dataclass(slots=True)
class Client:
    """What is the same for all cells of a session.

    Attributes:
        policy: the limits of cells.
        broker: answers calls, as long as the session's budget lasts.
        mask: takes what nobody is to see out of a text: a gateway's kernels can often read its token.
        session: name that this client goes by.
        mark: how the question begins that is a call; empty where there are none.
    """

    policy: SandboxPolicy
    broker: Broker
    mask: Callable[[str], str]
    session: str
    mark: str


class RemoteRun:
    """One cell on its way.

    Args:
        socket: to the kernel's channels.
        client: what is the same for all cells of a session.
        is_kept: whether the cell has a number of its own.
    """

    def __init__(self, socket: WebSocket, client: Client, *, is_kept: bool = True) -> None:
        self._socket, self._is_kept, self._client = socket, is_kept, client
        self._session, self._policy, self._broker, self._mark = (
            client.session,
            client.policy,
            client.broker,
            client.mark,
        )
        policy = client.policy
        self._outputs = OutputFold(policy.output_bytes, policy.output_messages)
        self._most_bytes = socket.received_bytes + (policy.output_bytes + (1 << 20)) * _SLACK
        self._left_messages = policy.output_messages * 100
        self._id = ""
        self._calls: list[Called] = []
        self._reply: Mapping[str, Any] | None = None
        self._is_idle = False
        self._why_stopped = self._why_lost = ""
        self._background = ""

    def to_end(self, code: str, timeout_s: float, on_call: OnCall | None, interrupt: Callable[[], None]) -> CellResult:
        """Run the cell; return what it came to. Where its ``state_lost``, the kernel is to be ended.

        Args:
            code: of the cell.
            timeout_s: seconds until it is interrupted.
            on_call: answers its ``CALL_API``; None refuses each.
            interrupt: has the gateway interrupt the kernel.
        """
        try:
            self._ask(code)
            if not self._wait(timeout_s, on_call):
                self._why_stopped = "output" if self._outputs.over else "timeout"
                interrupt()
                if not self._wait(self._policy.grace_s, None):
                    self._why_lost = self._why_stopped
        except SocketLost as error:
            self._why_lost = "output" if error.is_flood else error.message
        except (BadFrame, TooManyCalls) as error:
            self._why_lost = f"what came could not be used: {error.message}"
        except SandboxUnavailable:  # it could not be interrupted
            self._why_lost = self._why_stopped
        self._why_stopped = self._why_stopped or ("output" if self._outputs.over else "")
        return self._result(timeout_s)

    def _ask(self, code: str) -> None:
        # stop_on_error: after an error ipykernel would refuse what comes at once, and that is the next cell
        content: dict[str, Any] = {
            "code": code, "silent": False, "store_history": self._is_kept, "user_expressions": {},
            "allow_stdin": bool(self._mark), "stop_on_error": False,
        }  # fmt: skip
        self._id, text = build_message("execute_request", content, "shell", self._session)
        self._socket.send(text, self._policy.grace_s)

    def _wait(self, timeout_s: float, on_call: OnCall | None) -> bool:
        """Take what comes until the cell has ended; return False when it has not in time, or wrote too much."""
        end_s = time.monotonic() + timeout_s
        while self._reply is None:
            text = self._socket.receive(end_s)
            if text is None or self._take(text, end_s, on_call):
                return False
        end_s = time.monotonic() + _DRAIN_S
        while not self._is_idle and (text := self._socket.receive(end_s)) is not None:
            self._take(text, end_s, None)
        return True

    def _take(self, text: str, end_s: float, on_call: OnCall | None) -> bool:
        """Take one message; return whether the cell has just written more than it may."""
        self._left_messages -= 1
        if self._left_messages < 0 or self._socket.received_bytes > self._most_bytes:
            raise SocketLost("more came than an honest kernel sends", is_flood=True)
        message = parse_frame(self._client.mask(text).encode())
        kind = dict_of(message.get("header")).get("msg_type") or message.get("msg_type")
        content, parent = dict_of(message.get("content")), dict_of(message.get("parent_header")).get("msg_id")
        state = content.get("execution_state")
        if kind == "status" and state in ("dead", "restarting", "terminating"):
            raise SocketLost("the gateway says that the kernel has ended")
        if parent != self._id:
            left = _BACKGROUND_CHARS - len(self._background)
            self._background += read_text(content.get("text"), max(0, left))
        elif kind == "status":
            self._is_idle = state == "idle"
        elif kind == "execute_reply":
            self._reply = content
        elif kind == "input_request":
            self._answer(read_text(content.get("prompt"), self._policy.call_bytes + 1), end_s, on_call)
        else:
            was_over = bool(self._outputs.over)
            self._outputs.add({"msg_type": kind, "content": content})
            return bool(self._outputs.over) and not was_over
        return False

    def _answer(self, prompt: str, end_s: float, on_call: OnCall | None) -> None:
        """Answer a call; any other question gets an empty line, since nobody is there."""
        value = ""
        if self._mark and prompt.startswith(self._mark) and len(prompt) <= self._policy.call_bytes:
            request = parse_frame(prompt[len(self._mark) :].encode())
            frame, called = self._broker.answer(request, on_call, max(0.001, end_s - time.monotonic()))
            value = frame[4:].decode()
            if called is not None:
                self._calls.append(called)
        _, text = build_message("input_reply", {"value": value, "status": "ok"}, "stdin", self._session)
        self._socket.send(text, self._policy.grace_s)

    def _result(self, timeout_s: float) -> CellResult:
        status, ename, evalue = (
            explain_loss(self._why_lost, timeout_s) if self._why_lost else _explain(self._why_stopped, timeout_s)
        )
        reply = self._reply or {}
        if not ename:
            status = "ok" if reply.get("status") == "ok" else "error"
            ename = read_text(reply.get("ename")) or ("" if status == "ok" else "Aborted")
            evalue = read_text(reply.get("evalue"))
        return CellResult(
            status,
            self._outputs.outputs(),
            to_count(reply.get("execution_count")) or 0,
            ename,
            evalue,
            self._outputs.traceback(),
            state_lost=bool(self._why_lost),
            calls=tuple(self._calls),
            background=self._background,
            tier="remote",
        )


def _explain(why: str, timeout_s: float) -> tuple[Status, str, str]:
    """Return status, name and text of a cell that was interrupted; an empty name where it was not. Pure."""
    if why == "timeout":
        return "timeout", "CellTimeout", f"the cell did not end within {timeout_s:g} s, and was interrupted"
    if why == "output":
        return "output_limit", "OutputLimit", "the cell wrote more than it may, and was interrupted"
    return "ok", "", ""
