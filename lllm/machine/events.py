"""What can happen to a call. Time, chance and I/O come in here, as fields; the machine itself has none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Called:
    """Somebody called the agent."""


@dataclass(frozen=True, slots=True)
class ModelReplied:
    """The model answered.

    Attributes:
        problem: why the reply cannot be used, in words for the model; empty when it can.
        n_calls: how many functions it asks for.
        tokens: prompt and completion tokens of this reply.
        cost_usd: its price; 0 when unknown, since a limit can only count what is known.
    """

    problem: str = ""
    n_calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelPaused:
    """The server broke off in the middle of the model's turn: it goes on when it is sent what there is so far.

    Attributes:
        tokens, cost_usd: as in ModelReplied.
    """

    tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """No answer came.

    Attributes:
        retryable: whether the same request may succeed later.
        retry_after_s: seconds that the server asked to wait, or None.
        jitter: a random number in [0, 1), so that many callers do not come back at once.
    """

    retryable: bool
    retry_after_s: float | None = None
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class FunctionReturned:
    """Function ``ordinal`` of this round (0 is the first that the model named) has its result, good or bad.

    Attributes:
        is_last: it asks for the model's last word: no further round of functions follows in this call.
    """

    ordinal: int
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Woke:
    """The wait is over."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody stopped the call."""


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The time of the call, or of its session, is up."""


@dataclass(frozen=True, slots=True)
class BudgetSpent:
    """The session that the call belongs to has spent its tokens or its money."""


@dataclass(frozen=True, slots=True)
class UserCodeRaised:
    """A parser or handler of the user has a bug: it raised something else than ParseError."""


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """What was asked for cannot be had: a key, a price or a setting is missing."""


Event = (
    Called
    | ModelReplied
    | ModelPaused
    | ModelFailed
    | FunctionReturned
    | Woke
    | Cancelled
    | DeadlinePassed
    | BudgetSpent
    | UserCodeRaised
    | Misconfigured
)
