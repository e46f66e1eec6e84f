"""What a listener hears of a session that goes on: what is done, not what is served."""

from __future__ import annotations

from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.llm.stream import FunctionEvent, TextEvent
from lllm.log.memory import MemoryLog
from lllm.replay import fork
from lllm.testing import function_model


def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def respond(request):
    last = request.history[-1]
    return (
        f"it is {last.content}"
        if last.role.value == "tool"
        else {"calls": [{"name": "double", "arguments": {"number": 4}}]}
    )


def program(session):
    agent = Agent.quick("You count.", provider=function_model(respond), functions=[double])
    dialog = agent.init_dialog(session=session)
    for _ in range(2):
        dialog.send_message("double four")
        agent.call(dialog)


def test_a_listener_hears_only_what_is_done():
    """A function that is shown while it is served looks as if it ran again."""
    log, heard = MemoryLog(), []
    with Session.open(log, "s") as session:
        program(session)
    fork(log, "s", "1/s3", program, listen=heard.append)
    assert "".join(event.text for event in heard if isinstance(event, TextEvent)) == "it is 8"
    assert not [event for event in heard if isinstance(event, FunctionEvent)]
    fork(log, "s", "1/s2", program, listen=heard.append)
    assert [event.done for event in heard if isinstance(event, FunctionEvent)] == [False, True]
