"""What Ctrl-C leaves behind: nothing that the next call could stumble over."""

from __future__ import annotations

import sys
import threading

import pytest
from world import World, add, calls

from lllm.errors import ConfigError
from lllm.llm import AgentBase
from lllm.llm.drive import drive
from lllm.llm.jobs import DaemonThreads
from lllm.llm.place import function_scope
from lllm.models import Prompt


class Interrupted:
    """A flow that is at an effect, with an interrupt on the way from one effect to the next."""

    gi_running, gi_suspended, gi_frame = False, True, object()

    def __init__(self):
        self.told = None

    def __next__(self):
        return "an effect"

    def send(self, answer):
        raise KeyboardInterrupt

    def throw(self, error):
        self.told = error
        raise error


class Nothing:
    def perform(self, effect):
        return None


def test_an_interrupt_between_two_effects_is_told_to_the_flow():
    """Else its end would be logged when it is collected, at some later time, or never."""
    flow = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        drive(flow, Nothing())
    assert isinstance(flow.told, KeyboardInterrupt)


def test_an_idle_thread_is_found_without_a_lock_that_an_interrupt_could_leave():
    """The locks of ``threading`` that are written in Python stay taken when Ctrl-C comes into them: all would hang."""
    threads, done, files = DaemonThreads(), threading.Semaphore(0), set()
    threads.submit(done.release)
    done.acquire()
    while threads._idle.empty():
        pass

    def trace(frame, event, argument):
        files.add(frame.f_code.co_filename)

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        threads.submit(done.release)
    finally:
        sys.settrace(before)
    done.acquire()
    assert threading.__file__ not in files


def test_a_function_that_leaves_its_scope_behind_leaves_the_next_dialogs_id_alone():
    """Ctrl-C may come before a scope is taken back; a chat goes on after it, in the same thread."""

    def stay() -> str:
        """Enter a scope for good."""
        function_scope("1/s0/f0").__enter__()
        return "done"

    world = World(calls(("stay", {})), "fine", functions=[stay])
    world.ask()
    assert world.agent.init_dialog(session=world.session).id == "2"


def test_an_interrupt_before_a_request_is_logged_takes_no_steps_id():
    """A replay is interrupted when it comes to the request, so both must number the next one alike."""

    class Broken(Exception):
        pass

    def refuse(_problem):
        raise Broken

    world = World("fine", "fine")
    contracts = world.agent._contract
    world.agent._contract = lambda *args: refuse(args)
    with pytest.raises(Exception, match="Broken"):
        world.ask()
    world.agent._contract = contracts
    world.ask("again")
    assert [event.id for event in world.events("model.request")] == ["1/s0"]


# --- mistakes that would go unnoticed -------------------------------------------------------------------------------------


def test_a_parser_that_is_async_is_refused():
    """Its coroutine would be the parsed value, and nothing would ever have been parsed."""

    async def parse(text):
        return text

    with pytest.raises(ConfigError, match="is async"):
        Prompt(path="p", prompt="x", parser=parse)


def test_a_sync_system_whose_call_is_async_is_refused():
    """Its coroutine would be the result of a run that did nothing, and that went well."""
    with pytest.raises(ConfigError, match="call is async"):

        class Wrong(AgentBase, register=False):
            async def call(self, task, **kwargs):
                return task


@pytest.mark.parametrize("task", [None, 5, {"a": 1}])
def test_a_message_that_is_no_text_is_refused_where_it_is_sent(task):
    """A task may be any data, and a provider would stumble over it far from the line that sent it."""
    world = World("fine", functions=[add])
    with pytest.raises(ConfigError, match="a message is text or a Prompt"):
        world.dialog.send_message(task)
    assert len(world.dialog) == 1
