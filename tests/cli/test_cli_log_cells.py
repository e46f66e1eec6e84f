"""Cells in `lllm log show` and `log diff`: where their sandbox was missing or turned off, and what they are called."""

from __future__ import annotations

import json

import pytest

from lllm.errors import SandboxUnavailable
from lllm.export.asked import tell_step
from lllm.export.cells import HINT, NOT_ISOLATED
from lllm.llm.agent import Agent
from lllm.llm.outside import perform
from lllm.llm.session import Session, current_session
from lllm.log import LocalFileLog
from lllm.sandbox.cell import STEP, CellResult
from lllm.testing import scripted_model

CODE = "import shop\nprint(shop.rows())"
CALL = {"calls": [{"name": "run_python", "arguments": {"code": CODE}}]}


def run_python(code: str) -> str:
    """Run code where there is no sandbox."""
    return perform("cell", {"code": code}, no_sandbox)


def no_sandbox():
    raise SandboxUnavailable("no sandbox works on this machine", hint="install bubblewrap")


def to_run_python(tier="A", rows=3):
    """Return a function whose cell calls a service, and prints how many rows there were."""

    def run_python(code: str) -> str:
        """Run code."""

        def cell():
            data = perform("proxy", {"endpoint": "shop/rows", "params": {}}, lambda: {"data": [0] * rows})["data"]
            output = {"output_type": "stream", "name": "stdout", "text": f"{len(data)} rows"}
            return {"result": {"status": "ok", "outputs": [output], "tier": tier}}

        return perform("cell", {"code": code}, cell)["result"]["outputs"][0]["text"]

    return run_python


@pytest.fixture
def record(tmp_path):
    """Record a run of one cell; what it fails of is its end."""

    def run(name, function):
        log = LocalFileLog("x", {"log_dir": str(tmp_path)})
        agent = Agent.quick("You compute.", provider=scripted_model(CALL, "done"), functions=[function])
        try:
            with Session.open(log, name, header={"task": "t"}) as session:
                dialog = agent.init_dialog()
                dialog.send_message("How many?")
                session.result = agent.call(dialog)[0].content
        except SandboxUnavailable:
            pass
        else:
            with Session.open(log, f"{name}-own", header={"task": "t"}) as session, session.active():
                function("own = 1")
                with session.scope("deep"):
                    function("own = 2")

    return run


@pytest.fixture
def shown(tmp_path, lllm):
    """Return what a verb shows of sessions."""

    def show(*verb, code=0):
        result = lllm("log", *verb, "--log-dir", str(tmp_path))
        assert result.exit_code == code, result.output
        return result.stdout

    return show


def test_a_cell_without_a_sandbox_is_told_once_with_its_hint_where_it_was_asked_for(record, shown):
    """It is what ended the run: whoever looks wants to read it once, and what mends it."""
    record("s", run_python)
    told = shown("show", "s")
    assert "code of the code itself" not in told
    assert told.count("print(shop.rows())") == 1
    assert told.count("no sandbox works on this machine") == 1
    assert f"[function] (did not return)\n  SandboxUnavailable: no sandbox works on this machine\n  {HINT}\n" in told
    assert "  the call failed: see above\n" in told
    assert told.endswith("\nfailed: SandboxUnavailable, see above\n")
    data = json.loads(shown("show", "s", "--json"))
    assert [entry["who"] for entry in data["dialogs"][0]["entries"]][-2:] == ["function", "end"]
    assert data["error"] == "SandboxUnavailable: no sandbox works on this machine", "whole, for programs"


@pytest.mark.parametrize(("tier", "count"), [("none", 1), ("A", 0)])
def test_a_cell_without_isolation_is_marked_in_both_forms(record, shown, tier, count):
    """Later nobody knows what the environment was."""
    record("s", to_run_python(tier))
    assert shown("show", "s").count(NOT_ISOLATED) == count
    assert shown("show", "s", "--events").count("[without isolation]") == count
    assert json.loads(shown("show", "s", "--json"))["dialogs"][0]["entries"][3]["made"][0]["tier"] == tier
    assert shown("show", "s").count("3 rows") == 1, "the mark is no other text than the model read"


def test_two_runs_differ_in_cells_and_calls_that_have_names(record, shown):
    """The ids of steps are the log's own; a person knows functions, services and dialogs."""
    record("a", to_run_python(rows=3))
    record("b", to_run_python(rows=4))
    told = shown("diff", "a", "b", code=3)
    assert "part ways at answer of shop/rows in the cell of run_python in dialog 1 (A seq" in told
    assert [line for line in told.splitlines() if line.startswith("dialog")] == ["dialog 1"]
    assert "\n  outcome of the cell of run_python in dialog 1 (A seq" in told
    assert ".v" not in told
    assert "~" not in told


def test_what_else_a_function_asks_its_session_for_has_its_name(record, shown):
    """A step of the user's own, and the time: each by its name and with the function that did it."""

    def to_book(seat):
        def run_python(code: str) -> str:
            """Book."""
            current_session().now()
            return perform("book", {"code": code}, lambda: seat)

        return run_python

    def idle(code: str) -> str:
        """Do nothing."""
        return code

    idle.__name__ = "run_python"
    record("a", to_book("1A"))
    record("b", to_book("2B"))
    record("c", idle)
    told = shown("diff", "a", "b", code=3)
    assert "part ways at value book of run_python in dialog 1 (A seq" in told
    told = shown("diff", "c", "a", code=3)
    assert "only in B: step book of run_python in dialog 1 (seq" in told
    assert "only in B: value now of run_python in dialog 1 (seq" in told


def test_what_only_one_run_did_has_a_name_too(record, shown):
    """Also where the user's own code ran the cell, in no dialog at all."""
    record("a", to_run_python())
    record("b", run_python)
    told = shown("diff", "b", "a", code=3)
    assert "only in B: call of shop/rows in the cell of run_python in dialog 1 (seq" in told
    own = shown("diff", "a", "a-own", code=3)
    assert [line for line in own.splitlines() if line.startswith(("dialog", "session "))][1:] == ["dialog 1"]
    assert "\nsession\n" in own
    assert own.count("only in B: cell of the code itself (seq") == 2, "in a scope of the user's, too"
    assert "only in B: call of shop/rows in the cell of the code itself (seq" in own


def test_the_tail_says_why_a_cell_failed_and_that_one_wrote_nothing():
    """The rule above a traceback tells nobody anything, and a bare colon looks like a fault of the log."""
    trace = ["-" * 75, "NameError  Traceback (most recent call last)", "NameError: name 'x' is not defined"]
    raised = {"output_type": "error", "ename": "NameError", "evalue": "name 'x' is not defined", "traceback": trace}
    failed = CellResult("error", (raised,), 1, "NameError", "name 'x' is not defined", tuple(trace), tier="A")
    told = [
        tell_step({"name": STEP, "value": {"result": each.to_dict()}}) for each in (failed, CellResult("ok", tier="A"))
    ]
    assert told == ["cell error: NameError: name 'x' is not defined", "cell ok: (no output)"]
