"""What is written where: data to stdout, the rest to stderr, and nothing that a terminal would obey.

Text of models, functions and logs may hold escape sequences or markup. On a terminal both are shown, never obeyed. All
colour goes through rich, which honours NO_COLOR and FORCE_COLOR; without colour, rich is not even imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from lllm.utils import PrintSystem, visible

if TYPE_CHECKING:
    from rich.console import Console  # heavy

GAP = 2
"""Blanks between two columns of a table."""
_SHORT_COLUMN = 20
_PIPE_WIDTH = 100_000
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def preview(text: str, limit: int = 100) -> str:
    """Return the start of a text, on one line. Pure."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def fit_widths(widths: Sequence[int], room: int) -> list[int]:
    """Return the widths of columns that fit into ``room``: the widest give way first, none to less than 1. Pure."""
    fitted = [min(width, max(room, 1)) for width in widths]
    while sum(fitted) > room and max(fitted) > 1:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


class Screen:
    """Where a verb writes.

    Args:
        as_json: data is one JSON document.
        debug: errors come with their traceback.
    """

    def __init__(self, *, as_json: bool = False, debug: bool = False) -> None:
        self.as_json = as_json
        self.debug = debug
        self._consoles: dict[str, Console] = {}

    @classmethod
    def of(cls, args: Sequence[str]) -> Screen:
        """Make the screen that a command line asks for; it must be known before the arguments are checked."""
        options = args[: args.index("--")] if "--" in args else args
        return cls(as_json="--json" in options, debug="--debug" in options or _is_on("LLLM_DEBUG"))

    def json(self, value: Any) -> None:
        """Write the verb's JSON document; it is ASCII, so that no sign in it reaches a terminal."""
        _write(sys.stdout, json.dumps(value, indent=2, default=str) + "\n")

    def data(self, text: str) -> None:
        """Write a text to stdout: as it is into a pipe or a file, printable on a terminal."""
        _write(sys.stdout, (visible(text) if sys.stdout.isatty() else text) + "\n")

    def line(self, text: str = "", style: str = "") -> None:
        """Write a line to stdout, safe wherever it is read."""
        self._put(sys.stdout, visible(text) + "\n", style)

    def say(self, text: str, style: str = "", end: str = "\n") -> None:
        """Write to stderr."""
        self._put(sys.stderr, visible(text) + end, style)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], *, wrap: bool = False) -> None:
        """Write rows in columns to stdout; on a terminal, long columns are cut to its width, or wrapped."""
        from rich.cells import cell_len  # noqa: PLC0415 - heavy
        from rich.table import Table  # noqa: PLC0415 - heavy
        from rich.text import Text  # noqa: PLC0415 - heavy

        console = self.console(sys.stdout)
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
        texts = [[visible(cell) for cell in row] for row in rows]
        widths = [max(cell_len(text) for text in column) for column in zip(head, *texts, strict=True)]
        # Left to itself, rich starves short columns for long ones, and cuts a number without a sign of it.
        fitted = fit_widths(widths, console.width - GAP * (len(head) - 1))
        for name, width in zip(head, fitted, strict=True):
            table.add_column(name, no_wrap=width <= _SHORT_COLUMN or not wrap, overflow="ellipsis", width=width)
        for row in texts:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)

    def console(self, stream: TextIO) -> Console:
        """Return the console of stdout or stderr."""
        from rich.console import Console  # noqa: PLC0415 - heavy

        name = "out" if stream is sys.stdout else "err"
        if name not in self._consoles:
            width = None if stream.isatty() else _PIPE_WIDTH
            self._consoles[name] = Console(file=stream, highlight=False, markup=False, emoji=False, width=width)
        return self._consoles[name]

    def _put(self, stream: TextIO, text: str, style: str) -> None:
        if not style or not wants_colour(stream):
            _write(stream, text)
            return
        from rich.text import Text  # noqa: PLC0415 - heavy

        self.console(stream).print(Text(text, style=style), end="", soft_wrap=True)


def diff_style(line: str, column: int = 0) -> str:
    """Return the style of a line of a unified diff that begins in a column; empty for context, and for other text."""
    return _DIFF_STYLES.get(line[column : column + 1], "") if line.startswith(" " * column) else ""


def wants_colour(stream: TextIO) -> bool:
    """Tell whether colour is wanted: as https://no-color.org and FORCE_COLOR say, else on terminals."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() not in {"", "0", "false", "no", "off"}


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


class Aside(PrintSystem):
    """What an agent shows through ``self.st``, on stderr: it is no data of the verb."""

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def write(self, *values: Any) -> None:
        """Print values in one line."""
        self._screen.say(" ".join(str(value) for value in values))
