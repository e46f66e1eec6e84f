"""The machine of one call: every legal move, in one table.

Rule 1: everything that changes what a dialog may do next lives in this file. Drivers, providers and logs ask the table;
none of them decides.

Rule 2: the table knows no clock, no chance, no text and no I/O. What it needs of them comes in as fields of events.

How to read it: a call is in one ``State``. An event looks up ``(state, type of event)``; the first arrow whose guard
holds is taken: the state changes, the counters change, and a command says what the driver must do next. A pair without
a row is an ``IllegalEventError``: a bug of ours, never of the model. What the model does wrong is data:
``ModelReplied.problem``.

Three ladders bound every call. Each step (one reply that counts) has its own exception retries and its own recalls; the
call has its interrupts, one for each round of functions and one for each pause of the server's, after which recalls
start afresh, too. So at most
``(max_interrupt_times + 1) * (max_exception_retry + 1 + max_llm_recall)`` model calls are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from lllm.machine.commands import CallModel, Command, Fail, Finish, Reason, RunFunctions, Wait
from lllm.machine.events import (
    BudgetSpent,
    Called,
    Cancelled,
    DeadlinePassed,
    Event,
    FunctionReturned,
    Misconfigured,
    ModelFailed,
    ModelPaused,
    ModelReplied,
    UserCodeRaised,
    Woke,
)


class State(StrEnum):
    """Where a call stands."""

    READY = "READY"
    AWAIT_MODEL = "AWAIT_MODEL"
    AWAIT_FUNCTIONS = "AWAIT_FUNCTIONS"
    WAITING = "WAITING"
    DONE = "DONE"
    FAILED = "FAILED"


TERMINAL = frozenset({State.DONE, State.FAILED})
NOT_OFFERED = "no functions can be called now; answer without calling one"


class Budgets(NamedTuple):
    """What one call may use up. A number is a hard bound; None means no bound, 0 means none.

    Attributes:
        max_exception_retry: unusable replies of one step that are answered with the exception handler.
        max_interrupt_times: rounds of functions in one call; a pause of the server's, which runs its own, is one, too.
        max_llm_recall: repeats of one step's requests after failures of transport.
        max_total_wait_s: seconds of waiting between such repeats, over the call.
        max_tokens: prompt and completion tokens over the call.
        max_cost_usd: money over the call, as far as prices are known.
    """

    max_exception_retry: int = 3
    max_interrupt_times: int | None = 5
    max_llm_recall: int = 2
    max_total_wait_s: float = 120.0
    max_tokens: int | None = None
    max_cost_usd: float | None = None

    @property
    def max_model_calls(self) -> int | None:
        """The bound on model calls that follows; None when interrupts are unlimited."""
        if self.max_interrupt_times is None:
            return None
        return (self.max_interrupt_times + 1) * (self.max_exception_retry + 1 + self.max_llm_recall)


class Machine(NamedTuple):
    """One call so far. Immutable and hashable; it holds numbers, never messages.

    Attributes:
        retries: exception retries used in this step.
        recalls: repeats used in this step, or since the server's last pause.
        interrupts: rounds of functions begun in this call, and pauses.
        pending: ordinals of functions that have not returned.
        model_calls: how often the model was asked.
        waited_s, tokens, cost_usd: sums over the call.
        is_last: a function asked that no further round follows.
    """

    state: State = State.READY
    budgets: Budgets = Budgets()
    retries: int = 0
    recalls: int = 0
    interrupts: int = 0
    pending: frozenset[int] = frozenset()
    model_calls: int = 0
    waited_s: float = 0.0
    tokens: int = 0
    cost_usd: float = 0.0
    is_last: bool = False

    @property
    def offers_functions(self) -> bool:
        """Whether the model may ask for functions in this step."""
        limit = self.budgets.max_interrupt_times
        return not self.is_last and (limit is None or self.interrupts < limit)


# --- guards: when an arrow is taken -------------------------------------------------------------------------------


def always(_machine: Machine, _event: Any) -> bool:
    """Always."""
    return True


def unusable(machine: Machine, event: ModelReplied) -> bool:
    """The reply is unusable."""
    return bool(event.problem) or (event.n_calls > 0 and not machine.offers_functions)


def unusable_and_no_retry(machine: Machine, event: ModelReplied) -> bool:
    """The reply is unusable, no exception retry left."""
    return unusable(machine, event) and machine.retries >= machine.budgets.max_exception_retry


def parsed(machine: Machine, event: ModelReplied) -> bool:
    """The reply is parsed, no function calls."""
    return not unusable(machine, event) and event.n_calls == 0


def asks_for_functions(_machine: Machine, event: ModelReplied) -> bool:
    """It asks for functions."""
    return event.n_calls > 0


def no_tokens(machine: Machine, event: ModelReplied | ModelPaused) -> bool:
    """More is needed, but the tokens are spent."""
    limit = machine.budgets.max_tokens
    return limit is not None and machine.tokens + event.tokens >= limit


def no_money(machine: Machine, event: ModelReplied | ModelPaused) -> bool:
    """More is needed, but the money is spent."""
    limit = machine.budgets.max_cost_usd
    return limit is not None and machine.cost_usd + event.cost_usd >= limit


def may_go_on(machine: Machine, _event: ModelPaused) -> bool:
    """Another round is allowed."""
    return machine.offers_functions


def may_not_go_on(machine: Machine, _event: ModelPaused) -> bool:
    """No further round is allowed."""
    return not machine.offers_functions


def others_pending(machine: Machine, _event: FunctionReturned) -> bool:
    """Other functions are still running."""
    return len(machine.pending) > 1


def interrupts_left(machine: Machine, event: FunctionReturned) -> bool:
    """It was the last one running, and another round is allowed."""
    return machine.offers_functions and not event.is_last


def no_interrupt_left(machine: Machine, event: FunctionReturned) -> bool:
    """It was the last one running, and no further round is allowed."""
    return not interrupts_left(machine, event)


def worth_repeating(machine: Machine, event: ModelFailed) -> bool:
    """The failure may pass, a repeat is left, and the wait fits."""
    return (
        event.retryable
        and machine.recalls < machine.budgets.max_llm_recall
        and machine.waited_s + backoff_s(machine, event) <= machine.budgets.max_total_wait_s
    )


def not_worth_repeating(machine: Machine, event: ModelFailed) -> bool:
    """A repeat would not help, or none is left."""
    return not worth_repeating(machine, event)


def backoff_s(machine: Machine, event: ModelFailed) -> float:
    """Return the seconds to wait: what the server asked for, else 0.5, 1, 2, 4, 8 s, less up to half by jitter."""
    if event.retry_after_s is not None:
        return max(0.0, event.retry_after_s)
    return min(8.0, 0.5 * 2**machine.recalls) * (1 - event.jitter / 2)


# --- actions: what changes, and what the driver must do ------------------------------------------------------------

Step = tuple[Machine, Command | None]


def ask(machine: Machine, _event: Called) -> Step:
    """CallModel."""
    return machine._replace(model_calls=1), CallModel(offer_functions=machine.offers_functions)


def _paid(machine: Machine, event: ModelReplied | ModelPaused) -> Machine:
    return machine._replace(tokens=machine.tokens + event.tokens, cost_usd=machine.cost_usd + event.cost_usd)


def ask_on_retry_branch(machine: Machine, event: ModelReplied) -> Step:
    """CallModel on the retry branch, with the exception handler's message."""
    after = _paid(machine, event)._replace(retries=machine.retries + 1, model_calls=machine.model_calls + 1)
    return after, CallModel(problem=event.problem or NOT_OFFERED, offer_functions=machine.offers_functions)


def run_functions(machine: Machine, event: ModelReplied) -> Step:
    """RunFunctions."""
    pending = frozenset(range(event.n_calls))
    return _paid(machine, event)._replace(pending=pending, interrupts=machine.interrupts + 1), RunFunctions()


def finish(machine: Machine, event: ModelReplied) -> Step:
    """Finish."""
    return _paid(machine, event), Finish()


def keep_waiting(machine: Machine, event: FunctionReturned) -> Step:
    """Nothing."""
    return machine._replace(pending=machine.pending - {event.ordinal}, is_last=machine.is_last or event.is_last), None


def _next_step(machine: Machine) -> Machine:
    return machine._replace(pending=frozenset(), retries=0, recalls=0, model_calls=machine.model_calls + 1)


def ask_with_results(machine: Machine, _event: FunctionReturned) -> Step:
    """CallModel with the results, in the model's order."""
    return _next_step(machine), CallModel()


def ask_for_the_end(machine: Machine, event: FunctionReturned) -> Step:
    """CallModel with the results and the final handler's message, offering no functions."""
    after = _next_step(machine)._replace(is_last=machine.is_last or event.is_last)
    return after, CallModel(offer_functions=False, say_final=True)


def ask_to_go_on(machine: Machine, event: ModelPaused) -> Step:
    """CallModel with the paused reply as it is."""
    counts = {"interrupts": machine.interrupts + 1, "recalls": 0, "model_calls": machine.model_calls + 1}
    after = _paid(machine, event)._replace(**counts)
    return after, CallModel(offer_functions=after.offers_functions, go_on=True)


def wait(machine: Machine, event: ModelFailed) -> Step:
    """Wait."""
    seconds = backoff_s(machine, event)
    return machine._replace(recalls=machine.recalls + 1, waited_s=machine.waited_s + seconds), Wait(seconds)


def ask_again(machine: Machine, _event: Woke) -> Step:
    """CallModel with the same request."""
    again = CallModel(offer_functions=machine.offers_functions, again=True)
    return machine._replace(model_calls=machine.model_calls + 1), again


def fail_behavior(machine: Machine, event: ModelReplied) -> Step:
    """Fail: ModelBehaviorError with every attempt."""
    return _paid(machine, event), Fail(Reason.MODEL_BEHAVIOR, event.problem or NOT_OFFERED)


def fail_interrupts(machine: Machine, event: ModelPaused) -> Step:
    """Fail: LimitExceeded (interrupts)."""
    return _paid(machine, event), Fail(Reason.INTERRUPTS)


def fail_tokens(machine: Machine, event: ModelReplied | ModelPaused) -> Step:
    """Fail: LimitExceeded (tokens)."""
    return _paid(machine, event), Fail(Reason.TOKENS)


def fail_money(machine: Machine, event: ModelReplied | ModelPaused) -> Step:
    """Fail: LimitExceeded (cost)."""
    return _paid(machine, event), Fail(Reason.COST)


def fail_provider(machine: Machine, _event: ModelFailed) -> Step:
    """Fail: the ProviderError."""
    return machine, Fail(Reason.PROVIDER)


def fail_cancelled(machine: Machine, _event: Cancelled) -> Step:
    """Fail: CallCancelled."""
    return machine._replace(pending=frozenset()), Fail(Reason.CANCELLED)


def fail_deadline(machine: Machine, _event: DeadlinePassed) -> Step:
    """Fail: LimitExceeded (deadline)."""
    return machine._replace(pending=frozenset()), Fail(Reason.DEADLINE)


def fail_session(machine: Machine, _event: BudgetSpent) -> Step:
    """Fail: LimitExceeded (session)."""
    return machine._replace(pending=frozenset()), Fail(Reason.SESSION_BUDGET)


def fail_user_code(machine: Machine, _event: UserCodeRaised) -> Step:
    """Fail: UserCodeError."""
    return machine._replace(pending=frozenset()), Fail(Reason.USER_CODE)


def fail_config(machine: Machine, _event: Misconfigured) -> Step:
    """Fail: ConfigError."""
    return machine._replace(pending=frozenset()), Fail(Reason.CONFIG)


class Arrow(NamedTuple):
    """One way out of a cell of the table. The docstrings of ``when`` and ``do`` are what pictures of the table say."""

    when: Callable[[Machine, Any], bool]
    then: State
    do: Callable[[Machine, Any], Step]


STOPS: Mapping[type[Event], Arrow] = {
    Cancelled: Arrow(always, State.FAILED, fail_cancelled),
    DeadlinePassed: Arrow(always, State.FAILED, fail_deadline),
    BudgetSpent: Arrow(always, State.FAILED, fail_session),
    UserCodeRaised: Arrow(always, State.FAILED, fail_user_code),
    Misconfigured: Arrow(always, State.FAILED, fail_config),
}

TABLE: Mapping[tuple[State, type[Event]], tuple[Arrow, ...]] = {
    (State.READY, Called): (Arrow(always, State.AWAIT_MODEL, ask),),
    (State.AWAIT_MODEL, ModelReplied): (
        Arrow(parsed, State.DONE, finish),
        Arrow(unusable_and_no_retry, State.FAILED, fail_behavior),
        Arrow(no_tokens, State.FAILED, fail_tokens),
        Arrow(no_money, State.FAILED, fail_money),
        Arrow(unusable, State.AWAIT_MODEL, ask_on_retry_branch),
        Arrow(asks_for_functions, State.AWAIT_FUNCTIONS, run_functions),
    ),
    (State.AWAIT_MODEL, ModelPaused): (
        Arrow(may_not_go_on, State.FAILED, fail_interrupts),
        Arrow(no_tokens, State.FAILED, fail_tokens),
        Arrow(no_money, State.FAILED, fail_money),
        Arrow(may_go_on, State.AWAIT_MODEL, ask_to_go_on),
    ),
    (State.AWAIT_MODEL, ModelFailed): (
        Arrow(worth_repeating, State.WAITING, wait),
        Arrow(not_worth_repeating, State.FAILED, fail_provider),
    ),
    (State.AWAIT_FUNCTIONS, FunctionReturned): (
        Arrow(others_pending, State.AWAIT_FUNCTIONS, keep_waiting),
        Arrow(interrupts_left, State.AWAIT_MODEL, ask_with_results),
        Arrow(no_interrupt_left, State.AWAIT_MODEL, ask_for_the_end),
    ),
    (State.WAITING, Woke): (Arrow(always, State.AWAIT_MODEL, ask_again),),
    **{(state, event): (arrow,) for state in State if state not in TERMINAL for event, arrow in STOPS.items()},
}
