"""A process without a network, for the time of a test: what connects to another machine is refused."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

_METHODS = ("connect", "connect_ex", "sendto", "sendmsg")
_LOCAL_NAMES = frozenset({"", "localhost", "localhost.localdomain", "ip6-localhost"})


class NetworkRefused(RuntimeError):
    """A test that replays a session would have reached another machine. No OSError, which clients try again."""


@contextmanager
def no_network() -> Generator[None]:
    """Refuse to connect to other machines, and to look up their names, in all threads while the block runs.

    Unix sockets and this machine's own addresses stay open, for databases of tests and debuggers.

    Raises:
        NetworkRefused: from whatever would connect.
    """
    kind, lookup = socket.socket, socket.getaddrinfo
    own = {name: vars(kind).get(name) for name in _METHODS if hasattr(kind, name)}
    for name in own:
        setattr(kind, name, _guarded(getattr(kind, name)))
    socket.getaddrinfo = _guarded_lookup(lookup)
    try:
        yield
    finally:
        socket.getaddrinfo = lookup
        for name, method in own.items():
            if method is not None:
                setattr(kind, name, method)
            else:  # Python's class has it from the one that is written in C
                delattr(kind, name)


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *args: Any) -> Any:
        # Of all four methods, the address is the last argument, and the only one that is a tuple.
        for address in args[-1:]:
            if self.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
                _check(str(cast("tuple[Any, ...]", address)[0]))
        return method(self, *args)

    return guarded


def _guarded_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *args: Any, **options: Any) -> Any:
        _check(host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or ""))
        return lookup(host, *args, **options)

    return guarded


def _check(host: str) -> None:
    if host.lower() not in _LOCAL_NAMES and not _is_loopback(host):
        raise NetworkRefused(
            f"a test marked lllm_replay reaches for {host[:100]!r}, and a replay needs no network; "
            "put what talks to it into session.step, which is served from the recording"
        )


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
