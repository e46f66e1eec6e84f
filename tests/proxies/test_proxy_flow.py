"""The order of a call, driven by hand: what is sent when, how long is waited, and when it is given up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from loopback import declare

from lllm.errors import ConnectionLost, ProviderTimeout
from lllm.proxies.answer import Answer, read_retry_after
from lllm.proxies.flow import Asked, Find, Hide, Keep, Send, Wait, call_flow, to_cache_key, to_error, to_facts
from lllm.proxies.keys import hide_forms, to_forms
from lllm.proxies.wire import build_request


def asked(**more):
    cls = declare(**more.pop("attributes", {}))
    endpoint = cls.endpoints()[more.pop("key", "items/list")]
    return Asked("demo/x", cls(), endpoint, more.pop("given", {"q": "tea"}), **more)


def play(call, *events, has_time=True):
    """Run a flow; each Send meets the next event: an error, or status, headers and data. Return effects and the end."""
    flow, effects, events = call_flow(call), [], list(events)
    try:
        effect = next(flow)
        while True:
            effects.append(effect)
            answer = None
            if isinstance(effect, Send):
                event = events.pop(0)
                if isinstance(event, Exception):
                    effect = flow.throw(event)
                    continue
                status, headers, data = event
                effect.answer.start(status, headers)
                effect.answer.feed(json.dumps(data).encode())
            elif isinstance(effect, Wait):
                answer = has_time
            effect = flow.send(answer)
    except StopIteration as end:
        return effects, end.value


def waits(effects):
    return [effect.seconds for effect in effects if isinstance(effect, Wait)]


LOST = ConnectionLost("lost")
GOOD = (200, {}, {"items": []})


def test_waits_grow_and_end():
    """A service that stumbles is given time; one that is down is given up."""
    effects, told = play(asked(cached=False), LOST, (503, {}, ""), GOOD)
    assert (waits(effects), told) == ([0.5, 1.0], {"data": {"items": []}})
    effects, told = play(asked(cached=False), LOST, LOST, LOST)
    assert (waits(effects), told["error"]["message"]) == ([0.5, 1.0], "demo/x: lost")


def test_the_time_that_is_asked_for_is_waited():
    """In seconds, or as a date by the service's own clock; in the past is now."""
    date = "Sat, 21 Nov 2026 10:00:00 GMT"
    cases = [({"retry-after": "7"}, 7.0), ({"retry-after": "Sat, 21 Nov 2026 10:00:09 GMT", "date": date}, 9.0)]
    cases += [({"retry-after": "Sat, 21 Nov 2026 09:00:00 GMT", "date": date}, 0.0), ({"retry-after": "soon"}, 0.5)]
    for headers, seconds in cases:
        effects, _ = play(asked(cached=False), (429, headers, ""), GOOD)
        assert waits(effects) == [seconds]
    assert read_retry_after({"retry-after": "٣"}) is None


def test_a_wait_of_minutes_is_not_begun():
    """Whatever time the call has."""
    effects, told = play(asked(cached=False), (429, {"retry-after": "61"}, ""))
    assert [type(effect) for effect in effects] == [Send]
    assert told["error"]["retryable"]


def test_an_answer_is_kept_under_all_that_it_depends_on():
    """Else one that was cut off later, or for somebody else, would be served."""
    one = asked()
    wire = build_request(one.service, one.endpoint, {"q": "tea"})
    others = [
        (replace(one, path="other/items/list"), wire, "key"),
        (replace(one, endpoint=replace(one.endpoint, remove_keys=())), wire, "key"),
        (replace(one, cutoff=date(2024, 1, 1)), wire, "key"),
        (replace(one, service=declare(error_key="e")()), wire, "key"),
        (one, replace(wire, url=wire.url + "&a=1"), "key"),
        (one, wire, "other"),
        (one, wire, "key"),
    ]
    names = [to_cache_key(*other) for other in others]
    assert len(set(names)) == len(others)
    assert names[-1] == to_cache_key(one, wire, "key")


def test_without_time_it_is_given_up():
    """The error is the service's, and no timeout of ours."""
    effects, told = play(asked(cached=False), (503, {}, "busy"), has_time=False)
    assert [type(effect) for effect in effects] == [Send, Wait]
    assert told["error"]["status"] == 503


def test_no_time_at_all_ends_the_call():
    """What the driver raises then is not tried again."""
    effects, told = play(asked(cached=False), ProviderTimeout("no time", retryable=False))
    assert ([type(effect) for effect in effects], told["error"]["message"]) == ([Send], "demo/x: no time")


def test_the_order_of_a_whole_call(monkeypatch):
    """The key is hidden before anything else happens, and the answer is kept when it is ready."""
    monkeypatch.setenv("DEMO_KEY", "0123456789")
    call = asked(attributes={"api_key_env": "DEMO_KEY", "api_key_in": "bearer"})
    effects, _ = play(call, GOOD)
    assert [type(effect) for effect in effects] == [Hide, Find, Send, Keep]
    assert effects[0].secret == "0123456789"
    assert "0123456789" not in repr(effects[2].wire)
    assert effects[2].secrets == (("authorization", "Bearer 0123456789"),)
    assert (effects[3].text, effects[3].ttl_s) == ('{"items": []}', 300.0)


@pytest.mark.parametrize("key", ["short", ""])
def test_a_short_key_is_not_searched_for(key):
    """It would eat ordinary words."""
    assert to_forms(key) == ()
    assert hide_forms({"a": ["short"]}, to_forms(key)) == {"a": ["short"]}


def test_an_error_is_the_same_after_its_facts():
    """They are what a log keeps."""
    _, told = play(asked(given={"x": 1}))
    error = to_error(told["error"])
    assert {**to_facts(error, "p"), "message": error.message} == told["error"]
    assert (error.status, error.retryable) == (None, False)


def test_a_charset_that_decodes_no_text_is_passed_over():
    """Python knows some that make bytes of bytes."""
    answer = Answer()
    answer.start(200, {"Content-Type": "text/plain; charset=base64"})
    answer.feed(b"abc")
    assert answer.text == "abc"
