"""What each arrow of the table does, one fact a test."""

import itertools

import pytest

from lllm.errors import IllegalEventError
from lllm.machine import (
    TABLE,
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
    Reason,
    RunFunctions,
    State,
    UserCodeRaised,
    Wait,
    Woke,
    step,
)
from lllm.machine.transitions import NOT_OFFERED

ONE_OF_EACH = (
    Called(),
    ModelReplied(),
    ModelPaused(),
    ModelFailed(retryable=True),
    FunctionReturned(0),
    Woke(),
    Cancelled(),
    DeadlinePassed(),
    BudgetSpent(),
    UserCodeRaised(),
    Misconfigured(),
)
STOPS = {
    Cancelled(): Reason.CANCELLED,
    DeadlinePassed(): Reason.DEADLINE,
    BudgetSpent(): Reason.SESSION_BUDGET,
    UserCodeRaised(): Reason.USER_CODE,
    Misconfigured(): Reason.CONFIG,
}
LEGAL = {
    State.READY: {Called},
    State.AWAIT_MODEL: {ModelReplied, ModelPaused, ModelFailed},
    State.AWAIT_FUNCTIONS: {FunctionReturned},
    State.WAITING: {Woke},
    State.DONE: set(),
    State.FAILED: set(),
}


def run(*events, budgets=None):
    """Return the machine and the last commands after a call with these events."""
    machine, commands = Machine(budgets=budgets or Budgets()), ()
    for event in (Called(), *events):
        machine, commands = step(machine, event)
    return machine, commands


def in_state(state):
    return Machine(state=state, pending=frozenset({0}) if state is State.AWAIT_FUNCTIONS else frozenset())


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("state", State)
def test_every_pair_is_in_the_table_or_illegal(state, event):
    """A driver that sends what the table does not know has a bug, and must hear of it."""
    legal = type(event) in LEGAL[state] or (event in STOPS and state not in TERMINAL)
    assert legal == ((state, type(event)) in TABLE)
    before = in_state(state)
    if legal:
        after, _ = step(before, event)
        assert after != before
    else:
        with pytest.raises(IllegalEventError, match=rf"{type(event).__name__} is not legal in state {state}"):
            step(before, event)
    assert before == in_state(state)


@pytest.mark.parametrize("state", [state for state in State if state not in TERMINAL])
@pytest.mark.parametrize(("event", "reason"), STOPS.items())
def test_a_stop_fails_any_live_call_for_its_own_reason(state, event, reason):
    """Cancelling, deadlines and budgets work at every moment, and leave no function pending."""
    after, commands = step(in_state(state), event)
    assert (after.state, after.pending, commands) == (State.FAILED, frozenset(), (Fail(reason),))


def test_a_call_begins_with_one_request_that_offers_functions():
    """The first request is where the whole ladder is counted from."""
    machine, commands = run()
    assert (machine.state, machine.model_calls, commands) == (State.AWAIT_MODEL, 1, (CallModel(),))


def test_no_interrupts_allowed_offers_no_functions():
    """0 means none, not unlimited."""
    _, commands = run(budgets=Budgets(max_interrupt_times=0))
    assert commands == (CallModel(offer_functions=False),)


def test_a_usable_reply_finishes_and_is_paid():
    """The reply that ends the call costs as much as any other."""
    machine, commands = run(ModelReplied(tokens=7, cost_usd=0.5))
    assert (machine.state, machine.tokens, machine.cost_usd, commands) == (State.DONE, 7, 0.5, (Finish(),))


def test_an_unusable_reply_is_asked_again_with_its_problem():
    """The model mends its answer only if it hears what was wrong."""
    machine, commands = run(ModelReplied(problem="no JSON", tokens=3, cost_usd=0.25))
    assert (machine.state, machine.retries, machine.model_calls) == (State.AWAIT_MODEL, 1, 2)
    assert (machine.tokens, machine.cost_usd) == (3, 0.25)
    assert commands == (CallModel(problem="no JSON"),)


def test_an_unusable_reply_with_calls_runs_none_of_them():
    """Half-broken replies must not have effects."""
    _, commands = run(ModelReplied(problem="bad arguments", n_calls=2))
    assert commands == (CallModel(problem="bad arguments"),)


def test_the_last_unusable_reply_fails_the_call():
    """A model that never does what it is asked ends in a named error, paid in full."""
    budgets = Budgets(max_exception_retry=1)
    machine, commands = run(ModelReplied("x", tokens=1), ModelReplied("y", tokens=2, cost_usd=0.5), budgets=budgets)
    assert (machine.state, machine.tokens, machine.cost_usd) == (State.FAILED, 3, 0.5)
    assert commands == (Fail(Reason.MODEL_BEHAVIOR, problem="y"),)


def test_calls_that_were_not_offered_are_an_unusable_reply():
    """After the last round the model may still try; it is told, and nothing runs."""
    machine, commands = run(ModelReplied(n_calls=1), budgets=Budgets(max_interrupt_times=0))
    assert (machine.retries, machine.interrupts) == (1, 0)
    assert commands == (CallModel(problem=NOT_OFFERED, offer_functions=False),)


def test_asked_functions_all_become_pending():
    """The machine knows which results are out, whatever order they come in."""
    machine, commands = run(ModelReplied(n_calls=3, tokens=5, cost_usd=0.5))
    assert (machine.state, machine.pending, machine.interrupts) == (State.AWAIT_FUNCTIONS, frozenset({0, 1, 2}), 1)
    assert (machine.tokens, machine.cost_usd, machine.model_calls) == (5, 0.5, 1)
    assert commands == (RunFunctions(),)


def test_a_result_among_others_asks_for_nothing():
    """The next request needs all results."""
    machine, commands = run(ModelReplied(n_calls=2), FunctionReturned(1))
    assert (machine.state, machine.pending, commands) == (State.AWAIT_FUNCTIONS, frozenset({0}), ())


def test_the_last_result_starts_a_new_step_with_fresh_ladders():
    """Retries and recalls are bounded for each step, so one hard step does not starve the next."""
    events = (ModelReplied("x"), ModelFailed(retryable=True), Woke(), ModelReplied(n_calls=1), FunctionReturned(0))
    machine, commands = run(*events)
    assert (machine.state, machine.retries, machine.recalls) == (State.AWAIT_MODEL, 0, 0)
    assert (machine.pending, machine.model_calls, commands) == (frozenset(), 4, (CallModel(),))


def test_after_the_last_round_the_final_handler_speaks():
    """The model must know that it is its last word, and has no functions left to ask for."""
    machine, commands = run(ModelReplied(n_calls=1), FunctionReturned(0), budgets=Budgets(max_interrupt_times=1))
    assert machine.model_calls == 2
    assert commands == (CallModel(offer_functions=False, say_final=True),)


@pytest.mark.parametrize(
    "returned", list(itertools.permutations([FunctionReturned(0), FunctionReturned(1, is_last=True)]))
)
def test_a_function_may_ask_for_the_last_word(returned):
    """Whichever of a round returns last: no further round follows, though the budget has some left."""
    machine, commands = run(ModelReplied(n_calls=2), *returned)
    assert commands == (CallModel(offer_functions=False, say_final=True),)
    assert not machine.offers_functions
    machine, commands = step(machine, ModelReplied(n_calls=1))
    assert commands == (CallModel(problem=NOT_OFFERED, offer_functions=False),)
    assert step(machine, ModelReplied())[1] == (Finish(),)


def test_the_final_answer_finishes():
    """A plain reply is usable also when nothing was offered."""
    machine, commands = run(ModelReplied(), budgets=Budgets(max_interrupt_times=0))
    assert (machine.state, commands) == (State.DONE, (Finish(),))


@pytest.mark.parametrize("ordinal", [0, 2, -1])
def test_a_result_that_is_not_pending_is_refused(ordinal):
    """A result that counts twice would let the model read one function's answer as another's."""
    machine, _ = run(ModelReplied(n_calls=2), FunctionReturned(0))
    with pytest.raises(IllegalEventError, match=f"function {ordinal} has returned already, or was never called"):
        step(machine, FunctionReturned(ordinal))
    assert machine.pending == {1}


def test_a_negative_number_of_calls_fits_no_arrow():
    """A provider that counts wrongly is our bug, and must not finish a call."""
    machine, _ = run()
    with pytest.raises(IllegalEventError, match="no arrow fits ModelReplied"):
        step(machine, ModelReplied(n_calls=-1))


@pytest.mark.parametrize(("recall", "seconds"), [*enumerate([0.5, 1.0, 2.0, 4.0, 8.0, 8.0])])
def test_waits_double_up_to_eight_seconds(recall, seconds):
    """A server under load gets room, and a caller is never kept waiting for minutes without being asked to."""
    start = Machine(State.AWAIT_MODEL, Budgets(max_llm_recall=9), recalls=recall)
    machine, commands = step(start, ModelFailed(retryable=True))
    assert (machine.state, machine.recalls, machine.waited_s) == (State.WAITING, recall + 1, seconds)
    assert commands == (Wait(seconds),)


def test_jitter_takes_up_to_half_of_a_wait():
    """Many callers of one server must not come back at once."""
    _, commands = run(ModelFailed(retryable=True, jitter=0.5))
    assert commands == (Wait(0.375),)


@pytest.mark.parametrize(("asked_s", "seconds"), [(0.0, 0.0), (30.0, 30.0), (-5.0, 0.0), (float("nan"), 0.0)])
def test_the_server_says_how_long_to_wait(asked_s, seconds):
    """Retry-After is honoured as it is; one that lies in the past, or is no number, is no wait, and gives no credit."""
    machine, commands = run(ModelFailed(retryable=True, retry_after_s=asked_s, jitter=0.9))
    assert (commands, machine.waited_s) == ((Wait(seconds),), seconds)


@pytest.mark.parametrize(("asked_s", "state"), [(3.0, State.WAITING), (3.5, State.FAILED)])
def test_waits_together_stay_within_their_budget(asked_s, state):
    """A server that asks for an hour is an error now, not in an hour."""
    start = Machine(State.AWAIT_MODEL, Budgets(max_total_wait_s=10.0), waited_s=7.0)
    machine, commands = step(start, ModelFailed(retryable=True, retry_after_s=asked_s))
    assert machine.state is state
    assert commands == ((Wait(asked_s),) if state is State.WAITING else (Fail(Reason.PROVIDER),))


def test_waking_up_sends_the_same_request_again():
    """A repeat after a transport failure is no new step and no retry."""
    machine, commands = run(ModelFailed(retryable=True), Woke())
    assert (machine.state, machine.model_calls, machine.retries) == (State.AWAIT_MODEL, 2, 0)
    assert commands == (CallModel(again=True),)


def test_a_repeat_of_the_last_round_still_offers_nothing():
    """A repeated request must be the same request."""
    _, commands = run(ModelFailed(retryable=True), Woke(), budgets=Budgets(max_interrupt_times=0))
    assert commands == (CallModel(offer_functions=False, again=True),)


def test_a_failure_that_waiting_does_not_cure_ends_the_call():
    """A wrong key is told at once."""
    machine, commands = run(ModelFailed(retryable=False))
    assert (machine.state, machine.waited_s, commands) == (State.FAILED, 0.0, (Fail(Reason.PROVIDER),))


def test_failures_end_the_call_when_the_repeats_are_spent():
    """``max_llm_recall`` repeats, not one more."""
    failed = ModelFailed(retryable=True)
    machine, commands = run(failed, Woke(), failed, Woke(), failed)
    assert (machine.recalls, machine.model_calls, commands) == (2, 3, (Fail(Reason.PROVIDER),))


def test_a_paused_turn_goes_on_and_is_a_round():
    """A server that runs tools of its own may pause for ever, so its pauses are counted where rounds are."""
    machine, commands = run(ModelPaused(tokens=3, cost_usd=0.5), budgets=Budgets(max_interrupt_times=2))
    assert (machine.state, machine.interrupts, machine.model_calls) == (State.AWAIT_MODEL, 1, 2)
    assert (machine.tokens, machine.cost_usd, commands) == (3, 0.5, (CallModel(go_on=True),))
    machine, commands = step(machine, ModelPaused())
    assert (machine.interrupts, commands) == (2, (CallModel(offer_functions=False, go_on=True),))


def test_a_pause_brings_fresh_recalls_but_no_fresh_retries():
    """It is another request, so the network may fail anew; what the model gets wrong is still the same step."""
    machine, _ = run(ModelReplied("x"), ModelFailed(retryable=True), Woke(), ModelPaused())
    assert (machine.retries, machine.recalls, machine.model_calls) == (1, 0, 4)


@pytest.mark.parametrize("limit", [0, 1])
def test_a_pause_after_the_last_round_ends_the_call(limit):
    """Half a turn must not pass for an answer; what it cost is counted."""
    pauses = [ModelPaused(tokens=1, cost_usd=0.5)] * (limit + 1)
    machine, commands = run(*pauses, budgets=Budgets(max_interrupt_times=limit))
    assert (machine.state, machine.tokens, machine.cost_usd) == (State.FAILED, limit + 1, 0.5 * (limit + 1))
    assert (machine.model_calls, commands) == (limit + 1, (Fail(Reason.INTERRUPTS),))


@pytest.mark.parametrize(
    "needs_more", [ModelReplied("x", tokens=4), ModelReplied(n_calls=1, tokens=4), ModelPaused(tokens=4)]
)
def test_spent_tokens_stop_a_call_that_needs_more(needs_more):
    """A budget is a stop, not a wish; what was spent is still counted."""
    machine, commands = run(needs_more, budgets=Budgets(max_tokens=4))
    assert (machine.state, machine.tokens, commands) == (State.FAILED, 4, (Fail(Reason.TOKENS),))
    assert run(needs_more, budgets=Budgets(max_tokens=5))[0].state is not State.FAILED


@pytest.mark.parametrize(
    "needs_more", [ModelReplied("x", cost_usd=0.5), ModelReplied(n_calls=1, cost_usd=0.5), ModelPaused(cost_usd=0.5)]
)
def test_spent_money_stops_a_call_that_needs_more(needs_more):
    """As with tokens."""
    machine, commands = run(needs_more, budgets=Budgets(max_cost_usd=0.5))
    assert (machine.state, machine.cost_usd, commands) == (State.FAILED, 0.5, (Fail(Reason.COST),))
    assert run(needs_more, budgets=Budgets(max_cost_usd=0.75))[0].state is not State.FAILED


def test_budgets_count_over_the_whole_call():
    """Two replies that are each within the budget can be beyond it together."""
    budgets = Budgets(max_tokens=4, max_cost_usd=9.0)
    machine, _ = run(ModelReplied("x", tokens=2), ModelReplied("x", tokens=2), budgets=budgets)
    assert machine.state is State.FAILED
    machine, _ = run(ModelReplied("x", cost_usd=5.0), ModelReplied("x", cost_usd=5.0), budgets=budgets)
    assert machine.state is State.FAILED


def test_an_answer_that_is_there_is_never_thrown_away_for_its_price():
    """The money is gone either way."""
    machine, _ = run(ModelReplied(tokens=99, cost_usd=99.0), budgets=Budgets(max_tokens=1, max_cost_usd=0.1))
    assert machine.state is State.DONE


def test_a_machine_is_a_value():
    """Replay and search keep machines in sets."""
    assert {run()[0], run()[0]} == {run()[0]}


def test_unlimited_interrupts_have_no_bound_on_model_calls():
    """Unlimited is spelled None, and the bound says so."""
    assert Budgets(max_interrupt_times=None).max_model_calls is None
    assert Budgets().max_model_calls == 36


def test_the_default_budgets_are_the_documented_ones():
    """Three retries a step, five rounds of functions, two recalls, two minutes of waiting, no other limit."""
    assert Budgets() == (3, 5, 2, 120.0, None, None)
