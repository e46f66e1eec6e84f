"""What a person sees of a run while it runs: each thing once, whose it is, why it failed, and no line that wraps."""

from __future__ import annotations

import io
import json
import sys
import threading

import pytest
from rich.cells import cell_len

from lllm.cli.screen import Screen
from lllm.cli.watch import Watcher
from lllm.cli.watch_text import fit_line, render_again, render_asked, render_result
from lllm.llm import Agent
from lllm.llm.outside import perform
from lllm.llm.session import Session
from lllm.llm.stream import FunctionEvent, StepEvent, TextEvent
from lllm.log import MemoryLog
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.testing import scripted_model

DASHES = "-" * 75
NAME_ERROR = (
    f"{DASHES}\nNameError                 Traceback (most recent call last)\nCell In[1], line 1\n----> 1 x\n\n"
    "NameError: name 'x' is not defined"
)
SYNTAX_ERROR = "  Cell In[1], line 1\n    x = (\n        ^\nSyntaxError: incomplete input"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def watch(monkeypatch):
    """Return a watcher on a terminal of so many columns, and what returns the lines on it."""

    def begin(width=80, screen=None):
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        for name, value in {"COLUMNS": str(width), "TERM": "xterm", "NO_COLOR": "1"}.items():
            monkeypatch.setenv(name, value)
        return Watcher(screen or Screen()), lambda: terminal.getvalue().splitlines()

    return begin


def asked(code, result=""):
    return FunctionCall("c", "run_python", json.dumps({"code": code}), result_str=result)


def begun(ordinal, code):
    return FunctionEvent(ordinal, asked(code), id=f"1/s0/f{ordinal}")


def ended(ordinal, code, result):
    return FunctionEvent(ordinal, asked(code, result), done=True, id=f"1/s0/f{ordinal}")


def step(about, value=None, *, ordinal=None, inside="", error="", name="cell"):
    scope = "" if ordinal is None else f"1-s0-f{ordinal}{inside}"
    return StepEvent(name, about, done=value is not None or bool(error), value=value, error=error, scope=scope)


def of_function(code):
    return {"function": "run_python", "code": code}


def came(status="ok", outputs=(), **facts):
    return {"result": {"status": status, "outputs": list(outputs), **facts}}


def printed(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def raised(name, value, traceback):
    return came(
        "error", [{"output_type": "error", "ename": name, "evalue": value, "traceback": [traceback]}], ename=name
    )


# --- why it failed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (raised("NameError", "name 'x' is not defined", NAME_ERROR), "error: NameError: name 'x' is not defined"),
        (raised("SyntaxError", "incomplete input (<ipython-input-1>, line 1)", SYNTAX_ERROR), "error: SyntaxError: in"),
        (raised("ValueError", "one\ntwo", f"{DASHES}\nValueError: one\ntwo"), "error: ValueError: one two"),
        (came("timeout", [printed("3 rows")], ename="CellTimeout", evalue="after 2 s"), "timeout: CellTimeout: after"),
        (came("died"), "died: died"),
    ],
)
def test_the_line_of_a_failed_cell_says_the_error(watch, value, told):
    """Of a traceback's first line, which is all dashes, nobody learns what went wrong."""
    watcher, lines = watch()
    about = {"notebook": "n", "code": "x"}
    for event in (step(about), step(about, value)):
        watcher(event)
    assert lines()[-1].startswith(f"  cell {told}")
    assert "ipython-input" not in lines()[-1]


@pytest.mark.parametrize(
    "trace", [NAME_ERROR, SYNTAX_ERROR, "Traceback (most recent call last):\n  x\nshop.Shut: at 8"]
)
def test_the_line_of_a_result_says_the_error(trace):
    last = trace.rpartition("\n")[2]
    assert render_result(asked("x", trace)) == f"  = {last}"
    assert render_result(asked("print(1)\nx", f"1\n{trace}")) == f"  = 1\n    {last}"


def test_a_traceback_that_was_printed_is_a_result_as_any_other():
    """A cell may look into logs of others; where it went well, all of that is what it told."""
    text = "Traceback (most recent call last):\n  File x\nValueError: 3\nthat was the log"
    assert render_result(asked("a\nb", text)) == "  = " + text.replace("\n", "\n    ")
    text = text.removesuffix("\nthat was the log")
    assert render_result(asked("a\nb", text), reason="") == "  = " + text.replace("\n", "\n    ")


def test_a_message_of_many_lines_is_told_as_the_cell_knows_it(watch):
    watcher, lines = watch()
    trace = f"{DASHES}\nValueError     Traceback (most recent call last)\nValueError: one\ntwo words"
    about = of_function("shout()")
    watcher(begun(0, "shout()"))
    watcher(step(about, ordinal=0))
    watcher(step(about, raised("ValueError", "one\ntwo words", trace), ordinal=0))
    watcher(ended(0, "shout()", trace))
    assert lines() == ['run_python({"code": "shout()"})', "  = ValueError: one two words"]


def test_the_end_of_a_long_result_is_seen():
    """What a cell fails of stands at its end, however much it printed before."""
    told = render_result(asked("a\nb", "\n".join(f"row {n}" for n in range(3000))))
    assert told.startswith("  = row 0\n    row 1\n")
    assert "more characters]\n    row 2999" in told


# --- as wide as the terminal --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80, 110])
@pytest.mark.parametrize("word", ["word ", "日本語", "\u202e", "\ta"])
def test_no_line_wraps(watch, width, word):
    """Signs of two columns, tabs, and signs that are shown as several, each in all that is shown."""
    watcher, lines = watch(width)
    text = word * 300
    own = {"code": text}
    for event in (begun(0, text), ended(0, text, text), ended(1, f"a\n{text}", f"b\n{text}\n{text}")):
        watcher(event)
    about = {"endpoint": f"shop/{text}", "params": {"n": text}}
    for event in (step(about, name="proxy"), step(about, {"data": [text]}, name="proxy")):
        watcher(event)
    for event in (step(own), step(own, came(outputs=[printed(text)])), step(own), step(own, error=f"E: {text}")):
        watcher(event)
    widths = [cell_len(line) for line in lines()]
    assert max(widths) <= width
    assert sum(columns >= width - 5 for columns in widths) >= 8, "and none is shorter than need be"
    assert not set("".join(lines())) & set("\t\u202e")


def test_a_line_that_fits_is_whole():
    assert [fit_line("日" * count, 80) for count in (40, 41)] == ["日" * 40, "日" * 39 + "…"]
    assert fit_line("x" * 80, 80) == "x" * 80
    assert fit_line("xx", 1) == "…"


def test_a_terminal_that_becomes_wider_shows_more(watch):
    screen = Screen()
    watcher, lines = watch(50, screen)
    watcher(begun(0, "x" * 59))
    screen.console(sys.stderr).width = 70
    watcher(begun(0, "x" * 59))
    assert [cell_len(line) for line in lines()] == [50, 70]


# --- each thing once ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["", "+1"])
def test_a_cell_of_a_function_is_told_by_the_function_alone(watch, again):
    """Also where a process that died had begun it before."""
    watcher, lines = watch()
    about = of_function("1 + 1")
    watcher(begun(0, "1 + 1"))
    watcher(step(about, ordinal=0, inside=again))
    called = {"endpoint": "shop/rows", "params": {"n": 3}}
    watcher(step(called, ordinal=0, inside=f"{again}.v~0", name="proxy"))
    watcher(step(called, {"data": [1]}, ordinal=0, inside=f"{again}.v~0", name="proxy"))
    watcher(step(about, came(outputs=[printed("2")]), ordinal=0, inside=again))
    watcher(ended(0, "1 + 1", "2"))
    assert lines() == ['run_python({"code": "1 + 1"})', "  calls shop/rows(n=3)", "  -> [1]", "  = 2"]


@pytest.mark.parametrize("about", [{"code": "2 + 2", "function": "run_python"}, {"code": "1 + 1", "notebook": "n"}])
def test_a_cell_that_no_line_has_shown_is_told(watch, about):
    """A function may run other code than its arguments', or cells of a notebook."""
    watcher, lines = watch()
    watcher(begun(0, "1 + 1"))
    watcher(step(about, ordinal=0))
    watcher(step(about, came(outputs=[printed("4")]), ordinal=0))
    watcher(ended(0, "1 + 1", "done"))
    assert lines()[1:] == [f"  runs {about['code']}", "  cell ok: 4", "  = done"]


def test_a_cell_that_could_not_run_is_told_once(watch):
    watcher, lines = watch()
    about = of_function("1")
    watcher(begun(0, "1"))
    watcher(step(about, ordinal=0))
    watcher(step(about, ordinal=0, error="SandboxUnavailable: install bubblewrap"))
    watcher(ended(0, "1", "Error: install bubblewrap"))
    assert lines()[1:] == ["  = Error: install bubblewrap"]


def test_a_cell_without_output_says_so(watch):
    watcher, lines = watch()
    about = {"code": "y = 5"}
    watcher(step(about))
    watcher(step(about, came()))
    assert lines() == ["  runs y = 5", "  cell ok: (no output)"]


# --- whose it is --------------------------------------------------------------------------------------------------


def test_results_of_calls_at_once_say_whose_they_are(watch):
    """Their code may begin alike, so each has its number in the reply."""
    watcher, lines = watch()
    watcher(begun(0, "a\nb"))
    watcher(begun(1, "c"))
    watcher(ended(1, "c", "3"))
    called = {"endpoint": "shop/rows"}
    watcher(step(called, ordinal=0, inside=".v~0", name="proxy"))
    watcher(step(called, {"data": 1}, ordinal=0, inside=".v~0", name="proxy"))
    watcher(ended(0, "a\nb", "2"))
    assert lines()[4:] == [
        '[2] run_python({"code": "c"})',
        "  = 3",
        "[1] run_python: a b",
        "  calls shop/rows()",
        "  -> 1",
        "  = 2",
    ]


def test_a_result_after_other_text_says_whose_it_is(watch):
    """A function may ask a model, whose words stand between its call and its result."""
    watcher, lines = watch()
    watcher(begun(0, "a\nb"))
    watcher(TextEvent("let me think"))
    watcher(ended(0, "a\nb", "2"))
    assert lines()[-3:] == ["let me think", "run_python: a b", "  = 2"]


@pytest.mark.parametrize("ordinal", [0, 1])
def test_a_result_without_a_call_has_its_call_above_it(watch, ordinal):
    """Of a session that goes on, the call was told in a process that died; what is refused is never begun."""
    watcher, lines = watch()
    watcher(ended(ordinal, "a\nb", "11.70"))
    assert lines() == [["", "[2] "][ordinal] + "run_python", "  code:", "    a", "    b", "  = 11.70"]


def test_cells_and_services_at_once_say_which_of_them_ends(watch):
    watcher, lines = watch()
    cells = [{"code": "left()"}, {"code": "right()"}]
    rows = [{"endpoint": "shop/rows", "params": {"n": n}} for n in (1, 2)]
    for about in cells:
        watcher(step(about))
    for about in rows:
        watcher(step(about, name="proxy"))
    watcher(step(rows[1], {"data": 5}, name="proxy"))
    watcher(step(rows[0], error="ProxyError: shut", name="proxy"))
    for about in reversed(cells):
        watcher(step(about, came()))
    watcher(step(cells[0]))
    watcher(step(cells[0], came()))
    assert lines()[4:] == [
        "  shop/rows(n=2) -> 5",
        "  proxy failed (shop/rows(n=1)): ProxyError: shut",
        "  cell ok (right()): (no output)",
        "  cell ok (left()): (no output)",
        "  runs left()",
        "  cell ok: (no output)",
    ]


def test_what_another_function_does_meanwhile_needs_no_such_word(watch):
    watcher, lines = watch()
    rows = [{"endpoint": "shop/rows", "params": {"n": n}} for n in (0, 1, 2)]
    for ordinal in (0, 1):
        watcher(begun(ordinal, f"c{ordinal}"))
    for about, ordinal in zip(rows, (0, 1, 1), strict=True):
        watcher(step(about, ordinal=ordinal, name="proxy"))
    for about, ordinal in zip(reversed(rows), (1, 1, 0), strict=True):
        watcher(step(about, {"data": 7}, ordinal=ordinal, name="proxy"))
    assert [line for line in lines() if "7" in line] == ["  shop/rows(n=2) -> 7", "  shop/rows(n=1) -> 7", "  -> 7"]


def test_the_call_is_named_as_it_was_asked_for():
    assert render_asked(asked("x")) == render_again(asked("x")) == 'run_python({"code": "x"})'


def test_a_run_tells_the_watcher_whose_each_step_is(watch):
    """Two functions at once, each with a cell of its code and a service: the session's own ids keep them apart."""
    watcher, lines = watch()
    both = threading.Barrier(2, timeout=20)

    def run(code):
        def cell():
            if code != "c":
                both.wait()
            perform("proxy", {"endpoint": f"shop/{code}"}, lambda: {"data": code})
            return came(outputs=[printed(code)])

        perform("cell", of_function(code), cell)
        if code != "c":
            both.wait()
        return code

    function = Function("run_python", "Run.", {"code": {"type": "string"}}, required=["code"], function=run)
    calls = [{"name": "run_python", "arguments": {"code": code}} for code in "abc"]
    model = scripted_model({"calls": calls[:2]}, {"calls": calls[2:]}, "done")
    agent = Agent.quick(functions=[function], provider=model)
    with Session.open(MemoryLog(), "s") as session:
        session.listen = watcher
        with session.active():
            dialog = agent.init_dialog()
            dialog.send_message("go")
            agent.call(dialog)
    whose, told = "", []
    assert lines()[-5:] == ['run_python({"code":"c"})', "  calls shop/c()", '  -> "c"', "  = c", "done"]
    for line in lines()[:-5]:
        if "run_python" in line:
            whose = line[-4]  # run_python({"code":"a"})
        else:
            told.append((whose, line))
    for code in "ab":
        own = [line for owner, line in told if owner == code]
        assert own == [f"  calls shop/{code}()", f'  -> "{code}"', f"  = {code}"]
