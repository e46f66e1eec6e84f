"""What a terminal is given."""

import io
import re
import sys

import pytest

from lllm.cli.screen import Screen, diff_style, fit_widths, preview
from lllm.llm.session import Session
from lllm.log import LocalFileLog


def test_markup_is_not_interpreted(monkeypatch, capsys):
    """``[red]`` in a reply is text."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    Screen().line("[red]x[/red]", "bold")
    assert "[red]x[/red]" in capsys.readouterr().out


def test_no_color_wins_over_force_color(monkeypatch, capsys):
    """no-color.org: the user's word counts whatever else is set."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    Screen().line("x", "bold red")
    assert capsys.readouterr().out == "x\n"


def test_colour_is_forced_for_a_pipe(monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    Screen().line("x", "bold red")
    assert "\x1b[" in capsys.readouterr().out


def test_data_goes_into_a_pipe_as_it_is(capsys):
    """A result that is saved to a file must be the result."""
    Screen().data("a\x1b[31m")
    assert capsys.readouterr().out == "a\x1b[31m\n"


def test_data_is_made_safe_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    Screen().data("a\x1b[31m")
    assert terminal.getvalue() == "a␛[31m\n"


def test_what_a_narrow_encoding_lacks_is_written_as_its_code(monkeypatch):
    """A terminal in ASCII is no reason to fail after a run has been paid for."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    Screen().data("é🙂")
    assert stream.buffer.getvalue() == b"\\xe9\\U0001f642\n"


def test_json_holds_nothing_but_ascii(capsys):
    Screen().json({"a": "\x9b日"})
    assert capsys.readouterr().out.isascii()


def test_a_preview_is_one_short_line():
    assert preview("a\nb  c", 10) == "a b c"
    assert preview("x" * 50, 10) == "x" * 9 + "…"


def test_options_behind_a_double_dash_are_no_options():
    """``lllm run -- --json`` has the task --json."""
    assert not Screen.of(["run", "--", "--json", "--debug"]).as_json
    assert Screen.of(["run", "--json"]).as_json


@pytest.mark.parametrize(
    ("line", "column", "style"),
    [
        ("+new", 0, "green"),
        ("-old", 0, "red"),
        ("@@ -1 +1 @@", 0, "cyan"),
        (" - a list's item, unchanged", 0, ""),
        ("    -old", 4, "red"),
        ("     - a list's item, unchanged", 4, ""),
        ("      -1", 4, ""),
        ("- x: words about it", 4, ""),
        ("", 4, ""),
    ],
)
def test_a_line_of_a_diff_has_its_colour_by_the_sign_in_its_first_column(line, column, style):
    """What merely begins with such a sign further right is a text of the user's, and did not change."""
    assert diff_style(line, column) == style


def test_a_diff_of_two_sessions_colours_what_differs_alone(project, lllm, monkeypatch):
    """An unchanged item of a list in a prompt must not look as if it were gone."""
    log = LocalFileLog("demo", {"log_dir": str(project / ".lllm/logs")})
    for name, word in (("a", "one"), ("b", "two")):
        with Session.open(log, name) as session:
            session.frontend("text", {"args": f"- kept\n{word}"})
    monkeypatch.setenv("FORCE_COLOR", "1")
    told = lllm("log", "diff", "a", "b").stdout.splitlines()
    coloured = [re.sub("\x1b[^m]*m", "", line).strip() for line in told if "\x1b[" in line]
    assert [line[:1] for line in coloured if not line.startswith("@")] == ["-", "+"], told
    assert "- kept" not in "".join(coloured)


def test_the_widest_column_gives_way_first():
    """Else a number is cut where a name could be shorter."""
    assert fit_widths([47, 5, 7], 60) == [47, 5, 7]
    assert fit_widths([47, 5, 7], 40) == [28, 5, 7]
    assert fit_widths([47, 50, 7], 40) == [16, 17, 7]
    assert fit_widths([4, 5], 1) == [1, 1]


def test_a_table_cuts_no_number_and_no_heading_for_a_long_name(capsys):
    """On 80 columns a sum of money lost its last digit, and nothing told of it."""
    screen = Screen()
    screen.console(sys.stdout).width = 80
    head = ("session", "calls", "cached", "prompt", "completion", "money")
    screen.table(head, [("2" * 70, "3", "0", "236", "18", "$0.0000")])
    first, row = capsys.readouterr().out.splitlines()
    assert first.split() == list(head)
    assert row.split()[1:] == ["3", "0", "236", "18", "$0.0000"]
    assert row.split()[0].endswith("2…")
