"""Long random histories, and every order in which parallel functions can return."""

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.errors import IllegalEventError
from lllm.machine import (
    TERMINAL,
    Budgets,
    BudgetSpent,
    Called,
    CallModel,
    Cancelled,
    DeadlinePassed,
    Finish,
    FunctionReturned,
    Machine,
    Misconfigured,
    ModelFailed,
    ModelPaused,
    ModelReplied,
    State,
    UserCodeRaised,
    Woke,
    step,
)

FLOATS = st.floats(0, 100)
REPLIES = st.builds(
    ModelReplied,
    problem=st.sampled_from(["", "", "bad"]),
    n_calls=st.integers(0, 4),
    tokens=st.integers(0, 50),
    cost_usd=FLOATS,
)
FAILURES = st.builds(
    ModelFailed, retryable=st.booleans(), retry_after_s=st.none() | FLOATS, jitter=st.floats(0, 1, exclude_max=True)
)
STOPS = st.sampled_from([Cancelled(), DeadlinePassed(), BudgetSpent(), UserCodeRaised(), Misconfigured()])
# Mostly what a driver could send, so that histories get long; a stop or something illegal now and then.
EVENTS = st.one_of(
    REPLIES,
    REPLIES,
    st.builds(ModelPaused, tokens=st.integers(0, 50), cost_usd=FLOATS),
    FAILURES,
    st.builds(FunctionReturned, st.integers(0, 4), is_last=st.sampled_from([False, False, False, True])),
    st.just(Woke()),
    st.just(Called()),
    STOPS,
)
BUDGETS = st.builds(
    Budgets,
    max_exception_retry=st.integers(0, 4),
    max_interrupt_times=st.none() | st.integers(0, 4),
    max_llm_recall=st.integers(0, 4),
    max_total_wait_s=FLOATS,
    max_tokens=st.none() | st.integers(1, 500),
    max_cost_usd=st.none() | FLOATS,
)


@given(BUDGETS, st.lists(EVENTS, max_size=60))
def test_any_history_keeps_the_machine_in_bounds(budgets, events):
    """Whatever arrives in whatever order: an illegal event changes nothing, a legal one has its one command."""
    machine = Machine(budgets=budgets)
    for event in [Called(), *events]:
        before = machine
        try:
            machine, commands = step(machine, event)
        except IllegalEventError:
            assert machine is before
            continue
        assert before.state not in TERMINAL
        still_running = machine.state is State.AWAIT_FUNCTIONS and before.state is State.AWAIT_FUNCTIONS
        assert len(commands) == (0 if still_running else 1)
        assert machine.retries <= budgets.max_exception_retry
        assert machine.recalls <= budgets.max_llm_recall
        assert machine.waited_s <= budgets.max_total_wait_s
        assert machine.tokens >= before.tokens
        assert machine.cost_usd >= before.cost_usd
        if budgets.max_interrupt_times is not None:
            assert machine.interrupts <= budgets.max_interrupt_times
            assert machine.model_calls <= budgets.max_model_calls


@given(BUDGETS, st.lists(EVENTS, max_size=60))
def test_the_same_history_gives_the_same_machine(budgets, events):
    """Replay is this fact."""

    def fold():
        machine, told = Machine(budgets=budgets), []
        for event in [Called(), *events]:
            try:
                machine, commands = step(machine, event)
                told.append(commands)
            except IllegalEventError as error:
                told.append(str(error))
        return machine, told

    assert fold() == fold()


def after_results(order):
    """Return the machine and all commands after ``n`` functions returned in this order."""
    machine, _ = step(Machine(), Called())
    machine, _ = step(machine, ModelReplied(n_calls=len(order)))
    told = []
    for ordinal in order:
        machine, commands = step(machine, FunctionReturned(ordinal))
        told += commands
    return machine, told


@pytest.mark.parametrize("n", range(1, 7))
def test_every_order_of_parallel_results_ends_alike(n):
    """Which function is faster must not change a run."""
    ends = {(machine, *told) for machine, told in map(after_results, itertools.permutations(range(n)))}
    assert ends == {(Machine(State.AWAIT_MODEL, interrupts=1, model_calls=2), CallModel())}


def test_three_hundred_parallel_results_end_alike_in_random_orders():
    """A reply with hundreds of calls is rare and legal."""
    expected, random = after_results(range(300)), Random(0)
    for _ in range(10):
        assert after_results(random.sample(range(300), 300)) == expected


@given(st.permutations(range(32)))
def test_thirty_two_parallel_results_end_alike(order):
    """As for six, where all orders are too many."""
    assert after_results(order) == after_results(range(32))


def test_a_long_call_without_a_bound_stays_small():
    """A machine holds numbers, so ten thousand rounds cost what one costs."""
    machine, _ = step(Machine(budgets=Budgets(max_interrupt_times=None)), Called())
    for _ in range(10_000):
        machine, _ = step(machine, ModelReplied(n_calls=1, tokens=1))
        machine, commands = step(machine, FunctionReturned(0))
        assert commands == (CallModel(),)
    assert (machine.interrupts, machine.model_calls, machine.tokens) == (10_000, 10_001, 10_000)
    assert step(machine, ModelReplied())[1] == (Finish(),)
