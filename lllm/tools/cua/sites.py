"""Sites: what a policy names, and whether a host is one of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from lllm.errors import ConfigError

EVERYWHERE = "*"
"""Every site that has a public address."""

_ADDRESSES = ("http://", "https://")

BLANK = "about:blank"
"""The page that is none."""

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_SITE = re.compile(rf"(?P<below>\*\.)?(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>\d{{1,5}}))?")
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|[0-9a-f:.]*:[0-9a-f:.]+")


class Site(NamedTuple):
    """One site.

    Attributes:
        host: in small letters, without brackets.
        is_below: whether the hosts below it are meant, and not itself.
        port: None for each.
    """

    host: str
    is_below: bool = False
    port: int | None = None

    def fits(self, host: str, port: int) -> bool:
        """Whether a host, as :func:`to_host` returns it, is meant."""
        if self.port is not None and self.port != port:
            return False
        return host.endswith(f".{self.host}") if self.is_below else host == self.host


def parse_sites(told: Iterable[Any]) -> tuple[Site, ...]:
    """Return sites from ``host``, ``host:port``, ``*.host``; without :data:`EVERYWHERE`, which is none in particular.

    Raises:
        ConfigError: one is no site.
    """
    return tuple(_parse(site) for site in told if site != EVERYWHERE)


def _parse(told: Any) -> Site:
    name = _to_ascii(told) if isinstance(told, str) else ""
    if name.count(":") > 1 and not name.startswith("["):
        name = f"[{name}]"
    found = _SITE.fullmatch(name)
    if found is None:
        kind = "an address, and no site" if "/" in name else "no site"
        raise ConfigError(f"{told!r} is {kind}", hint="write host, host:port, *.host, or * for every public one")
    port = found["port"]
    return Site(found["host"].strip("[]"), bool(found["below"]), None if port is None else int(port))


def is_address(url: str) -> bool:
    """Whether a text is the address of a page of the web, as a browser's own line would take it."""
    return url[:8].lower().startswith(_ADDRESSES)


def to_place(url: str) -> tuple[str, int] | None:
    """Return the host and the port that an address leads to, as sites are compared to them; None where to no host."""
    try:
        parts = urlsplit(url)
        host, port = to_host(parts.hostname or ""), parts.port
    except ValueError:
        return None
    port = PORTS.get(parts.scheme) if port is None else port
    return None if not host or port is None or parts.scheme not in PORTS or parts.username is not None else (host, port)


def is_private(host: str) -> bool:
    """Whether a host says by its name that it is one of this machine, or is an address in figures."""
    return ":" in host or host.replace(".", "").isdigit() or host == "localhost" or host.endswith(".localhost")


def to_host(told: str) -> str:
    """Return a host as sites are compared to; empty where it is none, such as one with a backslash in it."""
    name = _to_ascii(told).rstrip(".")
    return name if _HOST.fullmatch(name) else ""


def _to_ascii(name: str) -> str:
    """Return a name as a browser asks for it."""
    try:
        return name.lower() if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return ""
