"""Every machine that can be reached within small budgets, by the production ``step`` itself."""

import itertools
from collections import deque

import pytest

from lllm.errors import IllegalEventError
from lllm.machine import (
    TERMINAL,
    Budgets,
    BudgetSpent,
    Called,
    CallModel,
    Cancelled,
    DeadlinePassed,
    Fail,
    Finish,
    FunctionReturned,
    Machine,
    Misconfigured,
    ModelFailed,
    ModelPaused,
    ModelReplied,
    RunFunctions,
    State,
    UserCodeRaised,
    Wait,
    Woke,
    step,
)

STOPS = (Cancelled(), DeadlinePassed(), BudgetSpent(), UserCodeRaised(), Misconfigured())
COMMANDS = {
    State.AWAIT_MODEL: CallModel,
    State.AWAIT_FUNCTIONS: RunFunctions,
    State.WAITING: Wait,
    State.DONE: Finish,
    State.FAILED: Fail,
}
RANKS = {
    State.READY: 0,
    State.AWAIT_MODEL: 1,
    State.WAITING: 2,
    State.AWAIT_FUNCTIONS: 2,
    State.DONE: 3,
    State.FAILED: 3,
}


def alphabet(most_calls, tokens=(0,)):
    """Return events of every kind; the last ordinal belongs to no function. Floats are few and sums of powers of two."""
    prices = (0.0,) if tokens == (0,) else (0.0, 0.5)
    replies = itertools.product(("", "bad"), range(most_calls + 1), tokens, prices)
    failures = itertools.product((True, False), (None, 0.0, 1.0, 1000.0), (0.0, 0.5))
    return (
        Called(),
        *(ModelReplied(*fields) for fields in replies),
        *(ModelPaused(*fields) for fields in itertools.product(tokens, prices)),
        *(ModelFailed(*fields) for fields in failures),
        *(FunctionReturned(ordinal, ends) for ordinal in range(most_calls + 1) for ends in (False, True)),
        Woke(),
        *STOPS,
    )


def progress(machine):
    """Grow with every legal event; since it is bounded, every call ends."""
    return machine.model_calls, RANKS[machine.state], -len(machine.pending)


def legal_steps(machine, events):
    """Yield ``(event, machine, commands)`` of what is legal, after checking that the rest left the machine alone."""
    before = repr(machine)
    for event in events:
        try:
            after, commands = step(machine, event)
        except IllegalEventError:
            continue
        yield event, after, commands
    assert repr(machine) == before


def search(budgets, events, enough=None, most_rounds=None):
    """Return every reachable machine with its successors by events other than the four stops; check each on the way."""
    found, queue = {}, deque([Machine(budgets=budgets)])
    found[queue[0]] = None
    while queue and (enough is None or len(found) < enough):
        machine = queue.popleft()
        steps = list(legal_steps(machine, events))
        check_totality(machine, {type(event) for event, _, _ in steps}, {event for event, _, _ in steps}, events)
        for event, after, commands in steps:
            check_move(machine, event, after, commands)
        following = {after for event, after, _ in steps if event not in STOPS}
        found[machine] = following if enough is None else None
        for _, after, _ in steps:
            check_budgets(after)
            if after not in found and (most_rounds is None or after.interrupts <= most_rounds):
                found[after] = None
                queue.append(after)
    return found


def check_totality(machine, kinds, legal, events):
    """In a live machine everything that its driver can meet is legal; in a dead one nothing is."""
    expected = {
        State.READY: {Called},
        State.AWAIT_MODEL: {ModelReplied, ModelPaused, ModelFailed},
        State.AWAIT_FUNCTIONS: {FunctionReturned},
        State.WAITING: {Woke},
        State.DONE: set(),
        State.FAILED: set(),
    }[machine.state]
    if machine.state not in TERMINAL:
        expected = expected | {type(event) for event in STOPS}
    assert kinds == expected
    wanted = {event for event in events if type(event) in expected and not isinstance(event, FunctionReturned)}
    assert legal == wanted | {FunctionReturned(ordinal, ends) for ordinal in machine.pending for ends in (False, True)}


def check_move(before, event, after, commands):
    assert progress(after) > progress(before)
    if isinstance(event, FunctionReturned) and after.state is State.AWAIT_FUNCTIONS:
        assert (commands, after.pending) == ((), before.pending - {event.ordinal})
        return
    (command,) = commands
    assert type(command) is COMMANDS[after.state]
    if isinstance(command, CallModel):
        assert after.model_calls == before.model_calls + 1
        assert command.offer_functions == after.offers_functions
        assert command.go_on == isinstance(event, ModelPaused)
        assert after.interrupts == before.interrupts + command.go_on
    else:
        assert after.model_calls == before.model_calls
    if isinstance(command, RunFunctions):
        assert before.offers_functions
    if isinstance(command, Wait):
        assert 0 <= command.seconds == after.waited_s - before.waited_s


def check_budgets(machine):
    budgets = machine.budgets
    assert 0 <= machine.retries <= budgets.max_exception_retry
    assert 0 <= machine.recalls <= budgets.max_llm_recall
    assert 0 <= machine.waited_s <= budgets.max_total_wait_s
    assert bool(machine.pending) == (machine.state is State.AWAIT_FUNCTIONS)
    assert machine.model_calls >= machine.retries + machine.recalls
    if budgets.max_interrupt_times is not None:
        assert machine.interrupts <= budgets.max_interrupt_times
        assert machine.model_calls <= budgets.max_model_calls
    if machine.state not in TERMINAL:
        assert budgets.max_tokens is None or machine.tokens < budgets.max_tokens
        assert budgets.max_cost_usd is None or machine.cost_usd < budgets.max_cost_usd


def check_terminal_reachable(found):
    """From every machine an end can be reached without anybody stopping the call."""
    before = {machine: [] for machine in found}
    for machine, following in found.items():
        for after in following:
            before[after].append(machine)
    ends = [machine for machine in found if machine.state in TERMINAL]
    seen, queue = set(ends), deque(ends)
    while queue:
        for machine in before[queue.popleft()]:
            if machine not in seen:
                seen.add(machine)
                queue.append(machine)
    assert seen == found.keys()


@pytest.mark.parametrize(
    ("retry", "interrupts", "recall"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (2, 1, 0), (1, 2, 1), (2, 1, 2)]
)
def test_no_call_hangs_and_the_bound_on_model_calls_is_reached(retry, interrupts, recall):
    """The bound in the docs is exact: held by every call, and met by one."""
    budgets = Budgets(retry, interrupts, recall, max_total_wait_s=8.0)
    found = search(budgets, alphabet(most_calls=2))
    check_terminal_reachable(found)
    assert max(machine.model_calls for machine in found) == budgets.max_model_calls
    assert {machine.state for machine in found} >= TERMINAL


def test_no_interrupts_means_that_no_function_ever_runs():
    """A user who forbids functions must be able to rely on it, whatever the model writes."""
    found = search(Budgets(2, 0, 2, max_total_wait_s=4.0), alphabet(most_calls=3))
    assert State.AWAIT_FUNCTIONS not in {machine.state for machine in found}
    assert {machine.interrupts for machine in found} == {0}


def test_parallel_functions_and_every_budget_at_once():
    """Nearly forty thousand machines: all sets of pending functions, with limits on waits, tokens and money."""
    budgets = Budgets(1, 2, 1, max_total_wait_s=4.0, max_tokens=4, max_cost_usd=1.5)
    found = search(budgets, alphabet(most_calls=3, tokens=(0, 1)))
    assert len(found) > 38_000
    check_terminal_reachable(found)
    assert {machine.pending for machine in found} == {
        frozenset(chosen) for n in range(4) for chosen in itertools.combinations(range(3), n)
    }


def test_unlimited_interrupts_still_bound_each_step():
    """None lifts one ladder, not the others: a step makes as many model calls as its own budgets allow."""
    budgets = Budgets(1, None, 1, max_total_wait_s=2.0)
    found = search(budgets, alphabet(most_calls=2), most_rounds=3)
    assert max(machine.interrupts for machine in found) == 3
    assert all(m.model_calls <= (m.interrupts + 1) * 3 for m in found)


@pytest.mark.heavy
def test_a_million_machines():
    """The same checks on the default ladders, with four parallel functions."""
    budgets = Budgets(3, 5, 2, max_total_wait_s=16.0, max_tokens=6, max_cost_usd=2.0)
    assert len(search(budgets, alphabet(most_calls=4, tokens=(0, 1)), enough=1_000_000)) >= 1_000_000
