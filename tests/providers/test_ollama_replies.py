"""Replies of Ollama's own format, whole and as lines of a stream."""

from __future__ import annotations

import asyncio
import json

import pytest
from chat_values import SHARED, ask
from hypothesis import given
from hypothesis import strategies as st

from lllm import errors
from lllm.const import Finish, ModelCard, register_model_card
from lllm.errors import BadReply, ContextOverflow, LLLMError, NotFound, ProviderError, ServerError, StreamTruncated
from lllm.models.message import Message
from lllm.providers import HTTPProvider, Profile, parse_exchange
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.formats import load_format
from lllm.providers.wire.listing import parse_models
from lllm.providers.wire.ndjson import LineDecoder
from lllm.providers.wire.ollama_reply import parse_reply, read_stream
from lllm.utils import encode_json

FILE = SHARED / "provider_faults.jsonl"
FAULTS = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
OLLAMA = [fault for fault in FAULTS if fault["api"] in ("ollama_chat", "ollama_generate")]
TAGS = [fault for fault in FAULTS if fault["api"] == "ollama_tags"]
APIS = {"ollama_chat": "ollama", "ollama_generate": "ollama_generate"}
FINISHES = {"tool_calls": "function_calls"}


def lines(*events):
    return b"".join(encode_json(event).encode() + b"\n" for event in events)


def say(done=False, reason=None, message=None, **more):
    event = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": done, **more}
    if message is not None:
        event["message"] = {"role": "assistant", "content": "", **message}
    return {**event, "done_reason": reason} if reason else event


def feed(body, cuts=()):
    stream, start = read_stream(), 0
    for end in [*sorted(cuts), len(body)]:
        stream.feed(body[start:end])
        start = end
    return stream.end()


def comparable(message):
    calls = [(call.id, call.name, call.raw_arguments) for call in message.function_calls]
    facts = (message.content, message.reasoning, calls, message.usage, message.finish, message.model)
    return facts, message.logprobs, message.native


@pytest.mark.skipif(not OLLAMA, reason="the list of faults is not beside this repository")
@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("fault", OLLAMA, ids=[fault["name"] for fault in OLLAMA])
def test_a_known_ollama_fault_ends_as_it_should(fault, use_async, fault_server):
    """Over a real socket: what the server is known to do wrong, and what it does that others do not."""
    profile = Profile(name="faulty", base_url=fault_server.add(fault), api=APIS[fault["api"]])
    provider, want = HTTPProvider(profile), fault["expect"]
    request = ask(stream=fault.get("stream", False))
    try:
        got = asyncio.run(send(provider, request)) if use_async else provider.send(request, timeout_s=20)
    except LLLMError as error:
        got = error
    finally:
        provider.close()
    check(got, want)


async def send(provider, request):
    try:
        return await provider.asend(request, timeout_s=20)
    finally:
        await provider.aclose()


def check(got, want):
    if want["outcome"] == "error":
        assert isinstance(got, getattr(errors, want["error"])), repr(got)
        assert (got.retryable, got.partial) == (want["retryable"], want.get("partial", ""))
        return
    assert isinstance(got, Message), repr(got)
    assert (got.content, got.reasoning) == (want["text"], want.get("thinking", ""))
    assert got.finish == FINISHES.get(want["finish"], want["finish"])
    assert [(call.name, call.arguments) for call in got.function_calls] == [
        (call["name"], call["args"]) for call in want.get("calls", [])
    ]
    assert len({call.id for call in got.function_calls}) == len(got.function_calls)
    if usage := want.get("usage"):
        assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (usage["input"], usage["output"])


@pytest.mark.skipif(not OLLAMA, reason="the list of faults is not beside this repository")
@pytest.mark.parametrize("fault", OLLAMA, ids=[fault["name"] for fault in OLLAMA])
def test_a_recorded_ollama_fault_is_read_without_a_network(fault):
    """The same, from a recording alone."""
    body = fault.get("body") or "".join(fault["chunks"])
    check(parse_exchange("ollama", fault["status"], fault["headers"], body.encode()), fault["expect"])


@pytest.mark.skipif(not TAGS, reason="the list of faults is not beside this repository")
@pytest.mark.parametrize("fault", TAGS, ids=[fault["name"] for fault in TAGS])
def test_a_known_list_of_models_is_read(fault):
    """A server without models says null."""
    assert list(parse_models(fault["body"].encode())) == fault["expect"]["models"]


CALL = {"id": "a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}}
TOP = [{"token": "h", "logprob": -0.5, "bytes": [104], "top_logprobs": [{"token": "h", "logprob": -0.5}]}]
STREAM = lines(
    say(message={"thinking": "h"}),
    say(message={"thinking": "m"}),
    say(message={"content": "h"}, logprobs=TOP),
    say(message={"content": "é😀"}),
    say(message={"tool_calls": [CALL]}),
    say(True, "stop", {}, prompt_eval_count=3, eval_count=2, total_duration=5),
)
WHOLE = lines(
    say(
        True,
        "stop",
        {"content": "hé😀", "thinking": "hm", "tool_calls": [CALL]},
        logprobs=TOP,
        prompt_eval_count=3,
        eval_count=2,
    )
)


@given(st.lists(st.integers(0, len(STREAM))), st.sampled_from([b"\n", b"\r\n", b"\n\r\n"]))
def test_ollama_lines_cut_anywhere_are_the_whole_reply(cuts, line_end):
    """Also in the middle of a character, of an escape, of a line end."""
    assert comparable(feed(STREAM.replace(b"\n", line_end), cuts)) == comparable(parse_reply(WHOLE))


def test_an_ollama_reply_means_what_it_says():
    """Every field, so that the two readers above are not equal by being equally empty."""
    message = parse_reply(WHOLE)
    assert (message.content, message.reasoning, message.model) == ("hé😀", "hm", "m")
    assert message.finish is Finish.FUNCTION_CALLS
    assert (message.usage.prompt_tokens, message.usage.completion_tokens, message.usage.cost_usd) == (3, 2, None)
    assert [(c.id, c.name, c.arguments) for c in message.function_calls] == [("a", "f", {"x": 1})]
    assert [(lp.token, lp.logprob, lp.top) for lp in message.logprobs] == [("h", -0.5, (("h", -0.5),))]
    assert message.native is not None


def test_the_model_is_the_one_that_answered_first():
    """A gateway may name another behind it in its last line; and a chat's message goes before any other text."""
    first, last = say(message={"content": "a"}), say(True, "stop", {"content": "b"}, response="x")
    message = feed(lines(first, last | {"model": "other"}))
    assert (message.model, message.content) == ("m", "ab")


def test_lines_that_nobody_asked_for_are_read():
    """A gateway may stream whatever it is told; its content type says so."""
    known = load_format("ollama")
    assert known.is_stream("application/x-ndjson", asked=False)
    assert not known.is_stream("application/json", asked=False)
    assert known.is_stream("application/json", asked=True)
    assert parse_exchange("ollama", 200, {}, STREAM).content == "hé😀"


def test_pieces_are_shown_in_their_order():
    """What is watched is what is kept."""
    deltas = read_stream().feed(STREAM)
    assert [(d.kind, d.text) for d in deltas] == [
        ("reasoning", "h"),
        ("reasoning", "m"),
        ("text", "h"),
        ("text", "é😀"),
        ("call", '{"x":1}'),
    ]
    assert deltas[-1].name == "f"


def test_a_generated_text_is_read_like_a_chat():
    """The two routes differ in where the text stands."""
    told = {"thinking": "hm", "prompt_eval_count": 3, "eval_count": 2}
    whole = parse_reply(lines(say(True, "stop", response="hey", **told)))
    streamed = feed(
        lines(
            say(response="", thinking="hm"),
            say(response="hey"),
            say(True, "stop", response="", **told | {"thinking": ""}),
        )
    )
    assert comparable(whole) == comparable(streamed)
    assert (whole.content, whole.reasoning) == ("hey", "hm")


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop", Finish.STOP), ("length", Finish.LENGTH), ("", Finish.UNKNOWN), ("odd", Finish.UNKNOWN)],
)
def test_why_ollama_stopped_is_data(reason, finish):
    """A reply that was cut off is not taken for whole; a reason that nobody knows is not taken for a good one."""
    assert parse_reply(lines(say(True, reason, {"content": "x"}))).finish is finish


@pytest.mark.parametrize("reason", ["load", "unload"])
def test_an_answer_about_the_model_in_memory_is_no_reply(reason):
    """A server that was busy loading answers so, and was never asked: to ask again is right."""
    body = lines(say(True, reason, {}))
    for read in (parse_reply, feed):
        with pytest.raises(BadReply) as caught:
            read(body)
        assert caught.value.retryable


def test_counts_that_are_left_out_are_zero():
    """The server leaves out a count that is 0, such as for a prompt that it still knows."""
    register_model_card(ModelCard("priced-llama", input_price=1.0, output_price=2.0))
    asked = Asked("priced-llama")
    usage = parse_reply(lines(say(True, "stop", {"content": "x"}, eval_count=500_000)), asked).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cost_usd) == (0, 500_000, 1.0)
    untold = parse_reply(lines(say(True, "stop", {"content": "x"})), asked).usage
    assert (untold.total_tokens, untold.cost_usd) == (0, None)  # nothing is known, and that is no price of 0


@pytest.mark.parametrize(
    "call", [{"function": {"name": "f", "arguments": '{"x": 1}'}}, {"function": {"name": "f", "arguments": {"x": 1}}}]
)
def test_calls_without_ids_get_their_own(call):
    """Two calls of one reply both have the index 0; a proxy may send the arguments as text."""
    message = parse_reply(lines(say(True, "stop", {"tool_calls": [call, call]})))
    assert [(c.id, c.arguments) for c in message.function_calls] == [("call_0", {"x": 1}), ("call_1", {"x": 1})]


def test_an_ollama_stream_without_its_last_line_is_no_reply():
    """A reply that broke off looks like one that is whole; what had arrived is kept."""
    for tail in (b"", b'{"model": "m", "mess'):
        with pytest.raises(StreamTruncated) as caught:
            feed(lines(say(message={"content": "half a"})) + tail)
        assert caught.value.partial == "half a"
    with pytest.raises(StreamTruncated) as caught:
        parse_reply(lines(say(message={"content": "half a"})))
    assert caught.value.partial == "half a"


def test_what_follows_the_last_line_is_not_looked_at():
    """The reply is whole; a proxy may write its own goodbye."""
    assert feed(STREAM + b"<html>bye").content == "hé😀"
    assert feed(STREAM + lines({"error": "late"})).content == "hé😀"


def test_an_error_in_a_line_keeps_the_text():
    """The status was 200 by then."""
    stream = read_stream()
    stream.feed(lines(say(message={"content": "he"})))
    with pytest.raises(ServerError) as caught:
        stream.feed(lines({"error": "llama runner process has terminated"}))
    assert (caught.value.partial, caught.value.retryable) == ("he", True)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (404, "model 'nope' not found", NotFound),
        (400, "the input length exceeds the context length", ContextOverflow),
        (
            400,
            "the prompt is longer than the context length currently available to the model; shorten the prompt",
            ContextOverflow,
        ),
        (400, "input length (9 tokens) exceeds the model's maximum context length (8 tokens)", ContextOverflow),
    ],
)
def test_ollamas_errors_have_names(status, text, kind):
    """A dialog that is too long is cured by another way than a model that is not there."""
    error = parse_exchange("ollama", status, {}, encode_json({"error": text}).encode())
    assert type(error) is kind
    assert text in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"message": {}}', b'{"done": true}', b"<html>", b'{"models": []}']
)
def test_what_is_no_ollama_reply_is_refused(body):
    """Another server at that address must not look like a model that says nothing."""
    with pytest.raises(BadReply):
        parse_reply(body)
    with pytest.raises((BadReply, StreamTruncated)):
        feed(body)


@given(st.binary(), st.booleans())
def test_random_bytes_raise_only_named_errors_of_ollama(body, streamed):
    """A server may send anything; what escapes unnamed kills a program that handles provider errors."""
    assert_named(body, feed if streamed else parse_reply)
    assert_named(body, parse_models)


words = ["message", "content", "thinking", "tool_calls", "function", "arguments", "name", "id", "response", "done"]
words += [
    "done_reason",
    "error",
    "logprobs",
    "top_logprobs",
    "token",
    "logprob",
    "prompt_eval_count",
    "models",
    "model",
]
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["stop", "load"])
)
junk = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=4)
)


@given(junk, junk, junk, junk)
def test_any_json_in_any_place_raises_only_named_errors_of_ollama(message, entry, logprobs, count):
    """Right keys with values of the wrong type are what real servers send."""
    part = {"content": message, "thinking": count, "tool_calls": [entry, {"function": entry, "id": message}]}
    for data in (
        {"message": part, "logprobs": [logprobs], "eval_count": count, "done": True, "done_reason": message},
        {"message": message, "response": entry, "done": logprobs, "model": count},
        {"error": count},
        {"models": entry},
        message,
    ):
        body = json.dumps(data).encode()
        for read in (parse_reply, feed, parse_models):
            assert_named(body, read)
        assert_named(body + b"\n" + body, feed)


def assert_named(body, read):
    try:
        got = read(body)
    except ProviderError as error:
        str(error).encode()
        return
    if isinstance(got, Message):  # what came through can be logged
        encode_json([got.content, got.reasoning, [[lp.token, lp.logprob, lp.top] for lp in got.logprobs]])
        (got.content + got.reasoning).encode()


@given(st.lists(st.binary(max_size=6).filter(lambda line: b"\n" not in line)), st.data())
def test_lines_are_the_same_however_they_are_cut(given_lines, data):
    """How bytes are cut is chance."""
    body = b"\n".join(given_lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    decoder, got, start = LineDecoder(), [], 0
    for end in [*cuts, len(body)]:
        got += decoder.feed(body[start:end])
        start = end
    last = decoder.end()
    got += [last] if last else []
    assert got == [("", line) for line in given_lines if line.strip(b" \t\r\v\f")]


@pytest.mark.parametrize(
    ("chunks", "what"),
    [([b"x" * 6] * 2, "line"), ([b"x" * 11 + b"\n"], "line"), ([b"x\n" * 5] * 3, "stream")],
    ids=["in pieces", "at once", "in all"],
)
def test_a_line_or_a_stream_without_end_is_refused(chunks, what):
    """A server may not fill our memory."""
    decoder = LineDecoder(max_line_bytes=10, max_stream_bytes=20)
    with pytest.raises(BadReply, match=f"holds a {what} of more than") as caught:
        list(map(decoder.feed, chunks))
    assert not caught.value.retryable
