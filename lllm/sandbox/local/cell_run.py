"""One cell from its code to its result, whatever the code in it does.

Everything is read in the thread that runs the cell, from three descriptors: the kernel's messages, its calls of
services, and what its programs write past it. Nothing that comes from inside is believed, and all of it is bounded.
"""

from __future__ import annotations

import select
import time
from collections.abc import Mapping
from typing import Any

from lllm.sandbox.cell import Called, CellResult, OnCall, Status
from lllm.sandbox.host.broker import TooManyCalls, refuse_all, refuse_between
from lllm.sandbox.host.frames import BadFrame
from lllm.sandbox.host.results import explain_loss, read_text
from lllm.sandbox.local.link import Link
from lllm.sandbox.shown.mended import dict_of
from lllm.sandbox.shown.outputs import OutputFold, to_count

_SLACK = 2
"""How many times the cell's own limit may arrive from it before it is taken for hostile, and killed."""
_BACKGROUND_BYTES = 64 << 10
_LONGEST_WAIT_S = 1000.0  # poll() takes no more than 24 days


class CellRun:
    """One cell on its way.

    Args:
        link: to the kernel.
        code: of the cell.
        timeout_s: seconds until it is interrupted.
        on_call: answers its calls of services; None refuses each.
    """

    def __init__(self, link: Link, code: str, timeout_s: float, on_call: OnCall | None) -> None:
        self._link, self._process, self._policy = link, link.process, link.policy
        self._on_call = on_call
        self._code, self._timeout_s = code, timeout_s
        self._id = ""
        self._outputs = OutputFold(self._policy.output_bytes, self._policy.output_messages)
        self._calls: list[Called] = []
        self._left = (self._policy.output_bytes + (1 << 20)) * _SLACK
        self._left_messages = self._policy.output_messages * 100
        self._reply: Mapping[str, Any] | None = None
        self._background = ""
        self._is_interrupted = self._is_asked = False

    def to_end(self) -> CellResult:
        """Run the cell; return what it came to."""
        try:
            self._drain_background()
            self._is_asked = True
            self._id = self._link.ask(self._code)
            came_to = self._wait(self._timeout_s)
            if came_to == "timeout":
                self._interrupt()
                came_to = self._wait(self._policy.grace_s)
            if came_to != "done":
                self._kill("timeout" if came_to == "timeout" else self._process.read_end())
        except BadFrame as error:
            self._kill(f"what it sent could not be read: {error.message}")
        except TooManyCalls as error:
            self._kill(error.message)
        except _Flooded:
            self._kill("output")
        return self._result()

    def stop(self) -> None:
        """Stop the cell, since nobody waits for it any more: so that the next one finds the kernel free."""
        if not self._is_asked:
            return
        self._interrupt()
        try:
            stopped = self._wait(self._policy.grace_s) == "done"
        except (BadFrame, TooManyCalls, _Flooded):
            stopped = False
        if not stopped:
            self._kill("its cell was given up, and went on")

    def _interrupt(self) -> None:
        """Interrupt the cell, for which no service is called any more."""
        self._process.interrupt()
        self._on_call, self._is_interrupted = refuse_all, True

    def _kill(self, why: str) -> None:
        self._process.kill(why)
        self._reply = None  # whatever it said: its state is lost

    def _wait(self, timeout_s: float) -> str:
        """Take what comes until the reply; return ``done``, ``timeout`` or ``ended``."""
        end_s = time.monotonic() + timeout_s
        poll = select.poll()
        for source in (self._process.control, self._process.broker, self._process.output):
            poll.register(source, select.POLLIN)
        while self._reply is None:
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return "timeout"
            ready = dict(poll.poll(min(left_s, _LONGEST_WAIT_S) * 1000))
            if self._process.output in ready and not self._take_raw():
                poll.unregister(self._process.output)
            if self._process.control.fileno() in ready:
                self._take_messages()
            if self._process.broker.fileno() in ready and not self._take_calls(end_s):
                poll.unregister(self._process.broker)
            if not self._link.messages.is_open:
                break
        while self._take_raw():
            pass
        return "ended" if self._reply is None else "done"

    def _take_messages(self) -> None:
        self._count(self._link.messages.read())
        while self._reply is None and (message := self._link.messages.next()) is not None:
            self._left_messages -= 1
            if self._left_messages < 0:
                raise _Flooded
            content = dict_of(message.get("content"))
            if message.get("parent") != self._id:  # from a thread that an earlier cell left
                self._add_background(content)
            elif message.get("msg_type") == "execute_reply":
                self._reply = content
            else:
                self._outputs.add(message)

    def _add_background(self, content: Mapping[str, Any]) -> None:
        left = _BACKGROUND_BYTES - len(self._background)
        self._background += read_text(content.get("text"), max(0, left))

    def _take_calls(self, end_s: float) -> bool:
        """Answer calls that have arrived; return whether more can come."""
        self._link.requests.read()
        while (request := self._link.requests.next()) is not None:
            frame, called = self._link.broker.answer(request, self._on_call, max(0.001, end_s - time.monotonic()))
            if called is not None:
                self._calls.append(called)
            self._link.answer(frame)
        return self._link.requests.is_open

    def _take_raw(self) -> bool:
        """Take what programs wrote past the kernel; return whether more can come."""
        data = self._link.read_output()
        self._count(len(data))
        if data:
            text = data.decode("utf-8", "replace")
            self._outputs.add({"msg_type": "stream", "content": {"name": "stdout", "text": text}})
        return bool(data)

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _Flooded

    def _drain_background(self) -> None:
        """Take what was written since the last cell ended, and refuse the calls of that time."""
        self._background = self._link.read_output(_BACKGROUND_BYTES).decode("utf-8", "replace")
        while size := self._link.messages.read():
            self._count(size)
            while (message := self._link.messages.next()) is not None:
                self._add_background(dict_of(message.get("content")))
        while self._link.requests.read():
            while (request := self._link.requests.next()) is not None:
                self._link.answer(self._link.broker.answer(request, refuse_between, 0)[0])

    def _result(self) -> CellResult:
        facts: dict[str, Any] = {"calls": tuple(self._calls), "background": self._background}
        facts["tier"] = self._process.tier
        if self._reply is None:
            status, ename, evalue = explain_loss(self._process.why_killed, self._timeout_s)
            outputs = self._outputs.outputs()
            return CellResult(status, outputs, ename=ename, evalue=evalue, state_lost=True, **facts)
        reply = self._reply
        ename, evalue = read_text(reply.get("ename")), read_text(reply.get("evalue"))
        status: Status = "ok" if reply.get("status") == "ok" else "error"
        if reply.get("status") == "output_limit" or self._outputs.over:
            status, ename = "output_limit", "OutputLimit"
            evalue = f"the cell wrote more than {self._policy.output_bytes:,} bytes, or showed too many things"
        elif self._is_interrupted:
            status, ename = "timeout", "CellTimeout"
            evalue = f"the cell did not end within {self._timeout_s:g} s and was interrupted"
        count = to_count(reply.get("execution_count")) or 0
        outputs, trace = self._outputs.outputs(), self._outputs.traceback()
        return CellResult(status, outputs, count, ename, evalue, trace, **facts)


class _Flooded(Exception):
    """More came than an honest kernel sends."""
