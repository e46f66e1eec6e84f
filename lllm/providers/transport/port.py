"""What a transport does, and the limits that hold for each of them."""

from __future__ import annotations

from typing import Protocol

from lllm.providers.base import Receiver, WireRequest

KEEPALIVE_S = 300.0
"""How long an idle connection is trusted: longer than a pause between two turns."""
CONNECT_S = 20.0
MAX_IDLE = 1000
"""Idle connections to one server that httpx keeps for one event loop, and for all threads together."""
OWN_HEADERS = (("accept-encoding", "identity"), ("user-agent", "lllm"))
"""What every request says. "identity": a proxy that compresses a stream holds tokens back."""

Secrets = tuple[tuple[str, str], ...]
"""Headers that hold credentials."""


class Transport(Protocol):
    """Makes one attempt. ``receiver`` gets the answer piece by piece.

    Credentials are added last, redirects are not followed, cookies are not kept, and nothing is tried twice; except
    that an idle connection which turns out to be closed is replaced, once, when no byte of an answer has come.
    """

    def send(self, wire: WireRequest, secrets: Secrets, receiver: Receiver, timeout_s: float) -> None:
        """Send, and feed the answer to ``receiver`` until it ends.

        Raises:
            ProviderError: no whole answer came, or the request cannot be sent.
            ConfigError: nothing was sent, because the proxy that is configured cannot be used.
        """
        ...

    async def asend(self, wire: WireRequest, secrets: Secrets, receiver: Receiver, timeout_s: float) -> None:
        """Send, as :meth:`send` does; cancelling closes the connection.

        ``timeout_s`` bounds the whole, from the moment in which a connection is free for it; see `gate.py`.
        """
        ...

    def close(self) -> None:
        """Close idle connections of sync calls."""
        ...

    async def aclose(self) -> None:
        """Close idle connections of the running event loop."""
        ...
