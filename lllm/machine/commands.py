"""What the machine asks its driver to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a call failed."""

    MODEL_BEHAVIOR = "model_behavior"
    PROVIDER = "provider"
    TOKENS = "tokens"
    COST = "cost"
    INTERRUPTS = "interrupts"
    DEADLINE = "deadline"
    SESSION_BUDGET = "session_budget"
    CANCELLED = "cancelled"
    USER_CODE = "user_code"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask the model.

    Attributes:
        problem: not empty: grow the retry branch by the unusable reply and the handler's message about this problem.
        offer_functions: whether the model may ask for functions.
        say_final: whether the final handler speaks first, because the last round of functions is over.
        again: the same request as before, after a failure of transport.
        go_on: the request ends with the paused reply, so that the model goes on with it.
    """

    problem: str = ""
    offer_functions: bool = True
    say_final: bool = False
    again: bool = False
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class RunFunctions:
    """Run what the last reply asks for, in any order or at once."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait before the next attempt."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The last reply is the call's result."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The call ends in an error.

    Attributes:
        problem: what was wrong with the last reply; only with MODEL_BEHAVIOR.
    """

    reason: Reason
    problem: str = ""


Command = CallModel | RunFunctions | Wait | Finish | Fail
