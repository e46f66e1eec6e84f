"""Replies of the Responses format: what servers send, what they leave out, and what nobody should send."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import CompletionCost, Finish
from lllm.errors import BadReply, BadRequest, LLLMError, RateLimited, ServerError, StreamTruncated
from lllm.models.call import FunctionCall
from lllm.models.message import Native
from lllm.providers import parse_exchange
from lllm.providers.base import Delta
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.responses_items import to_arguments_text
from lllm.providers.wire.responses_reply import parse_reply, read_stream
from lllm.utils import encode_json

ASKED = Asked("m", "own")
USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "hm"}, {"type": "summary_text", "text": "so"}],
    "encrypted_content": "gAAA",
}
REFUSED = {
    "type": "message",
    "id": "msg_2",
    "role": "assistant",
    "content": [{"type": "refusal", "refusal": "No."}],
}
LOGPROB = {"token": "hé", "logprob": -0.5, "top_logprobs": [{"token": "hi", "logprob": -1.5}]}


def said(*texts, **more):
    parts = [{"type": "output_text", "annotations": [], "logprobs": [], "text": text} for text in texts]
    return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": parts, **more}


def called(call_id="c1", name="f", arguments='{"x": 1}', **more):
    return {"type": "function_call", "id": "fc_1", "call_id": call_id, "name": name, "arguments": arguments, **more}


def response(*output, status="completed", **more):
    return {"id": "resp_1", "model": "m-1", "status": status, "output": [*output], "usage": USAGE, **more}


def whole(*output, **more):
    return encode_json(response(*output, **more)).encode()


def event(kind, **fields):
    fields = {"type": f"response.{kind}", **fields}
    return b"event: response.%b\ndata: %b\n\n" % (kind.encode(), encode_json(fields).encode())


def streamed(*output, last=None, size=3):
    """The events of a reply, as the service sends them; ``last`` stands in for the last event's output."""
    events = [event("created", response=response(status="in_progress", usage=None))]
    for index, item in enumerate(output):
        at = {"output_index": index, "item_id": item["id"]}
        empty = {**item, **{key: [] for key in ("content", "summary") if key in item}}
        empty |= {"arguments": ""} if "arguments" in item else {}
        events.append(event("output_item.added", output_index=index, item=empty))
        for kind, place, text in texts_of(item):
            pieces = [text[i : i + size] for i in range(0, len(text), size)]
            events += [event(f"{kind}.delta", delta=piece, **at, **place) for piece in pieces]
            name = {"refusal": "refusal", "function_call_arguments": "arguments"}.get(kind, "text")
            events.append(event(f"{kind}.done", **{name: text}, **at, **place))
        events.append(event("output_item.done", output_index=index, item=item))
    events.append(event("completed", response=response(*(output if last is None else last))))
    return b"".join(events)


def texts_of(item):
    if item["type"] == "function_call":
        yield "function_call_arguments", {}, item["arguments"]
    for index, part in enumerate(item.get("summary", ())):
        yield "reasoning_summary_text", {"summary_index": index}, part["text"]
    for index, part in enumerate(item.get("content", ())):
        kind = part["type"]
        yield kind, {"content_index": index}, part["refusal" if kind == "refusal" else "text"]


def feed(body, cuts=()):
    stream, start = read_stream(ASKED), 0
    for end in [*sorted(cuts), len(body)]:
        stream.feed(body[start:end])
        start = end
    return stream.end()


def pieces_of(body):
    return read_stream(ASKED).feed(body)


FULL = (THOUGHT, said("hé😀", phase="commentary"), called(), called("c2", "g", "{}", id="fc_2"))
STREAM = streamed(*FULL)


def test_a_reply_says_text_calls_reasoning_and_cost():
    """The whole of what an agent and a bill need, under the names that all formats share."""
    message = parse_reply(whole(*FULL), ASKED)
    assert (message.content, message.reasoning, message.model) == ("hé😀", "hm\n\nso", "m-1")
    calls = [(call.id, call.name, call.arguments) for call in message.function_calls]
    assert calls == [("c1", "f", {"x": 1}), ("c2", "g", {})]
    assert message.finish is Finish.FUNCTION_CALLS
    assert message.usage == CompletionCost(9, 7, 4, 3, None, cache_write_tokens=2)
    assert message.native == Native("own", FULL)


@given(st.lists(st.integers(0, len(STREAM))))
def test_a_stream_cut_anywhere_is_the_whole_reply(cuts):
    """How bytes are cut is chance; the reply may not be."""
    assert feed(STREAM, cuts) == parse_reply(whole(*FULL), ASKED)


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)
ITEMS = st.lists(
    st.builds(lambda texts: {**THOUGHT, "summary": [{"text": text} for text in texts]}, st.lists(WORDS, max_size=2))
    | st.builds(lambda texts: said(*texts), st.lists(WORDS, max_size=2))
    | st.builds(lambda text: {**said(), "content": [{"type": "refusal", "refusal": text}]}, WORDS)
    | st.builds(lambda name, number: called(name, arguments=f'{{"x": {number}}}'), WORDS, st.integers())
    | st.builds(lambda text: {"type": "reasoning", "content": [{"type": "reasoning_text", "text": text}]}, WORDS)
    | st.just({"type": "web_search_call", "status": "completed", "action": {"query": "x"}}),
    min_size=1,
    max_size=4,
)


@given(ITEMS, st.integers(1, 4), st.booleans())
def test_a_streamed_and_a_whole_reply_are_one_message(items, size, silent):
    """Also when the last event repeats nothing: whether one streams is a matter of taste, never of meaning."""
    items = [{**item, "id": f"it_{number}"} for number, item in enumerate(items)]
    body = streamed(*items, size=size, last=() if silent else None)
    expected = parse_reply(whole(*items), ASKED)
    assert feed(body) == expected
    told = pieces_of(body)
    assert "".join(piece.text for piece in told if piece.kind == "text") == expected.content
    assert "".join(piece.text for piece in told if piece.kind == "reasoning") == expected.reasoning
    for index, call in enumerate(expected.function_calls):
        mine = [piece for piece in told if piece.kind == "call" and piece.index == index]
        assert ("".join(piece.text for piece in mine), {piece.name for piece in mine}) == (call.raw_arguments, {"f"})


@pytest.mark.parametrize(
    ("items", "kept"),
    [
        ([said("a"), called()], False),
        ([said("a", phase=None), called(caller=None)], False),
        ([called(), called("c2")], False),
        ([said("a", phase="final_answer")], True),
        ([called(namespace="n")], True),
        ([said("a"), said("b")], True),
        ([called(), said("a")], True),
        ([{"type": "web_search_call", "id": "ws_1"}, said("a")], True),
        ([{"type": "reasoning", "id": "rs_1", "content": [{"type": "reasoning_text", "text": "t"}]}, said("a")], True),
        ([{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": None}, said("a")], False),
        ([{**THOUGHT, "odd": float("nan")}, said("a")], False),
        ([{**THOUGHT, "odd": json.loads("[" * 300 + "]" * 300)}, said("a")], False),
        ([{**THOUGHT, "odd": [[]] * 300}, said("a")], True),
    ],
)
def test_items_are_kept_when_words_alone_do_not_say_them(items, kept):
    """What is not kept is lost for the next turn; what is kept needlessly is logged and sent for nothing.

    Reasoning that is an id alone is refused by a server that stored nothing, and NaN by every log.
    """
    message = parse_reply(json.dumps(response(*items)).encode(), ASKED)
    assert message.native == (Native("own", tuple(items)) if kept else None)
    assert "a" in message.content or message.function_calls


def test_logprobs_come_with_the_message_and_are_not_sent_back():
    """They are a hundred times the text, and the server does not want them."""
    content = [{"type": "output_text", "text": "hé", "logprobs": [LOGPROB]}]
    message = parse_reply(whole(THOUGHT, said(content=content)), ASKED)
    assert [(lp.token, lp.logprob, lp.top) for lp in message.logprobs] == [("hé", -0.5, (("hi", -1.5),))]
    assert message.native.items[1]["content"] == [{"type": "output_text", "text": "hé", "logprobs": []}]
    at = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    body = event("output_text.delta", delta="hé", logprobs=[LOGPROB], **at) + event("completed", response=response())
    assert feed(body).logprobs == message.logprobs


@pytest.mark.parametrize(
    ("more", "finish"),
    [
        ({"status": "completed"}, Finish.STOP),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, Finish.LENGTH),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, Finish.CONTENT_FILTER),
        ({"status": "incomplete", "incomplete_details": {"reason": "whim"}}, Finish.UNKNOWN),
        ({"status": "incomplete"}, Finish.UNKNOWN),
    ],
)
def test_why_a_reply_ended_is_data(more, finish):
    """An agent goes on after a cut-off reply in another way than after a whole one."""
    assert parse_reply(whole(said("a"), **more)).finish is finish
    assert feed(event(more["status"], response=response(said("a"), **more))).finish is finish


def test_a_refusal_is_no_text():
    """A parser that is given it would blame the model for bad JSON."""
    message = feed(streamed({**said(), "content": [{"type": "refusal", "refusal": "I will not."}]}))
    assert (message.content, message.refusal, message.finish) == ("", "I will not.", Finish.REFUSAL)


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_ticket_is_no_reply(status):
    """Asked again, the server would begin, and bill, the same work a second time."""
    with pytest.raises(BadReply, match=status) as caught:
        parse_reply(whole(status=status))
    assert not caught.value.retryable
    assert "background" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        ({"code": "server_error", "message": "boom"}, ServerError, True),
        ({"code": "rate_limit_exceeded", "message": "boom"}, RateLimited, True),
        ({"code": "invalid_prompt", "message": "boom"}, BadRequest, False),
        ({"code": "image_too_large", "message": "boom"}, BadRequest, False),
        (None, ServerError, True),
    ],
)
def test_a_failed_response_is_the_error_that_it_names(error, kind, retryable):
    """The status is 200 in each case; what helps is another wait, another prompt, or nothing."""
    for body in (whole(status="failed", error=error), event("failed", response={"error": error})):
        got = parse_exchange("responses", 200, {}, body)
        assert type(got) is kind
        assert (got.retryable, "boom" in str(got)) == (retryable, error is not None)
    got = parse_exchange("responses", 200, {}, piece("output_text", "he") + event("failed", response={"error": error}))
    assert (type(got), got.partial) == (kind, "he")


@pytest.mark.parametrize(
    "body",
    [
        b'event: error\ndata: {"type": "error", "code": "rate_limit_exceeded", "message": "slow"}\n\n',
        b'data: {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}\n\n',
        b'event: error\ndata: {"code": "rate_limit_exceeded", "message": "slow"}\n\n',
        b'data: {"error": {"code": "rate_limit_exceeded", "message": "slow"}}\n\n',
    ],
)
def test_an_error_event_is_an_error_wherever_its_words_stand(body):
    """The documents and the servers differ in the place."""
    with pytest.raises(RateLimited, match="slow"):
        read_stream().feed(body)


def test_a_cancelled_response_is_an_error():
    """Half a reply that somebody gave up is no success."""
    with pytest.raises(ServerError, match="cancelled"):
        parse_reply(whole(said("a"), status="cancelled"))


def test_a_stream_without_its_last_event_is_truncated():
    """A gateway's [DONE] is no end: only the response's own last event says that all has come."""
    body = streamed(said("half a"))[: -len(event("completed", response=response(said("half a"))))]
    for end in (b"", b"data: [DONE]\n\n"):
        with pytest.raises(StreamTruncated) as caught:
            feed(body + end)
        assert caught.value.partial == "half a"
    assert feed(streamed(said("a")) + b"data: [DONE]\n\n").content == "a"


def test_an_empty_reply_is_a_reply():
    """The machine asks again, and counts it; an error of the wire would not be counted."""
    assert parse_reply(whole()).content == feed(streamed()).content == ""
    with pytest.raises(BadReply, match="no output"):
        parse_reply(b'{"model": "m"}')


def piece(kind, delta, **at):
    return event(f"{kind}.delta", delta=delta, **at)


END = event("completed", response=response())
FIRST = {"type": "function_call", "call_id": "c1", "name": "f"}
SECOND = {"type": "function_call", "call_id": "c2", "name": "g"}


@pytest.mark.parametrize(
    "events",
    [
        [
            event("output_item.added", item={**FIRST, "id": "x"}),
            piece("function_call_arguments", '{"a":', item_id="x"),
            event("output_item.added", item={**SECOND, "id": "y"}),
            piece("function_call_arguments", "1}", item_id="x"),
            piece("function_call_arguments", "{}", item_id="y"),
        ],
        [
            event("output_item.added", output_index=0, item={**FIRST, "id": "x"}),
            event("output_item.added", output_index=1, item={**SECOND, "id": "y"}),
            piece("function_call_arguments", '{"a":', output_index=0, item_id="changed"),
            piece("function_call_arguments", "{}", output_index=1, item_id="changed"),
            piece("function_call_arguments", "1}", output_index=0, item_id="changed again"),
        ],
        [
            event("output_item.added", item=FIRST),
            piece("function_call_arguments", '{"a":'),
            piece("function_call_arguments", "1}"),
            event("output_item.added", item=SECOND),
            piece("function_call_arguments", "{}"),
        ],
        [
            event("output_item.done", output_index=0, item={**FIRST, "arguments": '{"a":1}'}),
            event("output_item.done", output_index=1, item={**SECOND, "arguments": "{}"}),
        ],
        [
            event("output_item.added", output_index=0, item=FIRST),
            event("function_call_arguments.done", output_index=0, arguments='{"a":1}'),
            event("output_item.added", output_index=0, item={**SECOND, "id": "y"}),
            event("function_call_arguments.done", output_index=0, item_id="y", arguments="{}"),
        ],
    ],
    ids=["by id alone", "ids that change", "neither", "whole", "one place for all"],
)
def test_calls_stay_apart_whatever_the_server_leaves_out(events):
    """llama.cpp tells no place, gateways change ids in mid-item, some send no pieces, and no last word either."""
    message = feed(b"".join(events) + END)
    told = [(call.id, call.name, call.arguments) for call in message.function_calls]
    assert told == [("c1", "f", {"a": 1}), ("c2", "g", {})]


def test_text_of_which_nothing_else_is_told_is_text():
    """A last event without items, pieces without an item: what was shown must not be lost."""
    at = {"output_index": 0, "content_index": 0}
    assert feed(piece("output_text", "he", **at) + piece("output_text", "y", **at) + END).content == "hey"
    assert feed(event("output_text.done", text="hey") + END).content == "hey"
    begun = event("output_item.added", output_index=0, item=THOUGHT)
    assert feed(begun + piece("output_text", "hey", **at) + END).content == "hey"


@pytest.mark.parametrize("left_out", range(4))
def test_a_last_event_that_says_less_does_not_unsay(left_out):
    """Some gateways put only a part of the items there."""
    items = [THOUGHT, said("a"), REFUSED, called()]
    told = items[:left_out] + items[left_out + 1 :]
    message = feed(streamed(*items, last=told))
    assert (message.reasoning, message.content, message.refusal) == ("hm\n\nso", "a", "No.")
    assert [call.name for call in message.function_calls] == ["f"]


def test_thoughts_that_never_came_to_an_end_are_kept():
    """A last event without items, and none of the item's own."""
    begun = event("output_item.added", output_index=0, item={**THOUGHT, "summary": []})
    pieces = [piece("reasoning_summary_text", text, output_index=0, summary_index=n) for n, text in enumerate("ab")]
    message = feed(begun + b"".join(pieces) + END)
    assert message.reasoning == "a\n\nb"
    assert message.native.items[0]["summary"][1]["text"] == "b"


def test_a_text_need_not_come_in_parts_nor_arguments_as_text():
    """Some that imitate the service write a message's content as one text, and arguments as the object itself."""
    message = parse_reply(whole({"type": "message", "content": "hey"}, called(arguments={"x": 1})))
    assert (message.content, message.function_calls[0].arguments) == ("hey", {"x": 1})
    done = event("output_item.done", item=called(arguments={"x": 1}))
    assert feed(done + END).function_calls[0].arguments == {"x": 1}


def test_pieces_are_told_as_they_come():
    """A user watches the reply being written; nothing is told twice."""
    told = pieces_of(streamed(THOUGHT, said("abcd"), called(arguments="{}")))
    assert told == [
        Delta("reasoning", "hm"),
        Delta("reasoning", "\n\nso"),
        Delta("text", "abc"),
        Delta("text", "d"),
        Delta("call", "{}", 0, "f"),
    ]
    items = [
        event("output_item.done", output_index=n, item=item) for n, item in enumerate([THOUGHT, said("a"), called()])
    ]
    told = pieces_of(b"".join(items))
    assert [(piece.kind, piece.text) for piece in told] == [
        ("reasoning", "hm"),
        ("reasoning", "\n\nso"),
        ("text", "a"),
        ("call", '{"x": 1}'),
    ]


@given(st.binary(), st.booleans())
def test_random_bytes_raise_only_named_errors(body, streaming):
    """A server may send anything; what escapes unnamed kills a program that handles provider errors."""
    assert_named(body, streaming=streaming)


def test_arguments_nested_without_end_are_the_models_fault():
    """There is a depth at which they can be read, and not be written again."""
    deep = []
    for _ in range(200_000):
        deep = [deep]
    assert FunctionCall("c1", "f", to_arguments_text({"arguments": deep})).fault


words = ["type", "id", "item", "item_id", "output_index", "content_index", "summary_index", "delta", "text", "refusal"]
words += [
    "arguments",
    "content",
    "summary",
    "logprobs",
    "call_id",
    "name",
    "output",
    "status",
    "model",
    "usage",
    "error",
]
words += [
    "input_tokens",
    "input_tokens_details",
    "incomplete_details",
    "reason",
    "encrypted_content",
    "code",
    "message",
]
kinds = ["message", "function_call", "reasoning", "output_text", "refusal", "completed", "failed", "queued", "x_call"]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(kinds)
junk = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=4)
)
names = [
    f"{stem}.{end}" for stem in ("output_item", "output_text", "refusal", "reasoning_text") for end in ("added", "done")
]
names += ["output_text.delta", "function_call_arguments.delta", "reasoning_summary_text.delta", "refusal.delta"]


@given(
    st.lists(st.tuples(st.sampled_from(names), st.dictionaries(st.sampled_from(words), junk, max_size=5))), junk, junk
)
def test_any_json_in_any_place_raises_only_named_errors(events, items, last):
    """Right keys with values of the wrong type are what real servers send."""
    body = b"".join(odd_event(name, fields) for name, fields in events)
    for end in ({"output": items, "usage": last}, {"output": [items, last]}, last):
        assert_named(json.dumps(end).encode(), streaming=False)
        assert_named(body + odd_event("completed", {"response": end}), streaming=True)


def odd_event(name, fields):
    return b"data: " + json.dumps({**fields, "type": f"response.{name}"}).encode() + b"\n\n"


def assert_named(body, *, streaming):
    try:
        message = feed(body) if streaming else parse_reply(body, ASKED)
    except LLLMError as error:
        str(error).encode()
        return
    # What came through can be logged.
    encode_json([message.content, [[lp.token, lp.logprob, lp.top] for lp in message.logprobs]])
    encode_json(message.native.items if message.native else ())
    (message.content + message.reasoning + message.refusal).encode()
