"""One call under way: what a log is told of it, how it is done, either way, and what its caller gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from lllm.errors import CallRefused
from lllm.proxies.answer import MAX_DEPTH, is_deep
from lllm.proxies.drive import Effects, adrive, drive
from lllm.proxies.flow import Asked, call_flow, to_facts
from lllm.proxies.service import Service


class Call:
    """One call of an endpoint.

    Args:
        about: what is logged of it before it is done; ``endpoint`` is its path.
        found: what is called; or the error that nothing is, which is logged like the answer of a service.
        effects: makes what does the call, given its seconds.
        timeout_s: for all of it; by default what the endpoint says.
    """

    def __init__(
        self,
        about: Mapping[str, Any],
        found: tuple[Service, Asked] | CallRefused,
        effects: Callable[[float], Effects],
        timeout_s: float | None,
    ) -> None:
        self.about = about
        self._found, self._effects, self._timeout_s = found, effects, timeout_s

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be done again when a session is resumed in the middle of it."""
        return isinstance(self._found, CallRefused) or self._found[1].endpoint.is_repeatable

    def run(self) -> dict[str, Any]:
        """Do it, blocking; return what a log keeps: see `flow.py`."""
        if isinstance(self._found, CallRefused):
            return {"error": to_facts(self._found, self.about["endpoint"])}
        service, asked = self._found
        return _finish(service, asked, drive(call_flow(asked), self._effects(self._left_s(asked))))

    async def arun(self) -> dict[str, Any]:
        """Async twin of :meth:`run`."""
        if isinstance(self._found, CallRefused):
            return {"error": to_facts(self._found, self.about["endpoint"])}
        service, asked = self._found
        return _finish(service, asked, await adrive(call_flow(asked), self._effects(self._left_s(asked))))

    def _left_s(self, asked: Asked) -> float:
        own_s = asked.service.timeout_s if asked.endpoint.timeout_s is None else asked.endpoint.timeout_s
        return own_s if self._timeout_s is None else self._timeout_s


def _finish(service: Service, asked: Asked, told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "data": service.finish(asked.endpoint.key, told["data"])} if "data" in told else told


def to_plain(path: Any, params: Any) -> dict[str, Any]:
    """Return the parameters of a call as JSON data, which is what a log can hold. Pure.

    Raises:
        CallRefused: they are none, or the path is none; a sandbox sends whatever JSON knows.
    """
    if not isinstance(path, str):
        raise CallRefused("the path of an endpoint is a text", hint="proxy/category/endpoint")
    told: Any = {} if params is None else params
    try:
        text = json.dumps(dict(told), allow_nan=False, default=_to_text)
    except (TypeError, ValueError, RecursionError) as error:
        raise CallRefused(f"{path}: the parameters are no plain data: {error}", hint="give a mapping by name") from None
    plain = json.loads(text)
    if is_deep(plain):
        raise CallRefused(f"{path}: the parameters are nested deeper than {MAX_DEPTH} levels")
    return plain


def _to_text(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()[:10]
    raise TypeError(f"{type(value).__name__} is no JSON")
