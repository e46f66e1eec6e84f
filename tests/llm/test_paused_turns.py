"""A server that runs tools of its own may pause in the middle of a turn: it is asked to go on, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import World, calls

from lllm.const import CompletionCost, Finish, Roles
from lllm.errors import LimitExceeded, ModelBehaviorError
from lllm.export.chat import to_chats
from lllm.llm import Agent, Session, StateEvent
from lllm.llm.judge import is_paused, may_be_kept
from lllm.llm.limits import Limits
from lllm.log import LocalFileLog
from lllm.models import FunctionCall, Message, Prompt
from lllm.models.message import Native
from lllm.providers import build_provider
from lllm.replay import replay

FACES = pytest.mark.parametrize("face", ["sync", "async"])
SEARCH = Native("anthropic", ({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},))


def pause(text="", native=SEARCH, **fields):
    """A reply that the server broke off."""
    return Message(Roles.ASSISTANT, text, native=native, finish=Finish.PAUSE, usage=CompletionCost(1, 1), **fields)


def said(request):
    """Role and text of what a request holds after the system prompt."""
    return [(message.role.value, message.content) for message in list(request.history)[1:]]


def look() -> str:
    """Look."""
    return "seen"


@FACES
def test_a_paused_turn_goes_on_with_what_there_is(face):
    """Half an answer must not pass for the whole: the server wants its pieces back, and says the rest."""
    world = World(pause("Let me look."), pause(" And there."), " It is 7.")
    reply, dialog, _ = world.ask_on(face)
    assert [said(request) for request in world.requests] == [
        [("user", "go")],
        [("user", "go"), ("assistant", "Let me look.")],
        [("user", "go"), ("assistant", "Let me look."), ("assistant", " And there.")],
    ]
    assert world.requests[1].history[-1].native == SEARCH
    assert (reply.content, reply.parsed) == ("Let me look. And there. It is 7.",) * 2
    assert [message.content for message in dialog.messages[2:]] == ["Let me look.", " And there.", " It is 7."]
    assert [event.id for event in world.events("model.reply")] == ["1/s0", "1/s1", "1/s2"]


def test_the_next_turn_sends_the_whole_dialog():
    """The pieces stand in the dialog in their order, as they came."""
    world = World(pause("a"), "b", "c")
    world.ask()
    world.ask("more")
    assert said(world.requests[-1]) == [("user", "go"), ("assistant", "a"), ("assistant", "b"), ("user", "more")]
    assert world.requests[-1].history[2].native == SEARCH


def test_the_parser_reads_the_text_of_the_whole_turn():
    """Where a server pauses is an accident, and may not decide what an answer is."""
    world = World(pause("<answer>4"), "2</answer>", prompt=Prompt(path="p", prompt="x", parser=lambda text: text[8:10]))
    reply, _, _ = world.ask()
    assert reply.parsed == "42"
    assert len(world.requests) == 2


@FACES
def test_pauses_are_bounded_as_rounds_are(face):
    """A server that pauses for ever may not be paid for ever, and what it left is no answer."""
    world = World(*[pause("x")] * 9, max_interrupt_times=2)
    with pytest.raises(LimitExceeded, match="paused in the middle of its turn") as caught:
        world.ask_on(face)
    assert (caught.value.limit, len(world.requests)) == ("interrupts", 3)
    assert "max_interrupt_times" in caught.value.hint
    assert world.ends == [{"outcome": "failed", "reason": "interrupts", "error": world.ends[0]["error"]}]


def test_what_fails_in_the_middle_of_a_turn_leaves_the_dialog_as_it_was():
    """A call of the server's own tool without its result is refused, for ever: half a turn may not stay behind."""
    world = World(pause("a"), {"error": "BadRequest"}, "fine")
    with pytest.raises(Exception, match="BadRequest"):
        world.ask()
    assert [text for _, text in world.texts] == ["Be brief.", "go"]
    world.ask("again")
    assert said(world.requests[-1]) == [("user", "go"), ("user", "again")]


def test_an_unusable_end_takes_the_whole_turn_off_the_dialog():
    """The result of a search that began before the pause stands in what came after: they stay or go together."""
    world = World(pause("seven? "), "dunno", "7", prompt=Prompt(path="p", prompt="x", format=int))
    reply, dialog, _ = world.ask()
    retry = said(world.requests[2])
    assert retry[:3] == [("user", "go"), ("assistant", "seven? "), ("assistant", "dunno")]
    assert retry[3][0] == "user"
    assert [attempt.content for attempt in reply.execution_attempts] == ["seven? dunno"]
    assert (reply.parsed, [message.content for message in dialog.messages[1:]]) == (7, ["go", "7"])
    assert exported(world) == world.texts


def test_a_retry_may_pause_too():
    """The branch goes on from where it stands."""
    world = World("x", pause("4"), "2", prompt=Prompt(path="p", prompt="x", format=int))
    reply, dialog, _ = world.ask()
    assert (reply.parsed, len(reply.execution_attempts)) == (42, 1)
    assert [role for role, _ in said(world.requests[2])] == ["user", "assistant", "user", "assistant"]
    assert [message.content for message in dialog.messages[1:]] == ["go", "4", "2"]


def test_calls_that_were_not_offered_go_with_the_pause_before_them():
    """Of such a reply only text can be sent back, and then the paused pieces would stand without their end."""
    world = World(pause("a"), calls(("look", {})), "b", functions=[look], max_interrupt_times=1)
    reply, _, _ = world.ask()
    assert said(world.requests[2])[:2] == [("user", "go"), ("assistant", "a")]
    assert world.requests[2].history[2].native is None
    assert (reply.content, world.texts[1:]) == ("b", [("user", "go"), ("assistant", "b")])


@FACES
def test_functions_may_follow_a_pause(face):
    """The reply that asks for them is the end of the paused turn."""
    world = World(pause("a"), calls(("look", {})), "b", functions=[look])
    reply, dialog, made = world.ask_on(face)
    roles = [message.role.value for message in dialog.messages[1:]]
    assert roles == ["user", "assistant", "assistant", "tool", "assistant"]
    assert (reply.content, [call.result for call in made]) == ("b", ["seen"])


def test_the_last_failure_tells_the_whole_turn():
    """Whoever looks for the mistake needs all that the model said."""
    world = World(pause("a"), "b", prompt=Prompt(path="p", prompt="x", format=int), max_exception_retry=0)
    with pytest.raises(ModelBehaviorError) as caught:
        world.ask()
    assert [attempt.content for attempt in caught.value.attempts] == ["ab"]


def test_tokens_are_spent_by_pauses_too():
    """A budget of a call holds for all of it."""
    world = World(pause(), pause(), "end")
    world.agent = replace(world.agent, limits=Limits(max_tokens=4))
    with pytest.raises(LimitExceeded, match="4 of 4 tokens"):
        world.ask()


def test_who_watches_is_not_told_to_take_the_text_back():
    """The text before a pause is part of the answer."""
    world = World(pause("a"), "b")
    world.dialog.send_message("go")
    states = [e.event for e in world.agent.stream(world.dialog) if isinstance(e, StateEvent)]
    assert states == ["Called", "ModelPaused", "ModelReplied"]


def test_as_is_hands_back_a_pause():
    """Whoever takes replies as they are decides himself what a pause means."""
    world = World(pause("a"), as_is=True)
    reply, dialog, _ = world.ask()
    assert (reply.content, reply.finish, dialog.tail) == ("a", Finish.PAUSE, reply)
    assert exported(world) == world.texts


@pytest.mark.parametrize(
    ("reply", "paused"),
    [
        (pause("a"), True),
        (pause("a", native=None), True),
        (pause(), True),
        (pause(" ", native=None), False),
        (pause(" ", native=Native("f")), False),
        (pause("a", function_calls=(FunctionCall("c", "f", "{}"),)), False),
        (pause("a", refusal="no"), False),
        (Message(Roles.ASSISTANT, "a", native=SEARCH), False),
    ],
)
def test_only_what_can_go_on_is_paused(reply, paused):
    """Nothing at all is an empty reply, a refusal is a refusal, and functions are run: asking again would not help."""
    assert is_paused(reply) is paused


def test_a_cache_keeps_no_paused_reply():
    """The server may have forgotten what it paused at when the cache gives it again."""
    assert may_be_kept(Message(Roles.ASSISTANT, "a"), ())
    assert not may_be_kept(pause("a"), ())


def exported(world):
    """The messages of the dialog as an export tells them, from the log alone."""
    (chat,) = to_chats(world.events())
    return [(message["role"], message["content"]) for message in chat.messages]


@pytest.mark.parametrize(
    "replies",
    [
        (pause("a"), "b"),
        (pause("a"), pause("b"), calls(("look", {})), "c"),
        (pause("a"), calls(("nothing", {})), pause("b"), "c"),
        (pause("a"), "", pause("b"), "c"),
    ],
)
def test_a_log_tells_the_same_dialog(replies):
    """What is exported must be what the next request would send."""
    world = World(*replies, functions=[look])
    world.ask()
    assert exported(world) == world.texts


def test_a_call_that_ends_at_a_pause_leaves_nothing_in_an_export():
    """Neither does it in the dialog."""
    world = World(pause("a"), max_interrupt_times=0)
    with pytest.raises(LimitExceeded):
        world.ask()
    assert exported(world) == world.texts == [("system", "Be brief."), ("user", "go")]


def test_a_paused_turn_is_replayed_event_for_event(tmp_path):
    """The pauses are in the log as replies like any other, so a replay needs nothing else."""
    log = LocalFileLog("log", {"log_dir": tmp_path})
    script = [pause("a"), "seven", pause("4"), "2"]

    def run(session):
        agent = Agent(
            name="agent",
            system_prompt=Prompt(path="p", prompt="x", format=int),
            model="m",
            provider=build_provider("mock", {"replies": script}),
        )
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        return agent.call(dialog)[0].parsed

    with Session.open(log, "run", header={"task": "t", "run_id": "r"}, seed=0) as session:
        assert run(session) == 42
    report = replay(log, "run", run)
    assert (report.status, report.result, report.steps) == ("same", 42, 4)
