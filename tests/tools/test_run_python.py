"""``run_python``: cells are steps of their session, a replay needs no kernel, and a run that goes on gets its state back."""

import os
import threading
from contextlib import contextmanager

import pytest
from python_scene import CELLS, KEY, Analyst, Service

from lllm.errors import LogError, ProxyError, SandboxError, SandboxUnavailable
from lllm.export.view import to_view
from lllm.llm.outside import recall
from lllm.llm.place import scoped
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.replay import fork, replay, resume
from lllm.sandbox.cell import CellResult
from lllm.sandbox.inside.ends import list_tree
from lllm.sandbox.life import Work
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.probe import CHOOSER
from lllm.tools import api_docs, python_function, run_python
from lllm.tools.python import PythonTool


@pytest.fixture(scope="module", autouse=True)
def sandbox():
    try:
        CHOOSER.start(SandboxPolicy()).close()
    except SandboxUnavailable as error:
        pytest.skip(f"no sandbox works here: {error}")


@pytest.fixture
def service():
    service = Service()
    yield service
    service.close()


@pytest.fixture
def analyst(tmp_path, service, monkeypatch):
    return Analyst(tmp_path, service, monkeypatch)


def test_cells_share_their_state_and_call_services(analyst, service):
    analyst.record()
    assert analyst.events()[-1].data["result"] == "the answer is 70"
    assert service.asked == [("/rows?n=3", KEY)]


def test_a_replay_needs_neither_kernel_nor_service(analyst, service, monkeypatch):
    analyst.record()
    service.close()
    monkeypatch.delenv("SHOP_KEY")
    before = set(list_tree(os.getpid()))
    report = replay(analyst.log, "whole", analyst.run)
    assert (report.status, report.replayed) == ("same", report.events)
    assert analyst.asked == 0
    assert set(list_tree(os.getpid())) <= before


def test_an_export_shows_what_cells_came_to(analyst):
    analyst.record()
    made = [item for dialog in to_view(analyst.events()).dialogs for entry in dialog.entries for item in entry.made]
    assert [(cell.status, cell.text()) for cell in made] == [("ok", "got [1, 2, 3]"), ("ok", "7"), ("ok", "70")]


def test_every_cell_and_every_call_is_an_event(analyst):
    analyst.record()
    steps = [(e.data["name"], e.data["about"]) for e in analyst.events() if e.kind == "step"]
    call = ("proxy", {"endpoint": "shop/sales/rows", "params": {"n": 3}, "cutoff_date": None})
    cells = [("cell", {"function": "run_python", "code": code}) for code in CELLS]
    assert steps == [cells[0], call, *cells[1:]]


def test_the_key_of_a_service_is_nowhere(analyst, service):
    """The service echoes it: neither the log, nor what the model reads, nor the kernel may have it."""
    analyst.cells = ("print(CALL_API('shop/sales/rows', {'n': 1}))", "import os; print(dict(os.environ))")
    analyst.record()
    assert service.asked[0][1] == KEY
    assert KEY not in analyst.text()


def test_a_fork_gets_the_state_of_the_cells_before_it(analyst, service):
    """What they called is answered from the log: no service is asked twice."""
    analyst.record()
    service.asked.clear()
    report = fork(analyst.log, "whole", "1/s2", analyst.run)
    assert report.result == "the answer is 70"
    assert service.asked == []


def test_a_resumed_run_gets_its_state_back(analyst, service):
    analyst.record()
    service.close()
    place = analyst.log.folder
    lines = (place / "whole" / "events-000001.jsonl").read_bytes().splitlines(keepends=True)
    dead = next(e.seq for e in analyst.events() if e.kind == "function.call" and e.id == "1/s1/f0")
    (place / "died").mkdir()
    (place / "died" / "events-000001.jsonl").write_bytes(b"".join(lines[:dead]))
    report = resume(analyst.log, "died", analyst.run)
    assert report.result == "the answer is 70"


class Recorded:
    """A kernel, and the tape of a run that goes on: cells of the recording, and what each comes to now."""

    tier, offline, others = "A", False, ()

    def __init__(self, *cells):
        self.cells, self.ran, self.is_alive = cells, [], True

    def earlier(self, name):
        facts = [{"function": "run_python"}, *self.others]
        ran = [
            (f"{scope}1-s{number}-f0.v/0", {**fact, "code": code}, value)
            for number, (scope, code, value, _) in enumerate(self.cells)
            for fact in facts
        ]
        return ran if name == "cell" else []

    def execute(self, code, timeout_s=None, on_call=None):
        self.ran.append(code)
        return CellResult(next((now for _, known, _, now in self.cells if known == code), "ok"))

    def close(self):
        self.is_alive = False

    def go_on(self, scope=""):
        """Run one more cell; return whether it finds the state of those before it."""
        tool = PythonTool(SandboxPolicy(), None, 1000, start=lambda _: self)
        with Session.open(MemoryLog(), "s", header={"task": "t"}) as session, going_on(session, self), scoped(scope):
            return not Work(tool._find_life(), {"code": "now"}, "now").make()["fresh"]


@contextmanager
def going_on(session, tape):
    """Have a session go on with the run of a tape; its log is its own."""
    session.tape = tape
    try:
        yield
    finally:
        session.tape = None


def value_of(status, **facts):
    return {"result": CellResult(status).to_dict(), "fresh": False, "alive": True, **facts}


OK, FAILED = value_of("ok"), value_of("error")
LOST, NEW = value_of("died", alive=False), value_of("ok", fresh=True)


def test_cells_are_run_again_in_their_order():
    tape = Recorded(("", "a", OK, "ok"), ("", "b", FAILED, "error"))
    assert tape.go_on()
    assert tape.ran == ["a", "b", "now"]


def test_a_cell_that_comes_to_something_else_means_that_state_is_lost():
    """A rebuilt kernel must not pretend: what hung on more than cells and calls cannot come back."""
    tape = Recorded(("", "a", OK, "error"), ("", "b", OK, "ok"))
    assert not tape.go_on()
    assert tape.ran == ["a", "now"]


def test_a_cell_that_was_broken_off_cannot_be_run_again():
    assert not Recorded(("", "a", LogError("KeyboardInterrupt: "), "ok")).go_on()


@pytest.mark.parametrize("second", ["y = 2", "import os; os._exit(1)"])
def test_a_kernel_that_holds_a_part_of_the_past_is_not_used(second):
    """The model is told that everything is gone: so it must be, and its cell must run."""
    tool = PythonTool(SandboxPolicy(), None, 1000)
    tape = Recorded(("", "x = 1", OK, ""), ("", second, FAILED, ""))
    with Session.open(MemoryLog(), "s", header={"task": "t"}) as session, going_on(session, tape):
        result = Work(tool._find_life(), {"code": "x"}, "x").make()["result"]
    assert (result["status"], result["ename"], result["state_lost"]) == ("error", "NameError", True)


def test_a_life_that_was_closed_starts_no_kernel():
    """It would outlive its session: nobody closes it a second time."""
    started = []
    life = PythonTool(SandboxPolicy(), None, 1000, start=started.append)._find_life()
    life.close()
    with pytest.raises(SandboxError, match="closed"):
        Work(life, {"code": "1"}, "1").make()
    assert started == []


@pytest.mark.parametrize(("value", "ran"), [(LOST, ["c"]), (NEW, ["b", "c"])])
def test_what_a_dead_kernel_held_is_not_made_again(value, ran):
    """The model was told that it is gone; variables that come back would be wrong in another way."""
    tape = Recorded(("", "a", OK, "ok"), ("", "b", value, "ok"), ("", "c", OK, "ok"))
    assert tape.go_on()
    assert tape.ran == [*ran, "now"]


def test_only_the_cells_of_the_own_scope_are_run_again():
    """Another scope's had another kernel."""
    tape = Recorded(("side.", "a", OK, "ok"), ("", "b", OK, "ok"))
    assert tape.go_on("side.")
    assert tape.ran == ["a", "now"]


def test_only_the_cells_of_the_own_function_are_run_again():
    """Another function's, or a notebook's, had another kernel."""
    tape = Recorded(("", "a", OK, "ok"))
    tape.others = [{"function": "compute"}, {"sandbox": "s", "index": 1}]
    assert tape.go_on()
    assert tape.ran == ["a", "now"]


def test_a_call_that_was_not_recorded_is_refused_while_cells_run_again():
    """A changed call must not go out while nobody but the rebuilding looks."""

    class Calls(Recorded):
        def earlier(self, name):
            about = {"endpoint": "shop/sales/rows", "params": {"n": 3}}
            return [("1-s0-f0.v~0.v/0", about, {"data": 1}), ("1-s0-f0.v~1.v/0", about, {"data": 2})]

    with Session.open(MemoryLog(), "s", header={"task": "t"}) as session:
        session.tape = Calls()
        answer = recall("1-s0-f0.v/0")
        with pytest.raises(ProxyError, match="no call"):
            answer("shop/sales/rows", {"n": 4}, 1.0)
        assert answer("shop/sales/rows", {"n": 3}, 1.0) == 1
        with pytest.raises(ProxyError, match="no call"):
            answer("shop/sales/rows", {"n": 3}, 1.0)
        session.tape = None


def test_parallel_scopes_have_kernels_of_their_own():
    """Items of a map run at the same time: one kernel for both would mix their variables, by chance."""
    tool = PythonTool(SandboxPolicy(), None, 1000)

    def work(number):
        tool.run(f"mine = {number}")
        return tool.run("mine")

    with Session.open(MemoryLog(), "s", header={"task": "t"}) as session:
        assert session.map(work, [1, 2]) == ["1", "2"]


def test_a_kernel_ends_with_the_item_that_it_served():
    tool, kernels = PythonTool(SandboxPolicy(), None, 1000), []

    def work(_item):
        tool.run("1")
        kernels.append(tool._find_life()._kernel)

    with Session.open(MemoryLog(), "s", header={"task": "t"}) as session:
        session.map(work, [1])
        for thread in threading.enumerate():
            if thread.name == "lllm-closing":
                thread.join(20)
        assert not kernels[0].is_alive


def test_a_kernel_that_was_killed_is_replaced_and_the_model_is_told():
    tool = PythonTool(SandboxPolicy(timeout_s=0.5, grace_s=0.2), None, 1000)
    with Session.open(MemoryLog(), "s", header={"task": "t"}):
        tool.run("x = 1")
        told = tool.run("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass")
        assert "replaced" in told
        assert "NameError" in tool.run("x")


def test_the_kernel_ends_with_its_session():
    tool = PythonTool(SandboxPolicy(), None, 1000)
    with Session.open(MemoryLog(), "s", header={"task": "t"}):
        tool.run("1")
        kernel = tool._find_life()._kernel
        assert kernel.is_alive
    assert not kernel.is_alive


def test_a_long_result_is_cut_for_the_model_and_whole_in_the_log():
    tool = PythonTool(SandboxPolicy(), None, 100)
    log = MemoryLog()
    with Session.open(log, "s", header={"task": "t"}):
        assert len(tool.run("print('y' * 5000)")) < 300
    value = next(e for e in log.read_run("s") if e.kind == "value")
    assert "y" * 5000 in value.data["value"]["result"]["outputs"][0]["text"]


def test_without_proxies_a_call_is_refused():
    tool = PythonTool(SandboxPolicy(), None, 1000)
    with Session.open(MemoryLog(), "s", header={"task": "t"}):
        assert "has no proxy" in tool.run("CALL_API('x/y/z')")


def test_a_function_of_its_own_has_limits_of_its_own():
    mine = python_function(name="py", policy=SandboxPolicy(timeout_s=0.3), limit_chars=500)
    assert (mine.name, mine.repeatable, mine.allow_repeat) == ("py", True, True)
    assert run_python.name == "run_python"
    log = MemoryLog()
    with Session.open(log, "s", header={"task": "t"}):
        assert "CellTimeout" in mine.function("while True: pass")
    assert next(e.data["about"]["function"] for e in log.read_run("s") if e.kind == "step") == "py"
    assert api_docs.name == "api_docs"


def test_a_kernel_that_died_between_two_cells_costs_no_cell():
    """The cell that finds it dead runs in a new one; what is gone is told."""
    tool = PythonTool(SandboxPolicy(), None, 1000)
    with Session.open(MemoryLog(), "s", header={"task": "t"}):
        tool.run("x = 1")
        kernel = tool._find_life()._kernel
        kernel._process.kill("a test")
        told = tool.run("print('ran')")
    assert "ran" in told
    assert "replaced" in told
