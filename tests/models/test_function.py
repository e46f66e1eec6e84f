"""Functions: declared, linked, run; what the model reads of their results."""

import datetime as dt
import json
import math
import re
from dataclasses import dataclass, field
from enum import Enum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from lllm.errors import ConfigError, FunctionError, ParseError
from lllm.models import Function, FunctionCall
from lllm.models.function import MAX_RESULT_CHARS, as_function, fail
from lllm.models.plain import to_data, to_plain

CALL = FunctionCall("1", "f", "{}")


class Shop(BaseModel):
    name: str
    opened: dt.date = dt.date(2020, 1, 2)


@dataclass
class Point:
    x: int
    tags: list = field(default_factory=list)


class Color(Enum):
    RED = "red"


class Size(StrEnum):
    BIG = "big"


class Loud:
    def __str__(self):
        return "LOUD"


class Broken:
    def __str__(self):
        raise RuntimeError("no text")


class BrokenDump(BaseModel):
    def model_dump(self, **_):
        raise AttributeError("no dump")


def returns(value, **options):
    """Return the answered call of a function that returns ``value``."""
    return Function("f", function=lambda: value, **options)(CALL)


# --- declaring ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["f", "get_weather", "get-weather-2", "A" * 64, "7"])
def test_names_that_servers_take(name):
    """64 letters, digits, underscores and dashes, as the wire formats say."""
    assert Function(name).name == name


@pytest.mark.parametrize("name", ["", "a b", "a.b", "é", "A" * 65, "f\n", "../f", "٣"])
def test_other_names_are_refused_before_a_server_does(name):
    """The server's error would come at the first call, and name no line."""
    with pytest.raises(ConfigError, match="is no function name"):
        Function(name)


def test_a_declared_function_is_linked_once():
    """Two callables behind one name is a bug of the project; the same one twice is a reload."""
    made = Function("f", "Do it.", {"x": {"type": "integer"}})
    assert not made.linked
    with pytest.raises(ConfigError, match="has no callable") as error:
        made(CALL)
    assert error.value.hint == "link one with link_function"
    assert made.link_function(abs) is made
    assert made.linked
    made.link_function(abs)
    with pytest.raises(ConfigError, match="'f' is linked already, to <built-in function abs>"):
        made.link_function(len)
    assert made.function is abs


def test_linking_keeps_the_declared_schema():
    """What was declared is what the model was told."""
    made = Function("f", "", {"x": {"type": "integer"}}, required=["x"]).link_function(lambda x: x)
    assert made(FunctionCall("1", "f", '{"x": 2}')).result == 2
    assert made(FunctionCall("1", "f", '{"x": "2"}')).error_message == 'x: expected integer, got text ("2")'


def test_options_are_kept():
    """The driver reads them."""
    made = Function.from_callable(len, name="f", timeout_s=2.0, repeatable=True, allow_repeat=True, strict=True)
    assert (made.timeout_s, made.repeatable, made.allow_repeat, made.strict) == (2.0, True, True, True)
    plain = Function("f")
    assert (plain.timeout_s, plain.repeatable, plain.allow_repeat, plain.strict) == (None, False, False, False)
    assert repr(plain) == "<Function f>"


def test_a_callable_becomes_a_function_and_a_function_stays_one():
    """A prompt's list may hold both."""

    def shout(text: str):
        return text.upper()

    made = as_function(shout)
    assert as_function(made) is made
    assert made(FunctionCall("1", "shout", {"text": "a"})).result_str == "A"
    with pytest.raises(ConfigError, match="'shout' is neither a Function nor a callable"):
        as_function("shout")


# --- running --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "result", "text"),
    [
        ("text", "text", "text"),
        ("", "", '""'),
        ("{not json}", "{not json}", "{not json}"),
        (5, 5, "5"),
        (True, True, "true"),
        (None, None, "null"),
        ([1, "é", None], [1, "é", None], '[1,"\\u00e9",null]'),
        ((1, 2), [1, 2], "[1,2]"),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, '{"a":{"b":1}}'),
        ({1: "a"}, {"1": "a"}, '{"1":"a"}'),
        (Shop(name="x"), {"name": "x", "opened": "2020-01-02"}, '{"name":"x","opened":"2020-01-02"}'),
        ([Shop(name="x")], [{"name": "x", "opened": "2020-01-02"}], '[{"name":"x","opened":"2020-01-02"}]'),
        (Point(1, ["a"]), {"x": 1, "tags": ["a"]}, '{"x":1,"tags":["a"]}'),
        ({"at": dt.date(2020, 1, 2)}, {"at": "2020-01-02"}, '{"at":"2020-01-02"}'),
        (dt.date(2020, 1, 2), "2020-01-02", "2020-01-02"),
        ({3, 1, 2}, [1, 2, 3], "[1,2,3]"),
        (frozenset({"b", "a"}), ["a", "b"], '["a","b"]'),
        (b"\xff", "b'\\xff'", "b'\\xff'"),
        (Loud(), "LOUD", "LOUD"),
        ([Loud()], ["LOUD"], '["LOUD"]'),
        (Color.RED, "Color.RED", "Color.RED"),
        (Size.BIG, "big", "big"),
        (Point, str(Point), str(Point)),
        (Shop, str(Shop), str(Shop)),
        ("\ud800", "\ud800", "\ud800"),
        (["\ud800"], ["\ud800"], '["\\ud800"]'),
        (math.nan, "nan", "nan"),
        ([math.inf], "[inf]", "[inf]"),
        ({(1, 2): 3}, "{(1, 2): 3}", "{(1, 2): 3}"),
        (Broken(), "<Broken that cannot be shown: RuntimeError>", "<Broken that cannot be shown: RuntimeError>"),
        ([BrokenDump()], "[BrokenDump()]", "[BrokenDump()]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_result_becomes_plain_data_and_text(value, result, text):
    """The log holds plain data, the model reads text, and no return value breaks either."""
    done = returns(value)
    assert (done.result, done.result_str, done.success) == (result, text, True)
    assert type(done.result) is type(result) or value is Size.BIG


def test_a_cycle_is_shown_as_python_shows_it():
    """A structure that holds itself has no JSON."""
    loop = [1]
    loop.append(loop)
    assert returns(loop).result_str == "[1, [...]]"


def test_a_result_that_is_nested_too_deep_is_named():
    """Neither JSON nor ``str`` can walk it; the call goes on."""
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert returns(deep).result_str == "<list that cannot be shown: RecursionError>"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_plain_data_is_always_json_and_stays_what_it_is(value):
    """What is logged and read back is logged alike."""
    plain, text = to_plain(value)
    assert isinstance(text, str)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert to_plain(plain) == (plain, text)


def test_what_differs_from_run_to_run_is_no_data():
    """A step's value is compared in a replay; an address in it would never be the same."""
    assert to_data({"at": Point(1, ["a"]), "seen": {2, 1}}) == {"at": {"x": 1, "tags": ["a"]}, "seen": [1, 2]}
    with pytest.raises(TypeError):
        to_data({"thing": object()})


def test_a_hundred_megabytes_are_cut_and_the_model_is_told():
    """A context window is smaller than a disk."""
    done = returns("x" * 100_000_000)
    assert done.result == done.result_str
    assert done.result_str == "x" * MAX_RESULT_CHARS + "\n[cut: 100000 of 100000000 characters]"
    assert returns("x" * MAX_RESULT_CHARS).result_str == "x" * MAX_RESULT_CHARS
    assert returns(["x" * 200_000]).result.endswith("[cut: 100000 of 200004 characters]")


def test_a_processor_writes_what_the_model_reads():
    """The log keeps the result as data; the text is the author's."""
    done = returns({"a": 1}, processor=lambda result, call: f"{call.name}: {result['a']}")
    assert (done.result, done.result_str) == ({"a": 1}, "f: 1")
    assert returns(1, processor=lambda *_: "").result_str == '""'


@pytest.mark.parametrize(
    ("processor", "said"),
    [
        (lambda *_: 5, "TypeError: the processor of 'f' returned int, not str"),
        (lambda *_: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_processor_that_fails_is_a_failed_call(processor, said):
    """The model reads that something went wrong, not half a result."""
    assert returns(1, processor=processor).error_message == said


class BrokenError(Exception):
    def __str__(self):
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no such city"), "ValueError: no such city"),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError(), "RuntimeError: "),
        (FunctionError("full"), "FunctionError: full"),
        (ParseError("name a city"), "name a city"),
        (ParseError(""), "ParseError"),
        (BrokenError(), "BrokenError: <BrokenError that cannot be shown: ValueError>"),
        (RuntimeError("\ud800"), "RuntimeError: \ud800"),
    ],
    ids=range(8),
)
def test_what_a_function_raises_is_what_the_model_reads(error, said):
    """A failed function is a fact for the model, not the end of the call."""

    def go():
        raise error

    done = Function("f", function=go)(CALL)
    assert (done.result, done.result_str, done.error_message, done.success) == (None, f"Error: {said}", said, False)


def test_an_error_of_any_length_is_cut():
    """An exception may carry a whole page."""
    assert len(fail(CALL, ValueError("x" * 10**7)).error_message) == MAX_RESULT_CHARS


def test_bad_arguments_are_a_result_and_nothing_runs():
    """The model mends its call."""
    ran = []

    def go(x):
        ran.append(x)

    made = Function.from_callable(go, name="f")
    assert "not valid JSON" in made(FunctionCall("1", "f", "{")).error_message
    assert made(FunctionCall("1", "f", "{}")).error_message.startswith("x: expected a value")
    assert ran == []


def test_an_async_function_is_not_run_without_a_loop():
    """A coroutine that nobody awaits would be a result that looks like one."""

    async def later():
        return 1

    with pytest.raises(ConfigError, match="function 'later' is async"):
        Function.from_callable(later)(FunctionCall("1", "later", ""))


def test_what_is_async_is_known_of_every_callable():
    """Where there is a loop, the others run in threads."""

    async def later():
        return 1

    class Later:
        async def __call__(self):
            return 1

    async_ones = [later, Later()]
    assert [Function("f", function=one).is_async for one in [*async_ones, int, lambda: 1]] == [True, True, False, False]


def test_a_key_of_its_own_is_a_parameter():
    """Else the key that makes it safe to repeat would go nowhere."""

    def pay(cents: int, key: str):
        return cents, key

    assert list(Function.from_callable(pay, idempotent="key").signature.parameters["properties"]) == ["cents"]
    with pytest.raises(ConfigError, match="function 'pay' has no parameter 'token' for its key"):
        _ = Function.from_callable(pay, idempotent="token").signature


def test_an_interrupt_is_no_result():
    """Ctrl-C ends the program, whatever runs."""

    def go():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Function("f", function=go)(CALL)


def test_a_schema_is_read_once():
    """It costs a millisecond."""
    made = Function.from_callable(lambda x: x, name="f")
    assert made.signature is made.signature
    assert re.match("Function|<", repr(made))
