"""What a transport does, and the limits that hold for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlencode

KEEPALIVE_S = 300.0
"""How long an idle connection is trusted: longer than a pause between two turns."""
CONNECT_S = 20.0
MAX_IDLE = 1000
"""Idle connections to one server that httpx keeps for one event loop, and for all threads together."""
OWN_HEADERS = (("accept-encoding", "identity"), ("user-agent", "lllm"))
"""What every request says. "identity": a proxy that compresses a stream holds tokens back."""

Secrets = tuple[tuple[str, str], ...]
"""Headers that hold credentials; and, where the name begins with ``?``, parameters of the query that do."""
QUERY_MARK = "?"
"""No header's name has it."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request without its credentials: safe to show, to log and to compare."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def place_secrets(url: str, secrets: Secrets) -> tuple[str, Secrets]:
    """Return the address with those secrets that belong into its query, and the other ones. Pure.

    Whoever sends calls this last: the address of a WireRequest is shown and logged, and this one must not be.
    """
    pairs = [(name[1:], text) for name, text in secrets if name.startswith(QUERY_MARK)]
    if not pairs:
        return url, secrets
    sign = "&" if "?" in url else "?"
    return url + sign + urlencode(pairs, quote_via=quote), tuple(one for one in secrets if one[0][:1] != QUERY_MARK)


class Receiver(Protocol):
    """Who reads a response while it arrives. What it raises ends the attempt and closes the connection."""

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Take the status and the headers (names in lower case)."""
        ...

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body, decoded from gzip and the like."""
        ...


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
