"""One kernel after the other: what the next one has to be told, and to whom a loss is told."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest
from fake_kernel import FakeKernel, Kernels

from lllm.errors import CallCancelled, SandboxUnavailable
from lllm.registry import OUTSIDE
from lllm.sandbox import SandboxPolicy
from lllm.sandbox.cell import CellResult
from lllm.sandbox.life import KernelLife, Work
from lllm.sandbox.past import Past


@pytest.fixture
def kernels():
    return Kernels()


@pytest.fixture
def life(kernels):
    life = KernelLife(SandboxPolicy(), lambda *_: True, start=kernels)
    yield life
    life.close()


@pytest.fixture
def recorded():
    """Have a run gone on with, in which cells were run."""
    load = OUTSIDE.load

    class Outside:
        def __init__(self, codes):
            value = {"result": CellResult("ok").to_dict(), "fresh": False, "alive": True}
            self.steps = [(f"v/{number}", {"code": code}, value) for number, code in enumerate(codes)]

        def earlier(self, name):
            return self.steps

    def put(*codes):
        OUTSIDE.load = lambda: Outside(codes)

    yield put
    OUTSIDE.load = load


def run(life, code, about=None):
    """Run a cell as a step does that nothing logs."""
    with Work(life, {"code": code} if about is None else about, code) as work:
        work.value = work.make()
    return CellResult.from_dict(work.value["result"])


def test_a_loss_is_told_by_the_first_cell_that_runs(kernels):
    """Where no kernel could be started, nobody read a result; who reads the next one has to know."""
    tries = iter([False, True])

    def start(policy):
        if life.knows_nothing or next(tries):
            return kernels(policy)
        raise SandboxUnavailable("no memory")

    life = KernelLife(SandboxPolicy(), lambda *_: True, start=start)
    run(life, "x = 1")
    kernels.started[0].close()
    with pytest.raises(SandboxUnavailable):
        run(life, "1")
    assert [run(life, "x").state_lost, run(life, "x").state_lost] == [True, False]


def test_a_look_at_the_files_swallows_no_loss(life, kernels):
    """It is no cell: whoever looks reads no result."""
    run(life, "x = 1")
    kernels.started[0].close()
    run(life, "1", {"tree": True})
    assert run(life, "x").state_lost
    run(life, "DIE", {"tree": True})
    assert run(life, "1").state_lost


def test_a_step_that_was_refused_before_its_cell_ran_changes_nothing(life):
    """The log is full, or the session cancelled: the kernel holds what it held."""
    run(life, "x = 1")
    with suppress(OSError), Work(life, {"code": "y"}, "y"):
        raise OSError("full")
    result = run(life, "x")
    assert (result.status, result.state_lost) == ("ok", False)


def test_a_loss_that_was_told_to_nobody_is_told_again(life):
    """The step of the cell failed after it ran, as on a full disk, or was cancelled."""
    run(life, "x = 1")
    with suppress(OSError), Work(life, {"code": "DIE"}, "DIE") as work:
        work.make()
        raise OSError("full")
    assert run(life, "1").state_lost
    assert not run(life, "1").state_lost


def test_a_cell_that_never_began_leaves_the_past_as_it_is(life, kernels, recorded):
    recorded("x = 1")
    work = Work(life, {"code": "y = 1"}, "y = 1")
    work.stop()
    with pytest.raises(CallCancelled), work:
        work.make()
    assert not kernels.started[0].is_alive  # it may hold a part of the past
    assert not run(life, "x").state_lost
    assert kernels.ran == [[], ["x = 1", "x"]]


def test_a_cell_that_was_stopped_while_it_waited_is_none(life):
    """Else nobody would know what the kernel holds."""
    run(life, "x = 1")
    work = Work(life, {"code": "y = 1"}, "y = 1")
    work.stop()
    with pytest.raises(CallCancelled), work:
        work.make()
    assert [cell.code for cell in life._past.cells] == ["x = 1"]


def test_what_has_to_be_done_before_a_cell_and_fails_is_no_cell(life, kernels):
    """Nothing has run, so the state is what it was."""
    run(life, "x = 1")
    with pytest.raises(OSError, match="full"), Work(life, {"code": "y"}, "y") as work:
        work.make(lambda: (_ for _ in ()).throw(OSError("full")))
    assert [cell.code for cell in life._past.cells] == ["x = 1"]


def test_a_rebuilt_kernel_that_is_dead_is_not_used(life, recorded, kernels):
    """It said how its last cell ended, and ended."""

    class Dying(FakeKernel):
        def execute(self, code, timeout_s=None, on_call=None):
            result = super().execute(code, timeout_s, on_call)
            self.is_alive = code != "x = 1"
            return result

    recorded("x = 1")
    life._start = Dying
    result = run(life, "y = 1")
    assert (result.status, result.state_lost) == ("ok", True)


def test_of_a_past_that_is_lost_no_cell_is_told_to_be_there_again(life, recorded, kernels):
    recorded("x = 1", "raise KeyError")
    assert run(life, "1").state_lost
    assert life.take_rebuilt() == []
    assert [kernel.ran for kernel in kernels.started] == [["x = 1", "raise KeyError"], ["1"]]


def test_the_end_of_a_cell_does_not_wait_for_the_next_one(life, kernels):
    """On an event loop, nothing else would go on meanwhile, also not what the next one waits for."""

    async def main():
        first = Work(life, {"code": "1"}, "1")
        with first:
            first.value = first.make()
            second = Work(life, {"code": "HANG"}, "HANG")
            running = threading.Thread(target=second.make)
            running.start()
            await kernels.hang()
        assert kernels.started[0].hangs.is_set()
        second.stop()
        running.join()

    asyncio.run(main())


def test_what_cells_showed_is_not_kept_in_memory(life):
    """A session may live for weeks; the log holds it."""
    run(life, "print('x')")
    assert [cell.result for cell in life._past.cells] == [None]


def test_cells_are_remembered_in_the_order_in_which_they_ran(life, kernels):
    """Their steps may end in another one, where functions run side by side."""
    with Work(life, {"code": "x = 1"}, "x = 1") as first:
        first.value = first.make()
        run(life, "y = x")
    assert [cell.code for cell in life._past.cells] == ["x = 1", "y = x"]


def test_cells_are_found_in_the_order_in_which_they_ran(life, recorded):
    """A large result takes long to be logged, and a short cell that ran behind it may be in the log before it."""
    values = [{"result": CellResult("ok").to_dict(), "number": number} for number in (2, 1)]
    steps = [("v/1", {"code": "y = x"}, values[0]), ("v/0", {"code": "x = 1"}, values[1])]
    restart = ("v/2", {"restart": True}, None)
    assert [cell.code for cell in Past(steps).cells] == ["x = 1", "y = x"]
    assert [cell.code for cell in Past([steps[0], restart, steps[1]]).cells] == ["x = 1"]


def test_cells_have_numbers_that_go_on(life, recorded):
    """Also behind those of a recording: a run that goes on is gone on with in its turn."""

    def number_of(value=None):
        with Work(life, {"code": "1"}, "1") as work:
            work.value = value or work.make()
        return work.value["number"]

    load = OUTSIDE.load
    recorded("x = 1")
    outside = OUTSIDE.load()
    outside.steps[0][2]["number"] = 4
    OUTSIDE.load = lambda: outside
    assert [number_of(), number_of()] == [5, 6]
    number_of({"result": CellResult("ok").to_dict(), "number": 9})
    assert number_of() == 10
    OUTSIDE.load = load


def test_a_cell_that_calls_for_another_one_in_its_kernel_is_refused(kernels):
    """Such as by a service that asks an agent: each would wait for the other without end."""
    life = KernelLife(SandboxPolicy(), lambda *_: True, lambda: lambda *_: run(life, "1").status, kernels)
    results = []
    worker = threading.Thread(target=lambda: results.append(run(life, "CALL_API('ask')")), daemon=True)
    worker.start()
    worker.join(5.0)
    assert [(result.status, result.evalue) for result in results] == [
        ("error", "a cell cannot wait for another one that is to run in the same kernel")
    ]
    assert run(life, "1").status == "ok"
    life.close()


def test_a_kernel_between_cells_says_its_tier(life, kernels):
    assert life.tier == ""
    run(life, "1")
    assert life.tier == "none"
    kernels.started[0].close()
    assert life.tier == ""


def test_what_is_no_value_of_a_cell_is_an_unknown_end():
    """A log may come from anywhere."""
    past = Past([("v/0", {"code": "1"}, 7), ("v/1", {"code": "1"}, {"own": 7})])
    assert [cell.result for cell in past.cells] == [None, None]
