"""Run a module that can reach no network: ``python offline.py MODULE ARGUMENT...``.

An audit hook sees every connection and every name look-up, whoever asks for it; it cannot be taken away again, so it
belongs into a process of its own.
"""

from __future__ import annotations

import runpy
import socket
import sys

_REFUSED = {"socket.getaddrinfo", "socket.gethostbyname"}


def forbid_network():
    """Let nothing in this process reach another machine, from now on."""
    sys.addaudithook(_refuse)


def _refuse(event, args):
    if event in _REFUSED or (event == "socket.connect" and args[0].family in (socket.AF_INET, socket.AF_INET6)):
        raise RuntimeError(f"the docs must work offline, and this is {event}{args[1:]}")


if __name__ == "__main__":
    forbid_network()
    sys.path[0] = ""
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
