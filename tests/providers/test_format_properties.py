"""What holds for the replies of every format: however bytes are cut, whatever they are, and wherever they end."""

from __future__ import annotations

import json
import tracemalloc
from functools import cache

import pytest
from format_replies import Call, Reply
from format_server import ROUTES, to_event
from hypothesis import given, settings
from hypothesis import strategies as st

from lllm.errors import BadReply, ProviderError, StreamTruncated
from lllm.models.message import Message, message_from_dict, message_to_dict
from lllm.providers import parse_exchange
from lllm.providers.wire.draft import NOBODY
from lllm.providers.wire.formats import APIS, load_format
from lllm.providers.wire.sse import MAX_EVENT_BYTES, MAX_STREAM_BYTES
from lllm.utils import encode_json

SPEECH = dict(zip(APIS, ROUTES.values(), strict=True))
SAID = Reply("hé\n😀", reasoning="hm", calls=(Call("a", "f", '{"x":1}'), Call("b", "g", '{"y":"é"}')))
EVERY = pytest.mark.parametrize("api", APIS)
FEW = settings(max_examples=40)


@cache
def events_of(api):
    """The events of one stream, as bytes."""
    speech = SPEECH[api]
    return [to_event(name, data, lines=speech.lines) for name, data in speech.events(SAID, "m")]


def whole_of(api):
    return json.dumps(SPEECH[api].whole(SAID, "m")).encode()


def fold(api, pieces):
    """The deltas and the message of a stream that comes in pieces, or the error that it ends in."""
    stream, deltas = load_format(api).read_stream(NOBODY), []
    try:
        for piece in pieces:
            deltas += stream.feed(piece)
        return deltas, stream.end()
    except ProviderError as error:
        return deltas + stream.take_pieces(), (type(error), str(error), error.partial)


def cut(body, places):
    ends = sorted({place % (len(body) + 1) for place in places})
    return [body[a:b] for a, b in zip([0, *ends], [*ends, len(body)], strict=True)]


leaves = st.sampled_from(
    [None, True, False, 0, 1, -1, 2**70, 1e400, float("nan"), "", "x", "\ud800", "\0", "stop", "done", "{", "[DONE]"]
)


def nested(inner):
    return st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)


def keys_of(value):
    if isinstance(value, dict):
        return {key for part in value.values() for key in keys_of(part)} | {*value}
    return {key for part in value for key in keys_of(part)} if isinstance(value, list) else set()


KEYS = sorted({key for api in APIS for _, data in SPEECH[api].events(SAID, "m") for key in keys_of(data or {})})
KEYS += ["error", "code", "logprobs", "top_logprobs", "token", "function_call", "refusal", "citations", "annotations"]
junk = st.recursive(leaves, nested, max_leaves=5)


@EVERY
@FEW
@given(places=st.lists(st.integers(0, 10_000)))
def test_a_stream_cut_anywhere_gives_equal_pieces_and_the_same_message(api, places):
    """How bytes arrive is chance; neither what is shown nor what is logged may depend on it."""
    body = b"".join(events_of(api))
    assert fold(api, cut(body, places)) == fold(api, [body])


@EVERY
@FEW
@given(data=st.data(), places=st.lists(st.integers(0, 10_000)))
def test_a_stream_with_a_fault_in_it_is_cut_anywhere_and_ends_the_same_way(api, data, places):
    """Also what came before the fault is shown, whether it arrived with the same bytes or before them."""
    events = [*events_of(api)]
    fault = data.draw(st.sampled_from([{"error": {"message": "boom"}}, {"error": "boom"}, [1], "x"]) | junk)
    events.insert(data.draw(st.integers(0, len(events))), to_event("", fault, lines=SPEECH[api].lines))
    body = b"".join(events)
    deltas, got = fold(api, [body])
    assert fold(api, cut(body, places)) == (deltas, got)
    shown = "".join(delta.text for delta in deltas if delta.kind == "text")
    assert shown == (got.content if isinstance(got, Message) else got[2])


@EVERY
def test_a_stream_of_single_bytes_is_the_same(api):
    """The hardest of all cuts: in each character, and between each CR and LF."""
    for body in (b"".join(events_of(api)), b"".join(events_of(api)).replace(b"\n", b"\r\n")):
        assert fold(api, [body[i : i + 1] for i in range(len(body))])[1] == fold(api, [body])[1]


@EVERY
def test_a_stream_that_ends_early_is_never_a_success(api):
    """Cut behind any event but the last, and in any of them: half a reply must not look like a whole one."""
    events = events_of(api)
    whole = fold(api, events)[1]
    assert isinstance(whole, Message)
    said = [number for number, event in enumerate(events) if tells_the_end(api, event)]
    for count in range(len(events)):
        for rest in (b"", events[count][: len(events[count]) // 2]):
            deltas, got = fold(api, [*events[:count], rest])
            if said and count > said[0]:  # chat: why the model stopped is known, only the usage is missing
                assert (got.content, got.finish) == (whole.content, whole.finish)
                continue
            assert got[0] in (StreamTruncated, BadReply), (count, got)
            assert got[2] == "".join(delta.text for delta in deltas if delta.kind == "text")


def tells_the_end(api, event):
    return api == "chat" and b'"finish_reason": "' in event


def logs(got):
    """Check that whoever gets a message can keep it, and gets the same one back."""
    assert isinstance(got, Message | ProviderError)
    if isinstance(got, Message):
        text = encode_json(message_to_dict(got))
        again = message_from_dict(json.loads(text))
        assert encode_json(message_to_dict(again)) == text
        text.encode()
        encode_json([[lp.token, lp.logprob, [list(pair) for pair in lp.top]] for lp in got.logprobs])
    else:
        f"{got} {got.excerpt} {got.partial} {got.code}".encode()


HEADERS = ({}, {"content-type": "application/json"}, {"Content-Type": "text/event-stream"})
HEADERS += ({"content-type": "application/x-ndjson"},)
some_headers = st.sampled_from(HEADERS)


@EVERY
@FEW
@given(body=st.binary(max_size=200), status=st.sampled_from([200, 200, 400, 429, 500, 999]), headers=some_headers)
def test_random_bytes_are_a_message_or_one_of_our_errors(api, body, status, headers):
    """A server may send anything; what escapes unnamed kills a program that handles provider errors."""
    logs(parse_exchange(api, status, headers, body))


@st.composite
def spoilt(draw, value):
    """A real event with junk in one or two places, deep or high."""
    for _ in range(draw(st.integers(1, 2))):
        value = spoil(draw, value)
    return value


def spoil(draw, value):
    inner = [*value] if isinstance(value, dict) else [*range(len(value))] if isinstance(value, list) else []
    if not inner or not draw(st.integers(0, 3)):
        return draw(junk)
    place = draw(st.sampled_from(inner))
    changed = dict(value) if isinstance(value, dict) else [*value]
    changed[place] = spoil(draw, changed[place])
    return changed


@EVERY
@FEW
@given(data=st.data())
def test_a_real_reply_with_junk_in_it_is_a_message_or_one_of_our_errors(api, data):
    """Right keys with values of the wrong type are what real servers send."""
    whole = data.draw(spoilt(SPEECH[api].whole(SAID, "m")))
    logs(parse_exchange(api, 200, {}, json.dumps(whole).encode()))
    events = [event for event in SPEECH[api].events(SAID, "m") if event[1] is not None]
    place = data.draw(st.integers(0, len(events) - 1))
    events[place] = (events[place][0], data.draw(spoilt(events[place][1])))
    lines = SPEECH[api].lines
    body = b"".join(to_event(name, told, lines=lines) for name, told in events)
    headers = {"content-type": "application/x-ndjson" if lines else "text/event-stream"}
    logs(parse_exchange(api, 200, headers, body))


@EVERY
def test_json_nested_to_the_interpreters_limit_is_refused_by_name(api):
    """What can just be read can perhaps not be written again, and a RecursionError is nobody's to handle."""
    for depth in (*range(100, 900, 100), *range(900, 1000), 5000, 200_000):
        deep = b"[" * depth + b"]" * depth
        for status in (200, 400):
            logs(parse_exchange(api, status, {}, b'{"error": %b}' % deep))
        for body in (whole_of(api), b"".join(events_of(api))):
            for place in (b'{"x": 1}', b'"hm"', b'"h\\u00e9\\n\\ud83d\\ude00"', b"1700000000"):
                logs(parse_exchange(api, 200, {}, body.replace(place, deep)))


@EVERY
def test_halves_of_characters_and_zeros_reach_the_log(api):
    """A lone half of a pair cannot be encoded, a zero is no end of a text; both come from real models."""
    said = Reply("a\0b\ud800c", reasoning="\udfff", calls=() if api == "ollama_generate" else (ODD,), piece=1)
    speech = SPEECH[api]
    events = [to_event(name, data, lines=speech.lines) for name, data in speech.events(said, "m")]
    for body in (json.dumps(speech.whole(said, "m")).encode(), b"".join(events)):
        got = parse_exchange(api, 200, {}, body)
        assert (got.content, got.reasoning) == ("a\0b\ufffdc", "\ufffd")
        logs(got)


ODD = Call("\ud800", "f\udc00", '{"x":"\\ud800\\u0000"}')


@EVERY
@pytest.mark.parametrize("what", ["line", "event", "stream"])
def test_a_line_an_event_and_a_stream_have_limits(api, what):
    """A server may not fill our memory, whichever way it tries; asking it again would be no use."""
    lines, many = SPEECH[api].lines, b"x" * 65_000
    if what == "event" and lines:
        pytest.skip("an event is one line")
    nothing = b" " * 65_000 + b"\n" if lines else b":" + many + b"\n"
    piece = {"line": many, "event": b"data: " + many + b"\n", "stream": nothing}[what]
    limit = MAX_STREAM_BYTES if what == "stream" else MAX_EVENT_BYTES
    stream, fed = load_format(api).read_stream(NOBODY), []
    with pytest.raises(BadReply) as caught:
        consume(stream, piece, 2 * limit, fed)
    assert not caught.value.retryable
    assert limit < sum(fed) < limit + 2 * len(piece) + 1000


def consume(stream, piece, most_bytes, fed):
    """Feed a stream the same piece again and again, and note the bytes of each."""
    while sum(fed[-1:]) * len(fed) < most_bytes:
        fed.append(len(piece))
        stream.feed(piece)


@pytest.mark.parametrize("api", [api for api in APIS if api != "ollama_generate"])
def test_calls_without_end_are_refused(api):
    """Each piece of a call is looked up among all of them, so that a hostile stream could keep us busy for hours."""
    for count in (1000, 1001):
        said = Reply(calls=tuple(Call(f"c{number}", "f") for number in range(count)))
        speech = SPEECH[api]
        events = [to_event(name, data, lines=speech.lines) for name, data in speech.events(said, "m")]
        for body in (b"".join(events), json.dumps(speech.whole(said, "m")).encode()):
            got = parse_exchange(api, 200, {}, body)
            if count == 1000:
                assert len(got.function_calls) == count
            else:
                assert (type(got), got.retryable) == (BadReply, False)


@EVERY
def test_pieces_do_not_pile_up(api):
    """What was shown is gone: a reader holds a reply's text once, and what is about it not at all."""
    stream = load_format(api).read_stream(NOBODY)
    speech = SPEECH[api]
    said = Reply("x" * 60_000, piece=30)
    body = [to_event(name, data, lines=speech.lines) for name, data in speech.events(said, "m")]
    tracemalloc.start()
    try:
        for event in body[: len(body) // 2]:
            stream.feed(event)
        half = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(stream.partial) > 20_000
    assert half < 30_000 * 8
