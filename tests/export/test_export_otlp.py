"""Traces: ids, times and parents as a collector wants them, and no content unless somebody asks for it."""

from __future__ import annotations

import json
import re

import pytest
from export_runs import HOSTILE, START, Story, trip

from lllm.otel import names

# The fields of a span, by https://github.com/open-telemetry/opentelemetry-proto/blob/v1.7.0/opentelemetry/proto/trace/v1/trace.proto
FIELDS = {
    "traceId",
    "spanId",
    "parentSpanId",
    "name",
    "kind",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "attributes",
    "status",
}
SECRET_WORDS = "words-of-the-run"


def spans_of(story, **options):
    [resource] = json.loads(story.export("otlp", **options))["resourceSpans"]
    [scope] = resource["scopeSpans"]
    return scope["spans"]


def facts_of(span):
    return {item["key"]: next(iter(item["value"].values())) for item in span["attributes"]}


def by_effect(story, **options):
    return {facts_of(span).get(names.EFFECT_ID, ""): (span, facts_of(span)) for span in spans_of(story, **options)}


@pytest.mark.parametrize("text", ["plain", *HOSTILE])
def test_a_collector_can_read_it(text):
    spans = spans_of(trip(text), content=True)
    ids = {span["spanId"] for span in spans}
    assert len(ids) == len(spans) == 15
    for span in spans:
        assert set(span) <= FIELDS
        assert re.fullmatch(r"[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch(r"[0-9a-f]{16}", span["spanId"])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert span.get("parentSpanId") in {None, *ids}
        assert span["status"]["code"] in {0, 2}
    assert [span for span in spans if "parentSpanId" not in span] == spans[:1]


def test_names_and_facts_are_those_of_the_convention():
    found = by_effect(trip())
    assert [found[key][0]["name"] for key in ("", "1/call/0", "1/s1", "1/s1/f0", "sub", "v/1")] == [
        "invoke_workflow trip",
        "invoke_agent planner",
        "chat m",
        "execute_tool add",
        "invoke_workflow helper",
        "step book",
    ]
    span, facts = found["1/s1"]
    assert span["kind"] == names.KIND_CLIENT
    assert facts == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.conversation.id": "s",
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.seed": "3",
        "gen_ai.response.model": "m-1",
        "gen_ai.response.finish_reasons": {"values": [{"stringValue": "stop"}]},
        "gen_ai.usage.input_tokens": "10",
        "gen_ai.usage.output_tokens": "4",
        "gen_ai.usage.cache_read.input_tokens": "2",
        "llm.provider": "openai",
        "llm.model": "m",
        "llm.tokens.prompt": "10",
        "llm.tokens.completion": "4",
        "llm.latency.ms": "3000",
        "lllm.cost_usd": 0.25,
        "lllm.recall": "1",
        "lllm.effect.id": "1/s1",
        "lllm.seq": "9",
    }
    assert found["1/s1/f1"][1][names.TOOL_CALL_ID] == "c1"


def test_times_are_those_of_the_events():
    span, _ = by_effect(trip())["1/s0"]
    assert span["startTimeUnixNano"] == str(int((START + 0.5) * 1000)) + "000000"
    assert int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) == 1_000_000_000


def test_ids_come_from_the_session_and_the_effect():
    """Who sends a run twice, or sends it again when it has gone on, adds nothing and changes no id."""
    early = {key: span["spanId"] for key, (span, _) in by_effect(trip(closed=False)).items()}
    late = {key: span["spanId"] for key, (span, _) in by_effect(trip()).items()}
    assert early == late
    elsewhere = {span["spanId"] for span, _ in by_effect(trip(name="other")).values()}
    assert not elsewhere & set(late.values())


def test_content_is_exported_only_when_asked_for():
    """Traces go to a company's collector; what users wrote does not follow them by default."""
    assert SECRET_WORDS not in trip(SECRET_WORDS).export("otlp")
    facts = {key: facts for key, (_, facts) in by_effect(trip(SECRET_WORDS), content=True).items()}
    assert json.loads(facts["1/s1"][names.OUTPUT_MESSAGES])[0]["parts"][0] == {
        "type": "text",
        "content": f"reply {SECRET_WORDS}",
    }
    assert (facts["1/s1/f0"][names.TOOL_ARGUMENTS], facts["1/s1/f0"][names.TOOL_RESULT]) == ('{"a": 1}', "2")
    assert (facts[""][names.TASK], facts[""][names.RESULT]) == (f"task {SECRET_WORDS}", f"result {SECRET_WORDS}")


def test_failures_are_errors_and_what_has_no_end_is_no_error():
    found = by_effect(trip())
    assert (found["1/s0"][0]["status"], found["1/s0"][1][names.ERROR_TYPE]) == ({"code": 2}, "RateLimited")
    assert (found["1/s1/f1"][0]["status"], found["1/s1/f1"][1][names.ERROR_TYPE]) == ({"code": 2}, "ValueError")
    story = Story()
    story.add("session.open", task="t")
    story.add("model.request", "1/s0", contract="c", n=1)
    story.add("note", "note/0", 4.0, text="last seen")
    span, facts = by_effect(story)["1/s0"]
    assert (span["status"], facts[names.STATUS]) == ({"code": 0}, "unfinished")
    assert int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) == 4_000_000_000


def test_a_reply_from_a_cache_and_its_server_are_told_as_in_a_live_trace():
    """Who pays for tokens compares exported files with live spans: a fact that only one of them has is a wrong sum."""
    story = Story()
    story.add("session.open", task="t")
    provider = {"name": "claude", "base_url": "https://api.anthropic.com"}
    story.add("contract", "contract/x", provider=provider, model="m", fingerprint="f1")
    story.add("model.request", "1/s0", contract="f1", n=1)
    message = {"role": "assistant", "content": "kept"}
    story.add("model.reply", "1/s0", 1.0, message=message, model="m", usage=[10, 4, 2, 1, 3], cost_usd=0.0, cached=True)
    _, facts = by_effect(story)["1/s0"]
    assert (facts[names.SERVER_ADDRESS], facts[names.SERVER_PORT]) == ("api.anthropic.com", "443")
    assert (facts[names.CACHED_INPUT_TOKENS], facts[names.CACHE_WRITE_TOKENS]) == ("2", "3")
    assert (facts[names.REASONING_TOKENS], facts[names.CACHED]) == ("1", True)
