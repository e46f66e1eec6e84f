"""Ask a warm Python to run a program in this one's place: ``python -IS warm_ask.py ADDRESS PROGRAM ARGUMENT...``.

The program gets this process's folder, environment and standard streams, and this process ends as the program does.
"""

import os
import socket
import sys


def ask(address, words, env, streams, cwd, timeout_s=None):
    """Have a program run; return its exit code, below zero for the signal that ended it.

    Args:
        address: of the warm Python.
        words: the program, as a module's name or a path, and its arguments.
        env: its environment, as bytes.
        streams: three descriptors.
        cwd: its folder.
        timeout_s: how long it may take; then it is killed.
    """
    told = [os.fsencode(cwd), b"%d" % len(words), *map(os.fsencode, words)]
    told += [b"%s=%s" % pair for pair in env.items()]
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(timeout_s)
        line.connect(address)
        socket.send_fds(line, [b"x"], streams)
        line.sendall(b"\0".join(told) + b"\0\n")
        if not (code := line.recv(16)):
            raise ConnectionError("the warm Python has ended")
    return int(code)


def read_request(line):
    """Return what :func:`ask` was given: words, environment, descriptors and folder."""
    _, streams, _, _ = socket.recv_fds(line, 1, 3)
    text = b""
    while not text.endswith(b"\0\n"):
        part = line.recv(1 << 16)
        if not part:
            raise ConnectionError("whoever asked is gone")
        text += part
    cwd, count, *rest = text[:-2].split(b"\0")
    words, pairs = rest[: int(count)], rest[int(count) :]
    return list(map(os.fsdecode, words)), dict(pair.split(b"=", 1) for pair in pairs), streams, cwd


if __name__ == "__main__":
    ended = ask(sys.argv[1], sys.argv[2:], os.environb, [0, 1, 2], os.getcwd())  # noqa: PTH109 - pathlib takes longer to import
    sys.exit(ended if ended >= 0 else 128 - ended)
