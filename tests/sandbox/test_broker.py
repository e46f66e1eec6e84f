"""The host's side of CALL_API: what is answered, what is refused, and that a budget is a budget."""

from __future__ import annotations

import json

import pytest

from lllm.errors import ProxyError
from lllm.sandbox.cell import Called
from lllm.sandbox.host.broker import MAX_REFUSED, REQUESTS, Broker, TooManyCalls
from lllm.sandbox.policy import SandboxPolicy


def ask(broker, params=None, on_call=lambda *_: "answer", endpoint="fred/series", **other):
    """Return what the kernel is sent, and what is told of the call."""
    request = {"id": 7, "endpoint": endpoint, "params": {} if params is None else params, **other}
    frame, told = broker.answer(request, on_call, 5.0)
    return json.loads(frame[4:]), told


@pytest.fixture
def broker():
    """A broker with the usual budget."""
    return Broker(SandboxPolicy())


def test_a_call_is_answered_with_what_the_service_gave(broker):
    heard = []

    def on_call(endpoint, params, left_s):
        heard.append((endpoint, params, left_s))
        return {"value": [1, "é", None]}

    assert ask(broker, {"id": "GDP"}, on_call) == (
        {"id": 7, "value": {"value": [1, "é", None]}},
        Called("fred/series", {"id": "GDP"}),
    )
    assert heard == [("fred/series", {"id": "GDP"}, 5.0)]


def test_an_error_of_ours_is_told_in_its_words(broker):
    def on_call(*_):
        raise ProxyError("the service said 503", status=503)

    answer, told = ask(broker, on_call=on_call)
    assert answer == {"id": 7, "error": "ProxyError: the service said 503"}
    assert told.error == answer["error"]


@pytest.mark.parametrize("kind", [ValueError, TypeError, RecursionError, KeyError, KeyboardInterrupt])
def test_a_bug_of_the_users_surfaces(broker, kind):
    """It is not the model's to read, and must not look like a bad answer of the service."""

    def on_call(*_):
        raise kind("a bug")

    with pytest.raises(kind, match="a bug"):
        ask(broker, on_call=on_call)


def endless():
    found = []
    found.append(found)
    return found


@pytest.mark.parametrize("answer", [{1, 2}, b"bytes", float("nan"), float("inf"), endless(), object()])
def test_an_answer_that_is_no_json_is_told(broker, answer):
    sent, told = ask(broker, on_call=lambda *_: answer)
    assert sent["error"].startswith("the service's answer is no JSON data")
    assert told.error == sent["error"]


def test_an_answer_that_is_too_large_is_refused():
    """It would have to be held on both sides, and the model can ask for less."""
    broker = Broker(SandboxPolicy(call_bytes=1000))
    assert "value" in ask(broker, on_call=lambda *_: "x" * 900)[0]
    assert ask(broker, on_call=lambda *_: "x" * 1000)[0]["error"].endswith("bytes: ask for less")


def test_without_proxies_each_call_is_refused(broker):
    sent, told = ask(broker, on_call=None)
    assert "no proxies are active here" in sent["error"]
    assert told == Called("fred/series", {}, sent["error"])


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"endpoint": 5, "params": {}},
        {"endpoint": "a", "params": [1]},
        {"endpoint": "a", "params": None},
        {"endpoint": "x" * 301, "params": {}},
        {"endpoint": "a\nb", "params": {}},
        {"endpoint": "\x1b[2J", "params": {}},
        {"endpoint": "\ud800", "params": {}},
        {"endpoint": "a", "params": {"q": "\ud800"}},
    ],
)
def test_a_call_of_the_wrong_shape_reaches_nobody(broker, request_):
    """What is told of it goes into a log, so it must be text that a file can hold."""

    def on_call(*_):
        raise AssertionError("it was called")

    frame, told = broker.answer(request_, on_call, 1)
    assert "takes the text of an endpoint and a dict" in json.loads(frame[4:])["error"]
    assert (told.endpoint, told.params) == ("", {})


@pytest.mark.parametrize(("sent", "back"), [(3, 3), (None, 0), ("3", 0), ([], 0), (2**80, 2**80)])
def test_the_answer_has_the_number_of_its_call(broker, sent, back):
    """By it a kernel whose call was interrupted knows that an answer is not the next one's."""
    assert ask(broker, id=sent)[0]["id"] == back


def test_calls_beyond_the_budget_are_refused_and_the_first_one_is_told():
    """Else a loop of calls fills the result, and costs whoever pays for the service."""
    asked = []
    broker = Broker(SandboxPolicy(call_count=2))
    tolds = [ask(broker, on_call=lambda *_: asked.append(1))[1] for _ in range(5)]
    assert len(asked) == 2
    assert [told and told.error for told in tolds] == ["", "", "the budget of 2 calls is spent", None, None]


def test_calls_of_the_wrong_shape_spend_the_budget():
    broker = Broker(SandboxPolicy(call_count=2))
    for _ in range(2):
        ask(broker, endpoint=5)
    assert ask(broker)[0]["error"] == "the budget of 2 calls is spent"


def test_a_kernel_that_goes_on_and_on_is_given_up():
    broker = Broker(SandboxPolicy(call_count=1))
    for _ in range(1 + MAX_REFUSED):
        ask(broker)
    with pytest.raises(TooManyCalls, match="after its budget of 1 calls was spent"):
        ask(broker)


def test_all_requests_together_have_a_budget_of_bytes():
    """What a cell asked for is kept with its result: a thousand requests of a megabyte would be a gigabyte."""
    broker = Broker(SandboxPolicy(call_bytes=1000))
    kept = [ask(broker, {"q": "x" * 900})[1] for _ in range(REQUESTS + 3)]
    sizes = [len(json.dumps(told.params)) for told in kept if told is not None]
    assert sum(sizes) <= REQUESTS * 1000 + 100
    assert [told.error for told in kept if told is not None][-1] == "the budget of 4,000 bytes is spent"
