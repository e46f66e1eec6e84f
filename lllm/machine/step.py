"""One move of the machine: look the event up, take the first arrow that fits. Pure."""

from __future__ import annotations

from lllm.errors import IllegalEventError
from lllm.machine.commands import Command
from lllm.machine.events import Event, FunctionReturned
from lllm.machine.transitions import TABLE, Machine


def step(machine: Machine, event: Event) -> tuple[Machine, tuple[Command, ...]]:
    """Return the machine after ``event``, and what the driver must do: no command, or one.

    Raises:
        IllegalEventError: the table has no row for this event in this state, no arrow of the row fits (a negative
            number of calls), or the function is not pending. The machine that was passed in is as good as before.
    """
    arrows = TABLE.get((machine.state, type(event)))
    if arrows is None:
        raise IllegalEventError(f"{type(event).__name__} is not legal in state {machine.state}")
    if type(event) is FunctionReturned and event.ordinal not in machine.pending:
        raise IllegalEventError(f"function {event.ordinal} has returned already, or was never called")
    for when, then, do in arrows:
        if when(machine, event):
            after, command = do(machine, event)
            return after._replace(state=then), () if command is None else (command,)
    raise IllegalEventError(f"no arrow fits {event!r} in state {machine.state}")
