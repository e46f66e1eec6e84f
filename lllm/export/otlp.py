"""A run as OpenTelemetry traces, in OTLP's JSON encoding: a file that a collector takes at ``/v1/traces``.

Ids are hex, 64-bit numbers are text and enums are numbers, as
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding (read 2026-11) asks. They come from the session and
the effects' ids: who sends the same run twice overwrites it, and adds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from hashlib import sha256
from typing import Any

from lllm.const import VERSION
from lllm.export.facts import dict_of, dicts_of, number_of, text_of, to_number, to_text, to_visible, usage_of
from lllm.export.formats import Choice
from lllm.export.record import RunRecord
from lllm.export.spans import Span, Timeline
from lllm.otel import names
from lllm.otel.parts import to_parts
from lllm.utils import encode_json

Attributes = dict[str, Any]

_FAILED = frozenset({"failed", "unknown"})


def render(record: RunRecord, choice: Choice) -> Iterator[str]:
    """Yield one JSON document: one resource, one scope, and a span for everything that took time."""
    timeline = Timeline(with_facts=True)
    contracts: dict[str, dict[str, Any]] = {}
    asked: dict[str, str] = {}
    for event in record.events():
        timeline.add(event)
        if event.kind == "contract":
            contracts[text_of(event.data, "fingerprint")] = event.data
        elif event.kind == "model.reply":
            asked |= _call_ids(event.id, event.data)
    yield from _document(_Exporter(record, choice, timeline, contracts, asked))


def _document(exporter: _Exporter) -> Iterator[str]:
    resource = {"attributes": to_attributes({"service.name": "lllm", "service.version": VERSION})}
    scope = {"name": "lllm", "version": VERSION}
    yield f'{{"resourceSpans":[{{"resource":{encode_json(resource)},"schemaUrl":"{names.SCHEMA_URL}",'
    yield f'"scopeSpans":[{{"scope":{encode_json(scope)},"schemaUrl":"{names.SCHEMA_URL}","spans":['
    for number, span in enumerate(exporter.timeline.spans):
        yield ("," if number else "") + "\n" + encode_json(exporter.to_span(span))
    yield "\n]}]}]}\n"


def trace_id(session: str) -> str:
    """Return a session's trace id: 16 bytes in hex."""
    return sha256(f"lllm/trace/{session}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def span_id(session: str, effect: str) -> str:
    """Return the id of an effect's span: 8 bytes in hex. The session's own effect id is empty."""
    return sha256(f"lllm/span/{session}\0{effect}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def to_attributes(facts: Attributes) -> list[dict[str, Any]]:
    """Return attributes in OTLP's shape; None, and an empty text, are left out."""
    told = [(key, value) for key, value in facts.items() if value is not None and value not in ("", [])]
    return [{"key": key, "value": _to_value(value)} for key, value in told]


def _to_value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_to_value(item) for item in value]}}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return {"stringValue": to_visible(str(value))}


def _call_ids(step: str, data: dict[str, Any]) -> dict[str, str]:
    """Return the ids that a model gave its calls, by our ids of them."""
    calls: Any = dict_of(data, "message").get("calls")
    if not isinstance(calls, list):
        return {}
    told: dict[str, Any] = {f"{step}/f{number}": call for number, call in enumerate(calls)}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return {id_: text_of(call, "id") for id_, call in told.items() if isinstance(call, dict)}  # pyright: ignore[reportUnknownArgumentType]


class _Exporter:
    """Makes spans in OTLP's shape of the spans of one run."""

    def __init__(
        self,
        record: RunRecord,
        choice: Choice,
        timeline: Timeline,
        contracts: dict[str, dict[str, Any]],
        asked: dict[str, str],
    ) -> None:
        self.timeline = timeline
        self._record, self._content = record, choice.content
        self._contracts, self._asked = contracts, asked

    def to_span(self, span: Span) -> dict[str, Any]:
        """Return one span."""
        session = self._record.name
        name, facts = _SHAPES[span.kind](self, span)
        shared = {names.EFFECT_ID: span.id, names.SEQ: span.seq, names.CONVERSATION_ID: session}
        if span.end is None:
            shared[names.STATUS] = "unfinished"
        elif span.status in _FAILED:
            shared |= {names.STATUS: span.status, names.ERROR_TYPE: _error_type(span)}
        told: dict[str, Any] = {"traceId": trace_id(session), "spanId": span_id(session, span.id)}
        if span.parent >= 0:
            told["parentSpanId"] = span_id(session, self.timeline.spans[span.parent].id)
        is_remote = span.kind == "model"
        return told | {
            "name": to_visible(name.strip()),
            "kind": names.KIND_CLIENT if is_remote else names.KIND_INTERNAL,
            "startTimeUnixNano": to_nanos(span.start),
            "endTimeUnixNano": to_nanos(self.timeline.last_ts if span.end is None else span.end),
            "attributes": to_attributes(facts | shared),
            "status": self._status(span),
        }

    def _status(self, span: Span) -> dict[str, Any]:
        if span.status not in _FAILED:
            return {"code": names.STATUS_UNSET}
        note = {"message": to_visible(span.note)} if self._content and span.note else {}
        return {"code": names.STATUS_ERROR, **note}

    def session(self, span: Span) -> tuple[str, Attributes]:
        opened = span.facts.get("session.open", {})
        parent = dict_of(opened, "parent")
        facts: Attributes = {
            names.OPERATION_NAME: names.INVOKE_WORKFLOW,
            names.WORKFLOW_NAME: span.name,
            names.PARENT_SESSION: text_of(parent, "session"),
            names.PARENT_SEQ: int(number_of(parent, "seq") or 0) or None,
            names.DAMAGE: self._record.damage,
        }
        return f"{names.INVOKE_WORKFLOW} {span.name}", facts | self._ends(opened, span.facts.get("session.close", {}))

    def run(self, span: Span) -> tuple[str, Attributes]:
        facts: Attributes = {names.OPERATION_NAME: names.INVOKE_WORKFLOW, names.WORKFLOW_NAME: span.name}
        ends = self._ends(span.facts.get("run.open", {}), span.facts.get("run.close", {}))
        return f"{names.INVOKE_WORKFLOW} {span.name}", facts | ends

    def _ends(self, opened: dict[str, Any], closed: dict[str, Any]) -> Attributes:
        if not self._content:
            return {}
        return {names.TASK: to_text(opened.get("task")), names.RESULT: to_text(closed.get("result"))}

    def call(self, span: Span) -> tuple[str, Attributes]:
        facts = {names.OPERATION_NAME: names.INVOKE_AGENT, names.AGENT_NAME: span.name}
        return f"{names.INVOKE_AGENT} {span.name}", facts

    def model(self, span: Span) -> tuple[str, Attributes]:
        request, reply = span.facts.get("model.request", {}), span.facts.get("model.reply", {})
        contract = self._contracts.get(text_of(request, "contract"), {})
        params = dict_of(contract, "params")
        provider = dict_of(contract, "provider")
        name, base_url = text_of(provider, "name"), text_of(provider, "base_url")
        host, port = names.to_server(base_url)
        facts: Attributes = {
            names.OPERATION_NAME: names.CHAT,
            names.PROVIDER_NAME: names.to_provider_name(name, base_url),
            names.SERVER_ADDRESS: host,
            names.SERVER_PORT: port,
            names.LLM_PROVIDER: name,
            names.REQUEST_MODEL: span.name,
            names.LLM_MODEL: span.name,
            names.REQUEST_MAX_TOKENS: _whole(params, "max_tokens"),
            names.REQUEST_TEMPERATURE: number_of(params, "temperature"),
            names.REQUEST_TOP_P: number_of(params, "top_p"),
            names.REQUEST_SEED: _whole(params, "seed"),
            names.RETRY: _whole(request, "retry"),
            names.RECALL: _whole(request, "recall"),
        }
        if reply and span.end is not None:
            facts[names.LLM_LATENCY_MS] = max(0, round((span.end - span.start) * 1000))
        return f"{names.CHAT} {span.name}", facts | (self._reply(reply) if reply else {})

    def _reply(self, reply: dict[str, Any]) -> Attributes:
        usage = usage_of(reply)
        finish = text_of(reply, "finish") or "stop"
        facts: Attributes = {
            names.RESPONSE_MODEL: text_of(reply, "model"),
            names.RESPONSE_FINISH_REASONS: [finish],
            names.INPUT_TOKENS: usage.prompt,
            names.OUTPUT_TOKENS: usage.completion,
            names.CACHED_INPUT_TOKENS: usage.cached or None,
            names.CACHE_WRITE_TOKENS: usage.written or None,
            names.REASONING_TOKENS: usage.reasoning or None,
            names.LLM_TOKENS_PROMPT: usage.prompt,
            names.LLM_TOKENS_COMPLETION: usage.completion,
            names.COST_USD: to_number(reply.get("cost_usd")),
            names.CACHED: reply.get("cached") is True or None,
        }
        if self._content:
            facts[names.OUTPUT_MESSAGES] = json.dumps([_to_message(dict_of(reply, "message"), finish)])
        return facts

    def function(self, span: Span) -> tuple[str, Attributes]:
        facts: Attributes = {
            names.OPERATION_NAME: names.EXECUTE_TOOL,
            names.TOOL_NAME: span.name,
            names.TOOL_TYPE: "function",
            names.TOOL_CALL_ID: self._asked.get(span.id),
        }
        if self._content:
            result = dict_of(span.facts.get("function.result", {}), "message")
            facts[names.TOOL_ARGUMENTS] = text_of(span.facts.get("function.call", {}), "arguments")
            facts[names.TOOL_RESULT] = text_of(result, "content")
        return f"{names.EXECUTE_TOOL} {span.name}", facts

    def wait(self, span: Span) -> tuple[str, Attributes]:
        del span
        return "wait", {}

    def step(self, span: Span) -> tuple[str, Attributes]:
        return f"step {span.name}", {names.STEP_NAME: span.name}


_SHAPES: dict[str, Callable[[_Exporter, Span], tuple[str, Attributes]]] = {
    "session": _Exporter.session,
    "run": _Exporter.run,
    "call": _Exporter.call,
    "model": _Exporter.model,
    "function": _Exporter.function,
    "wait": _Exporter.wait,
    "step": _Exporter.step,
}


def _to_message(message: dict[str, Any], finish: str) -> dict[str, Any]:
    """Return a reply in the shape of ``gen_ai.output.messages``: a role, parts, and why the model stopped."""
    calls = [(text_of(c, "id"), text_of(c, "name"), text_of(c, "arguments")) for c in dicts_of(message, "calls")]
    parts = to_parts(text_of(message, "content"), reasoning=text_of(message, "reasoning"), calls=calls)
    return {"role": "assistant", "parts": parts, "finish_reason": finish}


def _error_type(span: Span) -> str:
    """Return the error's name, which is few words at most; its text may hold content."""
    if span.status == "unknown":
        return "unknown"
    return names.to_error_type(text_of(span.facts.get("model.error", {}), "type") or span.note)


def _whole(data: dict[str, Any], key: str) -> int | None:
    number = number_of(data, key)
    return None if number is None else int(number)


def to_nanos(seconds: float) -> str:
    """Return a time in nanoseconds, as text; a log keeps microseconds."""
    return str(max(0, int(Decimal(f"{seconds:.6f}") * 1_000_000_000)))
