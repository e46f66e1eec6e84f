"""What users and models say: told where somebody asks for it, without secrets."""

from __future__ import annotations

import json

import pytest
from trace_world import NOWHERE, Named, Spans
from world import World, calls

from lllm.errors import ConfigError
from lllm.llm import current_session
from lllm.llm.trace import traced
from lllm.models import Prompt


def chatty():
    """Run a call whose every text is the user's, and return its world."""

    def fetch(text: str) -> str:
        """Fetch."""
        if text == "fail":
            raise ValueError(f"result {NOWHERE}")
        return f"result {text}"

    prompt = Prompt(path="p", prompt=f"System {NOWHERE}.", functions_list=(fetch,))
    asked = calls(("fetch", {"text": f"argument {NOWHERE}"}), ("fetch", {"text": "fail"}))
    world = World(asked, f"reply {NOWHERE}", prompt=prompt)
    world.session.about = {"task": f"task {NOWHERE}"}
    with world.session as session:
        world.ask(f"question {NOWHERE}")
        session.result = f"outcome {NOWHERE}"
    return world


def test_no_content_is_told_unless_somebody_asks(spans):
    """Traces go to a company's collector; what users wrote does not follow them by default."""
    chatty()
    assert len(spans.all) == 6
    assert NOWHERE not in spans.text


def test_content_is_told_where_it_is_asked_for():
    """In the form that the convention gives to messages, as JSON."""
    spans = Spans()
    with traced(spans.provider, content=True):
        chatty()
    first, second = spans.named("chat")
    assert json.loads(first.attributes["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": f"System {NOWHERE}."}]},
        {"role": "user", "parts": [{"type": "text", "content": f"question {NOWHERE}"}]},
    ]
    [reply] = json.loads(first.attributes["gen_ai.output.messages"])
    assert reply["finish_reason"] == "function_calls"
    assert reply["parts"][0] == {
        "type": "tool_call",
        "id": "call_0",
        "name": "fetch",
        "arguments": {"text": f"argument {NOWHERE}"},
    }
    asked = json.loads(second.attributes["gen_ai.input.messages"])
    assert asked[3] == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "call_0", "response": f"result argument {NOWHERE}"}],
    }
    worked, failed = sorted(spans.named("execute_tool"), key=lambda span: span.attributes["lllm.effect.id"])
    assert json.loads(worked.attributes["gen_ai.tool.call.arguments"]) == {"text": f"argument {NOWHERE}"}
    assert worked.attributes["gen_ai.tool.call.result"] == f"result argument {NOWHERE}"
    assert failed.status.description == f"ValueError: result {NOWHERE}"
    run = spans.one("invoke_workflow").attributes
    assert (run["lllm.task"], run["lllm.result"]) == (f"task {NOWHERE}", f"outcome {NOWHERE}")


def test_secrets_are_taken_out_of_content():
    """The log's redactor knows the keys; a trace must not be the way around it."""
    spans = Spans()
    secret = 'quoted "key" 12345678'

    class Keyed(Named):
        def secrets(self):
            return (secret,)

    def echo(text: str) -> str:
        """Echo."""
        if text == "fail":
            raise ValueError(secret)
        return f"{text} {secret}"

    asked = calls(("echo", {"text": secret}), ("echo", {"text": "fail"}))
    with traced(spans.provider, content=True):
        World(provider=Keyed([asked, f"said {secret}"]), functions=(echo,)).ask(f"I say {secret}")
    assert spans.text.count("[redacted]") >= 6
    assert "12345678" not in spans.text


@pytest.mark.parametrize(
    ("env", "toml", "wanted"),
    [
        ({}, "", False),
        ({}, "[tracing]\ncontent = true\n", True),
        ({}, "[tracing]\ncontent = false\n", False),
        ({"LLLM_TRACE_CONTENT": "1"}, "", True),
        ({"LLLM_TRACE_CONTENT": "0"}, "[tracing]\ncontent = true\n", False),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}, "", True),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}, "", True),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "EVENT_ONLY"}, "[tracing]\ncontent = true\n", False),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true", "LLLM_TRACE_CONTENT": "no"}, "", False),
    ],
)
def test_who_decides_about_content(spans, tmp_path, monkeypatch, env, toml, wanted):
    """The nearest voice wins: our variable, then OpenTelemetry's, then the project's file; silence is no."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    if toml:
        (tmp_path / "lllm.toml").write_text(toml, encoding="utf-8")
        monkeypatch.setenv("LLLM_CONFIG", str(tmp_path))
    World("ok").ask("hello")
    assert ("gen_ai.input.messages" in spans.one("chat").attributes) is wanted


def test_a_folder_that_is_gone_asks_for_nothing(spans, tmp_path, monkeypatch):
    """A run goes on in it, so its trace does, too."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    World("ok").ask("hello")
    assert "gen_ai.input.messages" not in spans.one("chat").attributes


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("tracing = 1\n", "tracing is no table"),
        ("[tracing]\ncontents = true\n", "knows only content"),
        ('[tracing]\ncontent = "yes"\n', "true or false"),
    ],
)
def test_a_slip_in_the_projects_table_is_an_error(spans, tmp_path, monkeypatch, toml, message):
    """Who wrote it believes that content is on, or off."""
    (tmp_path / "lllm.toml").write_text(toml, encoding="utf-8")
    monkeypatch.setenv("LLLM_CONFIG", str(tmp_path))
    with pytest.raises(ConfigError, match=message):
        World("ok").ask()
    world = World("ok")
    with pytest.raises(ConfigError, match=message), world.session:
        raise AssertionError("the session was not entered")
    assert world.session.closed
    assert current_session() is None
