"""One key, many callers: what one of them is told of the key's rate holds for all."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import httpx
import pytest
from chat_values import ask, reply, sse

from lllm.errors import BadRequest, Overloaded, ProviderTimeout, RateLimited
from lllm.providers.http import HTTPProvider
from lllm.providers.pace import MOST_S, STEP_S, Pace, _paces, find_pace
from lllm.providers.wire.profile import Profile

OK = {"status": 200, "headers": {"content-type": "application/json"}, "body": reply(content="hey")}


def refusal(after="30", status=429):
    return {
        "status": status,
        "headers": {"content-type": "application/json", "retry-after": after},
        "body": b'{"error":{"message":"slow down","code":"rate"}}',
        "second": OK,
    }


def provider_at(url, key="sk-one", **profile):
    return HTTPProvider(Profile(name="p", base_url=url, **profile), api_key=key)


class Clock:
    """A clock that only moves when it is told."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return Pace(clock)


def waits(pace, clock, timeout_s=600.0):
    """Let a call through, and return how long it waited."""
    start_s = clock.now_s
    for nap_s in pace.naps(timeout_s):
        clock.now_s += nap_s
    return clock.now_s - start_s


def first_nap(pace, timeout_s=600.0):
    """Return how long a call would wait first, and leave it waiting."""
    return next(pace.naps(timeout_s), 0.0)


def test_nobody_waits_before_a_refusal(pace, clock):
    """Most programs never see one."""
    assert waits(pace, clock) == 0
    assert pace.until_s is None


def test_siblings_wait_as_long_as_the_server_asked_for(pace, clock):
    """Each would be refused, and count against the key."""
    pace.failed(RateLimited("", retry_after_s=7), pace.refusals)
    assert first_nap(pace) == pytest.approx(7)
    clock.now_s += 3
    assert first_nap(pace) == pytest.approx(4 + STEP_S)


def test_the_refused_call_does_not_wait_twice(pace, clock):
    """The machine has waited for it already: the two waits end at the same moment."""
    pace.failed(RateLimited("", retry_after_s=7), pace.refusals)
    clock.now_s += 7
    assert waits(pace, clock) == 0


@pytest.mark.parametrize("recall", range(5))
def test_a_wait_that_no_server_asked_for_is_never_longer_than_the_machines_own(pace, clock, recall):
    """The machine waits at least half of 0.5, 1, 2, 4, 8 s; what we add to that would be nobody's budget."""
    for _ in range(recall + 1):
        clock.now_s += 100
        pace.failed(Overloaded(""), pace.refusals)
    assert first_nap(pace) == pytest.approx(0.25 * 2**recall)


def test_the_default_wait_stops_growing(pace, clock):
    """A server that is down for an hour must not cost another hour."""
    for _ in range(50):
        clock.now_s += 100
        pace.failed(Overloaded(""), pace.refusals)
    assert first_nap(pace) == pytest.approx(0.25 * 2**4)


def test_many_refusals_at_once_are_one(pace):
    """A thousand calls under way are refused together; that says no more than one refusal."""
    sent_at = pace.refusals
    for _ in range(1000):
        pace.failed(Overloaded(""), sent_at)
    assert first_nap(pace) == pytest.approx(0.25)


def test_what_waits_is_let_through_ever_faster(pace, clock):
    """All at once would be refused again; one after the other would take a thousand calls a minute."""
    pace.failed(RateLimited("", retry_after_s=5), pace.refusals)
    naps = [first_nap(pace) for _ in range(1024)]
    assert naps[0] == pytest.approx(5)
    assert naps == sorted(naps)
    assert [sum(nap - 5 <= STEP_S * step for nap in naps) for step in (0, 1, 2, 3)] == [1, 2, 4, 8]
    assert naps[-1] == pytest.approx(5 + 10 * STEP_S)


def test_a_second_refusal_sends_those_who_wait_to_the_end_of_the_new_wait(pace, clock):
    """Whoever was about to go would be refused, too."""
    pace.failed(RateLimited("", retry_after_s=5), pace.refusals)
    first, second = pace.naps(600), pace.naps(600)
    assert [next(first), next(second)] == pytest.approx([5, 5 + STEP_S])
    clock.now_s += 5
    pace.failed(RateLimited("", retry_after_s=9), pace.refusals)
    assert [next(second), next(first)] == pytest.approx([9, 9 + STEP_S])


def test_an_earlier_end_does_not_shorten_a_wait(pace):
    """One sibling's short wait says nothing about the long one of another."""
    pace.failed(RateLimited("", retry_after_s=9), pace.refusals)
    pace.failed(RateLimited("", retry_after_s=1), pace.refusals)
    assert first_nap(pace) == pytest.approx(9)


def test_an_answer_ends_it(pace, clock):
    """Including for those who wait: their turn comes, and then nobody is in the way."""
    pace.failed(RateLimited("", retry_after_s=5), pace.refusals)
    waiting = [pace.naps(600) for _ in range(3)]
    for one in waiting:
        next(one)
    clock.now_s += 5
    pace.answered(pace.refusals)
    assert [list(one) for one in waiting] == [[], [], []]
    assert first_nap(pace) == 0


def test_an_answer_to_a_call_that_was_sent_before_the_refusal_ends_nothing(pace):
    """It was under way already, and says nothing about what the server takes now."""
    before = pace.refusals
    pace.failed(RateLimited("", retry_after_s=5), before)
    pace.answered(before)
    assert first_nap(pace) == pytest.approx(5)


def test_a_late_refusal_takes_nothing_from_a_call_that_was_let_through(pace, clock):
    """It was sent long ago, and asks for no longer wait: the answer of the call that went ahead still counts."""
    early = pace.refusals
    pace.failed(RateLimited("", retry_after_s=9), early)
    sent_at = pace.refusals
    pace.failed(RateLimited("", retry_after_s=1), early)
    pace.answered(sent_at)
    assert pace.until_s is None


def test_a_call_that_was_refused_while_it_waited_counts_from_when_it_was_sent():
    """Its answer is news, although it was begun before the refusal."""
    provider = provider_at("http://waits/v1")
    exchange = provider._exchange(ask(), None)
    exchange.pace.failed(RateLimited("", retry_after_s=0), exchange.pace.refusals)
    assert list(provider._naps(exchange, 5)) == []
    exchange.pace.answered(exchange.sent_at)
    assert exchange.pace.until_s is None


def test_one_refusal_holds_others_up_for_a_minute_at_most(pace):
    """A limit of one model for the rest of the day must not stop all others."""
    pace.failed(RateLimited("", retry_after_s=86_400), pace.refusals)
    assert first_nap(pace) == pytest.approx(MOST_S)


@pytest.mark.parametrize("kind", [RateLimited, Overloaded])
def test_who_cannot_wait_that_long_is_told_at_once(pace, clock, kind):
    """Waiting for nothing until the deadline helps nobody; the machine knows what to do with this error."""
    pace.failed(kind("", retry_after_s=30, status=429, code="rate"), pace.refusals)
    with pytest.raises(kind) as caught:
        first_nap(pace, 29.9)
    assert caught.value.retry_after_s == pytest.approx(30)
    assert (caught.value.status, caught.value.code, caught.value.retryable) == (429, "rate", True)
    assert clock.now_s == 100


def test_other_failures_slow_nobody_down(pace):
    """A wrong request is wrong for one caller alone."""
    pace.failed(BadRequest("", status=400, retry_after_s=5), pace.refusals)
    pace.failed(ProviderTimeout(""), pace.refusals)
    assert pace.until_s is None


def test_a_wait_that_is_given_up_leaves_nothing_behind(pace):
    """A cancelled task must not hold a lock or a place."""
    pace.failed(RateLimited("", retry_after_s=5), pace.refusals)
    waiting = pace.naps(600)
    next(waiting)
    waiting.close()
    assert pace._lock.acquire(blocking=False)


def test_threads_get_a_place_each(pace):
    """Two in one place would go at once."""
    pace.failed(RateLimited("", retry_after_s=5), pace.refusals)
    naps = []
    threads = [threading.Thread(target=lambda: naps.append(round(first_nap(pace), 9))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(naps)) == 50


def test_who_shares_address_and_key_shares_the_pace():
    """Ten agents have ten providers, and one key; another key is another customer."""
    first, second = provider_at("http://a/v1"), provider_at("http://a/v1/")
    others = [provider_at("http://b/v1"), provider_at("http://a/v1", key="sk-two")]
    paces = [one._exchange(ask(), None).pace for one in (first, second, *others)]
    assert paces[0] is paces[1]
    assert len(set(map(id, paces))) == 3


def test_a_key_that_changes_changes_the_pace():
    """Keys are read at each call, so that they can be rotated."""
    environ = {"K": "sk-one"}
    provider = HTTPProvider(Profile(name="p", base_url="http://a/v1", api_key_env="K"), environ=environ)
    before = provider._exchange(ask(), None).pace
    environ["K"] = "sk-two"
    assert provider._exchange(ask(), None).pace is not before
    assert provider._exchange(ask(), None).pace is find_pace("http://a/v1", "sk-two")


def test_paces_go_with_their_providers_and_hold_no_key():
    """A server with many customers must not grow, nor show a key in a crash report."""
    provider = provider_at("http://gone/v1", key="sk-not-a-real-key")
    provider._exchange(ask(), None)
    assert "sk-not-a-real-key" not in repr(list(_paces))
    assert any(url == "http://gone/v1" for url, _ in _paces)
    del provider
    gc.collect()
    assert not any(url == "http://gone/v1" for url, _ in list(_paces))


@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_over_the_wire_stops_a_sibling_before_it_sends(fault_server, use_async, status):
    """What all of this is for; the error is httpx's, too, as for a call that was sent."""
    url = fault_server.add(refusal(status=status))
    refused, sibling = provider_at(url), provider_at(url)
    with pytest.raises(RateLimited if status == 429 else Overloaded):
        refused.send(ask())
    sent = len(fault_server.requests)
    with pytest.raises(httpx.HTTPStatusError) as caught:
        asyncio.run(sibling.asend(ask(), timeout_s=5)) if use_async else sibling.send(ask(), timeout_s=5)
    assert isinstance(caught.value, RateLimited if status == 429 else Overloaded)
    assert (caught.value.provider, caught.value.response.status_code) == ("p", status)
    assert 29 < caught.value.retry_after_s <= 30
    assert len(fault_server.requests) == sent
    refused.close()


@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
def test_a_sibling_that_has_time_waits_and_is_answered(fault_server, use_async):
    """The wait is a part of the call's own time, and then everything is as before."""
    url = fault_server.add(refusal(after="0.05"))
    refused, sibling = provider_at(url), provider_at(url)
    with pytest.raises(RateLimited):
        refused.send(ask())
    pace = sibling._exchange(ask(), None).pace
    before_s = pace.until_s
    got = asyncio.run(sibling.asend(ask())) if use_async else sibling.send(ask())
    assert got.content == "hey"
    assert time.monotonic() >= before_s
    assert pace.until_s is None
    refused.close()
    sibling.close()


def test_a_refusal_in_the_middle_of_a_stream_counts(fault_server):
    """A server that is overloaded may notice after it has begun."""
    body = sse({"error": {"message": "slow down", "code": 429, "type": "rate_limit_exceeded"}}, done=False)
    url = fault_server.add({"status": 200, "headers": {"content-type": "text/event-stream"}, "body": body})
    provider = provider_at(url)
    with pytest.raises(RateLimited):
        provider.send(ask(stream=True))
    assert provider._exchange(ask(), None).pace.until_s is not None
    provider.close()


def test_a_cancelled_wait_ends_at_once(fault_server):
    """A task that is cancelled while it waits has sent nothing."""
    provider = provider_at(fault_server.add(refusal()))

    async def main():
        with pytest.raises(RateLimited):
            await provider.asend(ask())
        sent = len(fault_server.requests)
        task = asyncio.create_task(provider.asend(ask()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(fault_server.requests) - sent

    assert asyncio.run(main()) == 0
