"""``lllm log cost``: what was paid, and what nobody knows."""

from __future__ import annotations

import json

import pytest
from starter_values import TASK

from lllm.const import CompletionCost, Roles
from lllm.errors import ParseError
from lllm.export.costs import Call, to_calls, to_sums
from lllm.llm import Agent, Session
from lllm.log import LocalFileLog
from lllm.models import Message, Prompt
from lllm.testing import scripted_model


def said(text, cost, model="m1", *, cached=False):
    usage = CompletionCost(10, 2, cost_usd=cost)
    return Message(Roles.ASSISTANT, text, model=model, usage=usage, cached=cached)


@pytest.fixture
def store(tmp_path):
    """A log with two sessions: one with a repaired reply and a free one, one of an unknown price."""
    log = LocalFileLog("demo", {"log_dir": str(tmp_path / "logs")})
    record(log, "first", said("no number", 0.5), said("1", 0.25), said("2", 0.0, cached=True))
    record(log, "second", said("3", 1.0), said("4", None, "m2"))
    return log


def number(text):
    if not text.isdigit():
        raise ParseError("not a number")
    return int(text)


def record(log, name, *replies):
    prompt = Prompt(path="p", prompt="Count.", parser=number)
    agent = Agent(name="counter", system_prompt=prompt, model="m1", provider=scripted_model(*replies))
    with Session.open(log, name, header={"task": name}) as session:
        for _ in range(2):
            dialog = agent.init_dialog(session=session)
            dialog.send_message("go")
            agent.call(dialog)


def cost(lllm_json, store, *args):
    code, told = lllm_json("log", "cost", *args, "--log-dir", str(store.folder))
    assert code == 0, told
    return {row["name"]: row for row in told["rows"]}, told["total"]


def test_unusable_and_cached_replies_are_counted(store, lllm_json):
    """The unusable one was paid for; the cached one was not."""
    rows, total = cost(lllm_json, store, "first")
    assert (total["calls"], total["cached"], total["cost_usd"], total["prompt_tokens"]) == (3, 1, 0.75, 30)
    assert list(rows) == ["m1"]


def test_an_unknown_price_is_never_zero(store, lllm_json, lllm):
    rows, total = cost(lllm_json, store, "second")
    assert (rows["m2"]["cost_usd"], total["cost_usd"], total["known_usd"], total["unpriced"]) == (None, None, 1.0, 1)
    told = lllm("log", "cost", "second", "--log-dir", str(store.folder)).stdout
    assert "at least $1.0000, 1 calls unknown" in told
    assert "unknown" in next(line for line in told.splitlines() if line.startswith("m2"))


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("session", ["second", "first"]),
        ("agent", ["counter"]),
        ("model", ["m1", "m2"]),
        ("dialog", ["second 1", "first 1", "first 2", "second 2"]),
    ],
)
def test_many_sessions_are_summed_by_what_is_asked(store, lllm_json, by, names):
    rows, total = cost(lllm_json, store, "--all", "--by", by)
    assert list(rows) == names
    assert (total["calls"], total["known_usd"]) == (5, 1.75)


def test_days_stand_in_their_order():
    calls = [Call("s", "1", "a", "m", 1, 1, 1.0, ts) for ts in (90_000.0, 0.0, 5.0)]
    rows, _ = to_sums(calls, "day")
    assert [(row.name, row.calls) for row in rows] == [("1970-01-01", 2), ("1970-01-02", 1)]


def test_a_time_that_no_calendar_has_stands_alone():
    """A log of somebody else, or a damaged one, must not end the whole sum."""
    calls = [Call("s", "1", "a", "m", 1, 1, 0.0, ts) for ts in (1e20, -1e20, float("nan"), 0.0)]
    sums, total = to_sums(calls, "day")
    assert [(row.name, row.calls) for row in sums] == [("", 3), ("1970-01-01", 1)]
    assert total.calls == 4


def test_the_last_session_is_meant_by_default(project, lllm):
    assert lllm("run", TASK).exit_code == 0
    result = lllm("log", "cost")
    assert result.exit_code == 0
    assert "$0.0000" in result.stdout


def test_one_session_or_many_but_not_both(store, lllm):
    assert lllm("log", "cost", "first", "--all", "--log-dir", str(store.folder)).exit_code == 2


def test_a_damaged_session_does_not_hide_the_others(store, lllm, lllm_json):
    path = next(store.session_path("first").glob("events-*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"no number"', b'"NO number"'))
    result = lllm("log", "cost", "--all", "--json", "--log-dir", str(store.folder))
    assert "not counted" in result.stderr
    assert json.loads(result.stdout)["total"]["known_usd"] == 1.0
    assert lllm("log", "cost", "first", "--log-dir", str(store.folder)).exit_code == 1


def test_each_reply_is_told_with_who_asked_for_it(store):
    """The unusable one as well, in the order in which they came."""
    calls = list(to_calls("first", store.read_session("first")))
    assert [(call.agent, call.dialog, call.cost_usd) for call in calls] == [
        ("counter", "1", 0.5),
        ("counter", "1", 0.25),
        ("counter", "2", 0.0),
    ]
