"""The model that runs in the process: deterministic, free, and as strict about its script as a server about requests."""

from __future__ import annotations

import asyncio
import threading

import pytest
from chat_values import ask
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import CompletionCost, Finish, Roles
from lllm.errors import ConfigError, ProviderError, RateLimited, StreamTruncated
from lllm.models.declared import declared_signature
from lllm.models.function import Function
from lllm.models.message import Message
from lllm.providers.mock import MockProvider
from lllm.providers.sample import build_sample
from lllm.providers.script import DEFAULT_TEXT


def test_a_script_is_played_in_order_and_then_says_that_it_is_over():
    """A test that calls once more than planned has found something."""
    mock = MockProvider(["a", Message(Roles.ASSISTANT, "b"), {"text": "c", "finish": "length"}, ValueError("d")])
    assert [mock.send(ask()).content, mock.send(ask()).content] == ["a", "b"]
    third = mock.send(ask())
    assert (third.content, third.finish) == ("c", Finish.LENGTH)
    with pytest.raises(ValueError, match="d"):
        mock.send(ask())
    with pytest.raises(ProviderError, match="has 4 replies") as caught:
        mock.send(ask())
    assert not caught.value.retryable


def test_a_script_gives_each_reply_once_to_parallel_callers():
    """Two threads that get one reply make a test pass by luck."""
    mock, got = MockProvider([str(number) for number in range(200)]), []
    threads = [
        threading.Thread(target=lambda: got.extend(mock.send(ask()).content for _ in range(50))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, got)) == list(range(200))


def test_a_script_calls_functions_and_fails_by_name():
    """What a YAML file can say covers what a server can do."""
    told = [
        {"calls": [{"name": "add", "arguments": {"a": 1}}, {"name": "add", "arguments": "{oops", "id": "x"}]},
        {"error": {"type": "RateLimited", "message": "wait", "retry_after_s": 0.5}},
        {"error": "StreamTruncated", "text": "half a reply"},
    ]
    mock, seen = MockProvider(told), []
    message = mock.send(ask())
    assert [(c.id, c.arguments, bool(c.fault)) for c in message.function_calls] == [
        ("call_0", {"a": 1}, False),
        ("x", {}, True),
    ]
    assert message.finish is Finish.FUNCTION_CALLS
    with pytest.raises(RateLimited, match="wait") as limited:
        mock.send(ask())
    assert (limited.value.retry_after_s, limited.value.retryable) == (0.5, True)
    with pytest.raises(StreamTruncated) as cut:
        mock.send(ask(stream=True), on_delta=seen.append)
    assert cut.value.partial == "".join(delta.text for delta in seen) == "half a reply"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"replies": [{"txt": "a"}]}, "reply 0: unknown key 'txt'"),
        ({"replies": [3]}, "a text or a mapping, not int"),
        ({"replies": [{"error": "Oops"}]}, "RateLimited"),
        ({"replies": [{"error": {"type": "RateLimited", "after": 1}}]}, "after"),
        ({"replies": [{"calls": [{"arguments": {}}]}]}, "name"),
        ({"replies": [{"finish": "tired"}]}, "finish is one of stop"),
        ({"rules": [{"when": "x"}]}, "no 'reply'"),
        ({"rules": [{"when": "(", "reply": "x"}]}, "no regex"),
        ({"rules": [{"when": "x", "system": "(", "reply": "x"}]}, "no regex"),
        ({"rules": [{"when": "x", "reply": "x", "if": 1}]}, "unknown key 'if'"),
        ({"replies": [], "rules": []}, "one of"),
    ],
)
def test_a_malformed_script_is_refused_at_once(settings, says):
    """A typo in a YAML file is found when it is loaded, with its place."""
    with pytest.raises(ConfigError, match=says):
        MockProvider(**settings)


def test_the_first_rule_that_fits_the_last_message_answers():
    """Rules keep no state, so that tasks in parallel do not disturb each other."""
    rules = [
        {"when": "^sum", "role": "tool", "reply": "never"},
        {
            "when": r"sum of (\d+) and (\d+)",
            "reply": {"calls": [{"name": "add", "arguments": {"a": "{group1}", "b": "{group2}"}}]},
        },
        {"when": "hello", "reply": "You said {last}; {group1} {other}"},
    ]
    mock = MockProvider(rules=rules)
    assert mock.send(ask("sum of 2 and 3")).function_calls[0].arguments == {"a": "2", "b": "3"}
    assert mock.send(ask("hello {group1}")).content == "You said hello {group1}; {group1} {other}"
    assert mock.send(ask("bye")).content == DEFAULT_TEXT


def test_a_rule_may_ask_for_a_prompt():
    """A better prompt then gets a better answer, as from a model, so that mending one can be shown and tested offline."""
    mock = MockProvider(rules=[{"when": "miles", "system": "a mile is", "reply": "321.8"}])
    assert mock.send(ask(Message(Roles.SYSTEM, "a mile is 1.609 km"), "200 miles")).content == "321.8"
    assert mock.send(ask(Message(Roles.SYSTEM, "be brief"), "200 miles")).content == DEFAULT_TEXT
    assert mock.send(ask("a mile is how many miles?")).content == DEFAULT_TEXT


def test_a_function_answers_sync_and_async():
    """The whole request is there to look at."""
    mock = MockProvider(function=lambda request: request.history[-1].content.upper())
    assert mock.send(ask("hey")).content == "HEY"

    async def later(request):
        return {"text": request.contract.model}

    slow = MockProvider(function=later)
    assert asyncio.run(slow.asend(ask(model="big"))).content == "big"
    with pytest.raises(ConfigError, match="async"):
        slow.send(ask())


def test_without_a_script_it_satisfies_the_contract():
    """A starter runs offline at once: a function is called, a schema is kept, else one sentence is said."""
    mock = MockProvider()
    add = Function("add", "", {"a": {"type": "integer", "minimum": 3}, "b": {"type": "string"}}, required=["a"])
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    call = mock.send(ask(functions=(add,))).function_calls[0]
    assert (call.name, call.arguments) == ("add", {"a": 3})
    answered = ask("hello", Message(Roles.TOOL, "3", tool_call_id="call_0"), functions=(add,), format_schema=schema)
    assert mock.send(answered).content == '{"ok":false}'
    assert mock.send(ask()).content == DEFAULT_TEXT


def test_a_stream_comes_word_by_word_and_is_the_reply():
    """What is shown and what is logged are the same text."""
    seen = []
    message = MockProvider(["one  two\nthree "]).send(ask(stream=True), on_delta=seen.append)
    assert "".join(delta.text for delta in seen) == message.content
    assert [delta.text for delta in seen] == ["one", "  two", "\nthree "]
    MockProvider(["quiet"]).send(ask(), on_delta=lambda _: pytest.fail("no stream was asked for"))


def test_tokens_are_counted_so_that_anyone_can_check():
    """Budgets can be tested offline; and the money is known to be none."""
    assert MockProvider(["12345"]).send(ask("1234", "12345")).usage == CompletionCost(3, 2, cost_usd=0.0)


scalars = st.sampled_from(
    [
        {"type": "string", "minLength": 3},
        {"type": "integer", "minimum": 5, "multipleOf": 4},
        {"type": "integer", "maximum": -2},
        {"type": "integer", "exclusiveMinimum": 0},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "boolean"},
        {"type": "null"},
        {"enum": ["x", "y"]},
        {"const": 7},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"type": ["integer", "null"]},
        {"$ref": "#/$defs/Point"},
        {
            "allOf": [
                {"$ref": "#/$defs/Point"},
                {"type": "object", "properties": {"z": {"type": "null"}}, "required": ["z"]},
            ]
        },
    ]
)
schemas = st.recursive(
    scalars,
    lambda inner: (
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 2))
        | st.builds(
            lambda p: {"type": "object", "properties": p, "required": sorted(p)},
            st.dictionaries(st.text(max_size=3), inner, max_size=3),
        )
    ),
    max_leaves=5,
)
POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "next": {"$ref": "#/$defs/Point"}},
    "required": ["x"],
}


@given(schemas)
def test_the_smallest_value_is_a_valid_one(schema):
    """A default that its own schema refuses would make every starter fail."""
    arguments = {"v": build_sample({**schema, "$defs": {"Point": POINT}})}
    root = {"type": "object", "properties": {"v": schema}, "required": ["v"], "$defs": {"Point": POINT}}
    assert declared_signature(root).bind(arguments) == arguments


def test_a_type_without_a_smallest_value_ends():
    """A schema that holds itself with no way out must not hang a program."""
    endless = {"type": "object", "properties": {"x": {"$ref": "#"}}, "required": ["x"]}
    assert "x" in build_sample(endless)
