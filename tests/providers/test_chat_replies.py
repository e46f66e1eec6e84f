"""Replies of the chat format: what servers really sent, what they might send, and what nobody should send."""

from __future__ import annotations

import json

import pytest
from chat_values import SHARED, chunk, reply, sse
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import Finish, ModelCard, register_model_card
from lllm.errors import BadReply, LLLMError, ServerError, StatusError, StreamTruncated
from lllm.models.message import Message
from lllm.providers import parse_exchange
from lllm.providers.wire.chat_reply import parse_reply, read_stream
from lllm.providers.wire.draft import Asked, DraftCall
from lllm.utils import encode_json

FILE = SHARED / "wire" / "chat.jsonl"
RECORDED = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
FINISHES = {"tool_calls": "function_calls", "function_call": "function_calls"}


def flat(content):
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def read_plainly(recorded):
    """What a recorded reply says, read without any tolerance: text, calls, finish, usage."""
    body = recorded["response"]
    if "event-stream" not in recorded["headers"]["content-type"]:
        data = json.loads(body)
        message, finish = data["choices"][0]["message"], data["choices"][0]["finish_reason"]
        calls = [(c["function"]["name"], c["function"].get("arguments", "")) for c in message.get("tool_calls") or ()]
        return flat(message.get("content")), calls, finish, data.get("usage")
    text, calls, finish, usage = "", {}, None, None
    for line in body.splitlines():
        if not line.startswith("data: {"):
            continue
        data = json.loads(line[6:])
        usage = data.get("usage") or (data.get("x_groq") or {}).get("usage") or usage
        for choice in data["choices"]:
            text += flat(choice["delta"].get("content"))
            finish = choice.get("finish_reason") or finish
            for call in choice["delta"].get("tool_calls") or ():
                mine = calls.setdefault(call.get("index", 0), ["", ""])
                mine[0] = mine[0] or call["function"].get("name") or ""
                mine[1] += call["function"].get("arguments") or ""
    return text, [tuple(call) for call in calls.values()], finish, usage


def fails(recorded):
    body = recorded["response"]
    return recorded["status"] != 200 or '"choices"' not in body or '\ndata: {"error"' in body or '"error":{' in body


def feed(body, cuts=()):
    stream, start = read_stream(), 0
    for end in [*sorted(cuts), len(body)]:
        stream.feed(body[start:end])
        start = end
    return stream.end()


@pytest.mark.skipif(not RECORDED, reason="the recorded replies are not beside this repository")
def test_every_recorded_reply_means_what_it_says():
    """Seventeen real services: whoever reads one of them wrongly loses text, a call or money."""
    for recorded in RECORDED:
        body = recorded["response"].encode()
        got = parse_exchange("chat", recorded["status"], recorded["headers"], body)
        if fails(recorded):
            assert isinstance(got, StatusError | BadReply), (recorded["id"], got)
            assert type(got) is not StatusError
            continue
        assert isinstance(got, Message), (recorded["id"], got)
        text, calls, finish, usage = read_plainly(recorded)
        assert got.content == text, recorded["id"]
        assert [(c.name, c.raw_arguments) for c in got.function_calls] == calls, recorded["id"]
        assert got.finish == ("function_calls" if calls else FINISHES.get(finish, finish or "unknown")), recorded["id"]
        if usage:
            told = (usage["prompt_tokens"], usage["completion_tokens"])
            assert (got.usage.prompt_tokens, got.usage.completion_tokens) == told, recorded["id"]


@pytest.mark.skipif(not RECORDED, reason="the recorded replies are not beside this repository")
def test_recorded_streams_mean_the_same_in_pieces_of_any_size():
    """How bytes are cut is chance; the reply may not be."""
    for recorded in RECORDED:
        if recorded["status"] == 200 and "event-stream" in recorded["headers"]["content-type"]:
            body = recorded["response"].encode()
            assert outcome(body, range(0, len(body), 7)) == outcome(body)


def outcome(body, cuts=()):
    try:
        return repr(feed(body, cuts))
    except LLLMError as error:
        return repr(error)


STREAM = sse(
    chunk(role="assistant", content=""),
    chunk(reasoning_content="hm"),
    chunk(content="hé😀"),
    chunk(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x": '}}]),
    chunk(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]),
    chunk("tool_calls"),
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
)
WHOLE = reply(
    "tool_calls",
    {"prompt_tokens": 3, "completion_tokens": 2},
    content="hé😀",
    reasoning="hm",
    tool_calls=[{"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}],
)


@given(st.lists(st.integers(0, len(STREAM))))
def test_a_stream_cut_anywhere_is_the_same_reply(cuts):
    """Also in the middle of a character, of a CRLF, of a JSON escape."""
    assert comparable(feed(STREAM, cuts)) == comparable(parse_reply(WHOLE))


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_a_stream_with_other_line_ends_cut_anywhere_is_the_same_reply(end):
    """The standard allows three line ends, and a cut between CR and LF is not an empty line."""
    body = STREAM.replace(b"\n", end)
    for cut in range(len(body)):
        assert comparable(feed(body, [cut])) == comparable(parse_reply(WHOLE))


def comparable(message):
    calls = [(call.id, call.name, call.raw_arguments) for call in message.function_calls]
    return message.content, message.reasoning, calls, message.usage, message.finish, message.model


@given(st.binary(), st.booleans())
def test_random_bytes_raise_only_named_errors(body, streamed):
    """A server may send anything; what escapes unnamed kills a program that handles provider errors."""
    assert_named(body, streamed=streamed)


words = [
    "choices",
    "delta",
    "message",
    "content",
    "tool_calls",
    "function",
    "function_call",
    "arguments",
    "name",
    "index",
]
words += ["id", "error", "usage", "logprobs", "top_logprobs", "token", "text", "type", "thinking", "code", "model"]
words += ["finish_reason", "prompt_tokens", "prompt_tokens_details", "reasoning", "refusal"]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("thinking")
junk = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=4)
)


@given(junk, junk, junk, junk)
def test_any_json_in_any_place_raises_only_named_errors(message, entry, logprobs, usage):
    """Right keys with values of the wrong type are what real servers send."""
    part = {"content": message, "tool_calls": [entry, {"function": entry, "index": message}], "reasoning": usage}
    choice = {"message": part, "delta": part, "logprobs": {"content": [logprobs]}, "finish_reason": usage}
    for data in (
        {"choices": [choice], "usage": usage},
        {"choices": message, "error": entry},
        {"error": usage},
        message,
    ):
        body = json.dumps(data).encode()
        assert_named(body, streamed=False)
        assert_named(b"data: " + body + b"\n\n", streamed=True)


def assert_named(body, *, streamed):
    try:
        message = feed(body) if streamed else parse_reply(body)
    except LLLMError as error:
        str(error).encode()
        return
    # What came through can be logged.
    encode_json([message.content, [[lp.token, lp.logprob, lp.top] for lp in message.logprobs]])
    (message.content + message.reasoning + message.refusal).encode()


def test_a_truncated_stream_says_what_it_had():
    """A gateway that closes early looks like success to who does not check; the text so far is worth showing."""
    with pytest.raises(StreamTruncated) as caught:
        feed(sse(chunk(content="half a"), done=False))
    assert caught.value.partial == "half a"
    with pytest.raises(StreamTruncated):
        feed(sse(chunk(content="half a"), done=False) + b'data: {"choices": [{"del')


def test_done_without_a_finish_reason_is_an_end():
    """Some servers end that way; the reply is whole, why it ended is unknown."""
    assert feed(sse(chunk(content="x"))).finish is Finish.UNKNOWN


def test_a_stream_that_fails_keeps_its_text():
    """Whoever pays for half a reply may want to see it."""
    stream = read_stream()
    stream.feed(sse(chunk(content="he"), done=False))
    with pytest.raises(ServerError) as caught:
        stream.feed(b'data: {"error": {"message": "boom", "type": "server_error"}}\n\n')
    assert caught.value.partial == "he"


def tool(name=None, arguments=None, call_id=None, **more):
    return {"id": call_id, "function": {"name": name, "arguments": arguments}, **more}


TWO = [("f", '{"a":1}'), ("f", '{"a":2}')]


@pytest.mark.parametrize(
    "deltas",
    [
        [[tool("f", '{"a":1}', "x", index=0)], [tool("f", '{"a":2}', "y", index=0)]],
        [[tool("f", '{"a":1}', index=0)], [tool("f", '{"a":2}', index=0)]],
        [[tool("f", '{"a":1}', "x"), tool("f", '{"a":2}', "y")]],
        [[tool("f", '{"a":1}', "x"), tool("f", '{"a":2}', "x")]],
        [[tool("f", '{"a":1}')], [tool("f", '{"a":2}')]],
        [[tool("f", '{"a":', "x", index=None)], [tool(None, "1}", "x")], [tool("f", '{"a":2}', "y")]],
        [[tool("f", '{"a":', "x", index=0)], [tool(None, "1}", "z", index=0)], [tool("f", {"a": 2}, index=1)]],
    ],
    ids=["reused index", "reused index, no ids", "no index", "one id twice", "nothing", "by id", "an id in each piece"],
)
def test_calls_stay_apart_whatever_numbers_they(deltas):
    """Merged calls become one call with arguments that nobody wrote."""
    message = feed(sse(*[chunk(tool_calls=delta) for delta in deltas], chunk("tool_calls")))
    assert [(c.name, json.dumps(c.arguments, separators=(",", ":"))) for c in message.function_calls] == TWO
    assert len({call.id for call in message.function_calls}) == 2


def test_growing_arguments_are_read_a_hundred_times_at_most():
    """A hostile stream that ends each of a million pieces like an object would keep us reading for hours."""
    call = DraftCall(0, "x", "f")
    call.pieces.append("{}")
    assert [call.is_whole() for _ in range(102)] == [True] * 100 + [False] * 2


def test_missing_ids_are_made_from_the_place_and_stay_unique():
    """A replay must make the same ids, and no two answers may go to one call."""
    calls = [tool("f", "{}"), tool("f", "{}", "call_0"), tool("f", "{}", "same"), tool("f", "{}", "same")]
    message = parse_reply(reply(tool_calls=calls))
    ids = [call.id for call in message.function_calls]
    assert len(set(ids)) == 4
    assert ids[1:3] == ["call_0", "same"]
    assert ids == [call.id for call in parse_reply(reply(tool_calls=calls)).function_calls]


def test_the_old_function_call_is_a_call():
    """Servers that never learned tools still send it."""
    message = feed(
        sse(
            chunk(function_call={"name": "f", "arguments": '{"a"'}),
            chunk("function_call", function_call={"arguments": ":1}"}),
        )
    )
    assert [(c.id, c.name, c.arguments) for c in message.function_calls] == [("call_0", "f", {"a": 1})]


def test_half_of_a_surrogate_pair_is_joined_or_replaced():
    """A lone half cannot be printed or encoded; a pair that came in two pieces is one character."""
    body = b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\ndata: {"choices":[{"delta":{"content":"\\ude00\\ud800"}}]}\n\n'
    assert feed(body + b"data: [DONE]\n\n").content == "😀\ufffd"


def test_a_price_is_filled_in_only_when_it_is_known():
    """An unknown price is None: a zero would be summed up as if it were free."""
    register_model_card(ModelCard("priced-model", input_price=1.0, output_price=2.0))
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 500_000}
    assert parse_reply(reply(usage=usage, content="x"), asked=Asked("priced-model")).usage.cost_usd == 2.0
    assert parse_reply(reply(usage=usage, content="x"), asked=Asked("other")).usage.cost_usd is None
    assert parse_reply(reply(content="x"), asked=Asked("priced-model")).usage.cost_usd is None


def test_logprobs_come_with_the_reply():
    """Minus infinity has no place in JSON, so it becomes the floor that servers use themselves."""
    top = [{"token": "b", "logprob": -1.5}]
    content = [{"token": "a", "logprob": -0.5, "top_logprobs": top}, {"token": "c", "logprob": float("-inf")}]
    choice = {"message": {"content": "ac"}, "finish_reason": "stop", "logprobs": {"content": content}}
    first, second = parse_reply(json.dumps({"choices": [choice]}).encode()).logprobs
    assert (first.token, first.logprob, first.top) == ("a", -0.5, (("b", -1.5),))
    assert second.logprob == -9999.0


def test_a_line_without_end_is_refused():
    """A server may not fill our memory."""
    stream = read_stream()
    with pytest.raises(BadReply) as caught:
        list(map(stream.feed, [b"x" * 65536] * 200))
    assert not caught.value.retryable


def test_an_unknown_format_is_named():
    """A recorded exchange of another format must not be read as chat."""
    with pytest.raises(LLLMError, match="no wire format 'smoke'"):
        parse_exchange("smoke", 200, {}, b"")
