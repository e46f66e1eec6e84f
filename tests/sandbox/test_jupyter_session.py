"""Notebook sessions: cells that run in a kernel, a notebook that outlives it, and a log that needs neither."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
from contextlib import contextmanager

import pytest
from fake_kernel import Kernels
from notebook_rules import check_notebook

from lllm.errors import (
    CallRefused,
    ConfigError,
    LogError,
    NotebookError,
    ReplayDiverged,
    SandboxError,
    SandboxUnavailable,
)
from lllm.export.view import to_view
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.registry import OUTSIDE
from lllm.replay import fork, replay
from lllm.sandbox import JupyterSandbox, JupyterSession, SandboxPolicy
from lllm.sandbox.cell import CellResult
from lllm.sandbox.shown.display import STATE_LOST, to_text

META = {"proxies": [], "cutoff_date": "2024-01-01", "deploy_mode": False}
POLICY = SandboxPolicy(grace_s=0.05)


@pytest.fixture
def kernels():
    return Kernels()


@pytest.fixture
def open_session(tmp_path, kernels):
    """Open sessions that end with the test."""
    opened = []

    def open_(name="s", metadata=None, **options):
        opened.append(JupyterSession(name, tmp_path, metadata, **{"start": kernels, "policy": POLICY} | options))
        return opened[-1]

    yield open_
    for session in opened:
        session.close()


def on_disk(session):
    """Return the notebook as it stands on the disk; it is always a valid one."""
    notebook = json.loads(session.path.read_text("utf-8"))
    check_notebook(notebook)
    return notebook


def sources(session):
    return ["".join(cell["source"]) for cell in on_disk(session)["cells"]][1:]


def text_of(result):
    return to_text(result).strip()


def run(session, code, **options):
    return session.run_cell(session.append_code_cell(code), **options)


@contextmanager
def full_disk(size_bytes):
    """Let this process write no file that is longer."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)


# --- cells -------------------------------------------------------------------------------------------------------------


def test_cells_share_a_kernel_and_their_results_are_in_the_notebook(open_session, kernels):
    session = open_session()
    run(session, "x = 6 * 7")
    assert text_of(run(session, "print(x)")) == "42"
    cell = on_disk(session)["cells"][2]
    assert cell["outputs"] == [{"output_type": "stream", "name": "stdout", "text": ["42\n"]}]
    assert (cell["execution_count"], cell["metadata"]["lllm"]) == (2, {"status": "ok"})
    assert len(kernels.started) == 1


def test_no_kernel_is_started_before_a_cell_runs(open_session, kernels):
    """A session costs a file until it computes something."""
    session = open_session()
    session.append_code_cell("1")
    session.directory_tree()
    assert (kernels.started, session.tier) == ([], "")


def test_cells_are_inserted_overwritten_and_deleted(open_session):
    session = open_session()
    first = session.append_code_cell("a")
    assert session.append_markdown_cell("# b") == 2
    assert session.insert_cell(first, "c") == 1
    session.overwrite_cell(-1, "# B")
    assert sources(session) == ["c", "a", "# B"]
    session.delete_cells(1, -1)
    assert sources(session) == ["a"]
    assert session.append_code_cell("d") == 2
    ids = [cell["id"] for cell in on_disk(session)["cells"]]
    assert ids == ["cell-0", "cell-1", "cell-4"]
    session.delete_cells(2)
    session.append_code_cell("e")
    assert session.cells[2]["id"] == "cell-5"  # no id is used twice


def test_what_came_of_an_overwritten_cell_is_gone(open_session):
    session = open_session()
    run(session, "print(1)")
    session.overwrite_cell(1, "print(2)")
    cell = on_disk(session)["cells"][1]
    assert (cell["outputs"], cell["execution_count"], cell["metadata"]) == ([], None, {})


@pytest.mark.parametrize("index", [5, -9])
def test_a_cell_that_is_not_there_is_refused(open_session, index):
    session = open_session()
    for act in (session.run_cell, session.delete_cells, lambda i: session.overwrite_cell(i, "x")):
        with pytest.raises(ConfigError, match="there is no cell"):
            act(index)


def test_text_is_not_run(open_session):
    session = open_session()
    session.append_markdown_cell("# a")
    with pytest.raises(ConfigError, match="no cell of code"):
        session.run_cell(1)
    with pytest.raises(ConfigError, match="no cells of kind"):
        session.insert_cell(1, "x", "raw")


def test_the_first_cell_is_the_sessions_own(open_session):
    """It tells whoever opens the notebook what CALL_API is."""
    session = open_session(metadata=META)
    for act in (
        lambda: session.overwrite_cell(0, "x"),
        lambda: session.delete_cells(0),
        lambda: session.delete_cells(-1),
        lambda: session.insert_cell(0, "x"),
    ):
        with pytest.raises(ConfigError, match="first cell"):
            act()
    assert session.run_cell(0).status == "ok"
    assert session.cells[0]["source"].startswith("# INIT CODE (DO NOT REMOVE THIS CELL)\n")


@pytest.mark.parametrize("text", ["'", '"""', "\n", "'''\nimport os\n", "\\", "{0}", "\ud800", "\u2028x", "# \r x"])
def test_metadata_are_data_in_the_first_cell(tmp_path, kernels, text):
    """In place of a name, somebody could write code."""
    with JupyterSession(f"n{text}", tmp_path, {"proxies": [text]}, start=kernels) as session:
        source = session.cells[0]["source"]
        space = {"CALL_API": None}
        exec(source, space)
        assert space["SESSION"] == {"proxies": [text.replace("\ud800", "\ufffd")]}
        assert len(source.splitlines()) == 10
        on_disk(session)


def test_metadata_that_are_no_data_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="JSON data"):
        JupyterSession("s", tmp_path, {"a": float("nan")})


def test_all_cells_run_until_one_fails(open_session):
    session = open_session()
    for code in ("a = 1", "b", "print(a)"):
        session.append_code_cell(code)
        session.append_markdown_cell("text")
    assert [result.status for result in session.run_all_cells()] == ["ok", "ok", "error"]
    assert [result.status for result in session.run_all_cells(stop_on_error=False)] == ["ok", "ok", "error", "ok"]


def test_all_cells_may_run_in_a_new_kernel(open_session, kernels):
    session = open_session()
    run(session, "x = 1")
    session.overwrite_cell(1, "x")
    result = session.run_all_cells(restart=True)[-1]
    assert (result.status, result.state_lost) == ("error", False)
    assert [kernel.is_alive for kernel in kernels.started] == [False, True]


def test_a_timeout_reaches_the_kernel(open_session):
    session = open_session()
    result = run(session, "HANG", timeout=0.01)
    assert (result.status, result.ename) == ("timeout", "CellTimeout")
    assert on_disk(session)["cells"][1]["metadata"]["lllm"]["status"] == "timeout"


def test_a_cell_that_moves_while_it_runs_keeps_its_result(open_session, kernels):
    """An editor may insert a cell above the one that is running."""

    async def both():
        session = open_session()
        running = asyncio.ensure_future(session.arun_cell(session.append_code_cell("HANG")))
        await kernels.hang()
        session.insert_cell(1, "above")
        session.interrupt()
        await running
        return session

    cells = on_disk(asyncio.run(both()))["cells"]
    assert [cell["metadata"].get("lllm", {}).get("status") for cell in cells] == [None, None, "timeout"]


def test_a_result_without_its_cell_is_still_returned(open_session):
    """A cell can delete nothing, but whoever edits beside it can."""
    session = open_session(serve=lambda _: lambda *_call: session.delete_cells(1))
    assert run(session, "CALL_API('x')\nprint(1)").status == "ok"
    assert len(session) == 1


# --- kernels that end --------------------------------------------------------------------------------------------------


def test_a_kernel_that_dies_is_replaced_and_its_state_told_lost(open_session, kernels):
    """A model that believes its variables are there computes nonsense from then on."""
    session = open_session()
    run(session, "x = 1")
    died = run(session, "DIE")
    assert (died.status, died.state_lost) == ("died", True)
    assert STATE_LOST in to_text(died)
    after = run(session, "x")
    assert (after.ename, after.state_lost) == ("NameError", False)
    assert kernels.ran == [["x = 1", "DIE"], ["x"]]


def test_a_kernel_that_died_between_cells_is_noticed(open_session, kernels):
    session = open_session()
    run(session, "x = 1")
    kernels.started[0].close()
    assert run(session, "y = 2").state_lost
    assert not run(session, "print(y)").state_lost


def test_what_an_earlier_process_computed_is_told_lost_once(open_session):
    """The notebook shows results, but nobody has the variables."""
    first = open_session()
    run(first, "x = 1")
    first.close()
    second = open_session()
    assert run(second, "y = 1").state_lost
    assert not run(second, "y").state_lost


def test_a_restart_is_no_loss(open_session, kernels):
    session = open_session()
    run(session, "x = 1")
    session.restart()
    assert not kernels.started[0].is_alive
    result = run(session, "x")
    assert (result.ename, result.state_lost) == ("NameError", False)


def test_a_restart_is_no_loss_of_what_an_earlier_process_computed(open_session):
    """Who asks for a new kernel expects nothing in it."""
    first = open_session()
    run(first, "x = 1")
    first.close()
    second = open_session()
    second.restart()
    assert not run(second, "1").state_lost


def test_a_kernel_that_cannot_start_is_an_error_and_no_loss(tmp_path, kernels):
    tries = []

    def start(policy):
        tries.append(policy)
        if len(tries) == 1:
            raise SandboxUnavailable("no isolator", hint="install one")
        return kernels(policy)

    with JupyterSession("s", tmp_path, start=start) as session:
        session.append_code_cell("1")
        with pytest.raises(SandboxUnavailable):
            session.run_cell(1)
        assert not session.run_cell(1).state_lost


def test_a_closed_session_refuses_cells(open_session, kernels):
    session = open_session()
    run(session, "1")
    session.close()
    session.close()
    assert not kernels.started[0].is_alive
    for act in (lambda: session.run_cell(1), lambda: session.append_code_cell("x"), session.restart):
        with pytest.raises(SandboxError, match="closed"):
            act()


def test_a_forgotten_session_ends_its_kernel(tmp_path, kernels):
    """Who never calls close leaves no process behind."""
    session = JupyterSession("s", tmp_path, start=kernels)
    run(session, "1")
    del session
    import gc

    gc.collect()
    assert not kernels.started[0].is_alive
    JupyterSession("s", tmp_path, start=kernels).close()


# --- services ----------------------------------------------------------------------------------------------------------


def test_calls_are_answered_for_the_sessions_metadata(open_session):
    made = []

    def serve(metadata):
        made.append(metadata)
        return lambda endpoint, params, left_s: {"endpoint": endpoint, **params}

    session = open_session(metadata=META, serve=serve)
    assert made == []  # a replay makes none
    result = run(session, "print(CALL_API('a/b', {'c': 1}))")
    assert text_of(result) == "{'endpoint': 'a/b', 'c': 1}"
    run(session, "2")
    assert made == [META]
    told = on_disk(session)["cells"][1]["metadata"]["lllm"]["calls"]
    assert told == [{"endpoint": "a/b", "params": {"c": 1}, "error": ""}]


# --- async -------------------------------------------------------------------------------------------------------------


def test_the_loop_goes_on_while_a_cell_runs(open_session, kernels):
    async def main():
        session = open_session()
        index = session.append_code_cell("HANG")
        running = asyncio.ensure_future(session.arun_cell(index))
        await kernels.hang()
        session.interrupt()
        result = await running
        session.overwrite_cell(index, "1")
        session.append_code_cell("wrong")
        session.append_code_cell("2")
        return result, await session.arun_all_cells(restart=True)

    result, results = asyncio.run(main())
    assert result.status == "timeout"
    assert [each.status for each in results] == ["ok", "ok", "error"]


@pytest.mark.parametrize(("code", "is_alive"), [("HANG", True), ("DEAF", False)])
def test_a_cancellation_stops_the_cell(open_session, kernels, code, is_alive):
    """Else the next cell would wait for one that nobody waits for; one that ignores it loses its kernel."""

    async def main():
        session = open_session(policy=SandboxPolicy(timeout_s=30, grace_s=0.05))
        running = asyncio.ensure_future(session.arun_cell(session.append_code_cell(code)))
        await kernels.hang()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not kernels.started[0].hangs.is_set()
        return session

    session = asyncio.run(main())
    assert kernels.started[0].is_alive is is_alive
    after = run(session, "print('on')")
    assert (text_of(after).endswith("on"), after.state_lost) == (True, not is_alive)


def test_a_cell_that_is_cancelled_before_it_begins_never_runs(open_session, kernels):
    """It waits for the cell before it; interrupting that one would be wrong."""

    async def main():
        session = open_session()
        first = asyncio.ensure_future(session.arun_cell(session.append_code_cell("HANG")))
        await kernels.hang()
        second = asyncio.ensure_future(session.arun_cell(session.append_code_cell("never = 1")))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait({second}, timeout=5.0)
        assert second.done()  # whoever gave it a time limit does not wait for the cell before it, either
        assert kernels.started[0].hangs.is_set()
        session.interrupt()
        return await asyncio.gather(first, second, return_exceptions=True)

    first, second = asyncio.run(main())
    assert first.status == "timeout"
    assert isinstance(second, asyncio.CancelledError)
    assert kernels.ran == [["HANG"]]


# --- the notebook on the disk ------------------------------------------------------------------------------------------


def test_a_second_session_on_one_notebook_is_refused(open_session, tmp_path):
    """Each would write over what the other did."""
    first = open_session()
    first.append_code_cell("mine")
    with pytest.raises(NotebookError, match="another session"):
        open_session()
    assert sources(first) == ["mine"]
    first.close()
    assert len(open_session()) == 2
    assert [path.name for path in tmp_path.glob("*lock*")] == [".s.ipynb.lock"]


def test_a_notebook_goes_on_where_it_was_left(open_session):
    first = open_session(metadata=META)
    run(first, "print(1)")
    before = on_disk(first)
    first.close()
    second = open_session(metadata=META)
    assert (second.metadata, on_disk(second)) == (META, before)
    second.close()
    assert open_session().metadata == META


def test_other_metadata_are_refused(open_session):
    """What a cell computed under a cutoff is worth nothing under another."""
    open_session(metadata=META).close()
    with pytest.raises(ConfigError, match="other metadata"):
        open_session(metadata=META | {"deploy_mode": True})
    open_session(metadata=META)


DAMAGED = {
    "empty": "",
    "cut": '{"cells": [',
    "no notebook": "[]",
    "foreign": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "binary": b"\xff\xfe",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_notebook_is_refused_and_stays(tmp_path, kernels, content):
    """To begin anew over it would destroy what a person could have mended."""
    content = content.encode() if isinstance(content, str) else content
    path = tmp_path / "s.ipynb"
    path.write_bytes(content)
    for _ in range(2):  # the lock was let go of
        with pytest.raises(NotebookError, match="notebook"):
            JupyterSession("s", tmp_path, start=kernels)
    assert path.read_bytes() == content


def test_a_full_disk_leaves_the_notebook_whole(open_session, tmp_path):
    session = open_session()
    session.append_code_cell("print('x' * 10_000)")
    before = session.path.read_bytes()
    with full_disk(len(before) + 100):
        with pytest.raises(NotebookError, match="cannot be written"):
            session.append_code_cell("y" * 10_000)
        assert len(session) == 2  # it is as if it had never been said
        with pytest.raises(NotebookError, match="cannot be written"):
            session.run_cell(1)
        assert session.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".s.ipynb.lock", "s.ipynb"]
    assert "x" * 10_000 in str(session.cells[1])  # it has run, and that is not lost
    session.append_markdown_cell("there is room again")
    assert "x" * 10_000 in session.path.read_text()


def test_a_reader_has_the_old_notebook_or_the_new_one(open_session):
    """Jupyter, or a backup, may be reading just now."""
    session = open_session()
    with session.path.open() as reader:
        session.append_code_cell("x" * 100_000)
        assert len(json.load(reader)["cells"]) == 1


def test_cells_that_are_gone_take_no_memory(open_session):
    """A session may live for weeks."""
    session = open_session()
    session.append_code_cell("1")
    for number in range(5):
        session.overwrite_cell(1, str(number))
        session.run_cell(1)
    assert len(session._document._file._texts) == 2


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path, kernels):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotebookError, match="cannot be locked"):
        JupyterSession("s", tmp_path / "file" / "below", start=kernels)


def test_a_session_becomes_data_and_back(open_session, tmp_path, kernels):
    session = open_session("Name of any kind", META)
    run(session, "print(1)")
    data = json.loads(json.dumps(session.to_dict()))
    with JupyterSession.from_dict(data, tmp_path / "b", start=kernels) as again:
        assert (again.to_dict(), again.policy) == (session.to_dict(), POLICY)
        assert on_disk(again) == on_disk(session)
        assert run(again, "2").state_lost
    with pytest.raises(NotebookError, match="already"):
        JupyterSession.from_dict(data, tmp_path / "b", start=kernels)
    with pytest.raises(NotebookError, match="no session"):
        JupyterSession.from_dict({"name": "x"}, tmp_path / "c", start=kernels)


# --- replay ------------------------------------------------------------------------------------------------------------


class Program:
    """Runs cells in a folder, live or in a replay."""

    def __init__(self, folder, *codes, serve=None):
        self.codes, self.serve = codes, serve
        self.folder, self.kernels, self.log = folder, Kernels(), MemoryLog()

    def run(self, session):
        """Run the cells; the result is what a model would read of them."""
        options = {"policy": POLICY, "start": self.kernels, "serve": self.serve}
        with JupyterSession("n", self.folder, META, **options) as notebook:
            told = []
            for code in self.codes:
                if code == "RESTART":
                    notebook.restart()
                else:
                    told.append(to_text(notebook.run_cell(notebook.append_code_cell(code))))
            session.result = told
            self.cells = notebook.cells
        return session.result

    def record(self):
        with Session.open(self.log, "s") as session:
            self.run(session)
        self.kernels = Kernels()
        return self

    def fork_at(self, code):
        """Go on live at the cell of this code."""
        events = [e for e in self.log.read_session("s") if e.kind == "step" and e.data["about"].get("code") == code]
        return fork(self.log, "s", events[0].seq, self.run)


def test_a_replay_needs_no_kernel_and_no_file(tmp_path):
    """The log holds what each cell came to."""
    program = Program(tmp_path / "a", "x = 20", "print(x + 1)", "RESTART", "x").record()
    program.folder = tmp_path / "b"
    report = replay(program.log, "s", run=program.run)
    assert report.status == "same"
    assert report.result == ["(no output)", "21", "NameError: name 'x' is not defined"]
    assert program.kernels.started == []
    assert not program.folder.exists()


def test_an_export_shows_what_cells_came_to(tmp_path):
    """They are in the log as an agent's are."""
    program = Program(tmp_path, "print(6 * 7)", "x", "DIE").record()
    made = to_view(list(program.log.read_run("s"))).made
    assert [(cell.code, cell.status) for cell in made] == [("print(6 * 7)", "ok"), ("x", "error"), ("DIE", "died")]
    assert [cell.text() for cell in made[:2]] == ["42", "NameError: name 'x' is not defined"]
    assert STATE_LOST in made[2].text()


def test_a_replay_leaves_the_notebook_as_it_is(tmp_path):
    program = Program(tmp_path, "print(1)").record()
    (tmp_path / "n.ipynb").write_text("changed by hand")
    assert replay(program.log, "s", run=program.run).status == "same"
    assert (tmp_path / "n.ipynb").read_text() == "changed by hand"


def test_a_cell_that_is_another_now_ends_the_replay(tmp_path):
    program = Program(tmp_path, "print(1)").record()
    program.codes = ("print(2)",)
    report = replay(program.log, "s", run=program.run)
    assert (report.status, report.difference["pointer"]) == ("differs", "/data/about/code")


def test_an_async_replay_needs_no_kernel(tmp_path):
    program = Program(tmp_path)

    async def run_(session):
        with JupyterSession("n", tmp_path, policy=POLICY, start=program.kernels) as notebook:
            result = await notebook.arun_cell(notebook.append_code_cell("print(1)"))
        session.result = text_of(result)
        return session.result

    async def record():
        with Session.open(program.log, "s") as session:
            await run_(session)

    asyncio.run(record())
    program.kernels = Kernels()
    report = replay(program.log, "s", run=run_)
    assert (report.status, report.result, program.kernels.started) == ("same", "1", [])


def test_a_fork_runs_the_served_cells_again_first(tmp_path):
    """No kernel has run them, and the next cell needs their variables."""
    program = Program(tmp_path, "x = 20", "y = x + 1", "print(y)").record()
    assert program.fork_at("print(y)").result[-1] == "21"
    assert program.kernels.ran == [["x = 20", "y = x + 1", "print(y)"]]
    assert [cell["metadata"]["lllm"].get("rebuilt") for cell in program.cells[1:]] == ["same", "same", None]


def test_a_fork_runs_only_what_the_kernel_knew(tmp_path):
    """What was before a restart, or before the kernel died, was gone already."""
    program = Program(tmp_path, "a = 1", "RESTART", "b = 1", "DIE", "c = 1", "print(c)").record()
    program.fork_at("print(c)")
    assert program.kernels.ran == [["c = 1", "print(c)"]]


def test_a_cell_that_comes_to_something_else_is_marked(tmp_path):
    (tmp_path / "told").write_text("then")
    read = f"import pathlib; x = pathlib.Path({str(tmp_path / 'told')!r}).read_text(); print(x)"
    program = Program(tmp_path, read, "print(2)").record()
    (tmp_path / "told").write_text("now")
    program.fork_at("print(2)")
    assert program.cells[1]["metadata"]["lllm"]["rebuilt"] == "other output"


def test_where_the_past_cannot_be_made_again_its_loss_is_told(tmp_path):
    """A cell that fails now left other variables than it did then; a clean kernel is better than a wrong one."""
    gone = tmp_path / "gone"
    gone.write_text("x")
    program = Program(tmp_path / "n", f"import os; x = os.stat({str(gone)!r})", "y = 1", "print(2)").record()
    gone.unlink()
    assert program.fork_at("print(2)").result[-1] == f"{STATE_LOST}\n2"
    assert program.kernels.ran[1] == ["print(2)"]


def test_calls_of_cells_are_not_made_again(tmp_path):
    """They were answered once, and a call may cost money: the recorded answers serve."""
    asked = []

    def serve(_metadata):
        def answer(endpoint, params, left_s):
            about = {"endpoint": endpoint, "params": params}
            return OUTSIDE.load().perform("proxy", about, lambda: asked.append(endpoint) or {"data": 41})["data"]

        return answer

    program = Program(tmp_path, "x = CALL_API('price')", "print(x + 1)", serve=serve).record()
    assert program.fork_at("print(x + 1)").result[-1] == "42"
    assert asked == ["price"]


def test_where_no_answer_was_recorded_the_state_is_lost(tmp_path):
    """Whatever answered then, it is not asked again behind the user's back."""
    asked = []
    serve = lambda _metadata: lambda endpoint, params, left_s: asked.append(endpoint) or 1  # noqa: E731
    program = Program(tmp_path, "x = CALL_API('price')", "print(x)", serve=serve).record()
    assert program.fork_at("print(x)").result[-1].startswith(STATE_LOST)
    assert asked == ["price"]


def test_a_fork_keeps_the_notebook_that_it_does_not_continue(tmp_path):
    """The parent's last cells are nowhere else on the disk."""
    program = Program(tmp_path, "a = 1", "b = 2", "c = 3").record()
    before = (tmp_path / "n.ipynb").read_text()
    program.codes = ("a = 1", "other = 2")
    with pytest.raises(ReplayDiverged):
        program.fork_at("c = 3")
    program.fork_at("b = 2")
    assert (tmp_path / "n.before-1.ipynb").read_text() == before
    assert "other = 2" in (tmp_path / "n.ipynb").read_text()


class Outside:
    """Stands for the session around: nothing is logged, and a recording tells of earlier steps."""

    def __init__(self, *steps):
        self.steps = steps

    def perform(self, name, about, make, *, repeatable):
        """Just do it."""
        return make()

    def earlier(self, name):
        """Return the steps of a recording."""
        return [(f"v/{number}", *step) for number, step in enumerate(self.steps)]


@pytest.fixture
def around():
    """Put an ``Outside`` with some steps around the test."""
    load = OUTSIDE.load

    def put(*steps):
        OUTSIDE.load = lambda: Outside(*steps)

    yield put
    OUTSIDE.load = load


TIMED_OUT = CellResult("timeout", ename="CellTimeout")


def cell_step(code, sandbox="s", **facts):
    value = {"result": CellResult("ok", execution_count=1).to_dict(), "fresh": False, "alive": True, **facts}
    return ({"sandbox": sandbox, "index": 1, "code": code}, value)


@pytest.mark.parametrize(
    ("steps", "ran", "is_lost"),
    [
        ([cell_step("a = 1"), cell_step("b = a"), cell_step("z = 1", "another")], ["a = 1", "b = a", "1"], False),
        ([cell_step("z = 1"), ({"sandbox": "s", "open": None}, {}), cell_step("a = 1")], ["a = 1", "1"], False),
        ([cell_step("z = 1"), cell_step("a = 1", fresh=True)], ["a = 1", "1"], False),
        ([cell_step("z = 1", alive=False), cell_step("a = 1")], ["a = 1", "1"], False),
        ([cell_step("a = 1"), ({"sandbox": "s", "code": "z"}, LogError("broken off"))], ["1"], True),
        ([cell_step("z")], ["1"], True),
        ([({"sandbox": "s", "code": "HANG", "timeout_s": 0.01}, {"result": TIMED_OUT.to_dict()})], ["1"], True),
    ],
    ids=["cells", "opened anew", "after a loss", "after a death", "an unknown end", "fails now", "interrupted"],
)
def test_cells_of_functions_that_do_not_run_again_are_found_in_the_log(
    open_session, kernels, around, steps, ran, is_lost
):
    """A resumed run takes a function's result from the log, so nobody calls the cells that were in it."""
    around(*steps)
    result = run(open_session(), "1")
    assert (kernels.ran[-1], result.state_lost) == (ran, is_lost)


def test_a_notebook_whose_cells_run_again_has_lost_nothing(open_session, around):
    """Its file is that of the run which goes on."""
    first = open_session()
    run(first, "a = 1")
    first.close()
    around(cell_step("a = 1"))
    assert not run(open_session(), "a").state_lost


def test_what_was_before_a_restart_does_not_run_again(open_session, kernels, around):
    around(cell_step("a = 1"))
    session = open_session()
    session.restart()
    assert not run(session, "1").state_lost
    assert kernels.ran == [["1"]]


def test_what_was_after_a_recorded_restart_runs_again(open_session, kernels, around):
    """The log tells more of it than the cells alone: also what they called, and what functions did."""

    class Served(Outside):
        def perform(self, name, about, make, *, repeatable):
            return None if "restart" in about else make()

    around()
    served = Served(cell_step("a = 1"), ({"sandbox": "s", "restart": True}, None), cell_step("b = 2"))
    OUTSIDE.load = lambda: served
    session = open_session()
    session.restart()
    assert not run(session, "b").state_lost
    assert kernels.ran == [["b = 2", "b"]]


def test_a_calls_answer_is_not_made_up_when_cells_run_again(open_session, kernels, around):
    """A cell that called nothing then, and calls now, is another cell."""
    step = cell_step("try:\n CALL_API('x')\nexcept RuntimeError as error:\n told = str(error)")
    around(step)
    assert "was not called when" in text_of(run(open_session(), "print(told)"))


def test_a_break_while_cells_run_again_leaves_no_half_of_the_past(open_session, kernels, around):
    around(cell_step("a = 1"), cell_step("raise KeyboardInterrupt"))
    session = open_session()
    index = session.append_code_cell("1")
    with pytest.raises(KeyboardInterrupt):
        session.run_cell(index)
    assert [kernel.is_alive for kernel in kernels.started] == [False]


def test_a_break_of_a_cell_leaves_the_kernel_to_the_next(open_session, kernels):
    """Ctrl-C in a notebook of one's own."""
    session = open_session()
    run(session, "a = 1")
    with pytest.raises(KeyboardInterrupt):
        run(session, "raise KeyboardInterrupt")
    assert text_of(run(session, "print(a)")) == "1"


def test_a_session_that_is_closed_while_its_kernel_starts_leaves_none(tmp_path, kernels):
    def start(policy):
        session.close()
        return kernels(policy)

    session = JupyterSession("s", tmp_path, start=start)
    session.append_code_cell("1")
    with pytest.raises(SandboxError, match="closed meanwhile"):
        session.run_cell(1)
    assert [kernel.is_alive for kernel in kernels.started] == [False]


def test_a_cell_that_ends_after_its_session_leaves_the_notebook_alone(open_session):
    """Another session may hold it by then, and the two would write over each other."""
    first, late = open_session(), CellResult("died", execution_count=7)
    index = first.append_code_cell("mine")
    id_ = first.cells[index]["id"]
    first.close()
    second = open_session()
    second.append_code_cell("other")
    before = second.path.read_text()
    first._document.keep_result(id_, late, [])
    assert second.path.read_text() == before
    with pytest.raises(SandboxError, match="closed meanwhile"):
        first._document.take_file()
    second.delete()
    second._document.keep_result(id_, late, [])
    assert not second.path.exists()


def test_notebooks_that_are_set_aside_are_all_kept(tmp_path):
    program = Program(tmp_path, "a = 1", "b = 2").record()
    for other in ("c = 3", "d = 4"):
        program.codes = ("a = 1", other)
        program.fork_at("b = 2")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["n.before-1.ipynb", "n.before-2.ipynb", "n.ipynb"]


def test_a_fork_that_meets_a_damaged_notebook_leaves_it(tmp_path):
    program = Program(tmp_path, "a = 1", "b = 2").record()
    (tmp_path / "n.ipynb").write_text("{")
    with pytest.raises(NotebookError, match="no notebook"):
        program.fork_at("b = 2")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("n.ipynb", "{")]


# --- many sessions -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path, kernels):
    with JupyterSandbox(tmp_path / "root", POLICY, start=kernels) as sandbox:
        yield sandbox


def test_sessions_are_found_by_name(sandbox):
    new = sandbox.new_session("one", META)
    assert sandbox.get_session("one") is new
    assert sandbox.get_session("two").metadata == {}
    (new.path.parent / "one.before-1.ipynb").write_text("{}")
    assert sandbox.list_sessions() == ["one", "two"]
    with pytest.raises(NotebookError, match="already"):
        sandbox.new_session("one")
    with pytest.raises(NotebookError, match="no notebook session 'three'") as told:
        sandbox.get_session("three", create=False)
    assert told.value.hint == "known: one, two"


@pytest.mark.parametrize("name", ["../../escape", "a/b", "", "Ünïcode", "x" * 500, "con", ".hidden", "a\x00b"])
def test_any_name_is_a_file_below_the_root(sandbox, tmp_path, name):
    """Names come from tasks and from models."""
    run(sandbox.new_session(name), "1")
    assert [path.name for path in tmp_path.iterdir()] == ["root"]
    (slug,) = sandbox.list_sessions()
    sandbox.shutdown_session(name)
    assert len(sandbox.get_session(slug, create=False)) == 2


def test_a_session_is_shut_down_and_goes_on_later(sandbox, kernels):
    run(sandbox.get_session("a"), "x = 1")
    sandbox.shutdown_session("a")
    sandbox.shutdown_session("never was")
    assert not kernels.started[0].is_alive
    assert run(sandbox.get_session("a"), "y = 1").state_lost


def test_a_session_that_its_user_closed_is_opened_anew(sandbox):
    sandbox.get_session("a").close()
    assert run(sandbox.get_session("a"), "print(1)").status == "ok"


def test_a_deleted_session_leaves_nothing(sandbox, kernels):
    run(sandbox.get_session("a"), "1")
    sandbox.delete_session("a")
    assert (list(sandbox.root.iterdir()), sandbox.list_sessions()) == ([], [])
    assert not kernels.started[0].is_alive
    with pytest.raises(NotebookError, match="no notebook session"):
        sandbox.delete_session("a")


def test_the_end_of_the_block_ends_all_kernels(tmp_path, kernels):
    with JupyterSandbox(tmp_path, start=kernels) as sandbox:
        for name in "abc":
            run(sandbox.get_session(name), "1")
    assert [kernel.is_alive for kernel in kernels.started] == [False] * 3
    assert not list(tmp_path.rglob(".*"))


def test_a_notebook_that_cannot_be_written_keeps_no_kernel_alive(tmp_path, kernels):
    sandbox = JupyterSandbox(tmp_path, start=kernels)
    sessions = [sandbox.get_session(name) for name in "ab"]
    for session in sessions:
        run(session, "1")
    with full_disk(10), pytest.raises(NotebookError, match="cannot be written"):
        sandbox.shutdown_all()
    assert [kernel.is_alive for kernel in kernels.started] == [False] * 2


def test_a_replay_finds_the_sessions_that_were_there_then(tmp_path, kernels):
    """The folder has changed since."""
    log = MemoryLog()

    def run_(session):
        with JupyterSandbox(tmp_path, start=kernels) as sandbox:
            there = sandbox.list_sessions()
            run(sandbox.new_session("a"), "1")
            sandbox.shutdown_session("a")
            sandbox.delete_session("a") if "b" in there else None
            session.result = [there, sandbox.list_sessions()]
        return session.result

    with Session.open(log, "s") as session:
        run_(session)
    report = replay(log, "s", run=run_)
    assert (report.status, report.result) == ("same", [[], ["a"]])
    assert len(kernels.started) == 1


# --- files -------------------------------------------------------------------------------------------------------------


def test_the_files_of_cells_are_a_tree(open_session):
    session = open_session()
    found = [["a", None], ["a/b.txt", 12], ["z\x1b[2J\n", 5000]]
    result = run(
        session,
        f"import json\nclass Fake:\n def walk(self, top): return []\nprint('lllm tree ' + json.dumps({found!r}))",
    )
    from lllm.sandbox.notebook.tree import parse_entries, render_tree

    entries = parse_entries(result)
    assert render_tree(entries) == "/box/\n  a/\n    b.txt  12 bytes\n  z␛[2J␊  5 kB"
    assert render_tree([(str(n), 1) for n in range(600)]).endswith("... more than 500")
    assert session.directory_tree().startswith("/box/")
    assert [cell["source"] for cell in session.cells][1:] == sources(session)


@pytest.mark.parametrize(
    "told", ["", "lllm tree ", "lllm tree [", "lllm tree {}", 'lllm tree [1, ["a"], ["b", -1], [2, 3]]']
)
def test_a_kernel_that_tells_nonsense_has_no_files(told):
    from lllm.sandbox.notebook.tree import parse_entries

    assert parse_entries(CellResult("ok", ({"output_type": "stream", "name": "stdout", "text": told},))) == []


def test_refused_calls_are_errors_in_the_cell(open_session):
    def refuse(endpoint, params, left_s):
        raise CallRefused(f"{endpoint} is not declared")

    session = open_session(serve=lambda _: refuse)
    result = run(session, "CALL_API('x')")
    assert (result.status, result.calls[0].error) == ("error", "x is not declared")
