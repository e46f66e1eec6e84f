"""The command line: ``lllm VERB``. One file a verb group; each turns its arguments into one call.

Data goes to stdout, progress and errors to stderr. Exit codes: 0 ok, 1 failed, 2 usage or config, 3 a replay differs,
4 not found, 130 interrupted.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line of this process and exit."""
    _open_streams()
    try:
        from lllm.cli.app import cli  # noqa: PLC0415 - importing the package must stay free of charge

        cli.main()
    except KeyboardInterrupt:  # while modules were imported, or an error was told
        raise SystemExit(130) from None


def _open_streams() -> None:
    """Give a process that was started without standard streams, such as by ``>&-``, streams that hold nothing.

    It also takes their file numbers, which a log would be given otherwise, and with it what C code prints.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - for the process's life
