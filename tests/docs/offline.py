"""Run a module that can reach no network: ``python offline.py MODULE ARGUMENT...``.

An audit hook sees every connection and every name look-up, whoever asks for it; it cannot be taken away again, so it
belongs into a process of its own.
"""

from __future__ import annotations

import runpy
import socket
import sys
import weakref

_REFUSED = {"socket.getaddrinfo", "socket.gethostbyname"}
_SERVED = weakref.WeakSet()
"""Sockets that this process has bound: a page may talk to a server of its own."""


def forbid_network():
    """Let nothing in this process reach another machine, from now on."""
    sys.addaudithook(_refuse)


def _refuse(event, args):
    if event == "socket.bind":
        _SERVED.add(args[0])
    if event in _REFUSED or (event == "socket.connect" and _leads_away(*args)):
        raise RuntimeError(f"the docs must work offline, and this is {event}{args[1:]}")


def _leads_away(end, address):
    own = {served.getsockname()[:2] for served in _SERVED if served.fileno() >= 0 and served.family == end.family}
    return end.family in (socket.AF_INET, socket.AF_INET6) and address[:2] not in own


if __name__ == "__main__":
    forbid_network()
    sys.path[0] = ""
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
