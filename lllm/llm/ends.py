"""How a call ends early: what broke into it as an event of the machine, and the machine's reason as an error."""

from __future__ import annotations

from lllm.errors import CallCancelled, ConfigError, LimitExceeded, UserCodeError
from lllm.llm.effects import DeadlineHit
from lllm.machine import Cancelled, DeadlinePassed, Event, Machine, Misconfigured, Reason, UserCodeRaised
from lllm.models.plain import show


def to_event(error: BaseException) -> Event:
    """Return the event for what broke into an effect. Pure."""
    if isinstance(error, DeadlineHit):
        return DeadlinePassed()
    if isinstance(error, ConfigError):
        return Misconfigured()
    if isinstance(error, Exception) and not isinstance(error, CallCancelled):
        return UserCodeRaised()
    return Cancelled()


def to_limit_error(reason: Reason, machine: Machine, during: BaseException | None, where: str) -> LimitExceeded | None:
    """Return the error of a limit that is spent; None where the reason is no limit. Pure.

    Args:
        reason: why the machine failed.
        machine: how much of each limit is used.
        during: what was under way when the deadline passed.
        where: session and step.
    """
    budgets = machine.budgets
    rounds = f"none of max_interrupt_times={budgets.max_interrupt_times} rounds is left"
    limits: dict[Reason, tuple[str, ...]] = {
        Reason.TOKENS: ("tokens", f"the call used {machine.tokens} of {budgets.max_tokens} tokens"),
        Reason.COST: ("cost", f"the call cost ${machine.cost_usd:.4f} of ${budgets.max_cost_usd}"),
        Reason.INTERRUPTS: (
            "interrupts",
            f"the server paused in the middle of its turn, and {rounds}",
            "raise max_interrupt_times: each pause of a server that runs tools of its own is a round",
        ),
        Reason.SESSION_BUDGET: ("session", "the session's tokens or money are spent"),
        Reason.DEADLINE: ("deadline", f"the deadline passed during {during}"),
    }
    if reason not in limits:
        return None
    limit, said, *hint = limits[reason]
    return LimitExceeded(said, limit=limit, where=where, hint="".join(hint))


def to_named(error: Exception) -> UserCodeError:
    """Return what a call ends in when a provider or a callback raises what is no error of ours. Pure."""
    named = UserCodeError(f"a provider or a callback raised {type(error).__name__}: {show(error)}")
    named.__cause__ = error
    return named
