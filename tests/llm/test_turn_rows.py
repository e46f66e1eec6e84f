"""Each row of the machine's table end to end: what the caller gets, what the dialog keeps, what the log holds."""

from __future__ import annotations

import pytest
from world import World, add, calls

from lllm.const import Finish, Roles
from lllm.errors import (
    BadRequest,
    ConfigError,
    ConnectionLost,
    ModelBehaviorError,
    ParseError,
    ProviderError,
    RateLimited,
    ServerError,
    UserCodeError,
)
from lllm.llm import Session
from lllm.llm.limits import Limits
from lllm.log import NoLog
from lllm.models import Message, Prompt
from lllm.testing import function_model

NUMBER = Prompt(path="t/number", prompt="A number.", format=int)


def number_or(problem):
    def parse(text):
        if text.isdigit():
            return int(text)
        raise ParseError(problem)

    return Prompt(path="t/parse", prompt="A number.", parser=parse, exception_prompt="Wrong: {error_message}")


FACES = pytest.mark.parametrize("face", ["sync", "async"])


@FACES
def test_an_answer_is_logged_and_parsed(face):
    """The shortest row: asked, answered, done."""
    world = World("12", prompt=NUMBER)
    reply, dialog, made = world.ask_on(face)
    assert (reply.parsed, reply.creator, made) == (12, "agent", [])
    assert dialog is world.dialog
    assert world.texts == [("system", "A number."), ("user", "go"), ("assistant", "12")]
    assert world.kinds == ["message", "message", "model.request", "model.reply", "call.close"]
    assert world.ends == [{"outcome": "done"}]


@FACES
def test_an_unusable_reply_leaves_the_dialog_and_stays_everywhere_else(face):
    """A failed attempt must not teach the model its own mistake, and must not be lost either."""
    world = World("many", "7", prompt=number_or("no digits"))
    reply, dialog, _ = world.ask_on(face)
    assert world.texts[2:] == [("assistant", "7")]
    assert [(a.content, a.error_message) for a in reply.execution_attempts] == [("many", "no digits")]
    assert dialog.tail is reply
    assert [m.content for m in world.requests[1].history] == ["A number.", "go", "many", "Wrong: no digits"]
    assert [e.data["message"]["content"] for e in world.events("model.reply")] == ["many", "7"]
    said = world.events("message")[-1]
    assert (said.id, said.data["branch"], said.data["message"]["content"]) == ("1/s0/x", "retry", "Wrong: no digits")
    assert world.events("model.request")[1].data["retry"] == 1


def test_the_branch_of_a_step_grows_with_each_failed_attempt():
    """The model sees all that it tried in this step, in order."""
    world = World("a", "b", "3", prompt=number_or("no"))
    reply, _, _ = world.ask()
    assert [m.content for m in world.requests[2].history][2:] == ["a", "Wrong: no", "b", "Wrong: no"]
    assert [a.content for a in reply.execution_attempts] == ["a", "b"]


@FACES
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_model_that_never_behaves_ends_in_an_error_with_every_attempt(face, retries):
    """The number of calls is a hard bound, and whoever debugs needs all the replies."""
    world = World(*"abcde", prompt=number_or("no"), max_exception_retry=retries)
    with pytest.raises(ModelBehaviorError, match=f"unusable {retries + 1} times; last: no") as caught:
        world.ask_on(face)
    assert [a.content for a in caught.value.attempts] == list("abcde"[: retries + 1])
    assert len(world.requests) == retries + 1
    assert world.texts == [("system", "A number."), ("user", "go")]
    assert world.ends[0]["reason"] == "model_behavior"
    assert len(world.events("model.reply")) == retries + 1


def test_each_step_has_its_own_retries():
    """A round of functions that went well earns the next reply its full number of attempts."""
    prompt = Prompt(path="t/p", prompt="n", format=int, functions_list=[add])
    script = ("x", calls(("add", {"a": 1, "b": 1})), "y", "2")
    world = World(*script, prompt=prompt, max_exception_retry=1)
    reply, _, made = world.ask()
    assert (reply.parsed, made[0].result) == (2, 2)
    assert [a.content for a in reply.execution_attempts] == ["y"]


def test_attempts_before_a_function_call_are_kept_on_its_message():
    """Evidence stays with the reply of its own step."""
    prompt = Prompt(path="t/p", prompt="n", format=int, functions_list=[add])
    world = World("x", calls(("add", {"a": 1, "b": 1})), "2", prompt=prompt)
    world.ask()
    asked = world.dialog.messages[2]
    assert asked.is_function_call
    assert [a.content for a in asked.execution_attempts] == ["x"]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ({"text": "half an ans", "finish": "length"}, "cut off"),
        ({"refusal": "I will not"}, "refusal: I will not"),
        ({"text": "no", "finish": "refusal"}, "refusal: no"),
        ({"text": "x", "finish": "content_filter"}, "content filter"),
        ({"calls": [{"name": "add", "arguments": {}}], "finish": "length"}, "cut off"),
    ],
)
def test_replies_that_no_parser_should_see_are_told_to_the_model(reply, words):
    """An empty, refused or cut-off reply is no answer, even for plain text."""
    world = World(reply, "fine", functions=[add])
    answer, _, made = world.ask()
    assert (answer.parsed, made) == ("fine", [])
    assert words in answer.execution_attempts[0].error_message
    assert words in world.requests[1].history[-1].content
    shown = world.requests[1].history[-2]
    assert shown.role is Roles.ASSISTANT
    assert shown.content.strip()
    assert not shown.function_calls


def test_a_retry_handler_with_text_of_the_model_is_not_a_template():
    """A reply that holds braces must not break the handler, nor fill its fields."""
    world = World("{x} {error_message}", "5", prompt=number_or("bad: {y}"))
    world.ask()
    assert world.requests[1].history[-1].content == "Wrong: bad: {y}"


@FACES
@pytest.mark.parametrize("error", [RateLimited("429", retry_after_s=0), ConnectionLost("gone", retry_after_s=0.001)])
def test_a_passing_failure_is_waited_out(face, error):
    """The same request again, after the wait that the server asked for."""
    world = World(error, "fine")
    assert world.ask_on(face)[0].content == "fine"
    assert world.requests[0].history.chain == world.requests[1].history.chain
    assert [e.data["seconds"] for e in world.events("wait")] == [error.retry_after_s]
    failed = world.events("model.error")[0]
    assert (failed.data["type"], failed.data["retryable"]) == (type(error).__name__, True)
    assert world.events("model.request")[1].data["recall"] == 1


@FACES
def test_a_lasting_failure_is_not_repeated(face):
    """Money and time: a wrong request stays wrong."""
    world = World(BadRequest("no such field", status=400), "never")
    with pytest.raises(BadRequest) as caught:
        world.ask_on(face)
    assert caught.value.where == "session run, 1/s0"
    assert len(world.requests) == 1
    assert world.ends[0]["reason"] == "provider"
    assert world.events("model.error")[0].data["status"] == 400


@pytest.mark.parametrize("recalls", [0, 2])
def test_the_ladder_has_a_last_rung(recalls):
    """A server that is down must not be asked for ever."""
    world = World(*[ServerError("500", retry_after_s=0)] * 9, max_llm_recall=recalls)
    with pytest.raises(ServerError):
        world.ask()
    assert len(world.requests) == recalls + 1


def test_the_total_wait_is_bounded():
    """Patience has a budget too: what the server asks for does not fit, so the call ends without waiting."""
    late = RateLimited("429", retry_after_s=50)
    world = World(late, late)
    world.agent.limits = Limits(max_total_wait_s=49)
    with pytest.raises(RateLimited):
        world.ask()
    assert world.events("wait") == []


def test_waits_of_sessions_that_failed_together_differ():
    """Jitter that depends on a step alone would bring a thousand callers back in the same instant."""
    drawn = {Session.open(NoLog(), f"s{n}", seed=7).jitter("1/s0") for n in range(20)}
    assert len(drawn) == 20
    assert all(0 <= one < 1 for one in drawn)
    assert Session.open(NoLog(), "s1", seed=7).jitter("1/s0") in drawn


def test_the_partial_text_of_a_broken_stream_is_in_the_log():
    """What arrived before the break is evidence, and was paid for."""
    broken = {"error": {"type": "StreamTruncated", "retry_after_s": 0}, "text": "half of"}
    world = World(broken, "whole")
    world.ask()
    assert world.events("model.error")[0].data["partial"] == "half of"


@FACES
def test_a_parser_with_a_bug_fails_at_once_and_keeps_the_reply(face):
    """Asking the model again would not mend the user's code; and the reply was paid for."""

    def parse(text):
        return text.no_such_attribute

    world = World("paid for", "never", prompt=Prompt(path="t/bug", prompt="x", parser=parse))
    with pytest.raises(UserCodeError, match="parse of prompt 't/bug' raised AttributeError") as caught:
        world.ask_on(face)
    assert isinstance(caught.value.__cause__, AttributeError)
    assert len(world.requests) == 1
    assert world.events("model.reply")[0].data["message"]["content"] == "paid for"
    assert world.ends[0]["reason"] == "user_code"


@pytest.mark.parametrize("junk", [None, object(), {1, 2}, float("nan"), print])
def test_a_parser_may_return_anything(junk):
    """Parsed values are the user's own; the log keeps the text, from which they can be made again."""
    world = World("x", prompt=Prompt(path="t/junk", prompt="x", parser=lambda text: junk))
    assert world.ask()[0].parsed is junk
    assert world.ends == [{"outcome": "done"}]


def test_a_parser_gets_its_arguments():
    """``parser_args`` carry what only the caller knows."""
    world = World("x", prompt=Prompt(path="t/args", prompt="x", parser=lambda text, times: text * times))
    assert world.ask(parser_args={"times": 3})[0].parsed == "xxx"


def test_extra_is_on_the_answer_and_in_the_log_and_never_sent():
    """A user's own data travels with the reply."""
    world = World("a", "b")
    given = {"k": 1}
    reply, _, _ = world.ask(extra=given)
    given["k"] = 2
    assert reply.extra == {"k": 1}
    assert world.events("model.reply")[0].data["message"]["extra"] == {"k": 1}


def test_extra_that_no_log_can_hold_is_refused_before_the_model_is_asked():
    """Found out after the reply, it would cost the reply."""
    world = World("paid")
    with pytest.raises(ConfigError, match="extra must be plain JSON"):
        world.ask(extra={"k": object()})
    assert world.requests == []


def test_arguments_of_a_call_go_over_those_of_the_agent():
    """One call may be hotter than the others, and the next is as before."""
    world = World("a", "b", model_args={"temperature": 0, "seed": 1})
    world.ask(args={"temperature": 1, "extra_body": {"x": 1}})
    world.ask()
    contracts = [request.contract for request in world.requests]
    assert contracts[0].params == {"temperature": 1, "seed": 1}
    assert contracts[0].extra_body == {"x": 1}
    assert contracts[1].params == {"temperature": 0, "seed": 1}


def test_an_agent_that_is_given_another_model_asks_that_one():
    """Contracts are made once and kept; a change of the agent must still be seen."""
    world = World("a", "b", "c", model_args={"seed": 1})
    world.ask()
    world.agent.model = "m2"
    world.ask()
    world.agent.model_args = {"seed": 2}
    world.ask()
    assert [(r.contract.model, r.contract.params["seed"]) for r in world.requests] == [("m1", 1), ("m2", 1), ("m2", 2)]


def test_prompts_made_for_one_call_do_not_pile_up():
    """A service that makes a prompt a request must not grow."""
    world = World(*["x"] * 600)
    for number in range(600):
        world.dialog.send_message(Prompt(path=f"t/{number}", prompt="x"))
        world.agent.call(world.dialog)
    assert len(world.agent._contracts) <= 256


def test_a_contract_is_logged_once():
    """Bytes of the log per turn stay the same, however large the schemas are."""
    world = World(*"abc", functions=[add])
    for _ in range(3):
        world.ask()
    assert len(world.events("contract")) == 1
    assert {e.data["contract"] for e in world.events("model.request")} == {
        world.events("contract")[0].data["fingerprint"]
    }


def test_a_provider_that_raises_something_of_its_own_ends_in_a_named_error():
    """Every call ends in a message or in one of our errors, whatever was plugged in."""

    def respond(request):
        raise KeyError("surprise")

    world = World(provider=function_model(respond))
    with pytest.raises(UserCodeError, match="KeyError: 'surprise'") as caught:
        world.ask()
    assert isinstance(caught.value.__cause__, KeyError)
    assert world.ends[0]["reason"] == "user_code"


def test_a_script_that_is_spent_says_so():
    """A test that makes one call more than it thought should be told, not helped."""
    world = World("a")
    world.ask()
    with pytest.raises(ProviderError, match="called once more"):
        world.ask()


def test_a_message_as_reply_keeps_its_facts():
    """Usage, model and finish are logged as they came."""
    reply = Message(Roles.ASSISTANT, "x", model="real-model", finish=Finish.STOP, reasoning="hm")
    world = World(reply)
    got = world.ask()[0]
    assert (got.model, got.reasoning, got.creator) == ("real-model", "hm", "agent")
    assert world.events("model.reply")[0].data["model"] == "real-model"
