"""The command line: ``lllm VERB``. One file a verb group; each turns its arguments into one call.

Data goes to stdout, progress and errors to stderr. Exit codes: 0 ok, 1 failed, 2 usage or config, 3 a replay differs,
4 not found, 130 interrupted.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line of this process and exit."""
    from lllm.cli.app import cli  # noqa: PLC0415 - importing the package must stay free of charge

    cli.main()
