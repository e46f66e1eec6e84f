"""Spans of runs that are replayed: none of what only comes from the log, all of what is done for real."""

from __future__ import annotations

import pytest
from crashes import BUY, PAY, Shop
from trace_world import Spans

from lllm.llm.trace import traced
from lllm.replay import AGAIN, fork, replay, resume


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path).record()


@pytest.fixture
def spans():
    made = Spans()
    with traced(made.provider):
        yield made


def effects(spans):
    """Return the effects that have spans, in the log's order."""
    return sorted(id_ for span in spans.all if (id_ := span.attributes.get("lllm.effect.id")))


def test_a_strict_replay_makes_no_spans(shop, spans):
    """Nothing happened: spans of today would show calls that cost nothing and took no time."""
    assert replay(shop.log, "whole", shop.run).status == "same"
    assert spans.all == []


def test_a_traced_run_replays(shop, spans):
    """Nothing of a trace is part of a run."""
    shop.record("watched")
    assert effects(spans) == ["1/s0", BUY, "1/s0/f1", PAY, "1/s1", "1/s2"]
    shop.check_replays("watched")


def test_a_resumed_run_has_spans_of_what_it_does(shop, spans):
    """What its dead process did was told by that one."""
    name = shop.die_after("function.result", BUY)
    with traced(spans.provider, content=True):
        resume(shop.log, name, shop.run, decide=lambda _unknown: AGAIN)
    assert effects(spans) == ["1/s0/f1", PAY, "1/s1", "1/s2"]
    assert ("invoke_agent agent", "execute_tool pay") in spans.tree
    assert spans.one("invoke_workflow").attributes["lllm.task"] == "t"


def test_a_call_that_is_only_served_has_no_span(shop, spans):
    """The fork begins in the second call; the first took place in the parent."""
    fork(shop.log, "whole", "1/s2", shop.run)
    assert effects(spans) == ["1/s2"]
    assert len(spans.named("invoke_agent")) == 1
