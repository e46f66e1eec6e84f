"""What OpenTelemetry calls providers, servers and the parts of a message."""

from __future__ import annotations

import pytest

from lllm.otel.names import to_error_type, to_provider_name, to_server
from lllm.otel.parts import to_image_part, to_parts


@pytest.mark.parametrize(
    ("name", "base_url", "told"),
    [
        ("openai", "https://api.openai.com/v1", "openai"),
        ("work", "https://api.openai.com/v1", "openai"),
        ("openai", "http://localhost:8000/v1", "openai"),
        ("claude", "https://api.anthropic.com", "anthropic"),
        ("mistral", "https://api.mistral.ai/v1", "mistral_ai"),
        ("mistral", "", "mistral_ai"),
        ("xai", "https://api.x.ai/v1", "x_ai"),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "gcp.gemini"),
        ("azure", "https://shop.openai.azure.com/openai/v1", "azure.ai.openai"),
        ("aws", "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", "aws.bedrock"),
        ("vertex", "https://europe-west1-aiplatform.googleapis.com/v1", "gcp.vertex_ai"),
        ("evil", "https://api.openai.com.example.org/v1", "evil"),
        ("ollama", "http://localhost:11434", "ollama"),
        ("", "", "unknown"),
        ("odd", "http://[", "odd"),
    ],
)
def test_a_provider_has_the_name_that_the_conventions_give_it(name, base_url, told):
    """Dashboards group by it: five users' names for one service would be five services."""
    assert to_provider_name(name, base_url) == told


@pytest.mark.parametrize(
    ("base_url", "told"),
    [
        ("https://api.openai.com/v1", ("api.openai.com", 443)),
        ("http://localhost/v1", ("localhost", 80)),
        ("http://[::1]:8000/v1", ("::1", 8000)),
        ("", ("", None)),
        ("http://host:99999", ("", None)),
        ("not an address", ("", None)),
    ],
)
def test_a_server_is_a_host_and_a_port(base_url, told):
    """Where the address names no port, it is the scheme's."""
    assert to_server(base_url) == told


def test_a_message_has_parts():
    """Reasoning, text, and calls, in the order in which they were said."""
    calls = [("c1", "add", '{"a": 1}'), ("c2", "add", "not JSON"), ("c3", "add", '{"a": 1e999}')]
    assert to_parts("text", reasoning="thought", calls=calls) == [
        {"type": "reasoning", "content": "thought"},
        {"type": "text", "content": "text"},
        {"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}},
        {"type": "tool_call", "id": "c2", "name": "add", "arguments": "not JSON"},
        {"type": "tool_call", "id": "c3", "name": "add", "arguments": '{"a": 1e999}'},
    ]
    assert to_parts("5", answers="c1") == [{"type": "tool_call_response", "id": "c1", "response": "5"}]
    assert to_parts("") == []


def test_an_image_is_told_without_its_bytes():
    """A picture of megabytes would go to the collector with every turn of its dialog."""
    assert to_image_part("image/png", "https://example.org/a.png", 0)["uri"] == "https://example.org/a.png"
    told = to_image_part("image/png", "", 1_000_000)
    assert (told["content"], told["mime_type"], told["base64_chars"]) == ("", "image/png", 1_000_000)


@pytest.mark.parametrize(
    ("told", "name"), [("ValueError: 3 < 4", "ValueError"), ("RateLimited", "RateLimited"), ("it broke: no", "_OTHER")]
)
def test_an_error_is_told_by_its_name_alone(told, name):
    """Its text may repeat what the user said, and would be a new error type each time."""
    assert to_error_type(told) == name
