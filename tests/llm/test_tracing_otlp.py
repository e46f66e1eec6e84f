"""Spans on their way: the SDK's own exporter sends them to a receiver that this test starts, in OTLP over HTTP."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from world import World, calls

from lllm.const import VERSION, CompletionCost, Roles
from lllm.errors import Unauthorized
from lllm.llm.trace import traced
from lllm.models import Message
from lllm.otel import names


class Receiver(ThreadingHTTPServer):
    """What a collector is to its clients: it takes protobuf at ``/v1/traces``.

    Attributes:
        taken: the requests, decoded.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1/traces"

    @property
    def scopes(self):
        """Return every scope's spans that came."""
        return [scope for sent in self.taken for resource in sent.resource_spans for scope in resource.scope_spans]

    @property
    def spans(self):
        """Return the spans that came, by name."""
        return {span.name: span for scope in self.scopes for span in scope.spans}


class Handler(BaseHTTPRequestHandler):
    """One request of an exporter."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        is_ours = self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf"
        if is_ours:
            self.server.taken.append(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200 if is_ours else 400)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def receiver():
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def provider(receiver):
    made = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=receiver.url)))
    yield made
    made.shutdown()


def look_up(word: str) -> str:
    """Look up a word."""
    return f"{word} is blue"


def facts_of(span):
    """Return a span's attributes as plain values."""
    told = {item.key: item.value for item in span.attributes}
    return {key: getattr(value, value.WhichOneof("value")) for key, value in told.items()}


def test_a_receiver_gets_the_tree_and_both_tables(receiver, provider):
    """What a collector, Jaeger or Grafana would see of one call with a function."""
    reply = Message(Roles.ASSISTANT, "done", model="m-1", usage=CompletionCost(150, 200))
    with traced(provider):
        World(calls(("look_up", {"word": "sky"})), reply, functions=(look_up,)).ask()
    assert provider.force_flush()
    [scope] = {(scope.scope.name, scope.scope.version, scope.schema_url) for scope in receiver.scopes}
    assert scope == ("lllm", VERSION, names.SCHEMA_URL)
    spans = receiver.spans
    call = spans["invoke_agent agent"]
    assert spans["chat m1"].parent_span_id == spans["execute_tool look_up"].parent_span_id == call.span_id
    assert {span.trace_id for span in spans.values()} == {call.trace_id}
    told = facts_of(spans["chat m1"])
    assert (told["gen_ai.usage.input_tokens"], told["llm.tokens.prompt"]) == (150, 150)
    assert (told["gen_ai.response.model"], told["llm.model"]) == ("m-1", "m1")
    assert told["llm.latency.ms"] >= 0
    [resource] = {
        facts_of(resource.resource)["service.name"] for sent in receiver.taken for resource in sent.resource_spans
    }
    assert resource == "shop"


def test_a_receiver_gets_errors_as_errors(receiver, provider):
    """The status and the events travel, too."""
    with traced(provider), pytest.raises(Unauthorized):
        World({"error": {"type": "RateLimited", "retry_after_s": 0.001}}, {"error": {"type": "Unauthorized"}}).ask()
    assert provider.force_flush()
    span = receiver.spans["chat m1"]
    assert (span.status.code, facts_of(span)["error.type"]) == (names.STATUS_ERROR, "Unauthorized")
    assert [facts_of(event)["error.type"] for event in span.events] == ["RateLimited", "Unauthorized"]


@pytest.mark.parametrize("text", ["plain", "\ud800 lone", "\x00 \u202e", "x" * 90_000])
def test_a_receiver_gets_content_whatever_it_is(receiver, provider, text):
    """Text that cannot be UTF-8 would make the exporter drop every span of its batch."""
    with traced(provider, content=True):
        World(calls(("look_up", {"word": text})), text, functions=(look_up,)).ask(text)
    assert provider.force_flush()
    assert len(receiver.spans) == 3
    [reply] = json.loads(facts_of(receiver.spans["chat m1"])["gen_ai.output.messages"])
    assert reply["parts"] == [{"type": "text", "content": text}]
    assert facts_of(receiver.spans["execute_tool look_up"])["gen_ai.tool.call.result"].endswith(" is blue")
