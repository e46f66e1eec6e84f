"""Messages of a kernel become outputs of a notebook: what honest ones mean, and that no hostile one does harm."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notebook_rules import any_json, any_text, check_outputs

from lllm.sandbox.shown.mended import DEPTH, mend_json
from lllm.sandbox.shown.outputs import OutputFold, build_outputs

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def stream(text, name="stdout"):
    return {"msg_type": "stream", "content": {"name": name, "text": text}}


def show(data, kind="display_data", id_=None, **content):
    transient = {} if id_ is None else {"display_id": id_}
    return {"msg_type": kind, "content": {"data": data, "metadata": {}, "transient": transient, **content}}


def clear(wait):
    return {"msg_type": "clear_output", "content": {"wait": wait}}


def texts(outputs):
    return [output.get("text") or output["data"].get("text/plain") for output in outputs]


def test_text_of_one_stream_is_one_output():
    """A kernel sends text in pieces as time goes by; a reader wants it whole, with each sign as it was."""
    outputs = build_outputs([stream("1%\r"), stream("2%\x08"), stream("!", "stderr"), stream("end")])
    assert [(o["name"], o["text"]) for o in outputs] == [("stdout", "1%\r2%\x08"), ("stderr", "!"), ("stdout", "end")]


def test_a_display_is_updated_in_place():
    outputs = build_outputs(
        [
            show({"text/plain": "0%"}, id_="bar"),
            stream("x"),
            show({"text/plain": "9%"}, "update_display_data", "bar"),
            show({"text/plain": "?"}, "update_display_data", "of another cell"),
        ]
    )
    assert texts(outputs) == ["9%", "x"]


def test_clearing_may_wait_for_what_comes_next():
    """Else a table that is shown anew each second would flicker, and be gone at the end."""
    assert texts(build_outputs([stream("a"), clear(wait=False)])) == []
    assert texts(build_outputs([stream("a"), clear(wait=True)])) == ["a"]
    assert texts(build_outputs([stream("a"), clear(wait=True), stream("b")])) == ["b"]
    assert texts(build_outputs([stream("a"), clear(wait=True), show({"text/plain": "c"}), stream("d")])) == ["c", "d"]


def test_what_was_cleared_is_updated_no_more():
    messages = [
        show({"text/plain": "a"}, id_="x"),
        clear(wait=False),
        show({"text/plain": "b"}, "update_display_data", "x"),
    ]
    assert build_outputs(messages) == ()


def test_a_result_and_an_error_are_kept():
    error = {"ename": "ValueError", "evalue": "no", "traceback": ["\x1b[31mline 1\x1b[0m", "line 2"]}
    fold = OutputFold(1 << 20, 100)
    fold.add(show({"text/plain": ["4", "2"]}, "execute_result", execution_count=3))
    fold.add({"msg_type": "error", "content": error})
    result, failed = fold.outputs()
    assert (result["output_type"], result["execution_count"], result["data"]) == (
        "execute_result",
        3,
        {"text/plain": "42"},
    )
    assert failed == {"output_type": "error", **error}
    assert fold.traceback() == ("line 1", "line 2")
    assert OutputFold(100, 100).traceback() == ()


def test_every_mime_type_that_a_notebook_can_hold_is_kept():
    """Who opens the notebook may have a viewer for what lllm does not know."""
    data = {
        "text/html": "<b>x</b>",
        "image/png": PNG,
        "image/svg+xml": "<svg/>",
        "application/vnd.plotly.v1+json": {"data": [1, {"a": None}]},
        "application/json": [1.5, "a"],
        "application/x-unknown": "anything",
    }
    assert build_outputs([show(data)])[0]["data"] == data


@pytest.mark.parametrize(
    ("mime", "value", "reason"),
    [
        ("text/latex", {"a": 1}, "other data"),
        ("text/html", ["a", 1], "other data"),
        ("application/vnd.x", {"a": 1}, "other data"),
        ("image/png", "!!!notbase64", "not base64"),
        ("image/jpeg", "abc", "not base64"),
        ("application/pdf", "a=bc", "not base64"),
        ("application/json", json.loads("[" * 40 + "]" * 40), "nested deeper"),
        ("image/png", "A" * 4000, "more than 2000 bytes"),
        ("application/json", ["A" * 4000], "more than 2000 bytes"),
        ("image/svg+xml", "é" * 1200, "more than 2000 bytes"),
        ("", "x", "no MIME type"),
        ("text/\x1b[2J", "x", "no MIME type"),
        ("a" * 200, "x", "no MIME type"),
    ],
)
def test_what_a_notebook_cannot_hold_is_left_out_and_told(mime, value, reason):
    """One bad value would make a notebook that Jupyter refuses to open."""
    fold = OutputFold(1 << 20, 10, 2000)
    fold.add(show({mime: value, "text/plain": "stays"}))
    (output,) = fold.outputs()
    assert output["data"] == {"text/plain": "stays"}
    assert reason in output["metadata"]["lllm"]["left_out"][mime[:100]]
    assert fold.over == ""


def test_a_display_has_a_bounded_number_of_kinds():
    output = build_outputs([show({f"a/b{number}": "" for number in range(100)})])[0]
    assert len(output["data"]) == 64
    assert output["metadata"]["lllm"]["left_out"] == {"...": "more than 64 kinds"}


@pytest.mark.parametrize("count", [True, -1, 1.5, "1", None, 1 << 60])
def test_a_number_that_counts_no_cell_is_none(count):
    assert build_outputs([show({}, "execute_result", execution_count=count)])[0]["execution_count"] is None


def test_a_long_text_is_cut_and_says_so():
    fold = OutputFold(1 << 20, 10, 1000)
    fold.add(show({"text/plain": "é" * 2000}))
    assert fold.outputs()[0]["data"]["text/plain"] == "é" * 500 + "\n[cut: more than 1000 bytes]"


def test_numbers_that_json_lacks_become_null():
    """Browsers refuse to read a notebook with NaN in it, though Python writes one."""
    data = [float("nan"), float("-inf"), 1 << 2000, 1 << 60, True, "\ud800"]
    assert mend_json(data, 1000)[0] == [None, None, None, 1 << 60, True, "\ufffd"]
    with pytest.raises(ValueError, match="no JSON data"):
        mend_json({1: 2}, 1000)
    with pytest.raises(ValueError, match="no JSON data"):
        mend_json(b"x", 1000)


def test_the_kernel_cannot_say_what_was_left_out():
    """That note is ours: else a display could tell a reader anything in our name."""
    message = show({"text/plain": "x"})
    message["content"]["metadata"] = {"lllm": {"left_out": {"image/png": "trust me"}}, "isolated": True}
    assert build_outputs([message])[0]["metadata"] == {"isolated": True}
    message["content"]["metadata"] = {"big": "x" * (1 << 17)}
    assert build_outputs([message])[0]["metadata"] == {}


def test_more_bytes_than_the_limit_are_cut_at_the_limit():
    fold = OutputFold(1000, 10)
    fold.add(stream("é" * 1000))
    fold.add(stream("more"))
    first, last = fold.outputs()
    assert fold.over == "bytes"
    assert 350 <= first["text"].count("é") <= 500
    assert last == {"output_type": "stream", "name": "stderr", "text": "[output cut: more than 1000 bytes]\n"}
    check_outputs(fold.outputs())


def test_more_displays_than_the_limit_are_dropped():
    """A million tiny displays make a page that no browser opens; bytes alone would not stop them."""
    fold = OutputFold(1 << 20, 3)
    for number in range(5):
        fold.add(show({"text/plain": str(number)}))
        fold.add({"msg_type": "status", "content": {"execution_state": "busy"}})
    fold.add(stream("late"))
    assert fold.over == "messages"
    assert texts(fold.outputs()) == ["0", "1", "2", "[output cut: more than 3 messages]\n"]


def test_messages_that_show_nothing_count_too():
    """Comms and whatever else a cell can send: each costs the host the time to read it."""
    fold = OutputFold(1 << 20, 3)
    for _ in range(5):
        fold.add({"msg_type": "comm_msg", "content": {}})
    assert fold.over == "messages"


def test_an_update_of_many_displays_counts_for_each():
    """One value under an id that a hundred displays share is stored a hundred times: a notebook of gigabytes."""
    fold = OutputFold(100_000, 10_000)
    for _ in range(100):
        fold.add(show({"text/plain": ""}, id_="x"))
    fold.add(show({"text/plain": "x" * 10_000}, "update_display_data", "x"))
    assert fold.over == "bytes"
    assert len(json.dumps(fold.outputs())) < 200_000


def test_what_is_cleared_again_counts_too():
    fold = OutputFold(10_000, 1000)
    for _ in range(100):
        fold.add(stream("x" * 900))
        fold.add(clear(wait=False))
    assert fold.over == "bytes"


@pytest.mark.parametrize(
    "messages",
    [
        lambda: (stream("x", ("stdout", "stderr")[n % 2]) for n in range(60_000)),
        lambda: (stream("x") for _ in range(60_000)),
        lambda: (show({"application/json": [[] for _ in range(1000)]}) for _ in range(100)),
        lambda: (show({f"application/x{n}": "" for n in range(500)}) for _ in range(50)),
        lambda: ({"msg_type": "error", "content": {"traceback": [""] * 3000}} for _ in range(20)),
        lambda: (show({f"{'x' * 90}{n}/\n": 1 for n in range(60)}) for _ in range(900)),
        lambda: (show({"text/plain": ["a"] * 10_000}) for _ in range(900)),
        lambda: (show({}, id_=f"{n}" * 2000) for n in range(900)),
    ],
    ids=["two streams", "one stream", "empty lists", "many kinds", "traceback", "names", "lines", "ids"],
)
def test_memory_is_bounded_whatever_comes(messages):
    """The host holds what a cell shows; a small message may not become much of it."""
    fold = OutputFold(100_000, 1000)
    tracemalloc.start()
    try:
        for message in messages():
            fold.add(message)
        del message
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()
    check_outputs(fold.outputs())


SHOWN = st.dictionaries(
    st.sampled_from(["text/plain", "image/png", "application/json", "application/a+json", "application/json\n"])
    | any_text,
    any_json,
    max_size=3,
)
CONTENT = st.fixed_dictionaries(
    {},
    optional={
        "name": any_json,
        "text": any_json,
        "data": SHOWN | any_json,
        "metadata": any_json,
        "transient": st.fixed_dictionaries({"display_id": any_text}) | any_json,
        "execution_count": any_json,
        "wait": any_json,
        "ename": any_json,
        "evalue": any_json,
        "traceback": st.lists(any_json, max_size=3) | any_json,
    },
)
KINDS = [
    "stream",
    "display_data",
    "execute_result",
    "update_display_data",
    "clear_output",
    "error",
    "status",
    "comm_open",
]
MESSAGES = st.lists(
    st.fixed_dictionaries({"msg_type": st.sampled_from(KINDS), "content": CONTENT})
    | st.fixed_dictionaries({"msg_type": any_json, "content": any_json})
    | any_json,
    max_size=6,
)


@settings(max_examples=150)
@given(MESSAGES, st.integers(1, 3000), st.integers(1, 5))
def test_any_json_at_any_place_makes_valid_outputs(messages, limit_bytes, limit_messages):
    """Code in the sandbox speaks to the host as it likes."""
    fold = OutputFold(limit_bytes, limit_messages)
    for message in messages:
        fold.add(message)
    check_outputs(fold.outputs())
    fold.traceback()


def test_nesting_ends_at_the_same_depth_for_lists_and_objects():
    deep = 1
    for _ in range(DEPTH):
        deep = {"a": deep}
    assert mend_json(deep, 10_000)[0] == deep
    with pytest.raises(ValueError, match="nested deeper"):
        mend_json([deep], 10_000)
