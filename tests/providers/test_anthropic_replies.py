"""Replies of the Anthropic format: what servers really send, what they might send, and what nobody should send."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import Finish, ModelCard, register_model_card
from lllm.errors import BadReply, BadRequest, LLLMError, Overloaded, ServerError, StreamTruncated
from lllm.models.history import History
from lllm.models.message import message_from_dict, message_to_dict
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.anthropic_blocks import Blocks
from lllm.providers.wire.anthropic_reply import parse_reply, read_stream
from lllm.providers.wire.anthropic_request import build_request
from lllm.providers.wire.draft import Asked, Draft
from lllm.providers.wire.profile import Profile
from lllm.utils import encode_json

ASKED = Asked("asked-model", "anthropic")
SERVER = Profile(name="anthropic", api="anthropic", base_url="http://a")
USAGE = {"input_tokens": 3, "output_tokens": 9, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 5}


def whole(*blocks, stop="end_turn", **more):
    """A whole reply as bytes."""
    return json.dumps({"type": "message", "model": "m", "content": blocks, "stop_reason": stop} | more).encode()


def sse(*events, named=True, end="\n"):
    """A streamed body."""
    lines = []
    for event in events:
        lines += [f"event: {event['type']}"] if named else []
        lines += [f"data: {json.dumps(event)}", ""]
    return "".join(line + end for line in lines).encode()


def begin(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index, kind, **delta):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def stop(index):
    return {"type": "content_block_stop", "index": index}


START = {"type": "message_start", "message": {"model": "m", "content": [], "usage": {**USAGE, "output_tokens": 1}}}
PING = {"type": "ping"}
LAST = {"type": "message_stop"}


def end(reason="end_turn", **usage):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage or {"output_tokens": 9}}


def feed(body, cuts=(), asked=ASKED):
    stream, start = read_stream(asked), 0
    for cut in [*sorted(cuts), len(body)]:
        stream.feed(body[start:cut])
        start = cut
    return stream.end()


CITED = {"type": "char_location", "cited_text": "é"}
BLOCKS = [
    {"type": "thinking", "thinking": "hm 😀", "signature": "SIG"},
    {"type": "redacted_thinking", "data": "XX"},
    {"type": "text", "text": "hé😀", "citations": [CITED, CITED]},
    {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": "x"}},
    {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"url": "u"}]},
    {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": [1, "é"]}},
    {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
]
EVENTS = [
    START,
    begin(0, type="thinking", thinking="", signature=""),
    PING,
    piece(0, "thinking_delta", thinking="hm "),
    piece(0, "thinking_delta", thinking="😀"),
    piece(0, "signature_delta", signature="SIG"),
    stop(0),
    begin(1, type="redacted_thinking", data="XX"),
    stop(1),
    begin(2, type="text", text="", citations=[CITED]),
    PING,
    piece(2, "text_delta", text="hé"),
    piece(2, "text_delta", text="😀"),
    piece(2, "citations_delta", citation=CITED),
    stop(2),
    begin(3, type="server_tool_use", id="s1", name="web_search", input={}),
    piece(3, "input_json_delta", partial_json=""),
    piece(3, "input_json_delta", partial_json='{"q": '),
    piece(3, "input_json_delta", partial_json='"x"}'),
    stop(3),
    begin(4, type="web_search_tool_result", tool_use_id="s1", content=[{"url": "u"}]),
    stop(4),
    begin(5, type="tool_use", id="t1", name="f", input={}),
    piece(5, "input_json_delta", partial_json='{"x":[1,'),
    piece(5, "input_json_delta", partial_json='"\\u00e9"]}'),
    stop(5),
    begin(6, type="tool_use", id="t2", name="now", input={}),
    stop(6),
    end("tool_use"),
    LAST,
]
STREAM = sse(*EVENTS)
WHOLE = parse_reply(whole(*BLOCKS, stop="tool_use", usage=USAGE), ASKED)


def test_a_whole_reply_is_read_whole():
    """Text and calls are the message's own; the pieces that only the server understands are kept as they came."""
    assert (WHOLE.content, WHOLE.reasoning, WHOLE.model) == ("hé😀", "hm 😀", "m")
    calls = [(call.id, call.name, call.raw_arguments) for call in WHOLE.function_calls]
    assert calls == [("t1", "f", '{"x":[1,"\\u00e9"]}'), ("t2", "now", "{}")]
    assert WHOLE.native.family == "anthropic"
    assert list(WHOLE.native.items) == BLOCKS
    usage = WHOLE.usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (12, 9)
    assert (usage.cached_prompt_tokens, usage.cache_write_tokens, usage.reasoning_tokens) == (4, 5, 0)


@given(st.lists(st.integers(0, len(STREAM))), st.booleans())
def test_a_stream_cut_anywhere_is_the_same_reply(cuts, named):
    """Also in the middle of a character or a JSON escape; and the events' names are a convenience only."""
    body = sse(*EVENTS, named=named)
    assert feed(body, [min(cut, len(body)) for cut in cuts]) == WHOLE


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_a_stream_with_other_line_ends_is_the_same_reply(line_end):
    """The standard allows three line ends, and a cut between CR and LF is not an empty line."""
    body = sse(*EVENTS, end=line_end)
    assert feed(body, range(0, len(body), 3)) == WHOLE


def test_what_was_read_can_be_sent_and_logged():
    """The next turn holds the blocks to the byte, also when the dialog comes back from a log."""
    told = json.loads(encode_json(message_to_dict(WHOLE)))
    for said in (WHOLE, message_from_dict(told)):
        request = ModelRequest(Contract("m"), History().append(said, ""))
        assert json.loads(build_request(request, SERVER).body)["messages"] == [{"role": "assistant", "content": BLOCKS}]


def test_plain_replies_carry_no_pieces_of_the_servers_own():
    """A dialog of text and calls can go on at any other server, and its log stays small."""
    message = parse_reply(whole(BLOCKS[5], {"type": "text", "text": "a"}), ASKED)
    assert message.native is None
    assert message.finish is Finish.FUNCTION_CALLS


def test_pieces_are_shown_while_they_arrive():
    """Text, thoughts and arguments; what a tool of the server is asked is nobody's call here."""
    stream = read_stream(ASKED)
    seen = [(delta.kind, delta.text, delta.index, delta.name) for delta in stream.feed(STREAM)]
    assert seen == [
        ("reasoning", "hm ", 0, ""),
        ("reasoning", "😀", 0, ""),
        ("text", "hé", 0, ""),
        ("text", "😀", 0, ""),
        ("call", '{"x":[1,', 0, "f"),
        ("call", '"\\u00e9"]}', 0, "f"),
        ("call", "{}", 1, "now"),
    ]


def test_llama_cpp_closes_all_blocks_at_the_end():
    """Its blocks stay open side by side, and a call begins without an input."""
    message = feed(
        sse(
            START,
            begin(0, type="thinking", thinking=""),
            piece(0, "thinking_delta", thinking="hm"),
            begin(1, type="tool_use", id="a", name="f"),
            piece(1, "input_json_delta", partial_json='{"a":1}'),
            begin(2, type="tool_use", id="b", name="g"),
            stop(0),
            stop(1),
            stop(2),
            end("tool_use"),
            LAST,
        )
    )
    assert [(call.id, call.arguments) for call in message.function_calls] == [("a", {"a": 1}), ("b", {})]
    assert [block.get("input") for block in message.native.items] == [None, {"a": 1}, {}]


FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.FUNCTION_CALLS,
    "pause_turn": Finish.PAUSE,
    "compaction": Finish.PAUSE,
    "refusal": Finish.REFUSAL,
    "novel": Finish.UNKNOWN,
    None: Finish.UNKNOWN,
}


@pytest.mark.parametrize(("reason", "finish"), FINISHES.items())
def test_why_the_model_stopped_has_our_spelling(reason, finish):
    """A reply that was cut off must not pass for a finished one."""
    text = {"type": "text", "text": "x"}
    assert parse_reply(whole(text, stop=reason)).finish is finish
    assert feed(sse(START, begin(0, **text), end(reason), LAST)).finish is finish


def test_a_refusal_may_say_why():
    """A reply without content would leave the user alone with the word refusal."""
    details = {"type": "refusal", "category": "bio", "explanation": "Not this."}
    message = parse_reply(whole(stop="refusal", stop_details=details))
    assert (message.content, message.refusal, message.finish) == ("", "Not this.", Finish.REFUSAL)
    assert parse_reply(whole(stop="refusal", stop_details=None)).refusal == ""
    assert parse_reply(whole(stop="end_turn", stop_details=details)).refusal == ""


def test_counts_of_a_stream_are_sums_so_far():
    """Added up they would be paid twice; one that a later event leaves out, or leaves empty, stays."""
    text = begin(0, type="text", text="x")
    usage = feed(sse(START, text, end(output_tokens=7), end(output_tokens=9, cache_read_input_tokens=None), LAST)).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_prompt_tokens) == (12, 9, 4)
    more = {"input_tokens": 30, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 6}}
    usage = feed(sse(START, text, end(**more), LAST)).usage
    assert (usage.prompt_tokens, usage.reasoning_tokens) == (39, 6)
    none = sse({"type": "message_start", "message": {}}, text, {"type": "message_delta", "delta": {}}, LAST)
    assert feed(none).usage.cost_usd is None
    later = {"type": "message_delta", "delta": {"stop_reason": None}}
    assert feed(sse(START, text, end("max_tokens"), later, LAST)).finish is Finish.LENGTH


def test_a_price_is_filled_in_only_when_it_is_known():
    """A reply that tells of no tokens was not free."""
    register_model_card(ModelCard("priced-claude", input_price=1.0, output_price=2.0))
    usage = {"input_tokens": 1_000_000, "output_tokens": 500_000}
    assert parse_reply(whole(model="priced-claude", usage=usage)).usage.cost_usd == 2.0
    assert parse_reply(whole(model="priced-claude")).usage.cost_usd is None


@pytest.mark.parametrize("cut", range(1, len(EVENTS)))
def test_a_stream_that_ends_before_its_last_event_is_an_error(cut):
    """A gateway that closes early looks like success to who does not check; the text so far is worth showing."""
    with pytest.raises(StreamTruncated) as caught:
        feed(sse(*EVENTS[:cut]))
    assert caught.value.retryable
    assert "hé😀".startswith(caught.value.partial)
    assert caught.value.partial == ("" if cut < 12 else "hé" if cut < 13 else "hé😀")


def test_an_event_that_is_cut_off_is_not_read():
    """Half an event is no event, and the last word without its blank line is one."""
    with pytest.raises(StreamTruncated):
        feed(STREAM[:-12])
    assert feed(STREAM.rstrip()) == WHOLE


def test_an_error_amid_a_stream_is_the_error_that_it_names():
    """It comes with status 200, and what had arrived by then was paid for."""
    failure = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(Overloaded) as caught:
        feed(sse(START, piece(0, "text_delta", text="he"), failure))
    assert (caught.value.retryable, caught.value.partial) == (True, "he")
    named = b'event: error\ndata: {"type":"server_error","code":500,"message":"broken"}\n\n'
    for body in (b"event: error\ndata: {}\n\n", b'data: {"type":"error"}\n\n', named):
        with pytest.raises(ServerError):
            feed(body)
    with pytest.raises(ServerError):
        parse_reply(b'{"type":"error"}')
    with pytest.raises(Overloaded):
        parse_reply(json.dumps(failure).encode())
    with pytest.raises(BadRequest):
        feed(sse({"type": "error", "error": {"type": "request_too_large"}}))


def test_events_and_pieces_of_unknown_kinds_are_passed_over():
    """The server adds kinds without notice ("Streaming messages", platform.claude.com, read 2026-11)."""
    message = feed(
        sse(
            START,
            {"type": "novel"},
            begin(0, type="text", text="a"),
            piece(0, "novel_delta", text="z"),
            piece(7, "novel_delta", text="z"),
            piece(0, "text_delta", text="b"),
            end(),
            LAST,
            begin(1, type="text", text="late"),
        )
        + b"data: [DONE]\n\n"
    )
    assert (message.content, message.native) == ("ab", None)
    kept = parse_reply(whole({"type": "hologram", "x": 1}, {"type": "text", "text": "hey"}), ASKED)
    assert (kept.content, kept.native.items[0]) == ("hey", {"type": "hologram", "x": 1})


def test_the_last_word_of_another_format_is_no_last_word():
    """Proxies add it; before the message's own end it proves nothing."""
    text = begin(0, type="text", text="x")
    assert feed(sse(START) + b"data: [DONE]\n\n" + sse(text, end(), LAST)).content == "x"
    with pytest.raises(StreamTruncated):
        feed(sse(START, text, end()) + b"data: [DONE]\n\n")


def test_pieces_without_a_beginning_find_their_block():
    """Translating proxies forget to begin a block, or count wrongly; text and arguments must not be lost."""
    message = feed(
        sse(
            piece(0, "thinking_delta", thinking="hm"),
            piece(None, "text_delta", text="a"),
            piece(None, "text_delta", text="b"),
            begin(1, type="tool_use", id="a", name="f", input={}),
            piece(0, "input_json_delta", partial_json='{"a":'),
            piece(9, "input_json_delta", partial_json="1}"),
            end(),
            LAST,
        )
    )
    assert (message.content, message.reasoning) == ("ab", "hm")
    assert [call.arguments for call in message.function_calls] == [{"a": 1}]
    assert [block["type"] for block in message.native.items] == ["thinking", "text", "tool_use"]
    with pytest.raises(BadReply, match="never began"):
        feed(sse(START, piece(0, "input_json_delta", partial_json="{}")))


def test_pieces_of_two_open_calls_may_take_turns():
    """Each goes to the call that it is numbered for."""
    calls = [begin(index, type="tool_use", id=f"t{index}", name="f") for index in (0, 1)]
    halves = [piece(index, "input_json_delta", partial_json=half) for half in ('{"a":', "1}") for index in (0, 1)]
    message = feed(sse(START, *calls, *halves, end(), LAST))
    assert [call.arguments for call in message.function_calls] == [{"a": 1}, {"a": 1}]


def test_a_piece_of_another_kind_than_its_block_begins_its_own():
    """In a call, text would be a field that the server refuses in the next turn."""
    calls = [begin(0, **BLOCKS[0]), begin(1, type="tool_use", id="t", name="f", input={})]
    pieces = [piece(1, "text_delta", text="a"), piece(1, "text_delta", text="b")]
    items = feed(sse(START, *calls, *pieces, end(), LAST)).native.items
    assert items[1:] == (calls[1]["content_block"], {"type": "text", "text": "ab"})


@pytest.mark.parametrize("index", [None, "0", [0], {}, 1.5])
def test_a_block_without_a_usable_number_is_the_newest(index):
    """A number of the wrong type may neither lose a piece nor escape as an error of Python's."""
    text = [begin(index, type="text", text=""), piece(index, "text_delta", text="a")]
    cited = piece(index, "citations_delta", citation=CITED)
    call = [begin(index, type="tool_use", id="t", name="f"), piece(index, "input_json_delta", partial_json='{"a":1}')]
    message = feed(sse(START, begin(0, **BLOCKS[1]), *text, cited, *call, end(), LAST))
    assert message.native.items[1] == {"type": "text", "text": "a", "citations": [CITED]}
    assert message.native.items[2]["input"] == message.function_calls[0].arguments == {"a": 1}


def test_blocks_of_one_number_stay_apart():
    """Merged calls become one call with arguments that nobody wrote."""
    message = feed(
        sse(
            START,
            begin(0, type="tool_use", id="a", name="f"),
            piece(0, "input_json_delta", partial_json='{"a":1}'),
            begin(0, type="tool_use", id="a", name="f", input={"a": 2}),
            end(),
            LAST,
        )
    )
    assert [call.arguments for call in message.function_calls] == [{"a": 1}, {"a": 2}]
    assert len({call.id for call in message.function_calls}) == 2


@pytest.mark.parametrize(
    ("given", "raw"), [({"a": 1}, '{"a":1}'), ('{"a": 1}', '{"a": 1}'), (None, "{}"), ([1], "[1]"), (7, "7")]
)
def test_arguments_may_be_of_any_kind(given, raw):
    """What is wrong with them is for the model to mend; the call must not be lost."""
    (call,) = parse_reply(whole({"type": "tool_use", "id": "a", "name": "f", "input": given})).function_calls
    assert call.raw_arguments == raw
    assert bool(call.fault) == isinstance(given, list | int)


def test_arguments_that_were_cut_off_are_sent_back_as_an_object():
    """The format takes nothing else, and signed thinking before them may not be lost."""
    thinking, call = begin(0, **BLOCKS[0]), begin(1, type="tool_use", id="a", name="f", input={})
    events = [START, thinking, call, piece(1, "input_json_delta", partial_json='{"a":'), end("max_tokens"), LAST]
    message = feed(sse(*events))
    assert message.native.items == (BLOCKS[0], {**BLOCKS[5], "id": "a", "input": {"invalid": '{"a":'}})
    assert message.function_calls[0].fault
    assert message.finish is Finish.LENGTH


def test_what_a_summary_of_the_server_says_is_kept():
    """It stands for all that was before it: without it, the next turn begins from nothing."""
    told = {"content": "sum", "encrypted_content": "E"}
    events = [START, begin(0, type="compaction", content=None), piece(0, "compaction_delta", **told), end(), LAST]
    assert feed(sse(*events)).native.items == ({"type": "compaction", **told},)


def test_half_of_a_surrogate_pair_is_joined_or_replaced():
    """A lone half cannot be printed; a pair that came in two pieces is one character."""
    first, second = '"\\ud83d"', '"\\ude00\\ud800"'
    delta = 'data: {"type":"content_block_delta","index":0,"delta":{"type":"%s_delta","%s":%s}}\n\n'
    kinds = ["text", "thinking"]
    body = "".join(delta % (kind, kind, half) for kind in kinds for half in (first, second)).encode()
    message = feed(body + sse(end(), LAST))
    assert message.content == message.reasoning == "😀\ufffd"
    assert {block[block["type"]] for block in message.native.items} == {"😀\ufffd"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"type":"message"}',
        b'{"content":"x"}',
        b'{"choices":[{"message":{"content":"x"}}]}',
        whole({"type": "novel", "x": float("nan")}),
        b'{"content":[{"type":"novel","x":' + b"[" * 900 + b"]" * 900 + b"}]}",
        b'{"content":[{"type":"novel","x":' + b'{"x":' * 900 + b"1" + b"}" * 900 + b"}]}",
        b'{"content":[{"type":"novel","x":' + b"[" * 90000 + b"]" * 90000 + b"}]}",
    ],
)
def test_what_is_no_reply_is_named(body):
    """Also what could not be logged: a reply that no replay could hold is worth less than an error."""
    with pytest.raises(BadReply):
        parse_reply(body)


def test_arguments_of_any_depth_end_in_a_call_or_a_named_error():
    """How deep a parser goes differs between Pythons; the recursion error itself may not escape."""
    body = b'{"content":[{"type":"tool_use","id":"a","name":"f","input":{"x":' + b"[" * 900 + b"]" * 900 + b"}}]}"
    assert "nested deeper" in parse_reply(body).function_calls[0].fault
    draft, deep = Draft(ASKED), []
    blocks = Blocks(draft)
    for _ in range(100_000):
        deep = [deep]
    blocks.begin(0, {"type": "tool_use", "input": deep})
    blocks.close()
    assert draft.to_message().function_calls[0].fault


def test_a_long_block_is_not_a_deep_one():
    """What a search of the server found has hundreds of entries."""
    found = {"type": "web_search_tool_result", "content": [{"url": "u"}] * 300}
    assert parse_reply(whole(found), ASKED).native.items == (found,)


def test_a_stream_without_a_reply_is_named():
    """The last word alone says nothing."""
    with pytest.raises(BadReply):
        feed(sse(PING, LAST))
    assert feed(sse(START, end(), LAST)).content == ""


@given(st.binary(), st.booleans())
def test_random_bytes_raise_only_named_errors(body, streamed):
    """A server may send anything; what escapes unnamed kills a program that handles provider errors."""
    assert_named(body, streamed=streamed)


words = ["type", "text", "thinking", "signature", "input", "id", "name", "content", "index", "citations", "usage"]
words += ["error", "stop_reason", "partial_json", "citation", "message", "delta", "content_block", "explanation"]
kinds = ["text", "thinking", "tool_use", "server_tool_use", "text_delta", "thinking_delta", "signature_delta"]
kinds += ["input_json_delta", "citations_delta", "compaction_delta", "refusal", "error"]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(kinds)
junk = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=4)
)


@given(junk, junk, junk, st.sampled_from(kinds), st.sampled_from(kinds) | junk)
def test_any_json_in_any_place_raises_only_named_errors(block, delta, index, kind, change):
    """Right keys with values of the wrong type are what real servers send."""
    block = {**(block if isinstance(block, dict) else {"text": block, "input": block}), "type": kind}
    delta = {**(delta if isinstance(delta, dict) else {"text": delta, "citation": delta}), "type": change}
    events = [{"type": "message_start", "message": index}]
    events += [{"type": "content_block_start", "index": index, "content_block": block}]
    events += [{"type": "content_block_delta", "index": place, "delta": delta} for place in (index, 0)]
    events += [{"type": "message_delta", "delta": index, "usage": index}, LAST]
    assert_named(sse(*events), streamed=True)
    content = {"content": [block, delta, index], "usage": block, "stop_reason": index}
    assert_named(json.dumps(content).encode(), streamed=False)


def swapped(value):
    """Yield copies of a JSON value in which one place holds something of another kind."""
    yield from (None, True, 7, 1.5, "x", [], [[1]], {}, {"a": [1]})
    if isinstance(value, dict):
        yield from ({**value, key: odd} for key, inner in value.items() for odd in swapped(inner))
    elif isinstance(value, list):
        yield from ([*value[:i], odd, *value[i + 1 :]] for i, inner in enumerate(value) for odd in swapped(inner))


def test_a_value_of_another_kind_in_any_place_raises_only_named_errors():
    """Each place in turn: chance alone finds the rare ones too seldom."""
    for body in swapped(json.loads(whole(*BLOCKS, stop="refusal", stop_details={"explanation": "x"}, usage=USAGE))):
        assert_named(json.dumps(body).encode(), streamed=False)
    for place, event in enumerate(EVENTS):
        before, after = sse(*EVENTS[:place]), sse(*EVENTS[place + 1 :])
        for odd in swapped(event):
            assert_named(before + b"data: %b\n\n" % json.dumps(odd).encode() + after, streamed=True)


def assert_named(body, *, streamed):
    try:
        message = feed(body) if streamed else parse_reply(body, ASKED)
    except LLLMError as error:
        str(error).encode()
        return
    encode_json(message_to_dict(message))  # what came through can be logged
    (message.content + message.reasoning + message.refusal).encode()
    request = ModelRequest(Contract("m"), History().append(message, ""))
    json.loads(build_request(request, SERVER).body)


texts = st.text(max_size=5)
plain = st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts})
    | st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts, "signature": st.just("S")})
    | st.builds(lambda x, i: {"type": "tool_use", "id": f"t{i}", "name": "f", "input": {"x": x}}, texts, st.integers()),
    max_size=4,
)


@given(plain, st.integers(1, 3))
def test_a_stream_folds_to_the_whole_reply(blocks, size):
    """One model, two ways to listen, one message: a recording may not depend on whether somebody watched."""
    events = [START]
    for index, block in enumerate(blocks):
        events += [*streamed(index, block, size), stop(index)]
    got = feed(sse(*events, end("tool_use"), LAST))
    assert got == parse_reply(whole(*blocks, stop="tool_use", usage=USAGE), ASKED)


def streamed(index, block, size):
    kind = block["type"]
    field = {"text": "text", "thinking": "thinking", "tool_use": "partial_json"}[kind]
    change = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}[kind]
    told = json.dumps(block["input"], separators=(",", ":")) if kind == "tool_use" else block[field]
    first = {**block, "input": {}} if kind == "tool_use" else {**block, field: ""}
    yield begin(index, **first)
    yield from (piece(index, change, **{field: told[i : i + size]}) for i in range(0, len(told), size))
