"""CALL_API on the host's side: whether a call is answered at all, and what the kernel is told."""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from lllm.errors import LLLMError
from lllm.sandbox.cell import Called, OnCall
from lllm.sandbox.host.frames import build_frame
from lllm.sandbox.policy import SandboxPolicy

MAX_ENDPOINT_CHARS = 300
MAX_REFUSED = 100
"""Calls beyond the budget after which a kernel is taken for hostile."""
REQUESTS = 4
"""How many times ``call_bytes`` all requests of a kernel may have: what it asked for is kept with its cells."""


class TooManyCalls(LLLMError):
    """The kernel goes on calling after its budget was spent; it is killed."""


class Broker:
    """Answers the calls of one kernel, as long as its budget lasts.

    Args:
        policy: the budget.
    """

    def __init__(self, policy: SandboxPolicy) -> None:
        self._policy = policy
        self._left, self._left_bytes = policy.call_count, policy.call_bytes * REQUESTS
        self._beyond = 0

    def answer(self, request: dict[str, Any], on_call: OnCall | None, left_s: float) -> tuple[bytes, Called | None]:
        """Return the frame that answers a request, and what is told of it; None where that was told before.

        Raises:
            TooManyCalls: the budget has long been spent.
        """
        number = _int(request.get("id"))
        endpoint, params = request.get("endpoint"), request.get("params")
        size_bytes = _count_bytes(params)
        if not _is_name(endpoint) or not isinstance(params, dict) or not size_bytes:
            endpoint, params, on_call = "", {}, _refuse_shape
        self._left, self._left_bytes = self._left - 1, self._left_bytes - size_bytes
        if self._left < 0 or self._left_bytes < 0:
            why = self._say_spent()
            told = Called(endpoint, {}, why) if self._beyond == 1 else None
            return build_frame({"id": number, "error": why}), told
        frame, why = self._ask(on_call or refuse_all, endpoint, params, left_s, number)
        return frame, Called(endpoint, params, why)

    def _ask(self, on_call: OnCall, endpoint: str, params: Any, left_s: float, number: int) -> tuple[bytes, str]:
        """Return the frame of an answer, or that of an error and its text. What is no LLLMError is raised."""
        frame = b""
        try:
            value = on_call(endpoint, params, left_s)
        except LLLMError as error:
            why = f"{type(error).__name__}: {error.message}"
            return build_frame({"id": number, "error": why}), why
        try:
            frame = build_frame({"id": number, "value": value})
            why = "" if len(frame) <= self._policy.call_bytes else f"the answer has {len(frame):,} bytes: ask for less"
        except (TypeError, ValueError, RecursionError) as error:
            why = f"the service's answer is no JSON data: {error}"
        return (build_frame({"id": number, "error": why}), why) if why else (frame, "")

    def _say_spent(self) -> str:
        """Return why no more is answered. After many such calls the kernel has to go."""
        self._beyond += 1
        budget = (
            f"{self._policy.call_count} calls" if self._left < 0 else f"{self._policy.call_bytes * REQUESTS:,} bytes"
        )
        if self._beyond > MAX_REFUSED:
            raise TooManyCalls(f"it went on calling services after its budget of {budget} was spent")
        return f"the budget of {budget} is spent"


class _Refused(LLLMError):
    pass


def _int(number: Any) -> int:
    return number if isinstance(number, int) else 0


def _is_name(endpoint: Any) -> TypeGuard[str]:
    return isinstance(endpoint, str) and len(endpoint) <= MAX_ENDPOINT_CHARS and endpoint.isprintable()


def _count_bytes(params: Any) -> int:
    """Return what JSON data takes as text; 0 where it is none that UTF-8 can say."""
    try:
        return len(json.dumps(params, ensure_ascii=False).encode())
    except ValueError:  # half of a surrogate pair
        return 0


def refuse_all(endpoint: str, _params: Any, _left_s: float) -> Any:
    """Refuse a call where no service is known."""
    raise _Refused(f"{endpoint} cannot be called: no proxies are active here")


def _refuse_shape(_endpoint: str, _params: Any, _left_s: float) -> Any:
    raise _Refused("CALL_API takes the text of an endpoint and a dict of parameters")


def refuse_between(_endpoint: str, _params: Any, _left_s: float) -> Any:
    """Refuse a call that came while no cell was running."""
    raise _Refused("no cell was running: services are called from cells alone")
