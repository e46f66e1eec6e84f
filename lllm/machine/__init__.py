"""The pure state machine of one agent call: ``step(machine, event) -> (machine, commands)``."""

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
from lllm.machine.step import step
from lllm.machine.transitions import TABLE, TERMINAL, Budgets, Machine, State

__all__ = [
    "TABLE",
    "TERMINAL",
    "BudgetSpent",
    "Budgets",
    "CallModel",
    "Called",
    "Cancelled",
    "Command",
    "DeadlinePassed",
    "Event",
    "Fail",
    "Finish",
    "FunctionReturned",
    "Machine",
    "Misconfigured",
    "ModelFailed",
    "ModelPaused",
    "ModelReplied",
    "Reason",
    "RunFunctions",
    "State",
    "UserCodeRaised",
    "Wait",
    "Woke",
    "step",
]
