"""Calls: what the model wrote, what is understood, when two are the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.errors import ParseError
from lllm.models import Function, FunctionCall

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def call(raw, name="f"):
    return FunctionCall("1", name, raw)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_arguments_are_what_the_model_wrote(arguments):
    """The text is kept byte for byte, because a server compares it with what it sent."""
    raw = json.dumps(arguments, indent=1, ensure_ascii=False)
    assert (call(raw).arguments, call(raw).raw_arguments, call(raw).fault) == (arguments, raw, "")
    assert call(arguments).arguments == arguments


@pytest.mark.parametrize("raw", ["", "  \n"])
def test_no_text_is_no_arguments(raw):
    """Several servers send nothing for a function without parameters."""
    assert (call(raw).arguments, call(raw).fault) == ({}, "")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"a": 1', "ends too early"),
        ("{'a': 1}", "syntax error in line 1, column 2"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ('{"a": 1e999}', "1e999 is too large"),
        ('{"a": ' + "9" * 5000 + "}", "too long"),
        ('{"a": 1, "a": 2}', 'the key "a" stands twice'),
        ("[" * 100_000, "nested deeper"),
        ('{"a":' * 201 + "1" + "}" * 201, "nested deeper than 200 levels"),
        ('{"a":' + "[" * 200 + "]" * 200 + "}", "nested deeper than 200 levels"),
        ('["a"]', 'must be a JSON object, got: ["a"]'),
        ('"{}"', "must be a JSON object"),
        ("null", "must be a JSON object"),
        ("\ud800", "syntax error"),
        ("{" + "x" * 10_000_000, "syntax error"),
    ],
    ids=range(15),
)
def test_what_is_no_json_object_is_a_fault_that_the_model_reads(raw, said):
    """Bad arguments are the model's to mend, never a crash, and their error is short however long they are."""
    bad = call(raw)
    assert bad.arguments == {}
    assert said in bad.fault
    assert len(bad.fault) < 500
    with pytest.raises(ParseError) as error:
        Function("f").bind(bad)
    assert str(error.value) == bad.fault


def test_two_hundred_levels_are_not_too_deep():
    """The limit is where it is said to be, also for a wide value with many brackets."""
    assert call('{"a":' * 200 + "1" + "}" * 200).fault == ""
    assert call(json.dumps({"rows": [[{}]] * 500})).fault == ""


def test_the_same_call_is_one_with_the_same_name_and_arguments():
    """Order of keys and white space are not a difference; an id is not one either."""
    first = FunctionCall("1", "f", '{"a": 1, "b": [2]}')
    assert first.equals(FunctionCall("2", "f", '{"b":[2],"a":1}'))
    assert FunctionCall("2", "f", '{"b":[2],"a":1}').equals(first)
    assert first.equals(FunctionCall("2", "f", first.raw_arguments))
    assert first.is_repeated([call("{}"), FunctionCall("2", "f", '{"b":[2],"a":1}')])
    assert not first.is_repeated([call("{}")])
    assert not first.is_repeated([])


@pytest.mark.parametrize(
    ("one", "other"),
    [('{"a": 1}', '{"a": true}'), ('{"a": 1}', '{"a": 2}'), ('{"a": [0]}', '{"a": [false]}'), ("{", "{}"), ("{", "[")],
)
def test_other_arguments_are_another_call(one, other):
    """1 is not true, although Python says so; broken arguments are like nothing but themselves."""
    assert not call(one).equals(call(other))
    assert not call(other).equals(call(one))


def test_another_function_is_another_call():
    """Arguments alone say nothing."""
    assert not call("{}", "f").equals(call("{}", "g"))
    assert not call('{"a":1}', "f").equals(call('{ "a":1}', "g"))
    assert call("{").equals(call("{"))


def test_an_answered_call_keeps_what_was_asked():
    """Asked and answered are two values; the first stays as it was."""
    asked = call('{"a":1}')
    done = asked.answered([1], "[1]")
    assert (done.id, done.name, done.raw_arguments, done.arguments, done.fault) == ("1", "f", '{"a":1}', {"a": 1}, "")
    assert (done.result, done.result_str, done.error_message, done.success) == ([1], "[1]", "", True)
    assert (asked.result, asked.result_str, asked.success) == (None, "", False)
    assert not asked.answered(None, "Error: x", "x").success


def test_calls_compare_by_all_their_facts():
    """Messages that hold equal calls are equal."""
    asked = call('{"a":1}')
    assert asked == call('{"a":1}')
    assert hash(asked) == hash(call('{"a":1}'))
    assert len({asked, call('{"a":1}'), call('{"a":2}')}) == 2
    for other in (
        call('{"a": 1}'),
        call('{"a":1}', "g"),
        asked.answered(1, "1"),
        FunctionCall("2", "f", '{"a":1}'),
        "f",
    ):
        assert asked != other
    assert asked.answered(1, "1") != asked.answered(2, "1")
    assert asked.answered(None, "x", "x") != asked.answered(None, "x", "y")


def test_the_repr_says_who_is_asked_what():
    """A list of calls in a debugger must be readable, whatever their size."""
    assert repr(call('{"a":1}')) == "FunctionCall('1', f({\"a\":1}))"
    assert repr(call('{"a":1}').answered(1, "one")) == "FunctionCall('1', f({\"a\":1}) -> 'one')"
    assert len(repr(FunctionCall("1", "f", "x" * 10**6, result_str="y" * 10**6))) < 300
