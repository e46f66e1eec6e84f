"""CALL_API on the host's side: whether a call is answered at all, and what the kernel is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lllm.errors import LLLMError
from lllm.sandbox.cell import Called, OnCall
from lllm.sandbox.frames import build_frame
from lllm.sandbox.policy import SandboxPolicy

MAX_ENDPOINT_CHARS = 300
MAX_REFUSED = 100
"""Calls beyond the budget after which a kernel is taken for hostile."""


class TooManyCalls(LLLMError):
    """The kernel goes on calling after its budget was spent; it is killed."""


class Broker:
    """Answers the calls of one kernel, as long as its budget lasts.

    Args:
        policy: the budget.
    """

    def __init__(self, policy: SandboxPolicy) -> None:
        self._policy = policy
        self._left = policy.call_count
        self._beyond = 0

    def answer(self, request: dict[str, Any], on_call: OnCall | None, left_s: float) -> tuple[bytes, Called | None]:
        """Return the frame that answers a request, and what is told of it; None where that was told before.

        Raises:
            TooManyCalls: the budget has long been spent.
        """
        endpoint, params = request.get("endpoint"), request.get("params")
        if not isinstance(endpoint, str) or len(endpoint) > MAX_ENDPOINT_CHARS or not isinstance(params, dict):
            endpoint, params = str(endpoint)[:MAX_ENDPOINT_CHARS], {}
            on_call = _refuse_shape
        if self._left <= 0:
            return self._refuse_beyond(
                Called(endpoint, params, f"the budget of {self._policy.call_count} calls is spent")
            )
        self._left -= 1
        ask = on_call or _refuse_all
        frame, why = self._ask(lambda: ask(endpoint, params, left_s))
        return frame, Called(endpoint, params, why)

    def _ask(self, ask: Callable[[], Any]) -> tuple[bytes, str]:
        """Return the frame of an answer; or that of an error, and its text."""
        frame = b""
        try:
            frame = build_frame({"value": ask()})
            why = "" if len(frame) <= self._policy.call_bytes else f"the answer has {len(frame):,} bytes: ask for less"
        except LLLMError as error:
            why = f"{type(error).__name__}: {error.message}"
        except (TypeError, ValueError, RecursionError) as error:
            why = f"the service's answer is no JSON data: {error}"
        return (build_frame({"error": why}), why) if why else (frame, "")

    def _refuse_beyond(self, called: Called) -> tuple[bytes, Called | None]:
        """Refuse a call beyond the budget. The first one is told of; after many, the kernel has to go."""
        self._beyond += 1
        if self._beyond > MAX_REFUSED:
            raise TooManyCalls(f"it went on calling services after its budget of {self._policy.call_count} was spent")
        return build_frame({"error": called.error}), called if self._beyond == 1 else None


class _Refused(LLLMError):
    pass


def _refuse_all(endpoint: str, _params: Any, _left_s: float) -> Any:
    raise _Refused(f"{endpoint} cannot be called: no proxies are active here")


def _refuse_shape(_endpoint: str, _params: Any, _left_s: float) -> Any:
    raise _Refused("CALL_API takes the text of an endpoint and a dict of parameters")
